#include "caraway/deadline.hpp"

#include <gtest/gtest.h>

#include <thread>

#include "base/clock_source.hpp"

namespace caraway {
namespace {

using namespace std::chrono_literals;

struct fixed_clock : base::clock_source {
  time_point at{1000s};
  time_point now() const noexcept override { return at; }
};

struct set_clock {
  fixed_clock clock;
  set_clock() { base::set_clock_source(&clock); }
  ~set_clock() { base::set_clock_source(nullptr); }
};

TEST(deadline, a_duration_counts_from_now) {
  set_clock c;
  EXPECT_EQ(deadline(5s).at(), time_point(1005s));
  EXPECT_EQ(deadline(1500us).at(), time_point(1000s) + 1500us);
}

TEST(deadline, fractions_of_a_nanosecond_are_rounded_up) {
  set_clock c;
  EXPECT_EQ(deadline(std::chrono::duration<double, std::nano>(0.25)).at(), time_point(1000s) + 1ns);
}

TEST(deadline, no_time_at_all_means_immediately) {
  set_clock c;
  EXPECT_TRUE(deadline(0s).is_immediate());
  EXPECT_TRUE(deadline(-3ms).is_immediate());
  EXPECT_TRUE(immediately.passed());
}

TEST(deadline, a_duration_beyond_the_clock_means_never) {
  set_clock c;
  EXPECT_TRUE(deadline(std::chrono::hours::max()).is_never());
  EXPECT_TRUE(deadline(nanoseconds::max()).is_never());
  EXPECT_FALSE(never.passed());
}

TEST(deadline, it_has_passed_from_its_point_on) {
  set_clock c;
  const deadline d(2s);
  EXPECT_FALSE(d.passed());
  c.clock.at += 2s;
  EXPECT_TRUE(d.passed());
}

TEST(deadline, the_earlier_of_two_wins) {
  set_clock c;
  EXPECT_EQ(earlier(deadline(1s), deadline(2s)), deadline(1s));
  EXPECT_EQ(earlier(never, deadline(2s)), deadline(2s));
  EXPECT_EQ(earlier(never, immediately), immediately);
}

TEST(deadline, real_time_is_the_steady_clock) {
  const time_point before = clock::now();
  const time_point here = now();
  EXPECT_LE(before, here);
  EXPECT_LE(here, clock::now());
}

TEST(deadline, a_thread_that_has_no_clock_yet_is_given_one_once) {
  static int starts = 0;
  base::set_clock_starter([]() noexcept { ++starts; });
  std::thread([] {
    static_cast<void>(now());
    static_cast<void>(now());
  }).join();
  base::set_clock_starter(nullptr);
  EXPECT_EQ(starts, 1);
}

}  // namespace
}  // namespace caraway
