// overdue_test.cpp - when a loop that never waits has to end, and with what.
#include "io/overdue.hpp"

#include <gtest/gtest.h>

#include <chrono>

#include "caraway/deadline_scope.hpp"
#include "caraway/shield.hpp"
#include "caraway/task_group.hpp"
#include "caraway/this_task.hpp"

namespace caraway::io {
namespace {

using std::chrono::seconds;

TEST(overdue, a_deadline_that_has_come_is_a_time_out) {
  EXPECT_EQ(overdue(never), 0);
  EXPECT_EQ(overdue(seconds(100)), 0);
  EXPECT_EQ(overdue(immediately), ETIMEDOUT);
  const deadline_scope in_the_past(immediately);
  EXPECT_EQ(overdue(never), ETIMEDOUT);
}

TEST(overdue, the_end_of_a_shield_is_a_cancellation_for_who_was_cancelled) {
  const auto look = [] {
    {
      const shield lasting(seconds(100));
      EXPECT_EQ(overdue(never), 0);
      EXPECT_EQ(overdue(immediately), ETIMEDOUT);
    }
    const shield over(immediately);
    return overdue(never);
  };
  EXPECT_EQ(look(), ETIMEDOUT);
  task_group group;
  group.go([&] {
    EXPECT_FALSE(try_sleep(never));
    EXPECT_EQ(look(), ECANCELED);
  });
  yield();
  group.cancel();
}

}  // namespace
}  // namespace caraway::io
