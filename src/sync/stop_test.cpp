#include "caraway/stop.hpp"

#include <gtest/gtest.h>

#include <optional>

#include "caraway/task_group.hpp"
#include "caraway/this_task.hpp"

namespace caraway {
namespace {

using namespace std::chrono_literals;

struct counter final : stop_callback {
  int calls = 0;
  void on_stop() noexcept override { ++calls; }
};

TEST(stop, a_raised_signal_wakes_who_waits) {
  stop_signal s;
  bool heard = false;
  task_group group;
  group.go([&] { heard = s.try_wait(never).has_value(); });
  yield();
  s.raise();
  group.wait();
  EXPECT_TRUE(heard);
  EXPECT_TRUE(s.raised());
  EXPECT_TRUE(s.try_wait(immediately));
}

TEST(stop, a_wait_for_it_can_time_out) {
  stop_signal s;
  EXPECT_EQ(s.try_wait(1ms).error(), std::errc::timed_out);
}

TEST(stop, callbacks_are_called_once) {
  stop_signal s;
  counter a;
  counter b;
  s.notify(a);
  s.notify(b);
  s.raise();
  s.raise();
  EXPECT_EQ(a.calls, 1);
  EXPECT_EQ(b.calls, 1);
}

TEST(stop, a_callback_that_comes_late_is_called_at_once) {
  stop_signal s;
  s.raise();
  counter c;
  s.notify(c);
  EXPECT_EQ(c.calls, 1);
}

TEST(stop, a_callback_that_is_gone_is_not_called) {
  stop_signal s;
  {
    counter c;
    s.notify(c);
  }
  counter other;
  s.notify(other);
  s.raise();
  EXPECT_EQ(other.calls, 1);
}

TEST(stop, a_callback_may_outlive_the_signal) {
  counter c;
  {
    stop_signal s;
    s.notify(c);
  }
  EXPECT_EQ(c.calls, 0);
}

TEST(stop, its_end_wakes_who_still_waits) {
  std::optional<stop_signal> s(std::in_place);
  std::error_code seen;
  task_group group;
  group.go([&] { seen = s->try_wait(never).error(); });
  yield();
  s.reset();
  group.wait();
  EXPECT_EQ(seen, std::errc::operation_canceled);
}

}  // namespace
}  // namespace caraway
