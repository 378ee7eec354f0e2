// socket_check.cpp - is a descriptor the kind of socket it is taken for?
#include "net/socket_check.hpp"

#include <fcntl.h>
#include <sys/socket.h>

#include <cerrno>

namespace caraway::net {

namespace {

result<int> option(runtime::kernel& k, int fd, int name) noexcept {
  int value = 0;
  socklen_t size = sizeof value;
  if (k.getsockopt(fd, SOL_SOCKET, name, &value, &size) != 0) return fail(errno);
  return value;
}

// A simulated descriptor is non-blocking by itself and unknown to fcntl.
result<void> make_non_blocking(int fd) noexcept {
  const int flags = ::fcntl(fd, F_GETFL);
  if (flags < 0) return {};
  if (::fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0) return fail(errno);
  if (::fcntl(fd, F_SETFD, FD_CLOEXEC) != 0) return fail(errno);
  return {};
}

}  // namespace

result<void> check_socket(runtime::kernel& k, int fd, int family, int other_family,
                          role r) noexcept {
  const auto type = option(k, fd, SO_TYPE);
  if (!type) return fail(type.error());
  const auto domain = option(k, fd, SO_DOMAIN);
  if (!domain) return fail(domain.error());
  const bool right_kind = *type == SOCK_STREAM && (*domain == family || *domain == other_family);
  const auto listens = option(k, fd, SO_ACCEPTCONN);
  if (!listens) return fail(listens.error());
  if (!right_kind || (*listens != 0) != (r == role::listening)) return fail(EINVAL);
  sockaddr_storage peer;
  socklen_t size = sizeof peer;
  if (r == role::connected && k.getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &size) != 0)
    return fail(errno);
  return make_non_blocking(fd);
}

}  // namespace caraway::net
