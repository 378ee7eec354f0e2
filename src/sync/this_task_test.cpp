#include "caraway/this_task.hpp"

#include <gtest/gtest.h>
#include <time.h>

#include <string>

#include "caraway/deadline_scope.hpp"
#include "caraway/task_group.hpp"

namespace caraway {
namespace {

using namespace std::chrono_literals;

TEST(this_task, a_sleep_is_never_too_short) {
  const time_point start = now();
  sleep(5ms);
  EXPECT_GE(now() - start, 5ms);
  sleep_until(start + 8ms);
  EXPECT_GE(now() - start, 8ms);
}

TEST(this_task, sleepers_wake_in_the_order_of_their_deadlines) {
  std::string order;
  task_group group;
  const time_point start = now();
  for (int ms : {30, 10, 20}) {
    group.go([&order, start, ms] {
      sleep_until(start + std::chrono::milliseconds(ms));
      order += std::to_string(ms) + ' ';
    });
  }
  group.wait();
  EXPECT_EQ(order, "10 20 30 ");
}

TEST(this_task, a_sleep_of_no_time_lets_the_others_run) {
  bool ran = false;
  task_group group;
  group.go([&] { ran = true; });
  sleep(immediately);
  EXPECT_TRUE(ran);
}

TEST(this_task, a_sleep_beyond_the_ambient_deadline_times_out) {
  const deadline_scope limit(5ms);
  EXPECT_EQ(try_sleep(1h).error(), std::errc::timed_out);
}

TEST(this_task, a_sleep_within_the_ambient_deadline_succeeds) {
  const deadline_scope limit(1h);
  EXPECT_TRUE(try_sleep(1ms));
}

TEST(this_task, a_sleeper_can_be_cancelled) {
  std::error_code seen;
  {
    task_group group;
    group.go([&] { seen = try_sleep(never).error(); });
    yield();
  }
  EXPECT_EQ(seen, std::errc::operation_canceled);
}

TEST(this_task, yield_lets_everybody_ready_run_first) {
  std::string order;
  task_group group;
  for (char name : {'a', 'b', 'c'}) {
    group.go([&order, name] {
      for (int i = 0; i < 2; ++i) {
        order += name;
        yield();
      }
    });
  }
  group.wait();
  EXPECT_EQ(order, "abcabc");
}

// A compiler that sees through the switch would turn this into an endless loop.
TEST(this_task, a_loop_that_yields_sees_what_others_have_changed) {
  static bool stop = false;
  task_group group;
  group.go([] { stop = true; });
  while (!stop) yield();
  group.wait();
  EXPECT_TRUE(stop);
}

TEST(this_task, a_task_knows_its_name_and_has_a_number_of_its_own) {
  task_group group;
  std::string name;
  std::uint64_t first = 0;
  std::uint64_t second = 0;
  group.go("reader", [&] {
    name = this_task::name();
    first = this_task::id();
  });
  group.go([&] { second = this_task::id(); });
  group.wait();
  EXPECT_EQ(name, "reader");
  EXPECT_NE(first, second);
  EXPECT_NE(first, this_task::id());
}

TEST(this_task, the_main_coroutine_is_neither_cancelled_nor_stopping) {
  EXPECT_FALSE(this_task::cancelled());
  EXPECT_FALSE(this_task::stopping());
}

// Below the frame of the caller; not through a local, which AddressSanitizer may keep elsewhere.
[[gnu::noinline]] void touch_stack(std::size_t below) {
  *(static_cast<volatile char*>(__builtin_frame_address(0)) - below) = 1;
}

TEST(this_task, a_task_can_ask_how_much_of_its_stack_was_touched) {
  EXPECT_EQ(this_task::stack_used(), 0u);
  task_group group;
  group.go({.name = "deep", .stack_size = 256 * 1024}, [] {
    const std::size_t before = this_task::stack_used();
    EXPECT_GE(before, 1u);
    touch_stack(100'000);
    EXPECT_GE(this_task::stack_used(), 100'000u);
    EXPECT_LE(this_task::stack_used(), 256 * 1024u);
  });
  group.wait();
}

TEST(this_task, a_task_can_ask_whether_it_is_cancelled) {
  bool before = true;
  bool after = false;
  {
    task_group group;
    group.go([&] {
      before = this_task::cancelled();
      static_cast<void>(try_sleep(1h));
      after = this_task::cancelled();
    });
    yield();
  }
  EXPECT_FALSE(before);
  EXPECT_TRUE(after);
}

double cpu_seconds() {
  timespec t{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

// Nobody spins, and there is no tick: a hundred sleepers cost next to nothing while they sleep.
TEST(this_task, a_thread_whose_coroutines_all_sleep_uses_no_processor) {
  task_group group;
  for (int i = 0; i < 100; ++i) group.go([] { sleep(200ms); });
  yield();
  const double start = cpu_seconds();
  group.wait();
  EXPECT_LT(cpu_seconds() - start, 0.1);
}

TEST(this_task, errno_belongs_to_the_coroutine) {
  task_group group;
  group.go([] {
    errno = 11;
    yield();
    EXPECT_EQ(errno, 11);
  });
  group.go([] {
    errno = 22;
    yield();
    EXPECT_EQ(errno, 22);
  });
  group.wait();
}

}  // namespace
}  // namespace caraway
