#include "proto/ws_round_trips.hpp"

#include <gtest/gtest.h>

#include <cerrno>

#include "caraway/task_group.hpp"
#include "caraway/this_task.hpp"

namespace caraway::ws {
namespace {

using namespace std::chrono_literals;

const time_point start{1000s};

TEST(ws_round_trips, a_pong_measures_the_ping_with_its_payload) {
  round_trips r;
  EXPECT_EQ(r.measured(), std::nullopt);
  r.sent(as_bytes("a"), start);
  r.answered(as_bytes("b"), start + 1ms);
  EXPECT_EQ(r.measured(), std::nullopt) << "nobody asked that";
  r.answered(as_bytes("a"), start + 8ms);
  EXPECT_EQ(r.measured()->last, 8ms);
  EXPECT_EQ(r.measured()->smoothed, 8ms);
  r.answered(as_bytes("a"), start + 9ms);
  EXPECT_EQ(r.measured()->last, 8ms) << "once";
  EXPECT_EQ(r.out(), 0u);
}

TEST(ws_round_trips, the_smoothed_time_follows_slowly) {
  round_trips r;
  for (const auto took : {8ms, 16ms, 16ms}) {
    r.sent({}, start);
    r.answered({}, start + took);
  }
  EXPECT_EQ(r.measured()->last, 16ms);
  EXPECT_EQ(r.measured()->smoothed, 9875us);
}

TEST(ws_round_trips, a_pong_answers_the_older_pings_too) {
  round_trips r;
  r.sent(as_bytes("old"), start);
  r.sent(as_bytes("new"), start + 1s);
  r.sent(as_bytes("newest"), start + 2s);
  r.answered(as_bytes("new"), start + 3s);
  EXPECT_EQ(r.measured()->last, 2s);
  EXPECT_EQ(r.out(), 1u);
  r.answered(as_bytes("old"), start + 4s);
  EXPECT_EQ(r.measured()->last, 2s);
}

TEST(ws_round_trips, of_equal_payloads_the_newest_is_meant) {
  round_trips r;
  r.sent({}, start);
  r.sent({}, start + 1s);
  r.answered({}, start + 3s);
  EXPECT_EQ(r.measured()->last, 2s);
  EXPECT_EQ(r.out(), 0u);
}

TEST(ws_round_trips, what_was_not_sent_after_all_is_forgotten) {
  round_trips r;
  r.sent(as_bytes("a"), start);
  const auto b = r.sent(as_bytes("b"), start);
  r.sent(as_bytes("c"), start);
  r.forget(b);
  r.forget(b);
  EXPECT_EQ(r.out(), 2u);
  r.answered(as_bytes("b"), start + 1s);
  EXPECT_EQ(r.measured(), std::nullopt);
}

TEST(ws_round_trips, only_the_newest_pings_are_remembered) {
  round_trips r;
  for (int i = 0; i < 100; ++i) r.sent(as_bytes(std::to_string(i)), start);
  EXPECT_EQ(r.out(), round_trips::most);
  r.answered(as_bytes("91"), start + 1s);
  EXPECT_EQ(r.measured(), std::nullopt);
  r.answered(as_bytes("92"), start + 1s);
  EXPECT_EQ(r.measured()->last, 1s);
}

TEST(ws_round_trips, who_waits_for_a_pong_hears_how_long_its_ping_took) {
  round_trips r;
  const auto first = r.sent(as_bytes("first"), start);
  const auto second = r.sent(as_bytes("second"), start + 1s);
  task_group group;
  auto a = group.go([&] { return r.wait(first, never); });
  auto b = group.go([&] { return r.wait(second, never); });
  caraway::yield();
  r.answered(as_bytes("second"), start + 5s);
  EXPECT_EQ(a.join(), 5s);
  EXPECT_EQ(b.join(), 4s);
}

TEST(ws_round_trips, a_pong_that_came_before_anybody_waits_for_it_counts) {
  round_trips r;
  const auto first = r.sent(as_bytes("first"), start);
  const auto second = r.sent(as_bytes("second"), start + 1s);
  const auto third = r.sent(as_bytes("third"), start + 1s);
  r.answered(as_bytes("second"), start + 5s);
  EXPECT_EQ(r.wait(second, never), 4s);
  EXPECT_EQ(r.wait(first, never), 4s);
  EXPECT_EQ(r.wait(third, immediately).error(), os_error(ETIMEDOUT));
}

TEST(ws_round_trips, who_waits_for_a_ping_that_newer_ones_have_pushed_out_hears_of_their_pong) {
  round_trips r;
  const auto first = r.sent(as_bytes("first"), start);
  task_group group;
  auto a = group.go([&] { return r.wait(first, never); });
  caraway::yield();
  for (std::size_t i = 0; i < round_trips::most; ++i) r.sent(as_bytes("newer"), start + 1s);
  r.answered(as_bytes("newer"), start + 3s);
  EXPECT_EQ(a.join(), 3s);
}

TEST(ws_round_trips, who_waits_can_be_sent_away) {
  round_trips r;
  const auto number = r.sent({}, start);
  task_group group;
  auto a = group.go([&] { return r.wait(number, never); });
  caraway::yield();
  r.break_off(ECANCELED);
  EXPECT_EQ(a.join().error(), os_error(ECANCELED));
}

}  // namespace
}  // namespace caraway::ws
