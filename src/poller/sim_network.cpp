// sim_network.cpp - the system calls of the simulated kernel.
#include "poller/sim_network.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace caraway::sim {
namespace {

using runtime::kernel;

// From our results (negative errno) to those of system calls.
template <class T>
T returned(T value) noexcept {
  if (value >= 0) return value;
  errno = static_cast<int>(-value);
  return -1;
}

int failed(int code) noexcept {
  return returned(-code);
}

// A SYN is repeated after 1, 2, 4 ... seconds, and given up after 127 (RFC 9293 3.8.3, as Linux
// does).
constexpr std::chrono::seconds first_patience{1};
constexpr std::chrono::seconds last_patience{64};

std::vector<std::byte> gather(const msghdr& message) {
  std::vector<std::byte> all;
  for (std::size_t i = 0; i < message.msg_iovlen; ++i) {
    const iovec& part = message.msg_iov[i];
    const auto* data = static_cast<const std::byte*>(part.iov_base);
    all.insert(all.end(), data, data + part.iov_len);
  }
  return all;
}

std::size_t size_of(const msghdr& message) noexcept {
  std::size_t n = 0;
  for (std::size_t i = 0; i < message.msg_iovlen; ++i) n += message.msg_iov[i].iov_len;
  return n;
}

void scatter(bytes data, msghdr& message) noexcept {
  for (std::size_t i = 0; i < message.msg_iovlen && !data.empty(); ++i) {
    const std::size_t n = std::min(data.size(), message.msg_iov[i].iov_len);
    std::memcpy(message.msg_iov[i].iov_base, data.data(), n);
    data = data.subspan(n);
  }
}

// Where a datagram is to go. A socket for IPv6 sends to IPv4 addresses too.
int assign_target(const endpoint& e, const sockaddr* name, socklen_t length, address& to) noexcept {
  if (e.family == AF_INET6 && length >= sizeof(sockaddr_in) && name->sa_family == AF_INET) {
    if (e.only_v6) return ENETUNREACH;
    if (!to.assign(AF_INET, name, length)) return EINVAL;
    to = to.mapped();
    return 0;
  }
  if (length >= sizeof(sa_family_t) && name->sa_family != e.family) return EAFNOSUPPORT;
  return to.assign(e.family, name, length) ? 0 : EINVAL;
}

bool takes(int domain, int type) noexcept {
  if (domain == AF_UNIX) return type == SOCK_STREAM;
  return type == SOCK_STREAM || type == SOCK_DGRAM;
}

}  // namespace

int network::install(socket_pointer e) {
  if (free_.empty()) {
    sockets_.push_back(nullptr);
    free_.insert(first_fd + static_cast<int>(sockets_.size()) - 1);
  }
  const int fd = free_.extract(free_.begin()).value();
  sockets_[static_cast<std::size_t>(fd - first_fd)] = std::move(e);
  return fd;
}

endpoint* network::find(int fd) noexcept {
  const auto i = static_cast<std::size_t>(fd - first_fd);
  return is_mine(fd) && i < sockets_.size() ? sockets_[i].get() : nullptr;
}

endpoint* network::enter(int fd) noexcept {
  endpoint* e = find(fd);
  const int code = e == nullptr ? EBADF : sky_.fault();
  if (code == 0) return e;
  errno = code;
  return nullptr;
}

int network::socket(int domain, int type, int protocol) noexcept {
  const int kind = type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (domain != AF_INET && domain != AF_INET6 && domain != AF_UNIX)
    return kernel::socket(domain, type, protocol);
  if (!takes(domain, kind)) return failed(EPROTONOSUPPORT);
  if (const int code = sky_.fault(); code != 0) return failed(code);
  return install(make(domain, kind));
}

int network::socketpair(int domain, int type, int, int fds[2]) noexcept {
  const int kind = type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (domain != AF_UNIX) return failed(EOPNOTSUPP);
  if (!takes(domain, kind)) return failed(EPROTONOSUPPORT);
  if (const int code = sky_.fault(); code != 0) return failed(code);
  const socket_pointer a = make(domain, kind);
  const socket_pointer b = make(domain, kind);
  endpoint::join(a, b);
  fds[0] = install(a);
  fds[1] = install(b);
  return 0;
}

int network::bind(int fd, const sockaddr* at, socklen_t length) noexcept {
  if (!is_mine(fd)) return kernel::bind(fd, at, length);
  endpoint* e = enter(fd);
  if (e == nullptr) return -1;
  address a;
  if (!a.assign(e->family, at, length)) return failed(EINVAL);
  return failed(directory_.bind(*e, a));
}

int network::listen(int fd, int backlog) noexcept {
  if (!is_mine(fd)) return kernel::listen(fd, backlog);
  endpoint* e = enter(fd);
  if (e == nullptr) return -1;
  if (!e->is_stream()) return failed(EOPNOTSUPP);
  const bool fresh = e->state() == endpoint::phase::idle;
  if (!fresh && e->state() != endpoint::phase::listening) return failed(EINVAL);
  if (!e->bound) {
    if (e->family == AF_UNIX) return failed(EINVAL);
    if (const int code = directory_.bind(*e, address(e->family)); code != 0) return failed(code);
  }
  e->listen(backlog);
  return 0;
}

int network::accept(int fd, sockaddr* from, socklen_t* length) noexcept {
  if (!is_mine(fd)) return kernel::accept(fd, from, length);
  endpoint* e = enter(fd);
  if (e == nullptr) return -1;
  if (e->state() != endpoint::phase::listening) return failed(EINVAL);
  socket_pointer fresh = e->accept();
  if (fresh == nullptr) return failed(EAGAIN);
  fresh->remote.copy_to(from, length);
  return install(std::move(fresh));
}

int network::connect(int fd, const sockaddr* to, socklen_t length) noexcept {
  if (!is_mine(fd)) return kernel::connect(fd, to, length);
  endpoint* e = enter(fd);
  if (e == nullptr) return -1;
  address target;
  if (!target.assign(e->family, to, length)) return failed(EAFNOSUPPORT);
  if (!e->is_stream()) return failed(connect_datagrams(*e, target));
  if (e->state() == endpoint::phase::connecting) return failed(EALREADY);
  if (e->state() != endpoint::phase::idle) return failed(EISCONN);
  return failed(e->family == AF_UNIX ? connect_unix(*e, target) : connect_stream(*e, target));
}

int network::bind_to_any_port(endpoint& e, const address& to) {
  if (e.bound) return 0;
  address from = to.is_loopback() ? to : address(e.family).any_to_loopback();
  from.set_port(0);
  return directory_.bind(e, from);
}

int network::connect_stream(endpoint& e, const address& to) {
  e.take_error();
  if (const int code = bind_to_any_port(e, to.any_to_loopback()); code != 0) return code;
  e.remote = to.any_to_loopback();
  e.begin_connect();
  knock(e.shared_from_this(), e.remote, first_patience);
  return EINPROGRESS;
}

// Sends a SYN. A host that is not here does not answer; a listener with a full queue neither.
void network::knock(const socket_pointer& client, const address& to,
                    std::chrono::seconds patience) {
  time_.at(client->next_arrival(), [this, client, to, patience] {
    if (client->closed()) return;
    int code = 0;
    endpoint* const listener = directory_.find(to, SOCK_STREAM, code);
    if (listener == nullptr && to.is_loopback()) {
      time_.at(time_.now() + sky_.latency(), [client] { client->refuse(ECONNREFUSED); });
    } else if (listener == nullptr || listener->is_full()) {
      time_.at(time_.now() + patience, [this, client, to, patience] {
        if (patience >= last_patience) return client->refuse(ETIMEDOUT);
        knock(client, to, patience * 2);
      });
    } else {
      const socket_pointer server = admit(*listener, *client);
      time_.at(server->next_arrival(), [client, server] { client->established(server); });
    }
  });
}

// Makes the server's half of a connection and puts it into the listener's queue.
network::socket_pointer network::admit(endpoint& listener, endpoint& client) {
  socket_pointer server = make(listener.family, SOCK_STREAM);
  const bool v6 = listener.family == AF_INET6;
  server->local = v6 ? client.remote.mapped() : client.remote.unmapped();
  server->remote = v6 ? client.local.mapped() : client.local.unmapped();
  server->send_buffer = listener.send_buffer;
  endpoint::join(client.shared_from_this(), server);
  if (listener.family != AF_UNIX) client.begin_connect();
  listener.enqueue(server);
  return server;
}

int network::connect_unix(endpoint& e, const address& to) {
  int code = 0;
  endpoint* const listener = directory_.find(to, SOCK_STREAM, code);
  if (listener == nullptr) return code;
  if (listener->is_full()) return EAGAIN;
  e.remote = to;
  admit(*listener, e);
  return 0;
}

int network::connect_datagrams(endpoint& e, const address& to) {
  if (const int code = bind_to_any_port(e, to.any_to_loopback()); code != 0) return code;
  e.remote = to.any_to_loopback();
  e.connect_datagrams();
  return 0;
}

int network::shutdown(int fd, int how) noexcept {
  if (!is_mine(fd)) return kernel::shutdown(fd, how);
  endpoint* e = enter(fd);
  return e == nullptr ? -1 : returned(e->shutdown(how));
}

int network::close(int fd) noexcept {
  if (!is_mine(fd)) return kernel::close(fd);
  endpoint* e = find(fd);
  if (e == nullptr) return failed(EBADF);
  directory_.remove(*e);
  e->close();
  sockets_[static_cast<std::size_t>(fd - first_fd)] = nullptr;
  free_.insert(fd);
  return 0;
}

int network::getsockname(int fd, sockaddr* into, socklen_t* length) noexcept {
  if (!is_mine(fd)) return kernel::getsockname(fd, into, length);
  endpoint* e = enter(fd);
  if (e == nullptr) return -1;
  e->local.copy_to(into, length);
  return 0;
}

int network::getpeername(int fd, sockaddr* into, socklen_t* length) noexcept {
  if (!is_mine(fd)) return kernel::getpeername(fd, into, length);
  endpoint* e = enter(fd);
  if (e == nullptr) return -1;
  if (e->state() != endpoint::phase::connected) return failed(ENOTCONN);
  e->remote.copy_to(into, length);
  return 0;
}

// What has no meaning here is accepted and forgotten.
int network::setsockopt(int fd, int level, int name, const void* value, socklen_t n) noexcept {
  if (!is_mine(fd)) return kernel::setsockopt(fd, level, name, value, n);
  endpoint* e = enter(fd);
  if (e == nullptr) return -1;
  if (level == SOL_SOCKET && name == SO_LINGER) {
    if (n < sizeof e->lingering) return failed(EINVAL);
    std::memcpy(&e->lingering, value, sizeof e->lingering);
    return 0;
  }
  int number = 0;
  if (n < sizeof number) return 0;
  std::memcpy(&number, value, sizeof number);
  if (level == IPPROTO_IPV6 && name == IPV6_V6ONLY) e->only_v6 = number != 0;
  if (level != SOL_SOCKET) return 0;
  if (name == SO_REUSEADDR) e->reuse_address = number != 0;
  if (name == SO_SNDBUF) e->send_buffer = static_cast<std::size_t>(std::max(2304, number)) * 2;
  return 0;
}

int network::getsockopt(int fd, int level, int name, void* value, socklen_t* n) noexcept {
  if (!is_mine(fd)) return kernel::getsockopt(fd, level, name, value, n);
  endpoint* e = enter(fd);
  if (e == nullptr) return -1;
  if (level == SOL_SOCKET && name == SO_PEERCRED) {
    const ucred self{::getpid(), ::getuid(), ::getgid()};
    *n = std::min<socklen_t>(*n, sizeof self);
    std::memcpy(value, &self, *n);
    return 0;
  }
  const int number = get_option(*e, level, name);
  *n = std::min<socklen_t>(*n, sizeof number);
  std::memcpy(value, &number, *n);
  return 0;
}

int network::get_option(endpoint& e, int level, int name) noexcept {
  if (level == IPPROTO_IPV6) return name == IPV6_V6ONLY && e.only_v6 ? 1 : 0;
  if (level != SOL_SOCKET) return 0;
  switch (name) {
    case SO_ERROR:
      return e.take_error();
    case SO_TYPE:
      return e.type;
    case SO_DOMAIN:
      return e.family;
    case SO_ACCEPTCONN:
      return e.state() == endpoint::phase::listening ? 1 : 0;
    case SO_REUSEADDR:
      return e.reuse_address ? 1 : 0;
    case SO_SNDBUF:
      return static_cast<int>(e.send_buffer);
    default:
      return 0;
  }
}

ssize_t network::recv(int fd, void* into, size_t n, int flags) noexcept {
  if (!is_mine(fd)) return kernel::recv(fd, into, n, flags);
  iovec part{into, n};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  return recvmsg(fd, &message, flags);
}

ssize_t network::send(int fd, const void* from, size_t n, int flags) noexcept {
  if (!is_mine(fd)) return kernel::send(fd, from, n, flags);
  iovec part{const_cast<void*>(from), n};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  return sendmsg(fd, &message, flags);
}

ssize_t network::recvmsg(int fd, msghdr* message, int flags) noexcept {
  if (!is_mine(fd)) return kernel::recvmsg(fd, message, flags);
  endpoint* e = enter(fd);
  return e == nullptr ? -1 : returned(receive(*e, *message, flags));
}

long network::receive(endpoint& e, msghdr& message, int flags) {
  std::vector<std::byte> data(size_of(message));
  const bool peek = (flags & MSG_PEEK) != 0;
  message.msg_flags = 0;
  message.msg_controllen = 0;
  long n;
  if (e.is_stream()) {
    n = e.recv(data, peek);
    message.msg_namelen = 0;
  } else {
    address from;
    bool cut = false;
    n = e.recv_datagram(data, from, peek, cut);
    from.copy_to(static_cast<sockaddr*>(message.msg_name), &message.msg_namelen);
    if (cut) message.msg_flags |= MSG_TRUNC;
  }
  if (n > 0) scatter(bytes(data).first(static_cast<std::size_t>(n)), message);
  return n;
}

ssize_t network::sendmsg(int fd, const msghdr* message, int flags) noexcept {
  if (!is_mine(fd)) return kernel::sendmsg(fd, message, flags);
  endpoint* e = enter(fd);
  return e == nullptr ? -1 : returned(transmit(*e, *message));
}

long network::transmit(endpoint& e, const msghdr& message) {
  std::vector<std::byte> data = gather(message);
  return e.is_stream() ? e.send(data) : transmit_datagram(e, message, std::move(data));
}

long network::transmit_datagram(endpoint& e, const msghdr& message, std::vector<std::byte> data) {
  constexpr std::size_t largest = 65507;
  if (const int code = e.take_error(); code != 0) return -code;
  address to = e.remote;
  const auto* name = static_cast<const sockaddr*>(message.msg_name);
  if (name != nullptr)
    if (const int code = assign_target(e, name, message.msg_namelen, to); code != 0) return -code;
  if (name == nullptr && e.state() != endpoint::phase::connected) return -EDESTADDRREQ;
  if (data.size() > largest) return -EMSGSIZE;
  to = to.any_to_loopback();
  if (const int code = bind_to_any_port(e, to); code != 0) return -code;
  const long n = static_cast<long>(data.size());
  time_.at(e.next_arrival(),
           [this, self = e.shared_from_this(), to, d = std::move(data)]() mutable {
             int code = 0;
             endpoint* const receiver = directory_.find(to, SOCK_DGRAM, code);
             if (receiver == nullptr) return self->unreachable(to);
             const bool maps = receiver->family == AF_INET6 && self->family == AF_INET;
             const address from = self->local.any_to_loopback();
             receiver->deliver(maps ? from.mapped() : from, std::move(d));
           });
  return n;
}

short network::poll(int fd, short events) noexcept {
  if (!is_mine(fd)) return kernel::poll(fd, events);
  const endpoint* e = find(fd);
  if (e == nullptr) return POLLNVAL;
  constexpr short always = POLLERR | POLLHUP;
  return e->readiness() & static_cast<short>(events | always);
}

}  // namespace caraway::sim
