// socket_option.hpp - what TCP and UDP sockets ask the kernel besides sending and receiving.
#pragma once

#include <cerrno>

#include "caraway/address.hpp"
#include "caraway/error.hpp"
#include "runtime/scheduler.hpp"

namespace caraway::net {

// The kernel of the calling thread.
inline runtime::kernel& system() {
  return runtime::scheduler::current().system();
}

inline result<void> set_option(runtime::kernel& k, int fd, int level, int name,
                               int value) noexcept {
  if (k.setsockopt(fd, level, name, &value, sizeof value) != 0) return fail(errno);
  return {};
}

// address::any is for IPv4 too, whatever the system's default, and no other address is.
inline result<void> set_only_ipv6(runtime::kernel& k, int fd, const address& at) noexcept {
  if (!at.is_ipv6()) return {};
  const int only = at == address::any(at.port()) ? 0 : 1;
  return set_option(k, fd, IPPROTO_IPV6, IPV6_V6ONLY, only);
}

// What getsockname(2) or getpeername(2) answers; no address if that fails.
inline address name_of(int (runtime::kernel::*ask)(int, sockaddr*, socklen_t*) noexcept,
                       runtime::kernel& k, int fd) noexcept {
  sockaddr_storage name;
  socklen_t size = sizeof name;
  auto* const plain = reinterpret_cast<sockaddr*>(&name);
  if ((k.*ask)(fd, plain, &size) != 0) return {};
  return address::from_native(plain, size).value_or(address());
}

}  // namespace caraway::net
