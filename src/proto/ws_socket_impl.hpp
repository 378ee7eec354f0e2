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
// ws_socket_receiving.cpp, ws_socket_sending.cpp and ws_socket_ending.cpp have a part each; what the
// connection says by itself is in ws_socket_impl.cpp.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "caraway/byte_stream.hpp"
#include "caraway/ws_connection.hpp"
#include "caraway/ws_socket.hpp"
#include "proto/turn.hpp"

namespace caraway::ws {

struct socket::impl {
  impl(stream_ptr lower, ws::role as, const ws::limits& l) noexcept;

  // Receiving. What is shown stays until the next call of any of these.
  result<std::optional<message>> receive(deadline dl);
  // The state of the conversation as the result of a receive, once it is over.
  result<std::optional<message>> verdict() const noexcept;

  // Sending.
  result<void> send(message_type type, parts ps, deadline dl);
  result<void> begin(message_type type, deadline dl);
  result<void> send_part(bytes piece, deadline dl);
  result<void> end(deadline dl);
  result<void> ping(bytes payload, deadline dl);
  result<void> flush(deadline dl);

  // Ending.
  result<void> done(std::uint16_t code, std::string_view reason, deadline dl);
  result<void> close(std::uint16_t code, std::string_view reason, deadline dl);
  result<stream_ptr> detach(std::uint16_t code, std::string_view reason, deadline dl);
  void abort() noexcept;

  stream_ptr under;
  connection conn;
  // Closed, aborted or detached: the stream is of no more use.
  bool ended = false;
  message_type default_type = message_type::binary;
  message_type last_type = message_type::binary;
  // A message that was too big for its receiver's buffer.
  std::optional<message> held;
  std::string subprotocol;
  http::request_head request;
  http::response_head response;

 private:
  class receiver;

  bool over() const noexcept { return conn.state() >= connection_state::closed; }
  result<void> enter_receive(deadline dl) noexcept;
  result<std::optional<message>> take_held() noexcept;
  result<void> await_receiver(const char* what, deadline dl) noexcept;
  void wake_waiting_receivers(int code) noexcept;
  result<std::optional<message>> next(deadline dl);
  event look() noexcept;
  void drop_used() noexcept;
  result<void> await_more(std::size_t need, deadline dl);
  result<void> say_last_words(deadline dl);
  result<void> say_pending(deadline dl);
  result<void> say_all_pending(deadline dl);
  result<void> write_pending(deadline dl);
  result<void> give_others_a_turn() noexcept;

  std::error_code cannot_send() const noexcept;
  result<void> enter_send(deadline dl) noexcept;
  result<void> send_frame(opcode op, bool fin, parts ps, deadline dl);
  result<void> send_plain(opcode op, bool fin, parts ps, deadline dl);
  result<void> send_pieces(bytes header, parts ps, deadline dl);
  result<void> put(parts frame, deadline dl);
  result<void> send_masked(opcode op, bool fin, parts ps, deadline dl);
  result<void> send_piece(bytes piece, bool last, deadline dl);

  result<void> queue_close(std::uint16_t code, std::string_view reason) noexcept;
  result<void> say_goodbye(std::uint16_t code, std::string_view reason, deadline dl);
  result<void> drain(deadline dl);
  result<void> drop_messages(deadline dl);
  result<void> close_after_failure(deadline dl);
  void leave_pieces() noexcept;
  void finish() noexcept;

  bool receiving_ = false;
  bool draining_ = false;
  lowlevel::wait_queue receiver_left_;
  proto::turn sending_;
  proto::turn controlling_;
  // What the stream has shown: bytes that are done with, dropped before more is asked for, and
  // those behind them.
  std::size_t used_ = 0;
  mutable_bytes input_;
  std::uint16_t messages_in_a_row_ = 0;

  // A message in pieces: by whom, which type, and whether its first frame is out.
  bool in_pieces_ = false;
  bool begun_ = false;
  message_type pieces_type_ = message_type::binary;
  std::uint64_t sender_ = 0;
};

// Occupies the place of the receiver, and tells those who wait for it.
class socket::impl::receiver {
 public:
  explicit receiver(impl& s) noexcept : socket_(s) { s.receiving_ = true; }
  receiver(const receiver&) = delete;
  receiver& operator=(const receiver&) = delete;
  ~receiver() {
    socket_.receiving_ = socket_.draining_ = false;
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
