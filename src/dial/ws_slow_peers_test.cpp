// ws_slow_peers_test.cpp - peers that take their time, do not answer or never stop, over TCP in real
// time.
#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "caraway/task_group.hpp"
#include "caraway/testing/message_stream_contract.hpp"
#include "caraway/this_task.hpp"
#include "dial/when_in_time.hpp"
#include "dial/ws_half.hpp"

namespace caraway::ws {
namespace {

using namespace std::chrono_literals;
using testing::message_stream_contract::letters;

TEST(ws_slow_peers, a_frame_that_trickles_for_three_times_the_time_out_arrives) {
  for (const role as : both_roles) {
    when_in_time(10ms, [as] {
      half h = open_half(as, {.keepalive = keepalive::within(40ms)});
      const std::string text = letters(100'000);
      const std::string frame = wire::frame(h.role(), opcode::text, text);
      task_group group;
      auto got = group.go([&] { return h.ws.try_receive(patience); });
      const std::size_t step = frame.size() / 60;
      for (std::size_t at = 0; at < frame.size() && h.ws.is_open(); at += step) {
        h.peer->write(std::string_view(frame).substr(at, step), patience);
        caraway::sleep(2ms);
      }
      const auto m = got.join();
      return m && *m && (*m)->text() == text;
    });
  }
}

TEST(ws_slow_peers, a_peer_that_does_not_answer_the_close_frame_is_left_at_the_deadline) {
  for (const role as : both_roles) {
    for (const bool floods : {false, true}) {
      half h = open_half(as);
      task_group group;
      if (floods)
        group.go([&] {
          const std::string frame = wire::frame(h.role(), opcode::text, letters(1000));
          const bytes all = as_bytes(frame);
          while (h.peer->try_write(parts(&all, 1), patience)) caraway::yield();
        });
      EXPECT_EQ(h.ws.try_close(1000, {}, 20ms).error(), os_error(ETIMEDOUT));
      EXPECT_EQ(h.ws.stream(), nullptr);
      group.wait();
      if (!floods) {
        EXPECT_EQ(h.next_frame().op, opcode::close);
      }
      EXPECT_EQ(h.read_to_the_end(), os_error(ECONNRESET));
    }
  }
}

TEST(ws_slow_peers, a_close_in_the_middle_of_frames_both_ways_ends_in_time) {
  for (const role as : both_roles) {
    half h = open_half(as);
    h.ws.begin(message_type::text, patience);
    h.ws.send_part(as_bytes("the beginning of"), patience);
    h.peer->write(wire::frame(h.role(), opcode::binary, letters(10'000)).substr(0, 5000));
    EXPECT_EQ(h.ws.try_close(1000, {}, 20ms).error(), os_error(ETIMEDOUT));
    EXPECT_FALSE(h.next_frame().fin);
    EXPECT_EQ(h.next_frame().op, opcode::close);
    EXPECT_EQ(h.read_to_the_end(), os_error(ECONNRESET));
  }
}

TEST(ws_slow_peers, a_pong_is_not_held_up_by_a_large_message) {
  constexpr std::size_t size = 8 << 20;
  for (const role as : both_roles) {
    half h = open_half(as, {.fragment = 20'000, .held_back = 60'000});
    const std::string text = letters(size);
    const bytes all = as_bytes(text);
    task_group group;
    group.go([&] { static_cast<void>(h.ws.try_send(message_type::text, parts(&all, 1), never)); });
    group.go([&] { static_cast<void>(h.ws.try_receive(never)); });
    h.write(opcode::ping, "now");
    std::size_t before = 0;
    for (auto f = h.next_frame(); f.op != opcode::pong; f = h.next_frame())
      before += f.payload.size();
    EXPECT_LT(before, size);
    group.cancel();
  }
}

TEST(ws_slow_peers, a_pending_receive_holds_no_sender_up) {
  for (const role as : both_roles) {
    half h = open_half(as);
    task_group group;
    group.go([&] { EXPECT_EQ(h.ws.recv(patience)->text(), "late"); });
    caraway::yield();
    h.ws.send("meanwhile", immediately);
    EXPECT_EQ(h.message(), "meanwhile");
    h.write(opcode::text, "late");
  }
}

TEST(ws_slow_peers, a_sender_that_waits_for_room_always_goes_on_when_there_is_some) {
  for (const role as : both_roles) {
    half h = open_half(as, {.held_back = 8192});
    constexpr int count = 600;
    task_group group;
    group.go([&] {
      for (int n = 0; n < count; ++n) h.ws.send(letters(3000, static_cast<unsigned>(n)), patience);
      h.ws.flush(patience);
    });
    for (int n = 0; n < count; ++n) {
      while (n % 100 == 0 && h.ws.pending().senders == 0) caraway::sleep(1ms);
      ASSERT_EQ(h.message(), letters(3000, static_cast<unsigned>(n)));
    }
    group.wait();
    EXPECT_EQ(h.ws.pending().bytes, 0u);
    EXPECT_EQ(h.ws.pending().senders, 0u);
  }
}

}  // namespace
}  // namespace caraway::ws
