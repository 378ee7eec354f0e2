#include "runtime/kernel.hpp"

#include <unistd.h>

#include <cerrno>

namespace caraway::runtime {

int kernel::socket(int domain, int type, int protocol) noexcept {
  return ::socket(domain, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
}
int kernel::socketpair(int domain, int type, int protocol, int fds[2]) noexcept {
  return ::socketpair(domain, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol, fds);
}
int kernel::bind(int fd, const sockaddr* address, socklen_t length) noexcept {
  return ::bind(fd, address, length);
}
int kernel::listen(int fd, int backlog) noexcept {
  return ::listen(fd, backlog);
}
int kernel::accept(int fd, sockaddr* address, socklen_t* length) noexcept {
  return ::accept4(fd, address, length, SOCK_NONBLOCK | SOCK_CLOEXEC);
}
int kernel::connect(int fd, const sockaddr* address, socklen_t length) noexcept {
  return ::connect(fd, address, length);
}
int kernel::shutdown(int fd, int how) noexcept {
  return ::shutdown(fd, how);
}
int kernel::close(int fd) noexcept {
  return ::close(fd);
}
int kernel::getsockname(int fd, sockaddr* address, socklen_t* length) noexcept {
  return ::getsockname(fd, address, length);
}
int kernel::getpeername(int fd, sockaddr* address, socklen_t* length) noexcept {
  return ::getpeername(fd, address, length);
}
int kernel::setsockopt(int fd, int level, int name, const void* value, socklen_t n) noexcept {
  return ::setsockopt(fd, level, name, value, n);
}
int kernel::getsockopt(int fd, int level, int name, void* value, socklen_t* n) noexcept {
  return ::getsockopt(fd, level, name, value, n);
}
ssize_t kernel::recv(int fd, void* into, size_t n, int flags) noexcept {
  return ::recv(fd, into, n, flags);
}
ssize_t kernel::send(int fd, const void* from, size_t n, int flags) noexcept {
  return ::send(fd, from, n, flags | MSG_NOSIGNAL);
}
ssize_t kernel::recvmsg(int fd, msghdr* message, int flags) noexcept {
  return ::recvmsg(fd, message, flags);
}
ssize_t kernel::sendmsg(int fd, const msghdr* message, int flags) noexcept {
  return ::sendmsg(fd, message, flags | MSG_NOSIGNAL);
}

short kernel::poll(int fd, short events) noexcept {
  pollfd p{fd, events, 0};
  while (::poll(&p, 1, 0) < 0 && errno == EINTR) {
  }
  return p.revents;
}

kernel& real_kernel() noexcept {
  static kernel instance;
  return instance;
}

}  // namespace caraway::runtime
