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

TEST(ws_liveness, output_that_grows_is_no_sign_of_life) {
  liveness life = watched(with({60s, 60s}));
  EXPECT_TRUE(life.look(start + 60s, {.listening = true, .leaving = 5000, .written = 9000}).ping);
  EXPECT_TRUE(
      life.look(start + 120s, {.listening = true, .leaving = 6000, .written = 10'000}).give_up);
}

TEST(ws_liveness, output_of_which_some_moved_while_more_came_is_one) {
  liveness life = watched(with({60s, 60s}));
  EXPECT_TRUE(life.look(start + 60s, {.listening = true, .leaving = 5000, .written = 9000}).ping);
  const auto due = life.look(start + 120s, {.listening = true, .leaving = 6000, .written = 10'001});
  EXPECT_FALSE(due.give_up || due.ping);
}

TEST(ws_liveness, while_nobody_listens_pings_go_and_nobody_is_given_up_for_silence) {
  constexpr liveness::view deaf{};
  liveness life = watched(with({60s, 20s}), deaf);
  for (int n = 1; n < 20; ++n) {
    EXPECT_EQ(life.next_look(), start + n * 60s);
    const auto due = life.look(life.next_look(), deaf);
    EXPECT_TRUE(due.ping);
    EXPECT_FALSE(due.give_up);
  }
}

TEST(ws_liveness, who_listens_again_waits_for_an_answer_to_a_ping_of_his_own) {
  constexpr liveness::view deaf{};
  liveness life = watched(with({60s, 60s}), deaf);
  EXPECT_TRUE(life.look(start + 60s, deaf).ping);
  EXPECT_TRUE(life.look(start + 120s, deaf).ping);
  EXPECT_FALSE(life.look(start + 130s, listened_to).give_up);
  const auto due = life.look(start + 180s, listened_to);
  EXPECT_TRUE(due.ping);
  EXPECT_FALSE(due.give_up);
  EXPECT_TRUE(life.look(start + 240s, listened_to).give_up);
}

TEST(ws_liveness, while_nobody_listens_output_that_does_not_move_after_a_ping_gives_a_peer_up) {
  constexpr liveness::view deaf{};
  constexpr liveness::view stuck{.leaving = 5000, .written = 9000};
  constexpr liveness::view stuck_with_pings{.leaving = 5010, .written = 9010};
  liveness life = watched(with({10s, 60s}), deaf);
  EXPECT_TRUE(life.look(start + 10s, deaf).ping);
  EXPECT_TRUE(life.look(start + 20s, stuck).ping);
  for (auto t = 30s; t < 80s; t += 10s) {
    const auto due = life.look(start + t, stuck_with_pings);
    EXPECT_TRUE(due.ping);
    EXPECT_FALSE(due.give_up);
  }
  EXPECT_TRUE(life.look(start + 80s, stuck_with_pings).give_up);
}

TEST(ws_liveness, while_nobody_listens_output_that_moves_keeps_a_peer_from_being_given_up) {
  liveness life = watched(with({60s, 60s}), {});
  for (std::uint64_t n = 1; n < 20; ++n) {
    const auto due = life.look(start + n * 60s, {.leaving = 5000, .written = 9000 + n});
    EXPECT_FALSE(due.give_up) << n;
  }
}

TEST(ws_liveness, on_a_late_look_nothing_final_is_decided) {
  liveness life = watched(with({60s, 60s}, 10min));
  EXPECT_TRUE(life.look(start + 60s, listened_to).ping);
  const time_point late = start + 121s;
  EXPECT_FALSE(life.look(late, listened_to).give_up) << "the answer may be in the kernel";
  EXPECT_EQ(life.next_look(), late + liveness::grace);
  EXPECT_TRUE(life.look(late + 10s, listened_to).give_up) << "late again";
  liveness idle = watched(with(keepalive_off, 10min));
  EXPECT_FALSE(idle.look(start + 11min, listened_to).close_idle);
  EXPECT_TRUE(idle.look(idle.next_look(), listened_to).close_idle);
}

TEST(ws_liveness, who_was_heard_after_all_is_not_lost) {
  liveness life = watched(with({60s, 60s}));
  life.look(start + 60s, listened_to);
  EXPECT_TRUE(life.look(start + 120s, listened_to).give_up);
  EXPECT_TRUE(life.lost(start + 120s, listened_to));
  life.heard(start + 120s);
  EXPECT_FALSE(life.lost(start + 120s, listened_to));
  EXPECT_FALSE(life.look(start + 120s, listened_to).give_up);
}

TEST(ws_liveness, an_idle_conversation_that_is_not_idle_after_all_goes_on) {
  liveness life = watched(with(keepalive_off, 10min));
  EXPECT_TRUE(life.look(start + 10min, listened_to).close_idle);
  EXPECT_FALSE(life.revived());
  life.message(start + 10min);
  EXPECT_TRUE(life.revived());
  EXPECT_FALSE(life.look(start + 10min, listened_to).close_idle);
  EXPECT_EQ(life.next_look(), start + 20min);
}

TEST(ws_liveness, a_message_that_is_on_its_way_out_is_none_of_an_idle_conversation) {
  liveness life = watched(with(keepalive_off, 10min));
  for (std::uint64_t n = 1; n < 5; ++n)
    EXPECT_FALSE(life.look(start + n * 10min, {.leaving = 9000 - n, .written = 9000}).close_idle);
  EXPECT_TRUE(life.look(start + 50min, {.leaving = 9000 - 4, .written = 9000}).close_idle);
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

TEST(ws_liveness, no_time_to_a_ping_is_off_and_no_time_for_an_answer_gives_nobody_up) {
  for (const auto none : {0ms, -1ms}) {
    for (const auto answer : {-1ms, 0ms, 60'000ms}) {
      const liveness life(with({none, answer}, none), start);
      EXPECT_FALSE(life.on());
      EXPECT_EQ(life.next_look(), time_point::max());
    }
    liveness asking = watched(with({60s, none}));
    EXPECT_TRUE(asking.look(start + 60s, listened_to).ping);
    EXPECT_FALSE(asking.look(start + 1000h, listened_to).give_up);
  }
  EXPECT_FALSE(liveness(with(keepalive::within(0ms)), start).on());
  EXPECT_TRUE(liveness(with(keepalive::within(1ms)), start).on());
}

TEST(ws_liveness, times_beyond_all_measure_are_for_ever) {
  liveness life = watched(with({std::chrono::hours(24 * 365 * 200), 1s}));
  EXPECT_EQ(life.next_look(), time_point::max());
}

}  // namespace
}  // namespace caraway::ws
