// sim_address.hpp - a socket address of the simulated network.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <string>

namespace caraway::sim {

class address {
 public:
  address() noexcept = default;
  // The unnamed or unspecified address of a family.
  explicit address(int family) noexcept;
  // Takes over what a program passed; false if it is no address of `family`.
  bool assign(int family, const sockaddr* from, socklen_t length) noexcept;
  // Gives it to a program as getsockname(2) does: cut to *length, which becomes the whole length.
  void copy_to(sockaddr* into, socklen_t* length) const noexcept;

  int family() const noexcept { return storage_.ss_family; }
  socklen_t length() const noexcept { return length_; }

  // For AF_INET and AF_INET6.
  std::uint16_t port() const noexcept;
  void set_port(std::uint16_t port) noexcept;
  // 0.0.0.0 or ::
  bool is_any() const noexcept;
  // 127.0.0.0/8 or ::1, or the former mapped to IPv6.
  bool is_loopback() const noexcept;
  // The loopback address if this is is_any().
  address any_to_loopback() const noexcept;
  // An IPv4 address as IPv6 socket sees it (::ffff:a.b.c.d), and the way back; else the same.
  address mapped() const noexcept;
  address unmapped() const noexcept;

  // For AF_UNIX: the path, or the abstract name with its leading zero; empty if unnamed.
  std::string name() const;

  // The same host, whatever the port.
  bool same_host(const address& other) const noexcept;

 private:
  sockaddr_storage storage_{};
  socklen_t length_ = 0;
};

}  // namespace caraway::sim
