// socket_core.hpp - a connected stream socket: what TCP and Unix connections have in common.
//
// Ties the descriptor, the poller's view of it, the receive buffer and the send queue together, and
// keeps the rules of byte_stream: one receiver, the three ways to end, and what happens to those
// who are in the middle of a call when another coroutine ends the connection. They are woken, and
// the last of them to leave closes the descriptor, so that nobody uses a number that is somebody
// else's by then.
#pragma once

#include <cstddef>
#include <memory>
#include <utility>

#include "caraway/byte_stream.hpp"
#include "caraway/fd.hpp"
#include "io/receive_buffer.hpp"
#include "io/send_queue.hpp"
#include "runtime/io_handle.hpp"

namespace caraway::net {

// What it means that the other side has closed while we were sending.
enum class ending : unsigned char {
  may_reset,  // TCP: the end of what we receive may hide a reset
  plain,      // Unix: it is the end
};

class socket_core {
 public:
  // `handle` watches `fd`.
  socket_core(unique_fd fd, std::unique_ptr<runtime::io_handle> handle, ending e) noexcept
      : fd_(std::move(fd)), handle_(std::move(handle)), out_(*handle_), ending_(e) {}
  // Hands what is held back to the kernel as far as it takes it at once, and closes.
  ~socket_core();

  // As byte_stream has them.
  result<mutable_bytes> fill(std::size_t min, deadline dl) noexcept {
    const mutable_bytes seen = in_.view();
    if (seen.size() >= min) return seen;
    return fill_slowly(min, dl);
  }
  mutable_bytes buffered() const noexcept { return in_.view(); }
  void consume(std::size_t n) noexcept { in_.consume(n); }
  std::unique_ptr<kept_memory> consume_but_keep(std::size_t n) noexcept {
    return in_.consume_but_keep(n);
  }
  void limit_pending(std::size_t n) noexcept { out_.limit(n); }
  std::size_t pending() const noexcept { return out_.pending(); }
  result<std::size_t> read_into(mutable_bytes into, std::size_t min, deadline dl,
                                std::size_t* received) noexcept;
  result<void> write(parts ps, deadline dl) noexcept {
    if (out_.join_gathered(ps)) [[likely]]
      return {};
    return write_slowly(ps, dl);
  }
  result<void> flush(deadline dl) noexcept;
  result<void> done(deadline dl) noexcept;
  result<void> close(deadline dl) noexcept;
  void abort() noexcept;
  bool healthy() const noexcept;

  int fd() const noexcept { return fd_.get(); }
  runtime::kernel& system() const noexcept { return handle_->system(); }
  bool closed() const noexcept { return closed_; }

  void set_read_ahead(bool on) noexcept;
  result<void> send_fd(int fd, deadline dl) noexcept;
  result<unique_fd> recv_fd(deadline dl) noexcept;

 private:
  class use;
  class receiving;

  result<mutable_bytes> fill_slowly(std::size_t min, deadline dl) noexcept;
  result<void> write_slowly(parts ps, deadline dl) noexcept;
  std::error_code receive_failure(std::error_code code) noexcept;
  result<void> unless_closed(result<void> r) const noexcept;
  result<void> finish_sending(deadline dl) noexcept;
  result<void> drain(deadline dl) noexcept;
  bool make_receiver_leave() noexcept;
  void end() noexcept;
  void close_descriptor() noexcept;

  unique_fd fd_;
  std::unique_ptr<runtime::io_handle> handle_;
  io::receive_buffer in_;
  io::send_queue out_;
  unsigned users_ = 0;  // coroutines in the middle of a call
  ending ending_;
  bool receiving_ = false;
  bool done_ = false;
  bool closed_ = false;
};

// Makes `fd`, a connected non-blocking socket, known to the thread's poller. ENOMEM and the like.
result<std::unique_ptr<runtime::io_handle>> watch(int fd);

}  // namespace caraway::net
