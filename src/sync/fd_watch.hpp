// fd_watch.hpp - an io_handle for a descriptor of the user's, for as long as somebody waits for it.
//
// A poller watches a descriptor once, but one coroutine may wait to read from it while another
// waits to write; so the handles in use are in a table of the thread, counted.
#pragma once

#include <utility>

#include "caraway/error.hpp"
#include "runtime/io_handle.hpp"

namespace caraway::sync {

class fd_watch {
 public:
  // Errors of poller::open; ENOMEM.
  static result<fd_watch> open(int fd) noexcept;
  fd_watch(fd_watch&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  fd_watch& operator=(fd_watch&&) = delete;
  ~fd_watch() {
    if (handle_ != nullptr) close(handle_->fd());
  }

  runtime::io_handle& handle() const noexcept { return *handle_; }

  // The handle of a descriptor that is watched, and giving one back, for those who keep the number.
  static runtime::io_handle* find(int fd) noexcept;
  static void close(int fd) noexcept;
  void keep() noexcept { handle_ = nullptr; }

 private:
  explicit fd_watch(runtime::io_handle& h) noexcept : handle_(&h) {}

  runtime::io_handle* handle_;
};

}  // namespace caraway::sync
