// ws_observer.hpp - to hear of WebSocket conversations: when they open, or why they do not, what they
// carry, how they end. For tracing and logs; numbers are in ws_meter.hpp for nothing.
//
//     struct log : ws::observer {
//       void closed(const ws::conversation& c, const ws::ending& e) noexcept override {
//         std::clog << c.id << " " << c.request.target << " ended with " << e.code << "\n";
//       }
//     };
//     ws::serve(where, handler, {{.observer = std::make_shared<log>()}});
//
// The functions are called from within the socket's calls, on the coroutine that made them. They
// must not block, nor use the socket. Without an observer nothing is called.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>

#include "caraway/bytes.hpp"
#include "caraway/http_head.hpp"
#include "caraway/ws_frame.hpp"
#include "caraway/ws_meter.hpp"

namespace caraway::ws {

enum class message_type : unsigned char;
struct part;  // ws_socket.hpp

// A conversation, as an observer sees it; of use only within the call.
struct conversation {
  std::uint64_t id;  // of no other one of the process
  ws::role role;
  const http::request_head& request;    // of no content on a client
  const http::response_head& response;  // of no content on a server
  const std::string& subprotocol;
  const ws::traffic& carried;
};

// How a conversation ended.
struct ending {
  // As close_counts has it.
  std::uint16_t code;
  // The peer's, if its close frame had one.
  std::string_view reason;
  // Why the connection failed, if it did: broken rules, a limit, silence, the end of the stream or
  // what it broke with.
  std::error_code error;
};

// A handshake that came to nothing; of use only within the call.
struct failed_handshake {
  ws::role role;
  const http::request_head& request;    // of no content on a client, and where it was not read
  const http::response_head& response;  // of no content on a server, and where it was not read
  // Of the answer that a server gave or a client got; 0 if there was none.
  int status;
  // As attaching failed: errc::handshake_refused if by choice. None if it ended by an exception.
  std::error_code error;
};

class observer {
 public:
  virtual ~observer() = default;
  // The handshake is done.
  virtual void opened(const conversation&) noexcept {}
  // There will be no conversation: refused, or broken any other way, in the handshake of TLS too.
  virtual void not_opened(const failed_handshake&) noexcept {}
  // Some of a message that is received in parts has come in (socket::receive_part()); `part` says
  // where in the message it belongs. received() is not called for that message.
  virtual void received_part(const conversation&, const part&) noexcept {}
  // A message has come in whole; it is in nobody's hands yet.
  virtual void received(const conversation&, message_type, bytes) noexcept {}
  // A message of so many bytes is in the stream whole.
  virtual void sent(const conversation&, message_type, std::uint64_t) noexcept {}
  // The socket was closed, detached, aborted or destroyed, or has closed what is below by itself.
  // Once.
  virtual void closed(const conversation&, const ending&) noexcept {}
};

}  // namespace caraway::ws
