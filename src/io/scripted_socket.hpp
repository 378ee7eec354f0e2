// scripted_socket.hpp - a socket that does what a test tells it to, without an operating system.
//
//     scripted_socket s;
//     s.arrive("hello");          // readable from now on
//     s.room = 3;                 // takes three bytes more, then EAGAIN
//     s.sent;                     // what was taken
#pragma once

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <string>
#include <string_view>

#include "runtime/io_handle.hpp"
#include "runtime/kernel.hpp"

namespace caraway::io {

// The system calls of one socket.
class scripted_kernel : public runtime::kernel {
 public:
  std::string waiting;    // what can be received
  bool finished = false;  // and after it the end
  int receive_error = 0;  // or this
  std::string sent;       // what was taken
  std::size_t room = ~std::size_t{0};
  int send_error = 0;
  int receives = 0;
  int sends = 0;
  std::size_t largest_receive = 0;  // the most that was asked for

  ssize_t recv(int, void* into, size_t n, int) noexcept override {
    ++receives;
    largest_receive = std::max(largest_receive, n);
    if (waiting.empty()) {
      if (receive_error != 0) return failed(receive_error);
      return finished ? 0 : failed(EAGAIN);
    }
    n = waiting.copy(static_cast<char*>(into), n);
    waiting.erase(0, n);
    return static_cast<ssize_t>(n);
  }
  ssize_t send(int, const void* from, size_t n, int) noexcept override {
    ++sends;
    return take({static_cast<const char*>(from), n});
  }
  ssize_t sendmsg(int, const msghdr* m, int) noexcept override {
    ++sends;
    ssize_t taken = 0;
    for (std::size_t i = 0; i < m->msg_iovlen; ++i) {
      const iovec& piece = m->msg_iov[i];
      const ssize_t n = take({static_cast<const char*>(piece.iov_base), piece.iov_len});
      if (n < 0) return taken > 0 ? taken : n;
      taken += n;
    }
    return taken;
  }
  int shutdown(int, int) noexcept override { return 0; }
  short poll(int, short events) noexcept override {
    const bool in = !waiting.empty() || finished || receive_error != 0;
    const bool out = room > 0 || send_error != 0;
    return static_cast<short>(events & ((in ? POLLIN : 0) | (out ? POLLOUT : 0)));
  }

 private:
  static int failed(int code) noexcept {
    errno = code;
    return -1;
  }
  ssize_t take(std::string_view bytes) noexcept {
    if (send_error != 0) return failed(send_error);
    const std::size_t n = std::min(bytes.size(), room);
    if (n == 0) return failed(EAGAIN);
    if (room != ~std::size_t{0}) room -= n;
    sent += bytes.substr(0, n);
    return static_cast<ssize_t>(n);
  }
};

// The same as its poller sees it; the test is the poller.
class scripted_socket final : public scripted_kernel, public runtime::io_handle {
 public:
  scripted_socket() noexcept : io_handle(static_cast<scripted_kernel&>(*this), 7) {}

  void arrive(std::string_view bytes) {
    waiting += bytes;
    on_ready(true, false, false);
  }
  void end() {
    finished = true;
    on_ready(true, false, true);
  }
  void break_off(int code) {
    receive_error = send_error = code;
    on_ready(true, true, true);
  }
  void make_room(std::size_t n) {
    room += n;
    on_ready(false, true, false);
  }

  // The io_handle's operations, which have the names of the system calls.
  runtime::io_handle& handle() noexcept { return *this; }

 private:
  int arm(runtime::direction) noexcept override { return 0; }
};

}  // namespace caraway::io
