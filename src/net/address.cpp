// address.cpp - IPv4 and IPv6 addresses with a port.
#include "caraway/address.hpp"

#include <arpa/inet.h>
#include <net/if.h>

#include <charconv>
#include <cstring>

namespace caraway {

namespace {

// The longest literal: an IPv6 address with an embedded IPv4 one, and a zone.
constexpr std::size_t longest_host = INET6_ADDRSTRLEN + 1 + IF_NAMESIZE;

result<std::uint16_t> parse_port(std::string_view text) noexcept {
  std::uint16_t port = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (failure != std::errc{} || end != text.data() + text.size() || text.size() > 5)
    return fail(EINVAL);
  return port;
}

// The number of the interface that is called `zone`, or is numbered so (RFC 4007 11.2).
result<std::uint32_t> parse_zone(const char* zone) noexcept {
  const std::string_view text(zone);
  if (text.empty()) return fail(EINVAL);
  std::uint32_t index = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), index);
  if (failure == std::errc{} && end == text.data() + text.size()) return index;
  index = if_nametoindex(zone);
  if (index == 0) return fail(ENODEV);
  return index;
}

}  // namespace

result<address> address::try_parse(std::string_view text) noexcept {
  const std::size_t colon = text.rfind(':');
  if (colon == text.npos) return fail(EINVAL);
  const std::string_view host = text.substr(0, colon);
  // An IPv6 address must have brackets here: in "::1:80" the port could not be told from the rest.
  if (host.find(':') != host.npos && !host.starts_with('[')) return fail(EINVAL);
  const auto port = parse_port(text.substr(colon + 1));
  if (!port) return fail(port.error());
  return from_literal(host, *port);
}

result<address> address::from_literal(std::string_view host, std::uint16_t port) noexcept {
  const bool bracketed = host.size() >= 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  if (host.empty() || host.size() >= longest_host || host.find('\0') != host.npos)
    return fail(EINVAL);
  char text[longest_host] = {};
  std::memcpy(text, host.data(), host.size());

  address a;
  if (!bracketed && inet_pton(AF_INET, text, &a.storage_.v4.sin_addr) == 1) {
    a.storage_.v4.sin_family = AF_INET;
    a.set_port(port);
    return a;
  }
  a = {};
  if (char* zone = std::strchr(text, '%'); zone != nullptr) {
    *zone = '\0';
    const auto index = parse_zone(zone + 1);
    if (!index) return fail(index.error());
    a.storage_.v6.sin6_scope_id = *index;
  }
  if (inet_pton(AF_INET6, text, &a.storage_.v6.sin6_addr) != 1) return fail(EINVAL);
  a.storage_.v6.sin6_family = AF_INET6;
  a.set_port(port);
  return a;
}

result<address> address::from_native(const sockaddr* native, socklen_t size) noexcept {
  if (native == nullptr || size < sizeof(sa_family_t)) return fail(EINVAL);
  const bool v4 = native->sa_family == AF_INET;
  if (!v4 && native->sa_family != AF_INET6) return fail(EAFNOSUPPORT);
  const std::size_t needed = v4 ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
  if (size < needed) return fail(EINVAL);
  address a;
  std::memcpy(static_cast<void*>(&a.storage_), native, needed);
  return a;
}

address address::any(std::uint16_t port) noexcept {
  address a;
  a.storage_.v6.sin6_family = AF_INET6;
  a.set_port(port);
  return a;
}

address address::any_ipv4(std::uint16_t port) noexcept {
  address a;
  a.storage_.v4.sin_family = AF_INET;
  a.set_port(port);
  return a;
}

address address::loopback(std::uint16_t port) noexcept {
  address a = any_ipv4(port);
  a.storage_.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return a;
}

address address::loopback_ipv6(std::uint16_t port) noexcept {
  address a = any(port);
  a.storage_.v6.sin6_addr = in6addr_loopback;
  return a;
}

std::uint16_t address::port() const noexcept {
  if (is_ipv4()) return ntohs(storage_.v4.sin_port);
  if (is_ipv6()) return ntohs(storage_.v6.sin6_port);
  return 0;
}

void address::set_port(std::uint16_t port) noexcept {
  if (is_ipv4()) storage_.v4.sin_port = htons(port);
  if (is_ipv6()) storage_.v6.sin6_port = htons(port);
}

std::string address::host() const {
  char text[INET6_ADDRSTRLEN] = {};
  if (is_ipv4()) return inet_ntop(AF_INET, &storage_.v4.sin_addr, text, sizeof text);
  if (!is_ipv6()) return {};
  std::string host = inet_ntop(AF_INET6, &storage_.v6.sin6_addr, text, sizeof text);
  if (storage_.v6.sin6_scope_id == 0) return host;
  char zone[IF_NAMESIZE] = {};
  if (if_indextoname(storage_.v6.sin6_scope_id, zone) != nullptr) return host + '%' + zone;
  return host + '%' + std::to_string(storage_.v6.sin6_scope_id);
}

std::string address::to_string() const {
  if (is_ipv4()) return host() + ':' + std::to_string(port());
  if (is_ipv6()) return '[' + host() + "]:" + std::to_string(port());
  return {};
}

socklen_t address::native_size() const noexcept {
  if (is_ipv4()) return sizeof(sockaddr_in);
  if (is_ipv6()) return sizeof(sockaddr_in6);
  return 0;
}

bool operator==(const address& a, const address& b) noexcept {
  if (a.family() != b.family() || a.port() != b.port()) return false;
  if (a.is_ipv4()) return a.storage_.v4.sin_addr.s_addr == b.storage_.v4.sin_addr.s_addr;
  if (!a.is_ipv6()) return true;
  return a.storage_.v6.sin6_scope_id == b.storage_.v6.sin6_scope_id &&
         std::memcmp(&a.storage_.v6.sin6_addr, &b.storage_.v6.sin6_addr, sizeof(in6_addr)) == 0;
}

}  // namespace caraway
