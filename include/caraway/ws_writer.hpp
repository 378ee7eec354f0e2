// ws_writer.hpp - one message sent in pieces, for as long as a writer lives: it is ended, or given up.
//
//     ws::writer page(ws, ws::message_type::text);
//     while (auto row = next_row()) page.send(*row);
//     page.end();
//
// Other senders wait until then. A writer that goes without end(), by an exception, say, cuts the
// message off: if nothing of it is out, it has never begun, else the conversation ends with 1011
// (socket::cut_off()), since half a message must not pass for a whole one.
#pragma once

#include <cerrno>
#include <string_view>
#include <utility>

#include "caraway/ws_socket.hpp"

namespace caraway::ws {

class writer {
 public:
  // Begins a message on `to`, which outlives the writer, as socket::try_begin() does. Blocks while
  // other senders are before.
  static result<writer> try_begin(socket& to, message_type type, deadline dl) {
    if (auto begun = to.try_begin(type, dl); !begun) return fail(begun.error());
    return writer(&to);
  }
  writer(socket& to, message_type type, deadline dl = never)
      : writer(value_or_raise(try_begin(to, type, dl), "send")) {}
  writer(writer&& other) noexcept : socket_(std::exchange(other.socket_, nullptr)) {}
  writer& operator=(writer&&) = delete;
  ~writer() {
    if (socket_ != nullptr) socket_->cut_off();
  }

  // As socket::try_send_part(): ETIMEDOUT leaves the message as it was, any other failure has cut it
  // off. EINVAL: it was ended or cut off before.
  result<void> try_send(bytes piece, deadline dl) {
    if (socket_ == nullptr) return fail(EINVAL);
    return unless_cut_off(socket_->try_send_part(piece, dl));
  }
  void send(bytes piece, deadline dl = never) { value_or_raise(try_send(piece, dl), "send"); }
  void send(std::string_view piece, deadline dl = never) { send(as_bytes(piece), dl); }

  // The end of the message. Fails likewise.
  result<void> try_end(deadline dl) {
    if (socket_ == nullptr) return fail(EINVAL);
    auto ended = unless_cut_off(socket_->try_end(dl));
    if (ended) socket_ = nullptr;
    return ended;
  }
  void end(deadline dl = never) { value_or_raise(try_end(dl), "send"); }

 private:
  explicit writer(socket* to) noexcept : socket_(to) {}

  // What was cut off may not be touched again: the next message may be somebody else's.
  result<void> unless_cut_off(result<void> r) noexcept {
    if (!r && r.error() != os_error(ETIMEDOUT)) socket_ = nullptr;
    return r;
  }

  socket* socket_;
};

}  // namespace caraway::ws
