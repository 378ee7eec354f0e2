// address.hpp - where an IPv4 or IPv6 socket is: an address and a port.
//
// A value: copied freely, compared, printed, parsed from a literal. Names are resolver.hpp's
// business; paths of Unix sockets are plain text (unix.hpp).
//
//     auto a = address::parse("127.0.0.1:8080");
//     auto b = address::parse("[::1]:8080");
//     a.to_string();                             // "127.0.0.1:8080"
//     tcp::listen(address::loopback(0));
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "caraway/error.hpp"

namespace caraway {

class address {
 public:
  // No address: family() is AF_UNSPEC.
  address() noexcept = default;

  // "127.0.0.1:80", "[::1]:80", "[fe80::1%eth0]:80"; the port is required. EINVAL for anything
  // else, ENODEV for a zone that is not an interface of this machine. Does not block, never asks a
  // resolver.
  static result<address> try_parse(std::string_view text) noexcept;
  static address parse(std::string_view text) {
    return value_or_raise(try_parse(text), "parse address");
  }

  // The same with the port apart: "127.0.0.1", "::1", "[::1]". EINVAL, ENODEV.
  static result<address> from_literal(std::string_view host, std::uint16_t port) noexcept;

  // A copy of a sockaddr_in or sockaddr_in6. EAFNOSUPPORT for other families, EINVAL if too short.
  static result<address> from_native(const sockaddr* native, socklen_t size) noexcept;

  // Every interface of this machine, IPv6 and IPv4 (any) or IPv4 alone. Port 0: the kernel chooses.
  static address any(std::uint16_t port) noexcept;
  static address any_ipv4(std::uint16_t port) noexcept;
  // This machine: 127.0.0.1 and ::1.
  static address loopback(std::uint16_t port) noexcept;
  static address loopback_ipv6(std::uint16_t port) noexcept;

  // AF_INET, AF_INET6 or AF_UNSPEC.
  int family() const noexcept { return storage_.plain.sa_family; }
  bool is_ipv4() const noexcept { return family() == AF_INET; }
  bool is_ipv6() const noexcept { return family() == AF_INET6; }
  explicit operator bool() const noexcept { return family() != AF_UNSPEC; }

  std::uint16_t port() const noexcept;
  // Does nothing to no address.
  void set_port(std::uint16_t port) noexcept;

  // "127.0.0.1:80", "[::1]:80"; "" for no address. parse() reads it back.
  std::string to_string() const;
  // "127.0.0.1", "::1"; without brackets and port.
  std::string host() const;

  // For system calls. native_size() is 0 for no address.
  const sockaddr* native() const noexcept { return &storage_.plain; }
  socklen_t native_size() const noexcept;

  // The same family, address, port and zone.
  friend bool operator==(const address& a, const address& b) noexcept;

 private:
  union {
    sockaddr plain;
    sockaddr_in v4;
    sockaddr_in6 v6 = {};
  } storage_;
};

}  // namespace caraway
