#include "caraway/deadline_scope.hpp"

#include <gtest/gtest.h>

#include "caraway/channel.hpp"
#include "caraway/task_group.hpp"
#include "caraway/this_task.hpp"

namespace caraway {
namespace {

using namespace std::chrono_literals;

TEST(deadline_scope, bounds_a_call_that_has_no_deadline_of_its_own) {
  channel<int> nothing;
  const deadline_scope limit(5ms);
  EXPECT_EQ(nothing.try_recv(never).error(), std::errc::timed_out);
  EXPECT_TRUE(limit.expired());
}

TEST(deadline_scope, the_earlier_deadline_counts) {
  channel<int> nothing;
  const deadline_scope limit(1h);
  EXPECT_EQ(nothing.try_recv(5ms).error(), std::errc::timed_out);
  EXPECT_FALSE(limit.expired());
}

TEST(deadline_scope, one_deadline_covers_all_calls_in_the_block) {
  const time_point start = now();
  const deadline_scope limit(20ms);
  int calls = 0;
  while (try_sleep(6ms)) ++calls;
  EXPECT_LE(calls, 3);
  EXPECT_GE(now() - start, 20ms);
  EXPECT_EQ(try_sleep(1ms).error(), std::errc::timed_out);
}

TEST(deadline_scope, the_deadline_from_before_comes_back) {
  {
    const deadline_scope limit(immediately);
    EXPECT_EQ(try_sleep(1ms).error(), std::errc::timed_out);
  }
  EXPECT_TRUE(this_task::ambient_deadline().is_never());
  EXPECT_TRUE(try_sleep(1ms));
}

TEST(deadline_scope, scopes_nest_and_the_earliest_wins) {
  const deadline_scope outer(5ms);
  const deadline_scope inner(1h);
  EXPECT_EQ(try_sleep(10ms).error(), std::errc::timed_out);
  EXPECT_TRUE(outer.expired());
  EXPECT_FALSE(inner.expired());
}

TEST(deadline_scope, tasks_started_inside_inherit_it) {
  std::error_code seen;
  task_group group;
  {
    const deadline_scope limit(5ms);
    group.go([&] { seen = try_sleep(1h).error(); });
  }
  group.wait();
  EXPECT_EQ(seen, std::errc::timed_out);
}

TEST(deadline_scope, does_not_count_for_other_coroutines) {
  task_group group;
  bool slept = false;
  group.go([&] { slept = try_sleep(20ms).has_value(); });
  {
    const deadline_scope limit(5ms);
    EXPECT_EQ(group.try_wait(never).error(), std::errc::timed_out);
  }
  group.wait();
  EXPECT_TRUE(slept);
}

TEST(deadline_scope, what_can_be_had_without_waiting_is_had_after_the_deadline_too) {
  channel<int> c(1);
  c.send(1);
  const deadline_scope limit(immediately);
  EXPECT_EQ(c.recv(), 1);
}

TEST(deadline_scope, an_expired_deadline_is_not_a_cancellation) {
  const deadline_scope limit(immediately);
  EXPECT_THROW(sleep(1h), caraway::error);
  EXPECT_FALSE(this_task::cancelled());
}

}  // namespace
}  // namespace caraway
