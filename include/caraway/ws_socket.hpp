// ws_socket.hpp - a WebSocket (RFC 6455) over any byte stream: the handshake, messages both ways,
// the close handshake.
//
// A socket owns the stream below it. It is a message_stream with two kinds of messages, text and
// binary; pings are answered, fragments put together and rules enforced out of sight. A silent peer
// is asked for a sign of life and given up without one (limits::keepalive). All that also happens
// while nobody is in recv(): then one message is read ahead.
//
//     auto ws = ws::attach_client(tcp::connect("127.0.0.1", 8080), {.host = "127.0.0.1:8080"}, 5s);
//     ws.send("Hello, world!");
//     while (auto m = ws.recv(5s)) std::cout << m->text() << "\n";
//
// One coroutine at a time may receive (a second gets EBUSY); any number may send, first come, first
// served, each message whole, while another receives. A receive that timed out or was cancelled has
// lost nothing: call again. A send that timed out or was cancelled has put nothing of its message
// into the stream, one that succeeded has put in all of it; it reaches the kernel at the latest
// when the coroutine next blocks or yields, so many small messages of one turn leave in one system
// call.
//
// A conversation that is over, because both close frames have passed or it failed, is still to be
// closed. If that does not happen within half a second the socket closes the stream below by itself,
// as the RFC demands (5.5.1), unless its keepalive is off: receives and close() say the same as
// before.
//
// Errors of every call, unless said otherwise:
//   ETIMEDOUT, ECANCELED   the deadline came; the coroutine is or was cancelled, or the socket
//                          aborted
//   errc::peer_closed      the peer closed with a code that is not 1000, 1001 or none;
//                          close_code() and close_reason() say more
//   errc::end_of_stream    the transport ended without a close frame, over TLS with or without a
//                          close_notify; close_code() is 1006
//   errc::protocol         the peer broke the rules, or sent text that is not UTF-8; it was told
//                          1002 or 1007
//   errc::message_too_big  the peer passed a limit; it was told 1009
//   errc::policy_violation
//                          it sent more control frames in a second than limits::control_frames; it
//                          was told 1008
//   errc::keepalive        the peer gave no sign of life for too long (limits::keepalive); the
//                          connection was reset
//   errc::idle             no message went either way for too long (limits::idle); the peer was told
//                          1001
//   errc::closed           this side has sent its close frame, or the socket was closed, aborted
//                          or detached
//   ECONNRESET, ENOMEM     the transport broke (over TLS a code of TLS may say how; close_code() is
//                          1006); no memory
// A conversation that has failed or was ended says so in every later call.
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "caraway/byte_stream.hpp"
#include "caraway/http_head.hpp"
#include "caraway/message_stream.hpp"
#include "caraway/ws_deflate.hpp"
#include "caraway/ws_frame.hpp"
#include "caraway/ws_handshake.hpp"
#include "caraway/ws_meter.hpp"
#include "caraway/ws_prepared.hpp"

namespace caraway::ws {

// A message as it was received. The bytes stay in place until the next receive, the close or the
// end of the socket.
struct message {
  message_type type = message_type::binary;
  bytes data;

  bool is_text() const noexcept { return type == message_type::text; }
  std::size_t size() const noexcept { return data.size(); }
  std::string_view text() const noexcept { return as_text(data); }
  std::string str() const { return std::string(text()); }
};

// Some bytes of a message, in the order in which they came. Text may be cut within a character. The
// bytes stay in place as those of a message do.
struct part {
  message_type type = message_type::binary;
  bytes data;
  bool first = true;  // of its message
  bool last = true;
};

// What recv_into() received.
struct received {
  message_type type = message_type::binary;
  std::size_t size = 0;
};

// How long a pong took to come.
struct round_trip {
  nanoseconds last{};
  nanoseconds smoothed{};  // as TCP smooths its own: an eighth of each new one
};

// What was sent and has not left.
struct backlog {
  std::size_t bytes = 0;    // held back, because the peer is slow to receive
  std::size_t senders = 0;  // in the middle of a message, or waiting for their turn
};

// A client that asks to be let in, as server_options::admit sees it; of use only within the call.
struct applicant {
  const http::request_head& request;
  // The stream it has come by, not to be read or written: a tls::stream knows its certificate, and
  // peer_address() of ws.hpp where it is.
  byte_stream& stream;
};

// What a client that is let in gets.
struct acceptance {
  // Further fields of this answer, behind those of the options: Set-Cookie, say.
  http::field_list headers = {};
  // One that the client offers, or none (""); if it is not set, server_options::subprotocols choose.
  std::optional<std::string> subprotocol = std::nullopt;
};

struct server_options {
  // What this server speaks, the one liked best first. The client's offer decides whether any is
  // used.
  std::vector<std::string> subprotocols;
  // Further fields of the answer 101.
  http::field_list headers;
  // Pages of these origins may connect ("https://example.com", "https://*.example.com:*", "*": see
  // ws_origin.hpp), besides those of the same host: the one in the Host field. Behind a proxy that
  // puts a name of its own there (nginx, unless told otherwise), the origins that browsers see have
  // to be named here. Requests without an Origin field, which do not come from a page, are always
  // let through; one with several is refused.
  std::vector<std::string> origins;
  // Sees the request before the upgrade, once it has passed every other check, and may answer
  // something else: a response refuses the upgrade. May block, within the time that the
  // handshake has left: its blocking calls fail with ETIMEDOUT then. What it throws comes out of
  // attach_server(), and the client is told 500; so it is if the response has a status below 200 or
  // cannot be sent.
  std::function<std::optional<http::response>(const http::request_head&)> decide;
  // The same, asked after it, for servers that want to see more of the client or give it something:
  // a response, as std::unexpected, refuses. If what it grants cannot be sent, the client is told
  // 500.
  //
  //     options.admit = [](const ws::applicant& a) -> std::expected<ws::acceptance, http::response> {
  //       if (!is_member(a.request)) return std::unexpected(ws::refusal(401, "Members only.\n"));
  //       return ws::acceptance{.headers = {{"Set-Cookie", "session=" + new_session()}}};
  //     };
  std::function<std::expected<acceptance, http::response>(const applicant&)> admit = nullptr;
  ws::limits limits;
  handshake_limits handshake = {};
  // Compression to agree to if the client offers it. Nothing: none is.
  std::optional<deflate_options> deflate = std::nullopt;
  // Where the sockets count, instead of their thread's meter (a server: its own); who hears of them.
  std::shared_ptr<ws::meter> meter = nullptr;
  std::shared_ptr<ws::observer> observer = nullptr;
};

// Thrown when a server answers the handshake with something else than an upgrade.
class refused : public error {
 public:
  explicit refused(http::response answer);
  // Status, fields and up to 64 KiB of the body.
  const http::response& response() const noexcept { return *response_; }

 private:
  std::shared_ptr<const http::response> response_;
};

class socket final : public message_stream {
 public:
  // A socket that is closed.
  socket() noexcept;
  socket(socket&& other) noexcept;
  socket& operator=(socket&& other) noexcept;
  // Ends without a close frame: the stream below is destroyed, the peer sees 1006. Nobody may be
  // blocked on the socket.
  ~socket() override;

  // Receiving

  // Blocks for the next message; nothing once the peer has closed in the normal way (1000, 1001 or
  // no code). EBUSY if another coroutine receives.
  result<std::optional<message>> try_receive(deadline dl);
  std::optional<message> recv(deadline dl = never) {
    return value_or_raise(try_receive(dl), "receive");
  }

  // The same into `into`, a large message straight from the transport, or inflated there. EMSGSIZE if
  // `into` is too small: the message stays and can be received with more room, next_size() says how
  // much. After every error the content of `into` is of no use; what came of a message before
  // ETIMEDOUT or ECANCELED is kept elsewhere, and the next call may use other memory.
  result<std::optional<received>> try_receive_into(mutable_bytes into, deadline dl);
  std::optional<received> recv_into(mutable_bytes into, deadline dl = never) {
    return value_or_raise(try_receive_into(into, dl), "receive");
  }
  // Blocks for some more of a message, at least one byte of it unless it is the last part: however
  // large the message (limits::message has to allow it), no more than a mebibyte is held. What is
  // already there comes at once, so a small message, or one that was read ahead, is one part. The
  // other receives fail with EINVAL until the last part or the end of the conversation; the socket
  // reads nothing ahead meanwhile.
  // Nothing when the peer has closed, as above.
  result<std::optional<part>> try_receive_part(deadline dl);
  std::optional<part> recv_part(deadline dl = never) {
    return value_or_raise(try_receive_part(dl), "receive");
  }

  // The size of the message that was too big for try_receive_into(); 0 if none waits.
  std::size_t next_size() const noexcept;

  // As message_stream has it: errc::end_of_stream once the peer has closed in the normal way, also
  // with close_code() 1000; type() says which type it was.
  result<bytes> try_recv(deadline dl) override;
  result<std::size_t> try_recv_into(mutable_bytes into, deadline dl) override;
  result<std::size_t> try_skip(deadline dl) override;
  // The type of the message received last.
  message_type type() const noexcept;

  // Sending

  // Sends one message made of `ps`, in order. Text must be UTF-8. Blocks while too much is held
  // back (limits::held_back) and while other senders are before. All or nothing; a message of more
  // than limits::fragment bytes goes in several frames, and if its sender may not wait for the last
  // of them, the rest is copied and follows by itself, unless the conversation ends before: the
  // answer to the peer's close frame does not wait for it.
  result<void> try_send(message_type type, parts ps, deadline dl);
  // The same with the type that was set last, binary at first.
  result<void> try_send(parts ps, deadline dl) override;
  // One that was framed before, for many sockets; compressed where that was agreed on.
  result<void> try_send(const prepared& m, deadline dl);
  void set_type(message_type type) noexcept;

  void send(std::string_view text, deadline dl = never) {
    send_one(message_type::text, as_bytes(text), dl);
  }
  void send(const char* text, deadline dl = never) { send(std::string_view(text), dl); }
  void send(bytes data, deadline dl = never) { send_one(message_type::binary, data, dl); }
  void send(const message& m, deadline dl = never) { send_one(m.type, m.data, dl); }
  void send(message_type type, parts ps, deadline dl = never) {
    value_or_raise(try_send(type, ps, dl), "send");
  }

  void send(const prepared& m, deadline dl = never) { value_or_raise(try_send(m, dl), "send"); }

  // Sends one message in pieces of unknown number, each in a frame of its own or, beyond
  // limits::fragment bytes, in several; control frames pass between. A piece is all or nothing: after
  // ETIMEDOUT the message goes on with the same piece or another. After any other failure, such as
  // ECANCELED, it is given up as by cut_off(). EINVAL: no message has begun, or one has and this is
  // the coroutine that began it.
  // Other senders wait until try_end(), cut_off() or the end of the conversation: whoever leaves
  // without any of them leaves them waiting. ws::writer (ws_writer.hpp) does not.
  result<void> try_begin(message_type type, deadline dl);
  result<void> try_send_part(bytes piece, deadline dl);
  result<void> try_end(deadline dl);
  void begin(message_type type, deadline dl = never) {
    value_or_raise(try_begin(type, dl), "send");
  }
  void send_part(bytes piece, deadline dl = never) {
    value_or_raise(try_send_part(piece, dl), "send");
  }
  void end(deadline dl = never) { value_or_raise(try_end(dl), "send"); }
  // Gives up the message in pieces, if there is one. If nothing of it is in the stream, it has never
  // begun. Else the peer must not take it for a whole one, and the conversation ends: the close frame
  // goes out with 1011, receiving goes on until the peer's answer. Does not block.
  void cut_off() noexcept;

  // Sends a ping; its pong is received out of sight. EINVAL: more than 125 bytes. All or nothing.
  result<void> try_ping(bytes payload, deadline dl);
  void ping(bytes payload = {}, deadline dl = never) {
    value_or_raise(try_ping(payload, dl), "ping");
  }

  // Sends a ping and blocks until it is answered: how long that took. A pong is heard whoever
  // receives; where nobody does, a tenth of a second later, unless a message waits to be received.
  // Without a payload the ping gets a random one, so that no other ping's pong is taken for its own.
  // EINVAL as above. ETIMEDOUT, ECANCELED: the ping may be on its way. errc::closed, the failure of
  // the conversation or ECONNRESET: it ended before the pong came, whoever ended it.
  result<nanoseconds> try_probe(bytes payload, deadline dl);
  nanoseconds probe(bytes payload = {}, deadline dl = never) {
    return value_or_raise(try_probe(payload, dl), "probe");
  }

  // Blocks until everything that was sent is with the kernel.
  result<void> try_flush(deadline dl) override;

  // Ending

  // How long the convenient forms of close() wait for the peer.
  static constexpr std::chrono::seconds close_patience{5};

  // Sends the close frame; receiving goes on until the peer's answer. A message of several frames
  // that is being sent goes out whole before, one in pieces is cut off; no other begins. Code 1005
  // sends a frame without code, then `reason` must be empty. Blocks while too much is held back.
  // EINVAL: a code that may not be sent, a reason of more than 123 bytes or not UTF-8. errc::closed
  // the second time. ETIMEDOUT, ECANCELED: the frame goes out by itself as soon as there is room.
  result<void> try_done(std::uint16_t code, std::string_view reason, deadline dl);

  // The close handshake (7.1): sends the close frame, as above, unless that has happened, drops
  // messages until the peer's comes, closes what is below. Blocks until then, whatever the peer sends
  // meanwhile. A client gives the server a second to end the transport first (7.1.1), then does.
  // If another coroutine receives, that one gets the messages and the peer's answer. The socket is
  // closed in every case, save EINVAL, as in try_done(). ETIMEDOUT, ECANCELED, errc::end_of_stream
  // and the like: the peer did not answer as it should, the connection was reset.
  result<void> try_close(std::uint16_t code, std::string_view reason, deadline dl);
  result<void> try_close(deadline dl) override { return try_close(ws::close_code::normal, {}, dl); }
  void close() { close(ws::close_code::normal); }
  void close(deadline dl) { close(ws::close_code::normal, {}, dl); }
  void close(std::uint16_t code, std::string_view reason = {}, deadline dl = close_patience) {
    value_or_raise(try_close(code, reason, dl), "close");
  }

  // The same, but gives the stream below back, exactly behind the peer's close frame. On failure it
  // is reset and gone, save EINVAL. EBUSY: another coroutine receives or is in the middle of
  // sending. errc::closed: also half a second after the conversation was over, see above.
  result<stream_ptr> try_detach(std::uint16_t code, std::string_view reason, deadline dl);
  stream_ptr detach(std::uint16_t code = ws::close_code::normal, std::string_view reason = {},
                    deadline dl = close_patience) {
    return value_or_raise(try_detach(code, reason, dl), "detach");
  }

  // Resets the connection. Whoever is blocked on the socket gets ECANCELED. Does not block.
  void abort() noexcept override;

  // What is known

  // True until a close frame was sent or received or something broke, as far as a call has found
  // that, or the keepalive, which receives where nobody does.
  bool is_open() const noexcept;
  // True once the peer's close frame has come.
  bool peer_has_closed() const noexcept;
  // The code of the peer's close frame: 1005 if it had none, 1006 as long as there was no frame.
  std::uint16_t close_code() const noexcept;
  std::string_view close_reason() const noexcept;

  // What was sent and has not left yet.
  backlog pending() const noexcept;

  // How long pings took to be answered, those of the keepalive too; nothing before the first pong.
  std::optional<round_trip> round_trip_time() const noexcept;

  // What it has carried so far; after the end in all.
  const ws::traffic& carried() const noexcept;

  ws::role role() const noexcept;
  // What both agreed on in the handshake; empty for none.
  std::string_view subprotocol() const noexcept;
  // What both agreed on about compression, seen from here; nothing if messages go uncompressed.
  const std::optional<deflate_options>& deflate() const noexcept;
  // The head of the client's request, on a server; of no content elsewhere.
  const http::request_head& request() const noexcept;
  // The head of the server's answer, on a client; of no content elsewhere.
  const http::response_head& response() const noexcept;
  // The stream below: for its address, say. nullptr once the socket is closed. Do not read or write
  // it.
  byte_stream* stream() const noexcept;

 private:
  struct impl;
  explicit socket(std::unique_ptr<impl> i) noexcept;
  void send_one(message_type type, bytes data, deadline dl);
  friend struct socket_access;

  std::unique_ptr<impl> impl_;
};

// Makes a socket on top of `under`, as the client. Blocks for the handshake, at most as long as
// `options.handshake` says. Takes over `under`; on failure it is closed. EINVAL: options that cannot
// be sent, a number out of its range;
// errc::handshake_refused: the server answered with another status than 101: `refusal`, unless
// nullptr, is its answer with up to 64 KiB of the body; errc::protocol: the answer is malformed or
// wrong; errc::message_too_big: its head is over what `options.handshake` allows;
// errc::end_of_stream, ECONNRESET, ETIMEDOUT, ECANCELED, ENOMEM.
result<socket> try_attach_client(stream_ptr under, const client_options& options, deadline dl,
                                 http::response* refusal = nullptr);

// The same as the server: waits for the request, checks it, answers it. A request that is not
// upgraded has been answered (400, 403, 405, 426, 431 or what `decide` or `admit` said; 408, which
// takes up to a second more) and `under` closed. EINVAL: options, or what `admit` has granted, that
// cannot be sent or were not offered (the client was told 500), a number in `deflate` or `handshake`
// out of its range; errc::protocol: the request was malformed or no proper upgrade;
// errc::handshake_refused: `decide`, `admit` or the origin check refused it; others as above.
result<socket> try_attach_server(stream_ptr under, const server_options& options, deadline dl);

// A socket on a stream that needs no handshake, or has had it, with what was agreed on in it about
// compression. Does not block. ENOMEM.
result<socket> try_attach_without_handshake(stream_ptr under, role as, const limits& l = {},
                                            const std::optional<deflate_options>& deflate = {});

// The same, failing by exception: ws::refused where the server refused, else as everywhere.
socket attach_client(stream_ptr under, const client_options& options, deadline dl = never);
socket attach_server(stream_ptr under, const server_options& options = {}, deadline dl = never);
socket attach_without_handshake(stream_ptr under, role as, const limits& l = {},
                                const std::optional<deflate_options>& deflate = {});

}  // namespace caraway::ws
