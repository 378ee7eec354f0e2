// sim_directory.hpp - who is bound to which address of the simulated network.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "poller/sim_endpoint.hpp"

namespace caraway::sim {

class directory {
 public:
  // Binds `e`; port 0 means any free one. 0 or an errno: EADDRINUSE, EADDRNOTAVAIL, EINVAL, and for
  // Unix sockets those of mknod(2). A path appears in the real file system, so that programs can
  // look at it, change its mode and remove it.
  int bind(endpoint& e, address at);
  // Forgets `e`, if it is known.
  void remove(endpoint& e) noexcept;

  // Who would get what is sent to `target`: somebody who listens (streams) or is bound (datagrams).
  // nullptr and `code` (ECONNREFUSED, or errors of stat(2)) if nobody would.
  endpoint* find(const address& target, int type, int& code) const;

 private:
  int bind_name(endpoint& e, const address& at);
  bool taken(const endpoint& e, const address& at) const noexcept;
  std::uint16_t free_port(const endpoint& e, address at) noexcept;
  endpoint* find_name(const address& target, int& code) const;

  std::multimap<std::uint16_t, endpoint*> ports_;
  std::map<std::string, endpoint*> names_;
  std::uint16_t next_port_ = first_port;
  static constexpr std::uint16_t first_port = 32768;
};

}  // namespace caraway::sim
