// sim_network.hpp - a kernel in memory: the sockets of one simulated world.
//
// It hands out descriptors from `first_fd` up, the lowest free one first as the real kernel does,
// and passes calls on smaller numbers to the real kernel.
#pragma once

#include <memory>
#include <set>
#include <vector>

#include "base/fd_closer.hpp"
#include "poller/sim_directory.hpp"
#include "poller/sim_endpoint.hpp"
#include "runtime/kernel.hpp"

namespace caraway::sim {

class network final : public runtime::kernel, public base::fd_closer {
 public:
  static constexpr int first_fd = 1'000'000;
  static constexpr bool is_mine(int fd) noexcept { return fd >= first_fd; }

  explicit network(const options& o) noexcept : sky_(o) {}

  timeline& time() noexcept { return time_; }
  const timeline& time() const noexcept { return time_; }
  weather& sky() noexcept { return sky_; }

  int socket(int domain, int type, int protocol) noexcept override;
  int socketpair(int domain, int type, int protocol, int fds[2]) noexcept override;
  int bind(int fd, const sockaddr* at, socklen_t length) noexcept override;
  int listen(int fd, int backlog) noexcept override;
  int accept(int fd, sockaddr* from, socklen_t* length) noexcept override;
  int connect(int fd, const sockaddr* to, socklen_t length) noexcept override;
  int shutdown(int fd, int how) noexcept override;
  int close(int fd) noexcept override;
  int getsockname(int fd, sockaddr* into, socklen_t* length) noexcept override;
  int getpeername(int fd, sockaddr* into, socklen_t* length) noexcept override;
  int setsockopt(int fd, int level, int name, const void* value, socklen_t n) noexcept override;
  int getsockopt(int fd, int level, int name, void* value, socklen_t* n) noexcept override;
  ssize_t recv(int fd, void* into, size_t n, int flags) noexcept override;
  ssize_t send(int fd, const void* from, size_t n, int flags) noexcept override;
  ssize_t recvmsg(int fd, msghdr* message, int flags) noexcept override;
  ssize_t sendmsg(int fd, const msghdr* message, int flags) noexcept override;
  short poll(int fd, short events) noexcept override;

 private:
  using socket_pointer = std::shared_ptr<endpoint>;

  socket_pointer make(int family, int type) {
    return std::make_shared<endpoint>(time_, sky_, family, type);
  }
  int install(socket_pointer e);
  endpoint* find(int fd) noexcept;
  // The endpoint, or nullptr and errno: EBADF, or the failure that the weather has in store.
  endpoint* enter(int fd) noexcept;

  int connect_stream(endpoint& e, const address& to);
  int connect_unix(endpoint& e, const address& to);
  int connect_datagrams(endpoint& e, const address& to);
  int bind_to_any_port(endpoint& e, const address& to);
  void knock(const socket_pointer& client, const address& to, std::chrono::seconds patience);
  socket_pointer admit(endpoint& listener, endpoint& client);
  int get_option(endpoint& e, int level, int name) noexcept;
  long receive(endpoint& e, msghdr& message, int flags);
  long transmit(endpoint& e, const msghdr& message);
  long transmit_datagram(endpoint& e, const msghdr& message, std::vector<std::byte> data);

  timeline time_;
  weather sky_;
  directory directory_;
  std::vector<socket_pointer> sockets_;
  std::set<int> free_;
};

}  // namespace caraway::sim
