// ws_contract_test.cpp - what a call leaves behind (docs/contracts.md), over TCP, beside peers that
// do not read.
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

#include "caraway/task_group.hpp"
#include "caraway/testing/message_stream_contract.hpp"
#include "caraway/this_task.hpp"
#include "dial/ws_half.hpp"

namespace caraway::ws {
namespace {

using namespace std::chrono_literals;
using testing::message_stream_contract::letters;

constexpr std::size_t fragment = 20'000;
const limits narrow{.fragment = fragment, .held_back = 3 * fragment};
// More than a connection and its socket hold.
constexpr std::size_t very_long = 40 * fragment;

result<void> send(socket& ws, std::string_view text, deadline dl) {
  const bytes all = as_bytes(text);
  return ws.try_send(message_type::text, parts(&all, 1), dl);
}

TEST(ws_contract, a_long_message_that_timed_out_before_its_first_frame_was_not_sent) {
  for (const role as : both_roles) {
    half h = open_half(as, narrow);
    std::vector<std::string> sent;
    const auto goes_out = [&](std::size_t size) {
      std::string text = letters(size, static_cast<unsigned>(sent.size()));
      const auto done = send(h.ws, text, 5ms);
      EXPECT_TRUE(done || done.error() == os_error(ETIMEDOUT)) << done.error().message();
      if (done) sent.push_back(std::move(text));
      return done.has_value();
    };
    do {
      while (goes_out(1000)) {
      }
    } while (goes_out(5 * fragment));
    task_group group;
    group.go([&] { h.ws.send("next", patience); });
    for (const std::string& text : sent) ASSERT_EQ(h.message(), text);
    EXPECT_EQ(h.message(), "next");
  }
}

TEST(ws_contract, one_that_has_begun_is_sent_whole_though_its_sender_left) {
  for (const role as : both_roles) {
    for (const bool cancel : {false, true}) {
      half h = open_half(as, narrow);
      const std::string text = letters(very_long);
      task_group group;
      auto sender = group.go(
          [&] { return send(h.ws, text, cancel ? deadline(never) : deadline(immediately)); });
      yield();
      if (cancel) sender.cancel();
      EXPECT_TRUE(sender.join().has_value());
      EXPECT_EQ(h.ws.pending().senders, 1u);
      group.go([&] { h.ws.send("behind it", patience); });
      EXPECT_EQ(h.message(), text);
      EXPECT_EQ(h.message(), "behind it");
    }
  }
}

TEST(ws_contract, a_close_frame_without_room_goes_out_by_itself_behind_what_is_being_sent) {
  for (const role as : both_roles) {
    for (const bool many_frames : {false, true}) {
      half h = open_half(as, narrow);
      const std::string text = letters(very_long);
      std::size_t full = 0;
      while (!many_frames && send(h.ws, letters(1000), 5ms)) ++full;
      task_group group;
      if (many_frames) group.go([&] { h.ws.send(text, patience); });
      yield();
      const auto said = h.ws.try_done(1000, {}, immediately);
      EXPECT_TRUE(said || said.error() == os_error(ETIMEDOUT));
      EXPECT_FALSE(many_frames && said);
      EXPECT_EQ(h.ws.try_done(1000, {}, patience).error(), errc::closed);
      EXPECT_EQ(send(h.ws, "late", patience).error(), errc::closed);
      for (; full > 0; --full) ASSERT_EQ(h.message(), letters(1000));
      if (many_frames) {
        EXPECT_EQ(h.message(), text);
      }
      EXPECT_EQ(h.next_frame().payload, wire::close_payload(1000));
    }
  }
}

TEST(ws_contract, a_close_that_finds_no_room_in_time_resets_the_connection) {
  for (const role as : both_roles) {
    half h = open_half(as, narrow);
    const std::string text = letters(very_long);
    task_group group;
    auto sender = group.go([&] { return send(h.ws, text, never); });
    yield();
    EXPECT_EQ(h.ws.try_close(1000, {}, 5ms).error(), os_error(ETIMEDOUT));
    EXPECT_EQ(h.ws.stream(), nullptr);
    EXPECT_FALSE(sender.join());
    EXPECT_EQ(h.read_to_the_end(), os_error(ECONNRESET));
  }
}

TEST(ws_contract, a_second_close_waits_for_the_same_end) {
  for (const role as : both_roles) {
    half h = open_half(as, narrow);
    const std::string text = letters(very_long);
    task_group group;
    group.go([&] { h.ws.send(text, patience); });
    auto one = group.go([&] { return h.ws.try_close(1000, {}, patience); });
    auto other = group.go([&] { return h.ws.try_close(4000, {}, patience); });
    yield();
    EXPECT_EQ(h.message(), text);
    EXPECT_EQ(h.next_frame().payload, wire::close_payload(1000));
    h.write(opcode::close, wire::close_payload(1000));
    EXPECT_EQ(h.read_to_the_end(), errc::end_of_stream);
    h.peer->close(patience);
    EXPECT_TRUE(one.join().has_value());
    EXPECT_TRUE(other.join().has_value());
  }
}

TEST(ws_contract, a_conversation_that_is_over_keeps_nobody_waiting_behind_a_message_in_pieces) {
  half h = open_half(role::server);
  h.ws.begin(message_type::text, patience);
  h.ws.send_part(as_bytes("begun and never ended"), patience);
  task_group group;
  auto before = group.go([&] { return send(h.ws, "waits", never); });
  yield();
  h.ws.abort();
  EXPECT_FALSE(before.join());
  auto later = group.go([&] { return send(h.ws, "does not wait", never); });
  EXPECT_EQ(later.join(patience).error(), errc::closed);
  EXPECT_EQ(send(h.ws, "nor does who began", never).error(), errc::closed);
}

// Who began it may be anywhere, and never come back.
TEST(ws_contract, a_peer_that_closes_or_breaks_off_releases_those_behind_a_message_in_pieces) {
  for (const bool closes : {true, false}) {
    half h = open_half(role::server);
    h.ws.begin(message_type::text, patience);
    h.ws.send_part(as_bytes("begun and never ended"), patience);
    task_group group;
    auto behind = group.go([&] { return send(h.ws, "waits", never); });
    yield();
    if (closes)
      h.write(opcode::close, wire::close_payload(1000));
    else
      h.peer->abort();
    static_cast<void>(h.ws.try_receive(patience));
    const auto why = behind.join(patience).error();
    EXPECT_EQ(why, closes ? make_error_code(errc::closed) : os_error(ECONNRESET));
    EXPECT_EQ(h.ws.try_send_part(as_bytes("late"), patience).error(), why);
    EXPECT_EQ(h.ws.try_end(patience).error(), why);
  }
}

// Who stands in answers this.
void wait_for_the_stand_in(half& h) {
  h.write(opcode::ping, "anybody?");
  EXPECT_EQ(h.next_frame().op, opcode::pong);
}

TEST(ws_contract, no_message_is_lost_between_receivers_and_their_stand_in) {
  half h = open_half(role::server);
  int sent = 0, next = 0;
  for (int round = 0; round < 3; ++round) {
    wait_for_the_stand_in(h);
    for (int n = 0; n < 20; ++n) {
      h.write(opcode::text, std::to_string(sent++));
      if (n % 3 == round) yield();
    }
    for (int turn = 0; next < sent; ++turn) {
      const auto m = h.ws.try_receive(turn % 2 == 0 ? deadline(immediately) : deadline(1ms));
      if (m)
        ASSERT_EQ((*m)->text(), std::to_string(next++));
      else
        ASSERT_EQ(m.error(), os_error(ETIMEDOUT));
    }
  }
}

TEST(ws_contract, a_second_receiver_is_refused_and_a_stand_in_makes_room) {
  half h = open_half(role::client);
  wait_for_the_stand_in(h);
  task_group group;
  group.go([&] { EXPECT_EQ(h.ws.recv(patience)->text(), "for the first"); });
  for (int turns = 0; turns < 10; ++turns) yield();
  EXPECT_EQ(h.ws.try_receive(patience).error(), os_error(EBUSY));
  h.write(opcode::text, "for the first");
}

}  // namespace
}  // namespace caraway::ws
