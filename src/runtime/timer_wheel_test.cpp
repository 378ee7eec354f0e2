#include "runtime/timer_wheel.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <random>
#include <vector>

namespace caraway::runtime {
namespace {

using namespace std::chrono_literals;

const time_point start{1000s};

struct numbered : lowlevel::timer {
  int number = 0;
};

struct wheel_with_timers {
  timer_wheel wheel{start};
  std::deque<numbered> timers;

  void arm(time_point at) {
    numbered& t = timers.emplace_back();
    t.number = static_cast<int>(timers.size()) - 1;
    wheel.arm(t, at);
  }
  std::vector<int> fire(time_point now) {
    list<lowlevel::timer> due;
    wheel.advance(now, due);
    std::vector<int> numbers;
    while (!due.empty()) numbers.push_back(static_cast<numbered&>(due.pop_front()).number);
    return numbers;
  }
};

TEST(timer_wheel, a_timer_is_never_early_and_at_most_a_tick_late) {
  for (const auto after : {1us, 999us, 1000us, 1001us, 63'999us, 64'000us, 64'001us, 5'000'000us}) {
    wheel_with_timers w;
    w.arm(start + after);
    EXPECT_TRUE(w.fire(start + after - 1us).empty()) << after.count();
    EXPECT_EQ(w.fire(start + after + timer_wheel::tick).size(), 1U) << after.count();
  }
}

TEST(timer_wheel, what_is_past_already_is_due_at_once) {
  wheel_with_timers w;
  w.arm(start);
  w.arm(time_point::min());
  EXPECT_EQ(w.wheel.next(), start);
  EXPECT_EQ(w.fire(start), (std::vector{0, 1}));
}

TEST(timer_wheel, equal_deadlines_fire_in_the_order_of_arming) {
  for (const auto at : {5ms, 70ms, 5000ms, 300'000ms}) {
    wheel_with_timers w;
    w.arm(start + at);
    w.fire(start + at / 2);
    w.arm(start + at);
    w.fire(start + at - 2ms);
    w.arm(start + at);
    EXPECT_EQ(w.fire(start + at), (std::vector{0, 1, 2})) << at.count();
  }
}

TEST(timer_wheel, one_leap_fires_everything_in_the_order_of_deadlines) {
  wheel_with_timers w;
  std::vector<int> expected;
  for (int i = 0; i < 1000; ++i) w.arm(start + std::chrono::milliseconds((1000 - i) * 7));
  for (int i = 999; i >= 0; --i) expected.push_back(i);
  EXPECT_EQ(w.fire(start + 1h), expected);
}

TEST(timer_wheel, a_disarmed_timer_does_not_fire) {
  wheel_with_timers w;
  w.arm(start + 10ms);
  w.arm(start + 10ms);
  w.wheel.disarm(w.timers[0]);
  EXPECT_EQ(w.wheel.size(), 1U);
  EXPECT_EQ(w.fire(start + 1s), std::vector{1});
  EXPECT_EQ(w.wheel.size(), 0U);
  EXPECT_EQ(w.wheel.next(), time_point::max());
}

TEST(timer_wheel, far_beyond_the_last_wheel_still_works) {
  constexpr auto years = 24h * 365 * 5;
  wheel_with_timers w;
  w.arm(start + years);
  EXPECT_TRUE(w.fire(start + years - 1ms).empty());
  EXPECT_EQ(w.fire(start + years), std::vector{0});
}

// Follows next() as the scheduler does, against a sorted map.
TEST(timer_wheel, it_agrees_with_a_sorted_map_over_random_work) {
  std::mt19937_64 random(7);
  wheel_with_timers w;
  std::multimap<time_point, int> model;
  time_point now = start;
  for (int round = 0; round < 3000; ++round) {
    for (int i = 0; i < 3; ++i) {
      const auto after =
          std::chrono::microseconds(random() % (std::uint64_t{1} << (random() % 34)));
      model.emplace(now + after, static_cast<int>(w.timers.size()));
      w.arm(now + after);
    }
    ASSERT_LE(w.wheel.next(), model.begin()->first + timer_wheel::tick);
    now = std::max(now, random() % 2 != 0 ? w.wheel.next()
                                          : now + std::chrono::microseconds(random() % 100'000));
    for (int number : w.fire(now)) {
      const auto found = std::find_if(model.begin(), model.end(),
                                      [&](const auto& m) { return m.second == number; });
      ASSERT_NE(found, model.end());
      ASSERT_LE(found->first, now);
      model.erase(found);
    }
    for (auto it = model.begin(); it != model.end() && it->first <= now - timer_wheel::tick;)
      FAIL() << "timer " << it->second << " is late";
  }
  EXPECT_EQ(w.wheel.size(), model.size());
}

}  // namespace
}  // namespace caraway::runtime
