// http.hpp - the heads of HTTP/1.1 messages (RFC 9112) over any byte stream, whole or line by line.
//
// A socket owns the stream below it. It sends and receives heads and never touches what comes behind
// one: the body stays in the stream, which below() shows and detach() gives back.
//
//     http::socket s(tcp::connect("127.0.0.1", 8080));
//     s.send(http::request_head{.method = "GET", .target = "/", .fields = {{"Host", "a"}}}, 5s);
//     http::response_head head = s.receive_response(5s);
//     std::string text = http::read_body(s.below(), head, 1 << 20, 5s);   // http_body.hpp
//
// After one head comes the next: an interim answer (100, 103) is a head of its own, and so is the
// next request of a connection that is kept, once the body before it was read.
//
// One coroutine at a time may send and one may receive, a second in the same direction gets EBUSY.
// A receive that timed out or was cancelled has lost nothing, a send has put nothing into the
// stream: call again. Errors of every call, unless said otherwise: those of the stream
// (errc::end_of_stream: the peer finished before the head was whole), ENOMEM; of every send:
// EINVAL for what cannot be said in HTTP, line breaks above all; of every receive: errc::protocol
// for what is no HTTP/1.x, errc::message_too_big for more than the limits allow, and after either
// the same again.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "caraway/byte_stream.hpp"
#include "caraway/http_head.hpp"

namespace caraway::http {

// Reads the next head off `from` and nothing behind it. Blocks. ETIMEDOUT, ECANCELED and
// errc::end_of_stream: nothing was consumed. Other errors: of the stream, errc::protocol,
// errc::message_too_big, ENOMEM; then `from` is of no more use for HTTP.
result<void> try_read_head(byte_stream& from, request_head& into, deadline dl,
                           const head_limits& limits = {});
result<void> try_read_head(byte_stream& from, response_head& into, deadline dl,
                           const head_limits& limits = {});

class socket {
 public:
  explicit socket(stream_ptr under, const head_limits& limits = {}) noexcept;
  socket(socket&&) noexcept = default;
  socket& operator=(socket&&) noexcept = default;

  // Sends a whole head, with its empty line; a status gets its usual reason if it has none. Blocks
  // while too much is held back. EINVAL also while a head is being sent line by line.
  result<void> try_send(const request_head& head, deadline dl);
  result<void> try_send(const response_head& head, deadline dl);

  // Block for the next head. EINVAL while a head is being received line by line.
  result<request_head> try_receive_request(deadline dl);
  result<response_head> try_receive_response(deadline dl);

  // Line by line: the start line, fields, done. Fields without a start line are trailers (7.1.2).
  // Blanks around a value are left out. EINVAL for a start line before the head was done,
  // errc::closed for a field, or the end, of a head that is.
  result<void> try_send_request_line(std::string_view method, std::string_view target, deadline dl);
  result<void> try_send_status_line(int status, std::string_view reason, deadline dl);
  result<void> try_send_field(std::string_view name, std::string_view value, deadline dl);
  result<void> try_done(deadline dl);

  // Line by line: only the members of the start line are set. Block.
  result<request_head> try_receive_request_line(deadline dl);
  result<response_head> try_receive_status_line(deadline dl);
  // The next field; nothing at the end of the head, and from then on until the next start line.
  result<std::optional<field>> try_receive_field(deadline dl);
  // Drops what is left of the head, or the next one if none was begun. Blocks.
  result<void> try_skip(deadline dl);

  // A head was sent (received) to its end, and no other has been begun.
  bool head_sent() const noexcept { return out_.at == stage::ended; }
  bool head_received() const noexcept { return in_.at == stage::ended; }
  // A head is being received line by line.
  bool receiving_head() const noexcept { return in_.at == stage::begun; }

  // The stream, exactly behind the last head received: for the bodies. It stays the socket's.
  byte_stream& below() noexcept { return *under_; }

  // Ends a head that is being sent, drops the rest of one that is being received, and gives the
  // stream back, exactly behind it. Blocks. On failure the stream is closed.
  result<stream_ptr> try_detach(deadline dl);

  // As those of byte_stream: nothing is said in HTTP.
  result<void> try_flush(deadline dl) { return under_->try_flush(dl); }
  result<void> try_close(deadline dl) { return under_->try_close(dl); }
  void abort() noexcept { under_->abort(); }

  // The same calls, failing by exception.
  void send(const request_head& head, deadline dl = never) {
    value_or_raise(try_send(head, dl), "send");
  }
  void send(const response_head& head, deadline dl = never) {
    value_or_raise(try_send(head, dl), "send");
  }
  request_head receive_request(deadline dl = never) {
    return value_or_raise(try_receive_request(dl), "receive");
  }
  response_head receive_response(deadline dl = never) {
    return value_or_raise(try_receive_response(dl), "receive");
  }
  stream_ptr detach(deadline dl = never) { return value_or_raise(try_detach(dl), "detach"); }
  void close(deadline dl = never) { value_or_raise(try_close(dl), "close"); }

 private:
  enum class stage : unsigned char { fresh, begun, ended };
  struct direction {
    stage at = stage::fresh;
    bool busy = false;
    std::size_t size = 0;  // of what was received of this head
    std::size_t fields = 0;
    std::error_code fault;  // what every later call gets
  };
  class use;

  result<void> send_text(const result<std::string>& text, stage after, deadline dl);
  template <class Head>
  result<void> send_head(const Head& head, deadline dl);
  template <class Head>
  result<void> send_start_line(const Head& head, deadline dl);
  template <class Head>
  result<Head> receive_head(deadline dl);
  template <class Head>
  result<Head> receive_start_line(deadline dl);
  result<std::string_view> next_line(deadline dl);
  void drop_line(std::string_view line) noexcept;
  std::error_code note(std::error_code why) noexcept;

  stream_ptr under_;
  head_limits limits_;
  direction in_;
  direction out_;
};

}  // namespace caraway::http
