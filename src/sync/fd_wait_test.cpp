#include "caraway/fd_wait.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <set>

#include "caraway/fd.hpp"
#include "caraway/task_group.hpp"
#include "caraway/this_task.hpp"

namespace caraway {
namespace {

using namespace std::chrono_literals;

class fd_wait : public ::testing::Test {
 protected:
  void SetUp() override {
    int fds[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    a_.reset(fds[0]);
    b_.reset(fds[1]);
  }

  void fill(int fd) {
    const std::array<char, 4096> some{};
    while (::write(fd, some.data(), some.size()) > 0) {
    }
  }

  void drain(int fd) {
    std::array<char, 4096> some;
    while (::read(fd, some.data(), some.size()) > 0) {
    }
  }

  unique_fd a_;
  unique_fd b_;
};

TEST_F(fd_wait, waits_until_there_is_something_to_read) {
  task_group group;
  group.go([&] { EXPECT_EQ(::write(b_.get(), "x", 1), 1); });
  EXPECT_TRUE(try_wait_readable(a_.get(), never));
  EXPECT_TRUE(try_wait_readable(a_.get(), immediately));
}

TEST_F(fd_wait, waits_until_there_is_room_to_write) {
  fill(a_.get());
  EXPECT_EQ(try_wait_writable(a_.get(), 1ms).error(), std::errc::timed_out);
  task_group group;
  group.go([&] { drain(b_.get()); });
  EXPECT_TRUE(try_wait_writable(a_.get(), never));
}

TEST_F(fd_wait, a_hang_up_counts_as_readable) {
  task_group group;
  group.go([&] { b_.reset(); });
  EXPECT_TRUE(try_wait_readable(a_.get(), never));
}

TEST_F(fd_wait, two_coroutines_may_wait_for_the_two_directions_at_once) {
  fill(a_.get());
  bool readable = false;
  bool writable = false;
  task_group group;
  group.go([&] { readable = try_wait_readable(a_.get(), never).has_value(); });
  group.go([&] { writable = try_wait_writable(a_.get(), never).has_value(); });
  yield();
  drain(b_.get());
  EXPECT_EQ(::write(b_.get(), "x", 1), 1);
  group.wait();
  EXPECT_TRUE(readable && writable);
}

TEST_F(fd_wait, a_second_coroutine_for_the_same_direction_is_refused) {
  task_group group;
  group.go([&] { wait_readable(a_.get()); });
  yield();
  EXPECT_EQ(try_wait_readable(a_.get(), never).error(), std::errc::device_or_resource_busy);
  EXPECT_EQ(::write(b_.get(), "x", 1), 1);
  group.wait();
}

TEST_F(fd_wait, can_be_cancelled_and_the_descriptor_waited_for_again) {
  std::error_code seen;
  {
    task_group group;
    group.go([&] { seen = try_wait_readable(a_.get(), never).error(); });
    yield();
  }
  EXPECT_EQ(seen, std::errc::operation_canceled);
  EXPECT_EQ(try_wait_readable(a_.get(), 1ms).error(), std::errc::timed_out);
}

TEST_F(fd_wait, a_number_may_be_closed_and_used_again_between_calls) {
  const int number = a_.get();
  EXPECT_EQ(try_wait_readable(number, 1ms).error(), std::errc::timed_out);
  a_.reset();
  b_.reset();
  SetUp();
  ASSERT_EQ(a_.get(), number);
  EXPECT_EQ(try_wait_readable(number, 1ms).error(), std::errc::timed_out);
  EXPECT_EQ(::write(b_.get(), "x", 1), 1);
  EXPECT_TRUE(try_wait_readable(number, never));
}

TEST_F(fd_wait, a_descriptor_that_is_not_open_is_refused) {
  EXPECT_EQ(try_wait_readable(999'999, never).error(), std::errc::bad_file_descriptor);
  EXPECT_EQ(try_wait_readable(-1, never).error(), std::errc::bad_file_descriptor);
}

// Neither timers nor others who are ready starve while descriptors are always ready.
TEST_F(fd_wait, a_sleeper_wakes_although_a_descriptor_is_always_ready) {
  bool awake = false;
  task_group group;
  group.go([&] {
    sleep(10ms);
    awake = true;
  });
  long rounds = 0;
  while (!awake) {
    ASSERT_TRUE(try_wait_writable(a_.get(), never));
    ++rounds;
    yield();
  }
  group.wait();
  EXPECT_GT(rounds, 0);
}

// Nobody here yields.
TEST_F(fd_wait, who_waits_for_a_descriptor_that_is_always_ready_lets_others_and_timers_run) {
  bool awake = false;
  task_group group;
  group.go([&] {
    sleep(1ms);
    awake = true;
  });
  while (!awake) ASSERT_TRUE(try_wait_writable(a_.get(), never));
}

// However busy the descriptors are, who is late by more than a tick of the timers has only turns to
// wait for.
TEST_F(fd_wait, a_thousand_sleepers_wake_in_order_and_none_starves_while_descriptors_are_busy) {
  constexpr nanoseconds tick = 1ms;
  constexpr int most_turns = 4096;
  const time_point first = now() + 10ms;
  std::multiset<time_point> asleep;
  time_point latest = first;
  bool all_in_time = true;
  task_group group;
  for (int i = 0; i < 1000; ++i)
    group.go([&, at = first + std::chrono::microseconds(i * 7919 % 3000)] {
      asleep.insert(at);
      all_in_time = all_in_time && now() < first;
      sleep_until(at);
      EXPECT_TRUE(latest - at < tick || !all_in_time);
      latest = std::max(latest, at);
      asleep.erase(asleep.find(at));
    });
  sleep_until(first);
  group.go([&] {
    for (; !asleep.empty(); yield()) {
      EXPECT_EQ(::write(a_.get(), "x", 1), 1);
      EXPECT_TRUE(try_wait_readable(b_.get(), 20s));
      drain(b_.get());
    }
  });
  for (int turns = 0; !asleep.empty(); yield()) {
    ASSERT_TRUE(try_wait_writable(a_.get(), never));
    turns = *asleep.begin() + 2 * tick < now() ? turns + 1 : 0;
    ASSERT_LE(turns, most_turns);
  }
}

// A thread that never idles looks at its descriptors all the same.
TEST_F(fd_wait, readiness_is_noticed_while_others_yield_for_ever) {
  bool noticed = false;
  task_group group;
  for (int i = 0; i < 2; ++i)
    group.go([&] {
      while (!noticed) yield();
    });
  group.go([&] {
    for (int i = 0; i < 10; ++i) yield();
    EXPECT_EQ(::write(b_.get(), "x", 1), 1);
  });
  EXPECT_TRUE(try_wait_readable(a_.get(), never));
  noticed = true;
  group.wait();
}

}  // namespace
}  // namespace caraway
