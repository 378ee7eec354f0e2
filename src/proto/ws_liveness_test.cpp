#include "proto/ws_liveness.hpp"

#include <gtest/gtest.h>

namespace caraway::ws {
namespace {

using namespace std::chrono_literals;

const time_point start{1000s};
constexpr liveness::view listened_to{.listening = true};

limits with(keepalive k, std::chrono::milliseconds idle = unlimited) {
  return {.keepalive = k, .idle = idle};
}

// A liveness whose first look, for a listener, is over.
liveness watched(const limits& l, const liveness::view& v = listened_to) {
  liveness life(l, start);
  if (life.next_look() <= start + liveness::grace) life.look(life.next_look(), v);
  return life;
}

TEST(ws_liveness, a_silent_peer_is_asked_once_and_then_given_up) {
  liveness life = watched(with({60s, 30s}));
  EXPECT_EQ(life.next_look(), start + 60s);
  EXPECT_FALSE(life.look(start + 59s, listened_to).ping);
  EXPECT_TRUE(life.look(start + 60s, listened_to).ping);
  EXPECT_EQ(life.next_look(), start + 90s);
  const auto early = life.look(start + 89s, listened_to);
  EXPECT_FALSE(early.ping || early.give_up);
  EXPECT_TRUE(life.look(start + 90s, listened_to).give_up);
}

TEST(ws_liveness, a_ping_interval_that_equals_the_time_out_gives_nobody_up_too_early) {
  liveness life = watched(with({30s, 30s}));
  for (int round = 1; round <= 10; ++round) {
    const time_point at = start + round * 35s;
    EXPECT_TRUE(life.look(at - 5s, listened_to).ping);
    EXPECT_FALSE(life.look(at - 1s, listened_to).give_up);
    life.heard(at);
    const auto due = life.look(at + 25s, listened_to);
    EXPECT_FALSE(due.give_up || due.ping);
    EXPECT_EQ(life.next_look(), at + 30s);
  }
}

TEST(ws_liveness, half_of_the_silence_goes_by_before_the_ping) {
  EXPECT_EQ(keepalive::within(120s), keepalive{});
  EXPECT_EQ(keepalive::within(5ms).ping_after, 2ms);
  EXPECT_EQ(keepalive::within(5ms).answer_within, 3ms);
}

TEST(ws_liveness, what_is_heard_at_the_moment_of_the_ping_is_an_answer) {
  liveness life = watched(with({60s, 60s}));
  EXPECT_TRUE(life.look(start + 60s, listened_to).ping);
  life.heard(start + 60s);
  EXPECT_FALSE(life.look(start + 119s, listened_to).give_up);
  EXPECT_TRUE(life.look(start + 120s, listened_to).ping);
}

TEST(ws_liveness, a_part_of_a_frame_is_a_sign_of_life) {
  liveness life = watched(with({60s, 60s}));
  for (std::size_t n = 1; n < 20; ++n) {
    const auto due = life.look(start + n * 60s, {.listening = true, .buffered = n});
    EXPECT_FALSE(due.ping || due.give_up) << n;
  }
}

TEST(ws_liveness, output_that_the_peer_takes_in_is_a_sign_of_life_and_output_that_stays_is_none) {
  liveness life = watched(with({60s, 60s}));
  EXPECT_TRUE(life.look(start + 60s, {.listening = true, .leaving = 5000}).ping);
  EXPECT_FALSE(life.look(start + 120s, {.listening = true, .leaving = 4000}).give_up);
  EXPECT_TRUE(life.look(start + 180s, {.listening = true, .leaving = 4000}).ping);
  EXPECT_TRUE(life.look(start + 240s, {.listening = true, .leaving = 4000}).give_up);
}

TEST(ws_liveness, nobody_is_given_up_while_nobody_listens) {
  constexpr liveness::view deaf{};
  liveness life = watched(with({60s, 60s}), deaf);
  for (int n = 1; n < 20; ++n) {
    const auto due = life.look(start + n * 60s, deaf);
    EXPECT_FALSE(due.ping || due.give_up);
  }
}

TEST(ws_liveness, who_has_just_left_counts_as_a_listener) {
  liveness life = watched(with({60s, 60s}));
  EXPECT_TRUE(life.left(start + 60s - 1ms));
  EXPECT_FALSE(life.left(start + 60s - 1ms)) << "known already";
  EXPECT_EQ(life.next_look(), start + 60s);
  EXPECT_TRUE(life.look(start + 60s, {}).ping);
}

TEST(ws_liveness, somebody_listens_when_nobody_did_for_a_while) {
  constexpr liveness::view nobody{.may_listen = true};
  liveness life(with({}), start);
  EXPECT_EQ(life.next_look(), start + liveness::grace);
  EXPECT_TRUE(life.look(start + liveness::grace, nobody).listen);
  life.left(start + 1s);
  EXPECT_FALSE(life.look(start + 1s + 50ms, nobody).listen);
  EXPECT_EQ(life.next_look(), start + 1s + liveness::grace);
  EXPECT_TRUE(life.look(start + 1s + liveness::grace, nobody).listen);
  life.left(start + 2s);
  EXPECT_FALSE(life.look(start + 2s + liveness::grace, {}).listen) << "a message waits";
}

TEST(ws_liveness, no_ping_after_the_close_frame_but_an_end_all_the_same) {
  constexpr liveness::view closing{.listening = true, .open = false};
  liveness life = watched(with({60s, 60s}));
  EXPECT_FALSE(life.look(start + 60s, closing).ping);
  EXPECT_TRUE(life.look(start + 120s, closing).give_up);
}

TEST(ws_liveness, an_idle_conversation_is_closed_and_then_ended_however_alive_the_peer_is) {
  liveness life = watched(with({}, 10min));
  life.message(start + 1min);
  for (auto t = 50s; t < 11min; t += 50s) {
    life.heard(start + t);
    const auto due = life.look(start + t, listened_to);
    EXPECT_FALSE(due.close_idle || due.ping || due.give_up);
  }
  life.heard(start + 11min);
  EXPECT_TRUE(life.look(start + 11min, listened_to).close_idle);
  EXPECT_EQ(life.next_look(), start + 11min + liveness::goodbye_patience);
  EXPECT_FALSE(life.look(start + 11min + 1s, listened_to).close_idle);
  EXPECT_TRUE(life.look(start + 11min + liveness::goodbye_patience, listened_to).give_up);
}

TEST(ws_liveness, what_is_switched_off_is_never_looked_at) {
  liveness life(with(keepalive_off), start);
  EXPECT_EQ(life.next_look(), time_point::max());
  EXPECT_FALSE(life.left(start + 1s));
  const auto due = life.look(start + 1000h, listened_to);
  EXPECT_FALSE(due.ping || due.give_up || due.listen || due.close_idle);
  EXPECT_EQ(life.next_look(), time_point::max());
}

TEST(ws_liveness, times_beyond_all_measure_are_for_ever) {
  liveness life = watched(with({std::chrono::hours(24 * 365 * 200), 1s}));
  EXPECT_EQ(life.next_look(), time_point::max());
}

}  // namespace
}  // namespace caraway::ws
