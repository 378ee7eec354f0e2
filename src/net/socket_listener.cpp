// socket_listener.cpp - a listening socket: what TCP and Unix listeners have in common.
#include "net/socket_listener.hpp"

#include <cerrno>

namespace caraway::net {

result<unique_fd> socket_listener::accept(sockaddr_storage* address, socklen_t* length,
                                          deadline dl) noexcept {
  if (closed_) return fail(errc::closed);
  ++users_;
  auto fd = accept_alone(address, length, dl);
  leave();
  return fd;
}

result<unique_fd> socket_listener::accept_alone(sockaddr_storage* address, socklen_t* length,
                                                deadline dl) noexcept {
  if (auto turn = line_.try_lock(dl); !turn) return fail(turn.error());
  auto fd = closed_ ? result<unique_fd>(fail(ECANCELED)) : handle_->accept(address, length, dl);
  line_.unlock();
  return fd;
}

void socket_listener::close() noexcept {
  if (closed_) return;
  closed_ = true;
  ++users_;
  handle_->end_waiting();
  leave();
}

void socket_listener::leave() noexcept {
  if (--users_ > 0 || !closed_) return;
  handle_.reset();
  fd_.reset();
}

}  // namespace caraway::net
