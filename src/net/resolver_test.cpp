// resolver_test.cpp - literals at once, names without stopping the thread, and nobody waits too long.
#include "caraway/resolver.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <fstream>
#include <future>
#include <sstream>
#include <string>
#include <vector>

#include "caraway/offload.hpp"
#include "caraway/task_group.hpp"
#include "caraway/this_task.hpp"
#include "net/with_kernel.hpp"

namespace caraway {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(resolver, a_literal_is_answered_without_waiting) {
  const auto four = try_resolve("127.0.0.1", 80, immediately);
  ASSERT_TRUE(four);
  EXPECT_EQ(*four, std::vector{address::loopback(80)});
  for (const char* host : {"::1", "[::1]"}) {
    const auto six = try_resolve(host, 80, immediately);
    ASSERT_TRUE(six);
    EXPECT_EQ(*six, std::vector{address::loopback_ipv6(80)});
  }
}

TEST(resolver, localhost_is_this_machine) {
  const auto all = try_resolve("localhost", 4711, seconds(30));
  ASSERT_TRUE(all) << all.error().message();
  for (const address& a : *all) {
    EXPECT_TRUE(a == address::loopback(4711) || a == address::loopback_ipv6(4711)) << a.to_string();
  }
}

// A name that /etc/hosts lists, and the addresses that it has there.
struct listed_name {
  std::string name;
  std::vector<std::string> addresses;
};

// This machine's own name if it is listed, else localhost.
listed_name name_in_hosts_file() {
  char own[256] = {};
  ::gethostname(own, sizeof own - 1);
  listed_name found{own, {}};
  std::ifstream file("/etc/hosts");
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line.substr(0, line.find('#')));
    std::string at;
    words >> at;
    for (std::string word; words >> word;)
      if (word == own) found.addresses.push_back(at);
  }
  if (found.addresses.empty()) return {"localhost", {"127.0.0.1", "::1"}};
  return found;
}

TEST(resolver, a_name_in_the_hosts_file_has_the_address_that_is_there) {
  const auto [name, addresses] = name_in_hosts_file();
  const auto all = try_resolve(name, 4711, seconds(30));
  ASSERT_TRUE(all) << name;
  const auto is_listed = [&addresses = addresses](const address& a) {
    return std::ranges::any_of(
        addresses, [&](const std::string& text) { return address::from_literal(text, 4711) == a; });
  };
  EXPECT_TRUE(std::ranges::any_of(*all, is_listed)) << name;
}

TEST(resolver, other_coroutines_run_while_a_name_is_looked_up) {
  bool ran = false;
  task_group group;
  group.go([&] { ran = true; });
  EXPECT_TRUE(try_resolve("localhost", 1, seconds(30)));
  EXPECT_TRUE(ran);
}

TEST(resolver, many_may_ask_for_the_same_name_at_once) {
  int answered = 0;
  task_group group;
  for (std::uint16_t port = 1; port <= 20; ++port)
    group.go([&answered, port] {
      const auto all = try_resolve("localhost", port, seconds(30));
      ASSERT_TRUE(all);
      EXPECT_EQ(all->front().port(), port);
      ++answered;
    });
  group.wait();
  EXPECT_EQ(answered, 20);
}

TEST(resolver, whoever_asked_first_may_give_up_without_harm_to_the_others) {
  task_group group;
  auto first = group.go([] {
    const auto r = try_resolve("localhost", 1, immediately);
    EXPECT_TRUE(r || r.error() == os_error(ETIMEDOUT));
  });
  auto second = group.go([] {
    const auto r = try_resolve("localhost", 1, seconds(30));
    EXPECT_TRUE(r || r.error() == os_error(ECANCELED));
  });
  group.go([] { EXPECT_TRUE(try_resolve("localhost", 1, seconds(30))); });
  sleep(immediately);
  second.cancel();
  group.wait();
}

TEST(resolver, a_name_that_cannot_be_is_refused) {
  for (const std::string& host : {std::string(), std::string(254, 'a'), std::string("a\0b", 3)})
    EXPECT_EQ(try_resolve(host, 1, seconds(30)).error(), os_error(EINVAL));
}

// The name can never exist (RFC 6761 6.4). Without a name server it cannot be known.
TEST(resolver, a_name_that_does_not_exist_is_told) {
  const auto r = try_resolve("nobody.invalid", 1, seconds(30));
  ASSERT_FALSE(r);
  EXPECT_TRUE(r.error() == errc::name_not_found || r.error() == errc::resolver_failed)
      << r.error().message();
}

// Every worker thread is busy, so that no look-up can begin.
void resolve_while_all_workers_are_busy() {
  constexpr std::size_t threads = 16;  // no test of this program has more
  set_offload_threads(threads);
  std::promise<void> release;
  const std::shared_future<void> released = release.get_future().share();
  std::atomic<std::size_t> busy = 0;
  task_group group;
  for (std::size_t i = 0; i < threads; ++i)
    group.go([&] {
      offload([&busy, released] {
        ++busy;
        released.wait();
      });
    });
  while (busy < threads) yield();
  int turns = 0;
  group.go([&] {
    for (; turns < 5; ++turns) sleep(milliseconds(1));
  });
  const auto r = try_resolve("localhost", 1, milliseconds(100));
  EXPECT_EQ(r ? std::error_code() : r.error(), os_error(ETIMEDOUT));
  EXPECT_EQ(turns, 5);
  release.set_value();
  group.wait();
  set_offload_threads(4);
}

// Virtual time stands still while other threads work.
TEST(resolver, nobody_waits_beyond_the_deadline_and_the_thread_goes_on_meanwhile) {
  net::with_kernel(resolve_while_all_workers_are_busy);
}

}  // namespace
}  // namespace caraway
