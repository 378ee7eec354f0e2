#include "caraway/shield.hpp"

#include <gtest/gtest.h>

#include "caraway/channel.hpp"
#include "caraway/deadline_scope.hpp"
#include "caraway/task_group.hpp"
#include "caraway/this_task.hpp"

namespace caraway {
namespace {

using namespace std::chrono_literals;

// Runs f() on a coroutine that is cancelled already.
template <class F>
void while_cancelled(F f) {
  task_group group;
  group.go([&] {
    EXPECT_EQ(try_sleep(1h).error(), std::errc::operation_canceled);
    f();
  });
  yield();
}

TEST(shield, a_cancelled_coroutine_may_block_inside) {
  bool slept = false;
  while_cancelled([&] {
    const shield clean_up(1h);
    slept = try_sleep(5ms).has_value();
  });
  EXPECT_TRUE(slept);
}

TEST(shield, cancellation_counts_again_afterwards) {
  std::error_code seen;
  while_cancelled([&] {
    {
      const shield clean_up(1h);
    }
    seen = try_sleep(5ms).error();
  });
  EXPECT_EQ(seen, std::errc::operation_canceled);
}

TEST(shield, a_call_that_outlasts_it_is_cancelled) {
  std::error_code seen;
  std::error_code next;
  time_point start;
  time_point end;
  while_cancelled([&] {
    start = now();
    const shield clean_up(10ms);
    seen = try_sleep(1h).error();
    end = now();
    next = try_yield().error();
  });
  EXPECT_EQ(seen, std::errc::operation_canceled);
  EXPECT_EQ(next, std::errc::operation_canceled);
  EXPECT_GE(end - start, 10ms);
}

TEST(shield, a_call_with_an_earlier_deadline_of_its_own_times_out) {
  std::error_code seen;
  while_cancelled([&] {
    const shield clean_up(1h);
    seen = try_sleep(1ms).has_value() ? std::error_code() : os_error(EIO);
    channel<int> nothing;
    seen = nothing.try_recv(1ms).error();
  });
  EXPECT_EQ(seen, std::errc::timed_out);
}

TEST(shield, a_cancellation_that_comes_inside_is_deferred_until_its_end) {
  std::error_code inside;
  std::error_code after;
  bool finished = false;
  {
    task_group group;
    group.go([&] {
      {
        const shield critical(1h);
        const auto r = try_sleep(10ms);
        inside = r ? std::error_code() : r.error();
        finished = true;
      }
      after = try_sleep(1h).error();
    });
    yield();
  }
  EXPECT_TRUE(finished);
  EXPECT_FALSE(inside);
  EXPECT_EQ(after, std::errc::operation_canceled);
}

TEST(shield, a_cancellation_that_comes_inside_bounds_the_call_that_is_under_way) {
  std::error_code inside;
  {
    task_group group;
    group.go([&] {
      const shield critical(10ms);
      inside = try_sleep(1h).error();
    });
    yield();
  }
  EXPECT_EQ(inside, std::errc::operation_canceled);
}

TEST(shield, without_cancellation_its_deadline_is_a_time_out) {
  const shield critical(5ms);
  EXPECT_EQ(try_sleep(1h).error(), std::errc::timed_out);
}

TEST(shield, an_ambient_deadline_from_outside_does_not_count_inside) {
  const deadline_scope limit(immediately);
  {
    const shield clean_up(1h);
    EXPECT_TRUE(try_sleep(1ms));
  }
  EXPECT_EQ(try_sleep(1ms).error(), std::errc::timed_out);
}

TEST(shield, a_shield_inside_a_shield_can_only_shorten_it) {
  std::error_code longer;
  bool still_shielded = false;
  while_cancelled([&] {
    const shield outer(20ms);
    {
      const shield inner(1ms);
      EXPECT_EQ(try_sleep(1h).error(), std::errc::operation_canceled);
    }
    still_shielded = try_sleep(1ms).has_value();
    const shield inner(1h);
    longer = try_sleep(1h).error();
  });
  EXPECT_TRUE(still_shielded);
  EXPECT_EQ(longer, std::errc::operation_canceled);
}

TEST(shield, inside_a_shield_that_has_run_out_a_new_one_gives_no_more_time) {
  std::error_code seen;
  while_cancelled([&] {
    const shield outer(1ms);
    EXPECT_EQ(try_sleep(1h).error(), std::errc::operation_canceled);
    const shield inner(1h);
    seen = try_sleep(1h).error();
  });
  EXPECT_EQ(seen, std::errc::operation_canceled);
}

}  // namespace
}  // namespace caraway
