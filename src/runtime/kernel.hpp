// kernel.hpp - the system calls that sockets make, as an interface.
//
// `kernel` itself is the real one. The simulator replaces it by a network in memory; tests wrap it
// to count calls or to make the n-th of them fail. Every function behaves as the system call of its
// name: -1 and errno on failure. Nothing here blocks: sockets are made non-blocking and
// close-on-exec.
#pragma once

#include <poll.h>
#include <sys/socket.h>
#include <sys/types.h>

namespace caraway::runtime {

class kernel {
 public:
  virtual ~kernel() = default;

  virtual int socket(int domain, int type, int protocol) noexcept;
  virtual int socketpair(int domain, int type, int protocol, int fds[2]) noexcept;
  virtual int bind(int fd, const sockaddr* address, socklen_t length) noexcept;
  virtual int listen(int fd, int backlog) noexcept;
  // SOCK_NONBLOCK | SOCK_CLOEXEC are implied.
  virtual int accept(int fd, sockaddr* address, socklen_t* length) noexcept;
  virtual int connect(int fd, const sockaddr* address, socklen_t length) noexcept;
  virtual int shutdown(int fd, int how) noexcept;
  virtual int close(int fd) noexcept;
  virtual int getsockname(int fd, sockaddr* address, socklen_t* length) noexcept;
  virtual int getpeername(int fd, sockaddr* address, socklen_t* length) noexcept;
  virtual int setsockopt(int fd, int level, int name, const void* value, socklen_t n) noexcept;
  virtual int getsockopt(int fd, int level, int name, void* value, socklen_t* n) noexcept;
  virtual ssize_t recv(int fd, void* into, size_t n, int flags) noexcept;
  virtual ssize_t send(int fd, const void* from, size_t n, int flags) noexcept;
  virtual ssize_t recvmsg(int fd, msghdr* message, int flags) noexcept;
  virtual ssize_t sendmsg(int fd, const msghdr* message, int flags) noexcept;
  // What of `events` (POLLIN, POLLOUT) holds now, plus POLLERR and POLLHUP; POLLNVAL if not open.
  virtual short poll(int fd, short events) noexcept;
};

// The real one. Has no state.
kernel& real_kernel() noexcept;

}  // namespace caraway::runtime
