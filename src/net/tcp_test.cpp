// tcp_test.cpp - TCP over the loopback interface, or the simulated network.
#include "caraway/tcp.hpp"

#include <gtest/gtest.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <iterator>
#include <vector>

#include "caraway/sim.hpp"
#include "caraway/task_group.hpp"
#include "caraway/testing/byte_stream_contract.hpp"
#include "caraway/this_task.hpp"
#include "net/with_kernel.hpp"
#include "runtime/scheduler.hpp"

namespace caraway {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::byte_stream_contract::pattern;
using testing::byte_stream_contract::read_all;

std::pair<tcp::stream_ptr, tcp::stream_ptr> tcp_pair() {
  auto l = tcp::listen(address::loopback(0));
  auto first = tcp::connect(l.local_address(), seconds(5));
  auto second = l.accept(seconds(5));
  return {std::move(first), std::move(second)};
}

int option(const tcp::stream& s, int level, int name) {
  int value = -1;
  socklen_t size = sizeof value;
  runtime::scheduler::current().system().getsockopt(s.fd(), level, name, &value, &size);
  return value;
}

CARAWAY_BYTE_STREAM_CONTRACT(tcp, []() -> testing::stream_pair { return tcp_pair(); })

// The simulated network fails where it is told to.
TEST(tcp, keeps_the_contract_when_any_system_call_fails) {
  sim::run({}, [] {
    const auto connect = [](std::size_t n) -> testing::stream_pair {
      sim::configure({});
      auto [a, b] = tcp_pair();
      sim::configure({.fail_call = n + 1, .fail_code = ECONNRESET});
      return {std::move(a), std::move(b)};
    };
    testing::byte_stream_contract::every_operation_may_fail(
        connect, testing::contract_report([](const std::string& what) { ADD_FAILURE() << what; }));
  });
}

std::size_t open_descriptors() {
  const std::filesystem::directory_iterator all("/proc/self/fd");
  return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

TEST(tcp, however_a_connection_ends_its_descriptors_are_closed) {
  net::with_kernel([] {
    const auto run_all = [] {
      const testing::contract_report ignored([](const std::string&) {});
      for (const auto& check : testing::byte_stream_checks())
        check.run([]() -> testing::stream_pair { return tcp_pair(); }, ignored);
      EXPECT_FALSE(tcp::try_connect(address::loopback(1), seconds(5)));
    };
    const std::size_t before = open_descriptors();
    run_all();
    EXPECT_EQ(open_descriptors(), before);
  });
}

TEST(tcp, both_ends_know_both_addresses) {
  auto l = tcp::listen(address::loopback(0));
  EXPECT_NE(l.local_address().port(), 0);
  auto a = tcp::connect(l.local_address(), seconds(5));
  auto b = l.accept(seconds(5));
  EXPECT_EQ(a->peer_address(), l.local_address());
  EXPECT_EQ(b->local_address(), l.local_address());
  EXPECT_EQ(b->peer_address(), a->local_address());
  a->abort();
  EXPECT_EQ(a->local_address(), address());
  EXPECT_EQ(a->fd(), -1);
}

TEST(tcp, a_connection_over_ipv6_works_the_same) {
  auto l = tcp::listen(address::loopback_ipv6(0));
  auto a = tcp::connect(l.local_address(), seconds(5));
  auto b = l.accept(seconds(5));
  EXPECT_TRUE(b->peer_address().is_ipv6());
  a->write("hello");
  EXPECT_EQ(as_text(b->fill(5)), "hello");
}

TEST(tcp, a_listener_on_every_interface_is_there_for_ipv4_too) {
  auto l = tcp::listen(address::any(0));
  auto a = tcp::connect(address::loopback(l.local_address().port()), seconds(5));
  EXPECT_TRUE(l.accept(seconds(5)));
}

TEST(tcp, small_messages_are_not_delayed_and_keepalive_can_be_had) {
  net::with_kernel([] {
    auto [a, b] = tcp_pair();
    EXPECT_NE(option(*a, IPPROTO_TCP, TCP_NODELAY), 0);
    EXPECT_NE(option(*b, IPPROTO_TCP, TCP_NODELAY), 0);
    a->set_nodelay(false);
    EXPECT_EQ(option(*a, IPPROTO_TCP, TCP_NODELAY), 0);
    a->set_keepalive(seconds(60));
    EXPECT_NE(option(*a, SOL_SOCKET, SO_KEEPALIVE), 0);
    a->set_keepalive(seconds(0));
    EXPECT_EQ(option(*a, SOL_SOCKET, SO_KEEPALIVE), 0);
    a->abort();
    EXPECT_EQ(a->try_set_nodelay(true).error(), errc::closed);
    EXPECT_EQ(a->try_set_keepalive(seconds(1)).error(), errc::closed);
  });
}

TEST(tcp, three_hundred_thousand_bytes_survive_done_and_the_end_of_the_object) {
  auto [a, b] = tcp_pair();
  const auto sent = pattern(300'000);
  task_group group;
  group.go([&sent, a = std::move(a)] {
    a->write(sent);
    a->done();
  });
  caraway::sleep(milliseconds(5));
  std::error_code why;
  EXPECT_EQ(read_all(*b, why), sent);
  EXPECT_EQ(why, errc::end_of_stream);
}

TEST(tcp, an_aborted_connection_is_reset) {
  auto [a, b] = tcp_pair();
  a->write("never arrives");
  a->abort();
  EXPECT_EQ(b->try_fill(1, seconds(5)).error(), os_error(ECONNRESET));
  const bytes more = as_bytes("more");
  EXPECT_EQ(b->try_write(parts(&more, 1), seconds(5)).error(), os_error(ECONNRESET));
  EXPECT_EQ(b->try_close(seconds(5)).error(), os_error(ECONNRESET));
  EXPECT_EQ(b->fd(), -1);
}

TEST(tcp, a_reset_that_a_send_has_met_is_not_taken_for_an_end) {
  auto [a, b] = tcp_pair();
  a->abort();
  const bytes more = as_bytes("more");
  for (int i = 0; i < 100 && b->try_write(parts(&more, 1), seconds(5)); ++i)
    caraway::sleep(milliseconds(1));
  EXPECT_EQ(b->try_fill(1, seconds(5)).error(), os_error(ECONNRESET));
}

TEST(tcp, closing_while_another_coroutine_receives_sends_that_one_away) {
  auto [a, b] = tcp_pair();
  task_group group;
  group.go([&a = a] { EXPECT_FALSE(a->try_fill(1, seconds(5))); });
  group.go([&b = b] {
    EXPECT_EQ(b->try_fill(1, seconds(5)).error(), errc::end_of_stream);
    b->close(seconds(5));
  });
  caraway::sleep(milliseconds(1));
  EXPECT_TRUE(a->try_close(seconds(5)));
  group.wait();
}

TEST(tcp, nobody_listening_is_refused) {
  address nobody;
  {
    auto l = tcp::listen(address::loopback(0));
    nobody = l.local_address();
  }
  EXPECT_EQ(tcp::try_connect(nobody, seconds(5)).error(), os_error(ECONNREFUSED));
}

TEST(tcp, no_address_cannot_be_connected_to_or_listened_at) {
  EXPECT_FALSE(tcp::try_connect(address(), seconds(1)));
  EXPECT_FALSE(tcp::try_listen(address()));
}

TEST(tcp, an_address_in_use_is_refused_unless_shared) {
  auto first = tcp::listen(address::loopback(0));
  EXPECT_EQ(tcp::try_listen(first.local_address()).error(), os_error(EADDRINUSE));
  net::with_kernel([] {
    auto one = tcp::listen(address::loopback(0), {.reuse_port = true});
    EXPECT_TRUE(tcp::try_listen(one.local_address(), {.reuse_port = true}));
  });
}

TEST(tcp, an_address_of_another_machine_cannot_be_listened_at) {
  EXPECT_EQ(tcp::try_listen(address::parse("192.0.2.1:0")).error(), os_error(EADDRNOTAVAIL));
}

TEST(tcp, an_accept_that_timed_out_or_was_cancelled_has_lost_nothing) {
  auto l = tcp::listen(address::loopback(0));
  EXPECT_EQ(l.try_accept(immediately).error(), os_error(ETIMEDOUT));
  EXPECT_EQ(l.try_accept(milliseconds(1)).error(), os_error(ETIMEDOUT));
  {
    task_group group;
    group.go([&] { EXPECT_EQ(l.try_accept(seconds(5)).error(), os_error(ECANCELED)); });
    caraway::sleep(milliseconds(1));
    group.cancel();
  }
  auto a = tcp::connect(l.local_address(), seconds(5));
  EXPECT_TRUE(l.try_accept(seconds(5)));
}

TEST(tcp, connections_go_to_those_who_accept_in_order) {
  auto l = tcp::listen(address::loopback(0));
  std::vector<int> order;
  task_group group;
  for (int i = 0; i < 3; ++i)
    group.go([&, i] {
      EXPECT_TRUE(l.try_accept(seconds(5)));
      order.push_back(i);
    });
  caraway::sleep(milliseconds(1));
  for (int i = 0; i < 3; ++i) {
    auto a = tcp::connect(l.local_address(), seconds(5));
    caraway::sleep(milliseconds(1));
  }
  group.wait();
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2}));
}

TEST(tcp, closing_a_listener_wakes_those_who_accept) {
  auto l = tcp::listen(address::loopback(0));
  const address at = l.local_address();
  task_group group;
  for (int i = 0; i < 3; ++i)
    group.go([&] { EXPECT_EQ(l.try_accept(seconds(5)).error(), os_error(ECANCELED)); });
  caraway::sleep(milliseconds(1));
  l.close();
  l.close();
  group.wait();
  EXPECT_EQ(l.try_accept(seconds(5)).error(), errc::closed);
  EXPECT_EQ(l.fd(), -1);
  EXPECT_EQ(l.local_address(), address());
  EXPECT_TRUE(tcp::try_listen(at));
}

TEST(tcp, a_listener_may_go_while_somebody_accepts) {
  auto l = std::make_unique<tcp::listener>(tcp::listen(address::loopback(0)));
  task_group group;
  group.go([&l = *l] { EXPECT_EQ(l.try_accept(seconds(5)).error(), os_error(ECANCELED)); });
  caraway::sleep(milliseconds(1));
  l.reset();
  group.wait();
}

TEST(tcp, a_listener_that_listens_nowhere_says_so) {
  tcp::listener l;
  EXPECT_EQ(l.try_accept(seconds(1)).error(), errc::closed);
  EXPECT_EQ(l.fd(), -1);
  l.close();
  l = tcp::listen(address::loopback(0));
  EXPECT_GE(l.fd(), 0);
}

TEST(tcp, an_accepted_descriptor_becomes_a_stream) {
  auto l = tcp::listen(address::loopback(0));
  auto a = tcp::connect(l.local_address(), seconds(5));
  auto fd = l.try_accept_fd(seconds(5));
  ASSERT_TRUE(fd);
  auto b = tcp::from_fd(std::move(*fd));
  EXPECT_EQ(b->peer_address(), a->local_address());
  b->write("hello");
  EXPECT_EQ(as_text(a->fill(5)), "hello");
}

// Takes all descriptors that there are.
std::vector<unique_fd> exhaust_descriptors() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = std::min<rlim_t>(limit.rlim_cur, 256);
  ::setrlimit(RLIMIT_NOFILE, &limit);
  std::vector<unique_fd> all;
  do all.emplace_back(::dup(2));
  while (all.back());
  return all;
}

TEST(tcp, without_descriptors_connecting_fails_and_a_connection_waits_to_be_accepted) {
  net::with_kernel([] {
    rlimit before{};
    ::getrlimit(RLIMIT_NOFILE, &before);
    auto l = tcp::listen(address::loopback(0));
    auto a = tcp::connect(l.local_address(), seconds(5));
    auto all = exhaust_descriptors();
    EXPECT_EQ(l.try_accept(seconds(5)).error(), os_error(EMFILE));
    EXPECT_EQ(l.try_accept(seconds(5)).error(), os_error(EMFILE));
    EXPECT_EQ(tcp::try_connect(l.local_address(), seconds(5)).error(), os_error(EMFILE));
    EXPECT_EQ(tcp::try_listen(address::loopback(0)).error(), os_error(EMFILE));
    all.clear();
    EXPECT_TRUE(l.try_accept(seconds(5)));
    ::setrlimit(RLIMIT_NOFILE, &before);
  });
}

TEST(tcp, only_the_right_kind_of_descriptor_is_taken_over) {
  runtime::kernel& k = runtime::scheduler::current().system();
  const auto make = [&](int domain) { return unique_fd(k.socket(domain, SOCK_STREAM, 0)); };
  auto l = tcp::listen(address::loopback(0));
  EXPECT_EQ(tcp::try_from_fd(unique_fd()).error(), os_error(EBADF));
  EXPECT_EQ(tcp::try_from_fd(make(AF_INET)).error(), os_error(ENOTCONN));
  EXPECT_EQ(tcp::try_from_fd(make(AF_UNIX)).error(), os_error(EINVAL));
  EXPECT_EQ(tcp::try_listener_from_fd(unique_fd()).error(), os_error(EBADF));
  EXPECT_EQ(tcp::try_listener_from_fd(make(AF_INET)).error(), os_error(EINVAL));
  EXPECT_EQ(tcp::try_listener_from_fd(make(AF_UNIX)).error(), os_error(EINVAL));
}

TEST(tcp, a_host_may_be_a_literal_or_a_name) {
  auto l = tcp::listen(address::any(0));
  const std::uint16_t port = l.local_address().port();
  for (const char* host : {"127.0.0.1", "localhost"}) {
    auto a = tcp::try_connect(host, port, seconds(10));
    ASSERT_TRUE(a) << host << ": " << a.error().message();
    EXPECT_TRUE(l.try_accept(seconds(5)));
  }
}

TEST(tcp, a_connect_in_a_cancelled_coroutine_leaves_nothing_behind) {
  auto l = tcp::listen(address::loopback(0));
  task_group group;
  group.go([&] {
    EXPECT_EQ(try_sleep(seconds(5)).error(), os_error(ECANCELED));
    const auto r = tcp::try_connect(l.local_address(), seconds(5));
    EXPECT_TRUE(r || r.error() == os_error(ECANCELED));
  });
  caraway::sleep(milliseconds(1));
  group.cancel();
}

}  // namespace
}  // namespace caraway
