// sim_address.cpp - taking socket addresses apart.
#include "poller/sim_address.hpp"

#include <netinet/in.h>
#include <sys/un.h>

#include <algorithm>
#include <cstddef>
#include <cstring>

namespace caraway::sim {
namespace {

sockaddr_in& v4(sockaddr_storage& s) noexcept {
  return reinterpret_cast<sockaddr_in&>(s);
}
sockaddr_in6& v6(sockaddr_storage& s) noexcept {
  return reinterpret_cast<sockaddr_in6&>(s);
}
const sockaddr_in& v4(const sockaddr_storage& s) noexcept {
  return reinterpret_cast<const sockaddr_in&>(s);
}
const sockaddr_in6& v6(const sockaddr_storage& s) noexcept {
  return reinterpret_cast<const sockaddr_in6&>(s);
}

constexpr std::size_t name_offset = offsetof(sockaddr_un, sun_path);

socklen_t usual_length(int family) noexcept {
  if (family == AF_INET) return sizeof(sockaddr_in);
  if (family == AF_INET6) return sizeof(sockaddr_in6);
  return name_offset;
}

}  // namespace

address::address(int family) noexcept : length_(usual_length(family)) {
  storage_.ss_family = static_cast<sa_family_t>(family);
}

bool address::assign(int family, const sockaddr* from, socklen_t length) noexcept {
  if (from == nullptr || length < usual_length(family) || length > sizeof storage_) return false;
  if (from->sa_family != family) return false;
  storage_ = {};
  std::memcpy(&storage_, from, length);
  length_ = family == AF_UNIX ? length : usual_length(family);
  return true;
}

void address::copy_to(sockaddr* into, socklen_t* length) const noexcept {
  if (into == nullptr || length == nullptr) return;
  std::memcpy(into, &storage_, std::min(*length, length_));
  *length = length_;
}

std::uint16_t address::port() const noexcept {
  return ntohs(family() == AF_INET ? v4(storage_).sin_port : v6(storage_).sin6_port);
}

void address::set_port(std::uint16_t port) noexcept {
  (family() == AF_INET ? v4(storage_).sin_port : v6(storage_).sin6_port) = htons(port);
}

bool address::is_any() const noexcept {
  if (family() == AF_INET) return v4(storage_).sin_addr.s_addr == htonl(INADDR_ANY);
  return IN6_IS_ADDR_UNSPECIFIED(&v6(storage_).sin6_addr);
}

bool address::is_loopback() const noexcept {
  const address a = unmapped();
  if (a.family() == AF_INET) return ntohl(v4(a.storage_).sin_addr.s_addr) >> 24 == 127;
  return IN6_IS_ADDR_LOOPBACK(&v6(a.storage_).sin6_addr);
}

address address::any_to_loopback() const noexcept {
  address a = *this;
  if (!is_any()) return a;
  if (family() == AF_INET)
    v4(a.storage_).sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  else
    v6(a.storage_).sin6_addr = in6addr_loopback;
  return a;
}

address address::mapped() const noexcept {
  if (family() != AF_INET) return *this;
  address a(AF_INET6);
  sockaddr_in6& s = v6(a.storage_);
  s.sin6_port = v4(storage_).sin_port;
  s.sin6_addr.s6_addr[10] = s.sin6_addr.s6_addr[11] = 0xff;
  std::memcpy(&s.sin6_addr.s6_addr[12], &v4(storage_).sin_addr, 4);
  return a;
}

address address::unmapped() const noexcept {
  if (family() != AF_INET6 || !IN6_IS_ADDR_V4MAPPED(&v6(storage_).sin6_addr)) return *this;
  address a(AF_INET);
  v4(a.storage_).sin_port = v6(storage_).sin6_port;
  std::memcpy(&v4(a.storage_).sin_addr, &v6(storage_).sin6_addr.s6_addr[12], 4);
  return a;
}

std::string address::name() const {
  const char* path = reinterpret_cast<const sockaddr_un&>(storage_).sun_path;
  const std::size_t n = length_ - name_offset;
  if (n == 0 || path[0] == '\0') return {path, n};
  return {path, ::strnlen(path, n)};
}

bool address::same_host(const address& other) const noexcept {
  if (family() != other.family()) return false;
  if (family() == AF_INET)
    return v4(storage_).sin_addr.s_addr == v4(other.storage_).sin_addr.s_addr;
  return IN6_ARE_ADDR_EQUAL(&v6(storage_).sin6_addr, &v6(other.storage_).sin6_addr);
}

}  // namespace caraway::sim
