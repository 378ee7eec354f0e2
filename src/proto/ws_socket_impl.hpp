// ws_socket_impl.hpp - what is behind a ws::socket.
//
// The connection (a codec) knows the rules; this drives it over a stream. Three places can be
// occupied, each by one coroutine at a time:
//
//   receiving    who is in a receive, or in the draining part of close
//   sending      who sends a message; taken from its first to its last piece
//   controlling  who moves what the connection has to say by itself (pongs, the close frame) into
//                the stream, which may happen between two frames of a message
//
// A frame goes into the stream by one write, so frames never mix. Nobody holds `controlling` while
// waiting for anything but the stream.
//
// What has to happen while nobody is in a call is done by helpers: short-lived coroutines that an
// alarm starts (ws_socket_keeping.cpp). The last of them leaves before the socket goes.
//
// ws_socket_receiving.cpp, ws_socket_sending.cpp and ws_socket_ending.cpp have a part each; what the
// connection says by itself is in ws_socket_impl.cpp.
#pragma once

#include <array>
#include <cerrno>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "caraway/byte_stream.hpp"
#include "caraway/ws_connection.hpp"
#include "caraway/ws_observer.hpp"
#include "caraway/ws_prepared.hpp"
#include "caraway/ws_socket.hpp"
#include "io/outgoing.hpp"
#include "proto/turn.hpp"
#include "proto/ws_liveness.hpp"
#include "proto/ws_round_trips.hpp"
#include "runtime/scheduler.hpp"

namespace caraway::ws {

// The same call may succeed later.
inline bool is_transient(std::error_code code) noexcept {
  return code == std::errc::timed_out || code == std::errc::operation_canceled;
}

// Nothing comes out of a stream any more that has failed so, or nothing goes in.
inline bool is_broken(std::error_code code) noexcept {
  return !is_transient(code) && code != std::errc::not_enough_memory &&
         code != std::errc::no_buffer_space && code != std::errc::device_or_resource_busy;
}

struct socket::impl final : private runtime::alarm {
  impl(stream_ptr lower, ws::role as, const ws::limits& l,
       const std::optional<deflate_options>& agreed);
  ~impl();

  // Receiving. What is shown stays until the next call of any of these. A message that has to be put
  // together is put together in `into`, if that is large enough.
  result<std::optional<message>> receive(deadline dl, mutable_bytes into = {});
  result<std::optional<part>> receive_part(deadline dl);
  // The state of the conversation as the result of a receive, once it is over.
  result<std::optional<message>> verdict() const noexcept;

  // Sending.
  backlog pending() noexcept;
  result<void> send(const prepared& m, deadline dl);
  result<void> send(message_type type, parts ps, deadline dl);
  result<void> begin(message_type type, deadline dl);
  result<void> send_part(bytes piece, deadline dl);
  result<void> end(deadline dl);
  void cut_off() noexcept;
  result<void> ping(bytes payload, deadline dl);
  result<nanoseconds> probe(bytes payload, deadline dl);
  result<void> flush(deadline dl);

  // Ending.
  result<void> done(std::uint16_t code, std::string_view reason, deadline dl);
  result<void> close(std::uint16_t code, std::string_view reason, deadline dl);
  result<stream_ptr> detach(std::uint16_t code, std::string_view reason, deadline dl);
  void abort() noexcept;
  // Whether messages may be sent.
  bool is_open() const noexcept {
    return !ended && conn.is_open() && !farewell_ && !transport_failure_;
  }

  // Makes what a call failed with say why, if the socket ended by itself.
  template <class T>
  void explain(result<T>& r) const noexcept {
    if (!r && (why_ended_ || gone)) [[unlikely]]
      r.error() = reason_for(r.error());
  }
  // Watching (ws_socket_watching.cpp): the conversation has begun, and is counted and observed from
  // now on.
  void begin_watch(std::shared_ptr<ws::meter> meter,
                   std::shared_ptr<ws::observer> observer) noexcept;
  void note_sent(message_type type, std::uint64_t size) noexcept {
    count(&traffic::messages_sent, &traffic::bytes_sent, size);
    if (observer_) [[unlikely]]
      observer_->sent(about(), type, size);
  }

  // A message has come in whole, and nobody gets it.
  void note_dropped(std::uint64_t size) noexcept {
    within_message_ = false;
    count(&traffic::messages_dropped, &traffic::bytes_dropped, size);
  }

  // The message that was shown last is not in use any more.
  void forget_shown() noexcept {
    shown_ = false;
    if (shown_in_) shown_in_ = {};
  }
  // `m`, which was shown last, waits to be received again.
  void hold_again(const message& m) noexcept {
    shown_ = false;
    held_in_ = std::exchange(shown_in_, {});
    held = m;
  }

  stream_ptr under;
  connection conn;
  // Closed, aborted or detached: the stream is of no more use.
  bool ended = false;
  // The stream was closed, or is about to be, since the conversation was over and nobody did.
  bool gone = false;
  message_type default_type = message_type::binary;
  message_type last_type = message_type::binary;
  // A message that was too big for its receiver's buffer.
  std::optional<message> held;
  std::string subprotocol;
  std::optional<deflate_options> deflate;
  http::request_head request;
  http::response_head response;
  round_trips pings;
  ws::traffic carried;

 private:
  class receiver;
  class loan;
  class forgetter;
  struct farewell;
  // What a message lies in, apart from where more is received.
  struct keepsake {
    std::unique_ptr<kept_memory> of_stream;
    memory_block of_connection;

    explicit operator bool() const noexcept { return of_stream || of_connection; }
  };
  enum class listener : unsigned char { nobody, caller, closing, stand_in };
  // What a helper does; one of each at a time.
  enum errand : unsigned char {
    ask_for_life,
    stand_in,
    end_it,
    finish_message,
    say_later,
    leaving
  };
  struct helper;

  // How the payload of a frame goes out.
  enum class framing : unsigned char {
    usual,     // compressed if that is agreed on
    plain,     // as it is
    deflated,  // as it is: it was compressed before, and the message begins here
  };
  struct frame_kind {
    opcode op;
    framing how = framing::usual;

    std::byte reserved() const noexcept;
  };
  // A prepared message in one piece.
  struct ready {
    frame_kind kind;
    bytes payload;
  };

  // What those who wait for a pong are woken with when none will come.
  static constexpr int no_more_pongs = EPIPE;

  bool over() const noexcept { return conn.state() >= connection_state::closed; }
  std::error_code failure() const noexcept;
  result<void> enter_receive(deadline dl) noexcept;
  result<std::optional<message>> take_held() noexcept;
  void note_shown(const message& m) noexcept;
  result<void> await_receiver(const char* what, deadline dl) noexcept;
  void wake_waiting_receivers(int code) noexcept;
  result<std::optional<message>> next(deadline dl);
  result<std::optional<message>> next_part(deadline dl);
  part part_of(const message& m) noexcept;
  event look() noexcept;
  void note_progress(const event& e, bool more_came) noexcept;
  result<void> hear(const event& e);
  void control_frame(const event& e) noexcept;
  void drop_used() noexcept;
  result<void> await_more(std::size_t need, deadline dl);
  result<void> answer();
  result<void> say_pending(deadline dl);
  result<void> say_all_pending(deadline dl);
  result<void> write_pending(deadline dl);
  result<void> write(parts frames, deadline dl);
  void note_transport(std::error_code code) noexcept;
  void say_when_there_is_room() noexcept;
  result<void> give_others_a_turn(const event& e) noexcept;

  std::error_code cannot_send() const noexcept;
  result<void> enter_send(deadline dl) noexcept;
  result<ready> made_ready(const prepared& m) noexcept;
  result<void> send_frame(frame_kind kind, bool fin, parts ps, deadline dl);
  result<void> send_plain(frame_kind kind, bool fin, parts ps, deadline dl);
  result<void> send_pieces(bytes header, parts ps, deadline dl);
  result<void> put(parts frame, deadline dl);
  result<void> send_masked(frame_kind kind, bool fin, parts ps, deadline dl);
  result<void> send_deflated(opcode op, bool fin, parts ps, deadline dl);
  void start_forgetting() noexcept;
  result<void> send_piece(bytes piece, bool last, deadline dl);
  result<void> put_piece(bytes piece, bool last, deadline dl);
  result<void> send_short(frame_kind kind, parts ps, deadline dl);
  result<void> send_long(frame_kind first, parts ps, deadline dl);
  result<void> send_split(frame_kind first, bool fin, parts ps, deadline dl);
  result<void> send_fragments(io::outgoing& rest, std::span<bytes> room, frame_kind kind, bool fin,
                              deadline dl);
  result<void> finish_later(io::outgoing& rest) noexcept;
  void send_rest() noexcept;
  void forget_rest() noexcept;
  result<void> await_rest(deadline dl) noexcept;
  void leave_long() noexcept;
  result<void> await_long(deadline dl) noexcept;
  result<std::uint64_t> numbered_ping(bytes payload, deadline dl);
  result<void> write_ping(bytes payload, deadline dl);
  std::error_code why_no_pong() const noexcept;

  result<void> queue_close(std::uint16_t code, std::string_view reason) noexcept;
  result<void> close_after_long(std::uint16_t code, std::string_view reason) noexcept;
  result<void> say_goodbye(std::uint16_t code, std::string_view reason, deadline dl);
  result<void> drain(deadline dl);
  result<void> drop_messages(deadline dl);
  result<void> close_after_failure(deadline dl);
  void leave_pieces() noexcept;
  void end_stream(deadline dl) noexcept;
  void await_end(deadline dl) noexcept;
  result<void> close_gone(deadline dl) noexcept;
  void drop_received() noexcept;
  void stop() noexcept;
  void finish() noexcept;
  void break_off() noexcept;

  // Keeping.
  void rang() noexcept override;
  liveness::view view() const noexcept;
  void look_at_once() noexcept;
  void look_again() noexcept;
  void note_over() noexcept;
  void start_helper(errand what, void (impl::*job)() noexcept) noexcept;
  static void run_helper(runtime::coroutine& self);
  void send_helpers_away() noexcept;
  int await_helpers(deadline dl) noexcept;
  bool has_helpers() const noexcept;
  void send_keeping_ping() noexcept;
  void listen() noexcept;
  bool keep(keepsake& where) noexcept;
  bool keep_shown() noexcept;
  bool keep_received() noexcept;
  void leave() noexcept;
  void close_idle() noexcept;
  void give_up() noexcept;
  std::error_code reason_for(std::error_code code) const noexcept;

  conversation about() const noexcept {
    return {id_, conn.role(), request, response, subprotocol, carried};
  }
  void note_received(const message& m) noexcept {
    count(&traffic::messages_received, &traffic::bytes_received, m.size());
    if (observer_) [[unlikely]]
      tell_received(m);
  }
  void tell_received(const message& m) noexcept;
  void count(std::uint64_t traffic::* number, std::uint64_t n) noexcept {
    carried.*number += n;
    if (meter_) ws::meter::add(meter_->numbers().traffic.*number, n);
  }
  void count(std::uint64_t traffic::* messages, std::uint64_t traffic::* bytes,
             std::uint64_t size) noexcept {
    count(messages, 1);
    count(bytes, size);
  }
  // Of a message that is received in parts; its last part counts the message.
  void note_part(const message& m) noexcept;
  // The message that was held, if there is one, is nobody's.
  void drop_held() noexcept;
  // What is on its way will not get there.
  void note_unsent() noexcept {
    count(&traffic::bytes_unsent, under->pending() + rest_left_.size());
  }
  void note_pong(std::optional<nanoseconds> took) noexcept;
  void note_end() noexcept;

  bool receiving() const noexcept { return listener_ != listener::nobody; }
  // Nobody receives, nor can anybody stand in.
  bool deaf() const noexcept { return !receiving() && (held || within_message_); }

  listener listener_ = listener::nobody;
  lowlevel::wait_queue receiver_left_;
  proto::turn sending_;
  proto::turn controlling_;
  // What the stream has shown: bytes that are done with, dropped before more is asked for, and
  // those behind them.
  std::size_t used_ = 0;
  mutable_bytes input_;
  std::uint16_t messages_in_a_row_ = 0;
  // A message in parts: what next() shows now may be one, and is, and its message goes on.
  bool wants_parts_ = false;
  bool partial_ = false;
  bool within_message_ = false;

  // A message in pieces: by whom, and which type.
  bool in_pieces_ = false;
  message_type pieces_type_ = message_type::binary;
  std::uint64_t pieces_size_ = 0;
  std::uint64_t sender_ = 0;

  std::size_t fragment_;
  // A message of several frames is on its way; the close frame waits until it is out.
  bool long_ = false;
  std::unique_ptr<farewell> farewell_;
  // The end of a long message, or of a long piece, whose sender did not stay: as long as a helper is
  // about it, and what is left.
  std::unique_ptr<std::byte[]> rest_;
  bytes rest_left_;
  lowlevel::wait_queue rest_gone_;
  std::shared_ptr<ws::meter> meter_;
  std::shared_ptr<ws::observer> observer_;
  std::uint64_t id_ = 0;
  bool watched_ = false;

  runtime::scheduler& home_;
  liveness life_;
  // Made with the first compressed message that is sent.
  std::unique_ptr<forgetter> forgetter_;
  std::error_code why_ended_;
  // What the stream broke with; nothing if it came to its end.
  std::error_code transport_failure_;
  std::array<runtime::coroutine*, 6> helpers_{};  // by errand
  // The caller may still use the message that was shown last; what it lies in is kept when somebody
  // else receives meanwhile, as that of both is when the stream goes.
  bool shown_ = false;
  keepsake shown_in_;
  keepsake held_in_;
  lowlevel::wait_queue helpers_left_;
  // Control frames received in the second that began at...
  time_point second_;
  std::uint32_t control_frames_ = 0;
  std::uint32_t max_control_frames_;
};

// What the close frame says that has to wait.
struct socket::impl::farewell {
  std::uint16_t code;
  std::uint8_t size;
  std::array<char, max_close_reason> reason;
};

// Occupies the place of the receiver, and tells those who wait for it.
class socket::impl::receiver {
 public:
  receiver(impl& s, listener as) noexcept : socket_(s) { s.listener_ = as; }
  receiver(const receiver&) = delete;
  receiver& operator=(const receiver&) = delete;
  ~receiver() {
    socket_.listener_ = listener::nobody;
    if (socket_.over())
      socket_.note_over();
    else
      socket_.look_again();
    socket_.wake_waiting_receivers(0);
  }

 private:
  impl& socket_;
};

// For those who make sockets.
struct socket_access {
  using impl = socket::impl;
  static socket wrap(std::unique_ptr<impl> i) noexcept { return socket(std::move(i)); }
};

}  // namespace caraway::ws
