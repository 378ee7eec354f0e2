// udp_test.cpp - datagrams over the loopback interface, or the simulated network.
#include "caraway/udp.hpp"

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <string>

#include "caraway/sim.hpp"
#include "caraway/task_group.hpp"
#include "caraway/testing/datagram_contract.hpp"
#include "caraway/this_task.hpp"
#include "net/with_kernel.hpp"
#include "runtime/scheduler.hpp"

namespace caraway {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// Two sockets, each the other's peer. The first has to be there before its peer is known.
testing::message_pair udp_pair() {
  const address a = udp::bind(address::loopback(0))->local_address();
  const address b = udp::bind(address::loopback(0))->local_address();
  return {udp::connect(b, a), udp::connect(a, b)};
}

CARAWAY_DATAGRAM_CONTRACT(udp, 65507, [] { return udp_pair(); })

void send(udp::socket& s, std::string_view text, const address& to) {
  s.send_to(text, to, seconds(5));
}

void expect(udp::socket& s, std::string_view text, const address& from) {
  const auto got = s.try_recv_from(seconds(5));
  ASSERT_TRUE(got) << got.error().message();
  EXPECT_EQ(as_text(got->data), text);
  EXPECT_EQ(got->from, from);
}

TEST(udp, a_bound_socket_talks_to_anybody_and_is_told_who_it_is) {
  auto server = udp::bind(address::loopback(0));
  auto one = udp::bind(address::loopback(0));
  auto other = udp::bind(address::loopback(0));
  EXPECT_NE(server->local_address().port(), 0);
  EXPECT_EQ(server->peer_address(), address());
  send(*one, "one", server->local_address());
  expect(*server, "one", one->local_address());
  send(*other, "other", server->local_address());
  expect(*server, "other", other->local_address());
  send(*server, "back", other->local_address());
  expect(*other, "back", server->local_address());
  EXPECT_EQ(server->try_send({}, seconds(5)).error(), os_error(EDESTADDRREQ));
}

TEST(udp, a_connected_socket_hears_its_peer_alone_but_may_speak_to_others) {
  auto peer = udp::bind(address::loopback(0));
  auto stranger = udp::bind(address::loopback(0));
  auto s = udp::connect(peer->local_address());
  EXPECT_EQ(s->peer_address(), peer->local_address());
  send(*stranger, "hello?", s->local_address());
  send(*peer, "hello!", s->local_address());
  expect(*s, "hello!", peer->local_address());
  EXPECT_EQ(s->try_recv(milliseconds(5)).error(), os_error(ETIMEDOUT));
  send(*s, "sideways", stranger->local_address());
  expect(*stranger, "sideways", s->local_address());
}

TEST(udp, ipv6_works_the_same_and_a_socket_for_everything_takes_ipv4_too) {
  auto six = udp::bind(address::loopback_ipv6(0));
  auto all = udp::bind(address::any(0));
  auto four = udp::bind(address::loopback(0));
  const std::uint16_t port = all->local_address().port();
  send(*six, "six", address::loopback_ipv6(port));
  expect(*all, "six", six->local_address());
  send(*four, "four", address::loopback(port));
  const auto got = all->recv_from(seconds(5));
  EXPECT_EQ(as_text(got.data), "four");
  EXPECT_EQ(got.from.to_string(),
            "[::ffff:127.0.0.1]:" + std::to_string(four->local_address().port()));
  all->send_to("back", got.from);
  EXPECT_EQ(as_text(four->recv(seconds(5))), "back");
  all->send_to("again", four->local_address());
  EXPECT_EQ(as_text(four->recv(seconds(5))), "again");
}

TEST(udp, nobody_at_the_peers_port_is_told_once_and_the_socket_goes_on) {
  const address peer = udp::bind(address::loopback(0))->local_address();
  auto s = udp::connect(peer);
  s->send("anybody there?");
  EXPECT_EQ(s->try_recv(seconds(5)).error(), os_error(ECONNREFUSED));
  auto there = udp::bind(peer);
  s->send("now?");
  EXPECT_EQ(as_text(there->recv(seconds(5))), "now?");
  there->send_to("yes", s->local_address());
  EXPECT_EQ(as_text(s->recv(seconds(5))), "yes");
}

TEST(udp, addresses_that_cannot_be_used_are_refused) {
  auto s = udp::bind(address::loopback(0));
  EXPECT_EQ(udp::try_bind(s->local_address()).error(), os_error(EADDRINUSE));
  EXPECT_EQ(udp::try_bind(address::parse("192.0.2.1:0")).error(), os_error(EADDRNOTAVAIL));
  EXPECT_FALSE(udp::try_bind(address()));
  EXPECT_FALSE(udp::try_connect(address()));
  EXPECT_EQ(udp::try_connect(address::loopback(1), address::loopback_ipv6(0)).error(),
            os_error(EINVAL));
  EXPECT_EQ(s->try_send_to({}, address(), seconds(1)).error(), os_error(EINVAL));
  EXPECT_EQ(s->try_send_to({}, address::loopback_ipv6(1), seconds(1)).error(),
            os_error(EAFNOSUPPORT));
}

TEST(udp, a_port_is_shared_by_those_who_all_want_to) {
  net::with_kernel([] {
    auto one = udp::bind(address::loopback(0), {.reuse_port = true});
    auto other = udp::bind(one->local_address(), {.reuse_port = true});
    EXPECT_EQ(udp::try_bind(one->local_address()).error(), os_error(EADDRINUSE));
  });
}

TEST(udp, broadcasting_has_to_be_asked_for) {
  net::with_kernel([] {
    const address everybody = address::parse("127.255.255.255:9");
    EXPECT_EQ(udp::bind(address::loopback(0))->try_send_to({}, everybody, seconds(1)).error(),
              os_error(EACCES));
    auto s = udp::bind(address::loopback(0), {.broadcast = true});
    EXPECT_TRUE(s->try_send_to({}, everybody, seconds(1)));
  });
}

TEST(udp, a_message_received_in_place_stays_until_it_is_released) {
  auto [a, b] = udp_pair();
  auto& receiver = static_cast<udp::socket&>(*b);
  a->send("first");
  a->send("second");
  const bytes first = receiver.recv(seconds(5));
  EXPECT_EQ(runtime::scheduler::current().buffers().lent(), 1u);
  sleep(milliseconds(1));
  EXPECT_EQ(as_text(first), "first");
  receiver.release();
  EXPECT_EQ(runtime::scheduler::current().buffers().lent(), 0u);
  std::array<std::byte, 3> small;
  EXPECT_EQ(receiver.try_recv_into(small, seconds(5)).error(), os_error(EMSGSIZE));
  receiver.release();
  EXPECT_EQ(as_text(receiver.recv(seconds(5))), "second");
}

TEST(udp, a_socket_that_waits_owns_no_buffer) {
  auto s = udp::bind(address::loopback(0));
  task_group group;
  group.go([&] { EXPECT_EQ(s->try_recv(never).error(), os_error(ECANCELED)); });
  sleep(milliseconds(1));
  EXPECT_EQ(runtime::scheduler::current().buffers().lent(), 0u);
  group.cancel();
}

TEST(udp, a_receiver_that_has_its_message_when_the_socket_closes_is_cancelled) {
  auto [a, b] = udp_pair();
  task_group group;
  group.go([&, b = b.get()] { EXPECT_EQ(b->try_recv(never).error(), os_error(ECANCELED)); });
  sleep(milliseconds(1));
  a->send("late");
  b->abort();
  group.wait();
  EXPECT_EQ(static_cast<udp::socket&>(*b).fd(), -1);
  EXPECT_EQ(static_cast<udp::socket&>(*b).local_address(), address());
}

// A kernel without room for datagrams until the test makes some.
class full_kernel final : public runtime::kernel {
 public:
  bool full = true;
  int sent = 0;
  ssize_t sendmsg(int, const msghdr* m, int) noexcept override {
    if (full) return errno = EAGAIN, -1;
    ++sent;
    return static_cast<ssize_t>(m->msg_iov[0].iov_len);
  }
};

class full_handle final : public runtime::io_handle {
 public:
  explicit full_handle(full_kernel& k) noexcept : io_handle(k, 7) {}
  void make_room() noexcept { on_ready(false, true, false); }

 private:
  int arm(runtime::direction) noexcept override { return 0; }
};

TEST(udp, a_send_waits_for_room_unless_it_must_not) {
  full_kernel kernel;
  full_handle handle(kernel);
  iovec piece{nullptr, 0};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  EXPECT_EQ(handle.send_datagram(message, immediately).error(), os_error(ETIMEDOUT));
  EXPECT_EQ(handle.send_datagram(message, milliseconds(2)).error(), os_error(ETIMEDOUT));
  task_group group;
  group.go([&] { EXPECT_TRUE(handle.send_datagram(message, never)); });
  sleep(milliseconds(1));
  kernel.full = false;
  handle.make_room();
  group.wait();
  EXPECT_EQ(kernel.sent, 1);
  kernel.full = true;
  EXPECT_EQ(handle.send_datagram(message, immediately).error(), os_error(ETIMEDOUT));
  kernel.full = false;
  EXPECT_TRUE(handle.send_datagram(message, immediately));
}

TEST(udp, any_system_call_may_fail_and_the_next_works) {
  sim::run({}, [] {
    testing::for_each_failure([](std::size_t n) {
      sim::configure({});
      auto [a, b] = udp_pair();
      sim::configure({.fail_call = n + 1, .fail_code = ENOBUFS});
      const bytes text = as_bytes("text");
      const auto sent = a->try_send(parts(&text, 1), milliseconds(1));
      const auto received = b->try_recv(milliseconds(1));
      sim::configure({});
      if (!sent) {
        EXPECT_EQ(sent.error(), os_error(ENOBUFS));
        EXPECT_TRUE(a->try_send(parts(&text, 1), milliseconds(1)));
      }
      if (!received) {
        EXPECT_EQ(as_text(b->recv(milliseconds(1))), "text");
      }
      return sent && received;
    });
  });
}

}  // namespace
}  // namespace caraway
