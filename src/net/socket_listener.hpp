// socket_listener.hpp - a listening socket: what TCP and Unix listeners have in common.
#pragma once

#include <memory>

#include "caraway/deadline.hpp"
#include "caraway/error.hpp"
#include "caraway/fd.hpp"
#include "caraway/mutex.hpp"
#include "runtime/io_handle.hpp"

namespace caraway::net {

// Shared between the listener object and the coroutines that are in accept(), so that the object
// may go while they are.
class socket_listener {
 public:
  // `handle` watches `fd`, which listens.
  socket_listener(unique_fd fd, std::unique_ptr<runtime::io_handle> handle) noexcept
      : fd_(std::move(fd)), handle_(std::move(handle)) {}
  ~socket_listener() { handle_.reset(); }

  // The next connection. Blocks; first come, first served. `address` may be nullptr.
  result<unique_fd> accept(sockaddr_storage* address, socklen_t* length, deadline dl) noexcept;

  // Wakes those who accept with ECANCELED; the last of them to leave closes the descriptor.
  void close() noexcept;

  int fd() const noexcept { return closed_ ? -1 : fd_.get(); }
  runtime::kernel& system() const noexcept { return handle_->system(); }
  bool closed() const noexcept { return closed_; }

 private:
  result<unique_fd> accept_alone(sockaddr_storage* address, socklen_t* length,
                                 deadline dl) noexcept;
  void leave() noexcept;

  unique_fd fd_;
  std::unique_ptr<runtime::io_handle> handle_;
  mutex line_;
  unsigned users_ = 0;
  bool closed_ = false;
};

}  // namespace caraway::net
