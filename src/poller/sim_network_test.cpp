// sim_network_test.cpp - the simulated kernel behaves as the real one: each test runs on both.
#include "poller/sim_network.hpp"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <filesystem>
#include <string>

namespace caraway::sim {
namespace {

using runtime::kernel;

// A descriptor of either kernel.
class socket_fd {
 public:
  socket_fd(kernel& k, int fd) noexcept : kernel_(&k), fd_(fd) {}
  socket_fd(socket_fd&& other) noexcept
      : kernel_(other.kernel_), fd_(std::exchange(other.fd_, -1)) {}
  socket_fd& operator=(socket_fd&& other) noexcept {
    close();
    kernel_ = other.kernel_;
    fd_ = std::exchange(other.fd_, -1);
    return *this;
  }
  ~socket_fd() { close(); }

  int get() const noexcept { return fd_; }
  void close() noexcept {
    if (fd_ >= 0) kernel_->close(std::exchange(fd_, -1));
  }

 private:
  kernel* kernel_;
  int fd_;
};

sockaddr_in loopback(std::uint16_t port = 0) {
  sockaddr_in a{};
  a.sin_family = AF_INET;
  a.sin_port = htons(port);
  a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return a;
}

template <class Address>
const sockaddr* raw(const Address& a) {
  return reinterpret_cast<const sockaddr*>(&a);
}
template <class Address>
sockaddr* raw(Address& a) {
  return reinterpret_cast<sockaddr*>(&a);
}

class sim_network : public testing::TestWithParam<bool> {
 protected:
  struct connection {
    socket_fd client, server;
  };

  socket_fd make(int domain = AF_INET, int type = SOCK_STREAM) {
    socket_fd s(k, k.socket(domain, type, 0));
    EXPECT_GE(s.get(), 0);
    return s;
  }

  socket_fd listener(int backlog = 16) {
    socket_fd s = make();
    const sockaddr_in any = loopback();
    EXPECT_EQ(k.bind(s.get(), raw(any), sizeof any), 0);
    EXPECT_EQ(k.listen(s.get(), backlog), 0);
    return s;
  }

  sockaddr_in name_of(const socket_fd& s) {
    sockaddr_in a{};
    socklen_t n = sizeof a;
    EXPECT_EQ(k.getsockname(s.get(), raw(a), &n), 0);
    return a;
  }

  // 0 or an errno; waits for the answer.
  int connect(const socket_fd& s, const sockaddr* to, socklen_t n) {
    if (k.connect(s.get(), to, n) == 0) return 0;
    if (errno != EINPROGRESS) return errno;
    EXPECT_TRUE(ready(s, POLLOUT));
    int code = 0;
    socklen_t length = sizeof code;
    EXPECT_EQ(k.getsockopt(s.get(), SOL_SOCKET, SO_ERROR, &code, &length), 0);
    return code;
  }

  socket_fd accept(const socket_fd& l) {
    EXPECT_TRUE(ready(l, POLLIN));
    socket_fd s(k, k.accept(l.get(), nullptr, nullptr));
    EXPECT_GE(s.get(), 0);
    return s;
  }

  connection tcp() {
    const socket_fd l = listener();
    socket_fd client = make();
    const sockaddr_in to = name_of(l);
    EXPECT_EQ(connect(client, raw(to), sizeof to), 0);
    return {std::move(client), accept(l)};
  }

  connection unix_pair() {
    int fds[2];
    EXPECT_EQ(k.socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    return {socket_fd(k, fds[0]), socket_fd(k, fds[1])};
  }

  // True once one of `events` holds (or an error, or a hang-up).
  bool ready(const socket_fd& s, short events) {
    if (!GetParam()) return k.poll(s.get(), events) != 0;
    pollfd p{s.get(), events, 0};
    return ::poll(&p, 1, 5000) == 1;
  }

  // The bytes, "" at the end, "E" and the errno on failure.
  std::string recv(const socket_fd& s, std::size_t most = 1000, int flags = 0) {
    EXPECT_TRUE(ready(s, POLLIN));
    std::string text(most, '\0');
    const ssize_t n = k.recv(s.get(), text.data(), most, flags);
    if (n < 0) return "E" + std::to_string(errno);
    text.resize(static_cast<std::size_t>(n));
    return text;
  }
  static std::string error(int code) { return "E" + std::to_string(code); }

  // How many bytes, or the negative errno.
  long send(const socket_fd& s, std::string_view text) {
    const ssize_t n = k.send(s.get(), text.data(), text.size(), 0);
    return n < 0 ? -errno : n;
  }

  int option(const socket_fd& s, int level, int name, int value) {
    return k.setsockopt(s.get(), level, name, &value, sizeof value);
  }

  network memory_{options{}};
  kernel& k = GetParam() ? runtime::real_kernel() : memory_;
};

INSTANTIATE_TEST_SUITE_P(kernels, sim_network, testing::Bool(),
                         [](const auto& real) { return real.param ? "real" : "simulated"; });

TEST_P(sim_network, a_tcp_connection_carries_bytes_both_ways_and_ends_once_per_direction) {
  const connection c = tcp();
  EXPECT_EQ(send(c.client, "hello"), 5);
  EXPECT_EQ(recv(c.server), "hello");
  EXPECT_EQ(k.shutdown(c.client.get(), SHUT_WR), 0);
  EXPECT_EQ(recv(c.server), "");
  EXPECT_EQ(send(c.client, "x"), -EPIPE);
  EXPECT_EQ(send(c.server, "bye"), 3);
  EXPECT_EQ(recv(c.client, 2), "by");
  EXPECT_EQ(recv(c.client), "e");
  EXPECT_EQ(k.shutdown(c.server.get(), SHUT_WR), 0);
  EXPECT_EQ(recv(c.client), "");
}

TEST_P(sim_network, both_ends_know_their_addresses) {
  const socket_fd l = listener();
  const sockaddr_in to = name_of(l);
  EXPECT_NE(to.sin_port, 0);
  const socket_fd client = make();
  ASSERT_EQ(connect(client, raw(to), sizeof to), 0);
  ASSERT_TRUE(ready(l, POLLIN));
  sockaddr_in from{};
  socklen_t n = sizeof from;
  const socket_fd server(k, k.accept(l.get(), raw(from), &n));
  EXPECT_EQ(n, sizeof from);
  EXPECT_EQ(from.sin_port, name_of(client).sin_port);
  EXPECT_EQ(name_of(server).sin_port, to.sin_port);
  sockaddr_in peer{};
  EXPECT_EQ(k.getpeername(client.get(), raw(peer), &n), 0);
  EXPECT_EQ(peer.sin_port, to.sin_port);
  EXPECT_EQ(peer.sin_addr.s_addr, htonl(INADDR_LOOPBACK));
  EXPECT_NE(name_of(listener()).sin_port, to.sin_port);
}

TEST_P(sim_network, nobody_listening_means_connection_refused) {
  socket_fd l = listener();
  const sockaddr_in to = name_of(l);
  l.close();
  const socket_fd client = make();
  EXPECT_EQ(connect(client, raw(to), sizeof to), ECONNREFUSED);
}

TEST_P(sim_network, an_address_is_bound_once) {
  const socket_fd l = listener();
  const sockaddr_in at = name_of(l);
  const socket_fd other = make();
  EXPECT_EQ(option(other, SOL_SOCKET, SO_REUSEADDR, 1), 0);
  EXPECT_EQ(k.bind(other.get(), raw(at), sizeof at), -1);
  EXPECT_EQ(errno, EADDRINUSE);
  EXPECT_EQ(k.bind(l.get(), raw(at), sizeof at), -1);
  EXPECT_EQ(errno, EINVAL);
  sockaddr_in elsewhere = loopback();
  elsewhere.sin_addr.s_addr = htonl(0xc0000201);
  EXPECT_EQ(k.bind(other.get(), raw(elsewhere), sizeof elsewhere), -1);
  EXPECT_EQ(errno, EADDRNOTAVAIL);
}

TEST_P(sim_network, an_address_is_free_again_when_its_listener_is_closed) {
  socket_fd l = listener();
  const sockaddr_in at = name_of(l);
  l.close();
  const socket_fd other = make();
  EXPECT_EQ(option(other, SOL_SOCKET, SO_REUSEADDR, 1), 0);
  EXPECT_EQ(k.bind(other.get(), raw(at), sizeof at), 0);
  EXPECT_EQ(k.listen(other.get(), 1), 0);
}

TEST_P(sim_network, an_ipv6_listener_takes_ipv4_unless_told_otherwise) {
  for (int only : {0, 1}) {
    const socket_fd l = make(AF_INET6);
    EXPECT_EQ(option(l, IPPROTO_IPV6, IPV6_V6ONLY, only), 0);
    sockaddr_in6 any{};
    any.sin6_family = AF_INET6;
    ASSERT_EQ(k.bind(l.get(), raw(any), sizeof any), 0);
    ASSERT_EQ(k.listen(l.get(), 4), 0);
    socklen_t n = sizeof any;
    EXPECT_EQ(k.getsockname(l.get(), raw(any), &n), 0);
    const sockaddr_in to = loopback(ntohs(any.sin6_port));
    const socket_fd client = make();
    EXPECT_EQ(connect(client, raw(to), sizeof to), only != 0 ? ECONNREFUSED : 0);
    if (only != 0) continue;
    sockaddr_in6 from{};
    ASSERT_TRUE(ready(l, POLLIN));
    const socket_fd server(k, k.accept(l.get(), raw(from), &n));
    EXPECT_TRUE(IN6_IS_ADDR_V4MAPPED(&from.sin6_addr));
    EXPECT_EQ(from.sin6_port, name_of(client).sin_port);
  }
}

TEST_P(sim_network, closing_without_lingering_resets_the_connection) {
  connection c = tcp();
  const linger none{1, 0};
  EXPECT_EQ(k.setsockopt(c.server.get(), SOL_SOCKET, SO_LINGER, &none, sizeof none), 0);
  EXPECT_EQ(send(c.server, "last"), 4);
  c.server.close();
  EXPECT_EQ(recv(c.client), "last");
  EXPECT_EQ(recv(c.client), error(ECONNRESET));
  EXPECT_EQ(recv(c.client), "");
  EXPECT_EQ(send(c.client, "x"), -EPIPE);
}

TEST_P(sim_network, closing_with_unread_bytes_resets_the_connection) {
  connection c = tcp();
  EXPECT_EQ(send(c.client, "unread"), 6);
  EXPECT_TRUE(ready(c.server, POLLIN));
  c.server.close();
  EXPECT_EQ(recv(c.client), error(ECONNRESET));
}

TEST_P(sim_network, sending_to_a_peer_that_is_gone_fails_the_second_time) {
  connection c = tcp();
  c.server.close();
  EXPECT_EQ(recv(c.client), "");
  EXPECT_EQ(send(c.client, "x"), 1);
  EXPECT_TRUE(ready(c.client, POLLERR));
  EXPECT_EQ(send(c.client, "y"), -EPIPE);
}

TEST_P(sim_network, closing_a_listener_resets_who_is_not_accepted_yet) {
  socket_fd l = listener();
  const sockaddr_in to = name_of(l);
  const socket_fd client = make();
  EXPECT_EQ(connect(client, raw(to), sizeof to), 0);
  EXPECT_TRUE(ready(l, POLLIN));
  l.close();
  EXPECT_EQ(recv(client), error(ECONNRESET));
}

TEST_P(sim_network, a_unix_pair_knows_at_once_that_its_peer_is_gone) {
  connection c = unix_pair();
  EXPECT_EQ(send(c.client, "ab"), 2);
  EXPECT_EQ(recv(c.server), "ab");
  EXPECT_EQ(send(c.server, "cd"), 2);
  c.server.close();
  EXPECT_EQ(send(c.client, "x"), -EPIPE);
  EXPECT_EQ(recv(c.client), "cd");
  EXPECT_EQ(recv(c.client), "");
}

TEST_P(sim_network, a_unix_pair_is_reset_by_unread_bytes) {
  connection c = unix_pair();
  EXPECT_EQ(send(c.client, "ab"), 2);
  c.server.close();
  EXPECT_EQ(recv(c.client), error(ECONNRESET));
  EXPECT_EQ(recv(c.client), "");
}

TEST_P(sim_network, a_unix_listener_lives_at_a_path) {
  const auto path = std::filesystem::temp_directory_path() /
                    ("caraway-" + std::to_string(::getpid()) + ".socket");
  sockaddr_un at{};
  at.sun_family = AF_UNIX;
  std::strncpy(at.sun_path, path.c_str(), sizeof at.sun_path - 1);
  std::filesystem::remove(path);
  socket_fd client = make(AF_UNIX);
  EXPECT_EQ(connect(client, raw(at), sizeof at), ENOENT);
  socket_fd l = make(AF_UNIX);
  ASSERT_EQ(k.bind(l.get(), raw(at), sizeof at), 0);
  EXPECT_EQ(connect(client, raw(at), sizeof at), ECONNREFUSED);
  ASSERT_EQ(k.listen(l.get(), 4), 0);
  EXPECT_TRUE(std::filesystem::is_socket(path));
  EXPECT_EQ(connect(client, raw(at), sizeof at), 0);
  const socket_fd server = accept(l);
  EXPECT_EQ(send(server, "hi"), 2);
  EXPECT_EQ(recv(client), "hi");
  const socket_fd other = make(AF_UNIX);
  EXPECT_EQ(k.bind(other.get(), raw(at), sizeof at), -1);
  EXPECT_EQ(errno, EADDRINUSE);
  l.close();
  EXPECT_EQ(connect(other, raw(at), sizeof at), ECONNREFUSED);
  std::filesystem::remove(path);
}

TEST_P(sim_network, an_abstract_name_needs_no_file) {
  sockaddr_un at{};
  at.sun_family = AF_UNIX;
  const std::string name = "caraway-test-" + std::to_string(::getpid());
  std::memcpy(at.sun_path + 1, name.data(), name.size());
  const auto n = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  const socket_fd l = make(AF_UNIX);
  ASSERT_EQ(k.bind(l.get(), raw(at), n), 0);
  ASSERT_EQ(k.listen(l.get(), 4), 0);
  const socket_fd client = make(AF_UNIX);
  EXPECT_EQ(connect(client, raw(at), n), 0);
  const socket_fd other = make(AF_UNIX);
  EXPECT_EQ(k.bind(other.get(), raw(at), n), -1);
  EXPECT_EQ(errno, EADDRINUSE);
}

TEST_P(sim_network, a_full_stream_takes_nothing_until_the_peer_has_read) {
  const connection c = unix_pair();
  const std::string block(10'000, 'x');
  std::size_t sent = 0;
  long n;
  while ((n = send(c.client, block)) > 0) sent += static_cast<std::size_t>(n);
  EXPECT_EQ(n, -EAGAIN);
  EXPECT_EQ(k.poll(c.client.get(), POLLOUT), 0);
  std::size_t got = 0;
  while (got < sent) got += recv(c.server, 65536).size();
  EXPECT_EQ(got, sent);
  EXPECT_EQ(k.poll(c.client.get(), POLLOUT), POLLOUT);
  EXPECT_GT(send(c.client, block), 0);
}

TEST_P(sim_network, peeking_leaves_the_bytes_where_they_are) {
  const connection c = tcp();
  EXPECT_EQ(send(c.client, "hello"), 5);
  EXPECT_EQ(recv(c.server, 3, MSG_PEEK), "hel");
  EXPECT_EQ(recv(c.server), "hello");
}

TEST_P(sim_network, pieces_are_gathered_and_scattered) {
  const connection c = tcp();
  char ab[] = "ab", cde[] = "cde";
  iovec from[] = {{ab, 2}, {nullptr, 0}, {cde, 3}};
  msghdr out{};
  out.msg_iov = from;
  out.msg_iovlen = 3;
  EXPECT_EQ(k.sendmsg(c.client.get(), &out, 0), 5);
  ASSERT_TRUE(ready(c.server, POLLIN));
  char first[3] = {}, second[8] = {};
  iovec into[] = {{first, 3}, {second, 8}};
  msghdr in{};
  in.msg_iov = into;
  in.msg_iovlen = 2;
  EXPECT_EQ(k.recvmsg(c.server.get(), &in, 0), 5);
  EXPECT_EQ(std::string(first, 3), "abc");
  EXPECT_STREQ(second, "de");
}

TEST_P(sim_network, calls_that_make_no_sense_fail_as_they_should) {
  const connection c = tcp();
  const socket_fd fresh = make();
  const sockaddr_in to = loopback(1);
  EXPECT_EQ(recv(fresh), error(ENOTCONN));
  EXPECT_EQ(send(fresh, "x"), -EPIPE);
  EXPECT_EQ(k.accept(fresh.get(), nullptr, nullptr), -1);
  EXPECT_EQ(errno, EINVAL);
  EXPECT_EQ(k.shutdown(fresh.get(), SHUT_WR), -1);
  EXPECT_EQ(errno, ENOTCONN);
  sockaddr_in peer{};
  socklen_t n = sizeof peer;
  EXPECT_EQ(k.getpeername(fresh.get(), raw(peer), &n), -1);
  EXPECT_EQ(errno, ENOTCONN);
  EXPECT_EQ(k.connect(c.server.get(), raw(to), sizeof to), -1);
  EXPECT_EQ(errno, EISCONN);
  EXPECT_EQ(k.listen(c.client.get(), 1), -1);
  EXPECT_EQ(errno, EINVAL);
  EXPECT_EQ(k.connect(fresh.get(), raw(to), 3), -1);
  EXPECT_EQ(k.accept(listener().get(), nullptr, nullptr), -1);
  EXPECT_EQ(k.socket(AF_INET, 77, 0), -1);
  char byte;
  EXPECT_EQ(k.recv(c.client.get(), &byte, 1, 0), -1);
  EXPECT_EQ(errno, EAGAIN);
}

TEST_P(sim_network, a_closed_number_is_bad_and_the_lowest_free_one_is_next) {
  socket_fd a = make();
  const int number = a.get();
  const socket_fd b = make();
  a.close();
  char byte;
  EXPECT_EQ(k.recv(number, &byte, 1, 0), -1);
  EXPECT_EQ(errno, EBADF);
  EXPECT_EQ(k.close(number), -1);
  EXPECT_EQ(errno, EBADF);
  EXPECT_EQ(k.poll(number, POLLIN), POLLNVAL);
  EXPECT_EQ(make().get(), number);
}

TEST_P(sim_network, poll_tells_the_state_of_a_stream) {
  connection c = tcp();
  EXPECT_EQ(k.poll(c.client.get(), POLLIN | POLLOUT | POLLRDHUP), POLLOUT);
  EXPECT_EQ(send(c.server, "x"), 1);
  EXPECT_EQ(k.shutdown(c.server.get(), SHUT_WR), 0);
  EXPECT_TRUE(ready(c.client, POLLRDHUP));
  EXPECT_EQ(k.poll(c.client.get(), POLLIN | POLLOUT | POLLRDHUP), POLLIN | POLLOUT | POLLRDHUP);
  EXPECT_EQ(k.shutdown(c.client.get(), SHUT_WR), 0);
  EXPECT_TRUE(ready(c.client, 0));
  EXPECT_EQ(k.poll(c.client.get(), 0), POLLHUP);
  EXPECT_EQ(k.poll(make().get(), POLLIN | POLLOUT), POLLOUT | POLLHUP);
}

TEST_P(sim_network, options_are_remembered) {
  const socket_fd s = listener();
  const auto get = [&](int level, int name) {
    int value = -1;
    socklen_t n = sizeof value;
    EXPECT_EQ(k.getsockopt(s.get(), level, name, &value, &n), 0);
    return value;
  };
  EXPECT_EQ(get(SOL_SOCKET, SO_TYPE), SOCK_STREAM);
  EXPECT_EQ(get(SOL_SOCKET, SO_DOMAIN), AF_INET);
  EXPECT_EQ(get(SOL_SOCKET, SO_ACCEPTCONN), 1);
  EXPECT_EQ(get(SOL_SOCKET, SO_ERROR), 0);
  EXPECT_EQ(get(SOL_SOCKET, SO_REUSEADDR), 0);
  EXPECT_EQ(option(s, SOL_SOCKET, SO_REUSEADDR, 1), 0);
  EXPECT_EQ(get(SOL_SOCKET, SO_REUSEADDR), 1);
  EXPECT_EQ(option(s, SOL_SOCKET, SO_SNDBUF, 1), 0);
  EXPECT_EQ(get(SOL_SOCKET, SO_SNDBUF), 4608);
}

TEST_P(sim_network, datagrams_keep_their_boundaries_and_their_sender) {
  const socket_fd a = make(AF_INET, SOCK_DGRAM);
  const socket_fd b = make(AF_INET, SOCK_DGRAM);
  const sockaddr_in any = loopback();
  ASSERT_EQ(k.bind(a.get(), raw(any), sizeof any), 0);
  sockaddr_in to = name_of(a);
  char text[] = "hello";
  iovec part{text, 5};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  EXPECT_EQ(k.sendmsg(b.get(), &message, 0), -1);
  EXPECT_EQ(errno, EDESTADDRREQ);
  message.msg_name = &to;
  message.msg_namelen = sizeof to;
  EXPECT_EQ(k.sendmsg(b.get(), &message, 0), 5);
  EXPECT_EQ(k.sendmsg(b.get(), &message, 0), 5);
  ASSERT_TRUE(ready(a, POLLIN));
  sockaddr_in from{};
  message.msg_name = &from;
  part.iov_len = 3;
  EXPECT_EQ(k.recvmsg(a.get(), &message, 0), 3);
  EXPECT_EQ(message.msg_flags & MSG_TRUNC, MSG_TRUNC);
  EXPECT_EQ(from.sin_port, name_of(b).sin_port);
  EXPECT_EQ(recv(a), "hello");
  char byte;
  EXPECT_EQ(k.recv(a.get(), &byte, 1, 0), -1);
  EXPECT_EQ(errno, EAGAIN);
}

TEST_P(sim_network, a_connected_datagram_socket_learns_that_nobody_is_there) {
  socket_fd a = make(AF_INET, SOCK_DGRAM);
  const sockaddr_in any = loopback();
  ASSERT_EQ(k.bind(a.get(), raw(any), sizeof any), 0);
  const sockaddr_in to = name_of(a);
  const socket_fd b = make(AF_INET, SOCK_DGRAM);
  ASSERT_EQ(k.connect(b.get(), raw(to), sizeof to), 0);
  EXPECT_EQ(send(b, "x"), 1);
  EXPECT_EQ(recv(a), "x");
  EXPECT_EQ(send(b, std::string(70'000, 'x')), -EMSGSIZE);
  a.close();
  EXPECT_EQ(send(b, "y"), 1);
  EXPECT_EQ(recv(b), error(ECONNREFUSED));
}

}  // namespace
}  // namespace caraway::sim
