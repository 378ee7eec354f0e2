#include "caraway/event.hpp"

#include <gtest/gtest.h>

#include <optional>

#include "caraway/task_group.hpp"
#include "caraway/this_task.hpp"

namespace caraway {
namespace {

using namespace std::chrono_literals;

TEST(event, wakes_everybody_who_waits) {
  event e;
  int woken = 0;
  task_group group;
  for (int i = 0; i < 3; ++i) {
    group.go([&] {
      e.wait();
      ++woken;
    });
  }
  yield();
  EXPECT_EQ(woken, 0);
  e.set();
  group.wait();
  EXPECT_EQ(woken, 3);
}

TEST(event, does_not_block_once_it_is_set) {
  event e;
  e.set();
  e.set();
  EXPECT_TRUE(e.is_set());
  EXPECT_TRUE(e.try_wait(immediately));
}

TEST(event, blocks_again_after_a_reset) {
  event e;
  e.set();
  e.reset();
  EXPECT_EQ(e.try_wait(1ms).error(), std::errc::timed_out);
}

TEST(event, those_already_woken_are_not_affected_by_a_reset) {
  event e;
  bool woken = false;
  task_group group;
  group.go([&] { woken = e.try_wait(never).has_value(); });
  yield();
  e.set();
  e.reset();
  group.wait();
  EXPECT_TRUE(woken);
}

TEST(event, a_waiter_can_be_cancelled_and_has_then_left_the_queue) {
  event e;
  std::error_code seen;
  {
    task_group group;
    group.go([&] { seen = e.try_wait(never).error(); });
    yield();
  }
  EXPECT_EQ(seen, std::errc::operation_canceled);
  EXPECT_TRUE(e.waiters().empty());
}

TEST(event, its_end_wakes_who_still_waits) {
  std::optional<event> e(std::in_place);
  std::error_code seen;
  task_group group;
  group.go([&] { seen = e->try_wait(never).error(); });
  yield();
  e.reset();
  group.wait();
  EXPECT_EQ(seen, std::errc::operation_canceled);
}

}  // namespace
}  // namespace caraway
