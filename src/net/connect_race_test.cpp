// connect_race_test.cpp - several addresses, one connection, one deadline.
#include "net/connect_race.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <new>
#include <vector>

#include "caraway/task_group.hpp"
#include "caraway/this_task.hpp"

namespace caraway::net {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

address nobody() {
  return tcp::listen(address::loopback(0)).local_address();
}

// An address whose listener takes no more connections, so that connecting does not end.
struct silent {
  tcp::listener listener = tcp::listen(address::loopback(0), {.backlog = 0});
  std::vector<tcp::stream_ptr> waiting;
  silent() {
    while (waiting.size() < 100) {
      auto s = tcp::try_connect(listener.local_address(), milliseconds(20));
      if (!s) break;
      waiting.push_back(std::move(*s));
    }
  }
};

TEST(connect_race, families_take_turns_and_keep_their_order) {
  const auto four = [](std::uint16_t n) { return address::loopback(n); };
  const auto six = [](std::uint16_t n) { return address::loopback_ipv6(n); };
  const std::vector all = {six(1), six(2), six(3), four(1), four(2)};
  EXPECT_EQ(alternate_families(all), (std::vector{six(1), four(1), six(2), four(2), six(3)}));
  const std::vector other = {four(1), six(1), six(2), six(3)};
  EXPECT_EQ(alternate_families(other), (std::vector{four(1), six(1), six(2), six(3)}));
  EXPECT_TRUE(alternate_families({}).empty());
}

TEST(connect_race, an_address_that_refuses_is_followed_by_the_next_at_once) {
  auto l = tcp::listen(address::loopback(0));
  const std::vector all = {nobody(), nobody(), l.local_address()};
  auto s = connect_first(all, milliseconds(200));
  ASSERT_TRUE(s) << s.error().message();
  EXPECT_EQ((*s)->peer_address(), l.local_address());
}

TEST(connect_race, an_address_that_is_silent_does_not_hold_up_the_next) {
  const silent black_hole;
  auto l = tcp::listen(address::loopback(0));
  const std::vector all = {black_hole.listener.local_address(), l.local_address()};
  auto s = connect_first(all, seconds(10));
  ASSERT_TRUE(s) << s.error().message();
  EXPECT_EQ((*s)->peer_address(), l.local_address());
}

TEST(connect_race, the_first_failure_is_told_if_all_fail) {
  const std::vector all = {nobody(), address::loopback(0)};
  EXPECT_EQ(connect_first(all, seconds(5)).error(), os_error(ECONNREFUSED));
}

TEST(connect_race, the_deadline_is_for_all_of_it) {
  const silent one;
  const silent other;
  const std::vector all = {one.listener.local_address(), other.listener.local_address()};
  const time_point start = now();
  EXPECT_EQ(connect_first(all, milliseconds(50)).error(), os_error(ETIMEDOUT));
  EXPECT_LT(now() - start, seconds(5));
}

TEST(connect_race, a_cancelled_caller_gives_all_attempts_up) {
  const silent one;
  const silent other;
  const std::vector all = {one.listener.local_address(), other.listener.local_address()};
  task_group group;
  group.go([&] { EXPECT_EQ(connect_first(all, never).error(), os_error(ECANCELED)); });
  sleep(milliseconds(5));
  group.cancel();
}

// There is no memory for port 1.
result<tcp::stream_ptr> connect_if_there_is_memory(const address& to, deadline dl) {
  if (to.port() == 1) throw std::bad_alloc();
  return tcp::try_connect(to, dl);
}

TEST(connect_race, an_attempt_without_memory_is_one_that_failed) {
  auto l = tcp::listen(address::loopback(0));
  const std::vector all = {address::loopback(1), l.local_address()};
  EXPECT_TRUE(connect_first(all, seconds(10), connect_if_there_is_memory));
  const std::vector none = {address::loopback(1), address::loopback(1)};
  EXPECT_EQ(connect_first(none, seconds(10), connect_if_there_is_memory).error(), os_error(ENOMEM));
  const std::vector one = {address::loopback(1)};
  EXPECT_EQ(connect_first(one, seconds(10), connect_if_there_is_memory).error(), os_error(ENOMEM));
}

}  // namespace
}  // namespace caraway::net
