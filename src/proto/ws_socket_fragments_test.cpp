// ws_socket_fragments_test.cpp - messages too long for one frame, to peers that take their time.
#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <string>
#include <vector>

#include "caraway/memory_pair.hpp"
#include "caraway/sim.hpp"
#include "caraway/task_group.hpp"
#include "caraway/this_task.hpp"
#include "caraway/ws_socket.hpp"
#include "proto/ws_wire.hpp"

namespace caraway::ws {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t fragment = 1000;
const limits in_fragments{.keepalive = keepalive_off, .fragment = fragment};

std::string long_text(std::size_t n) {
  std::string text(n, ' ');
  for (std::size_t i = 0; i < n; ++i) text[i] = static_cast<char>('a' + i % 23);
  return text;
}

// A server's socket, and a peer at which one frame waits at a time.
struct half {
  socket ws;
  stream_ptr peer;

  wire::received_frame next_frame() { return wire::read_frame(*peer, role::client, 10s); }
  // The rest of the message that `first` begins, which may have control frames between.
  std::string message(std::size_t* frames = nullptr) {
    std::string all;
    for (std::size_t n = 1;; ++n) {
      const auto f = next_frame();
      if (f.op >= opcode::close) continue;
      EXPECT_EQ(f.op == opcode::continuation, n > 1);
      all += f.payload;
      if (frames != nullptr) *frames = n;
      if (f.fin) return all;
    }
  }
};

half open() {
  auto [a, b] = memory_pair({}, {.capacity = 10});
  return {attach_without_handshake(std::move(a), role::server, in_fragments), std::move(b)};
}

TEST(ws_socket_fragments, a_message_beyond_the_limit_goes_in_frames_of_the_limit) {
  for (const std::size_t size :
       {fragment, fragment + 1, 2 * fragment, 3 * fragment - 1, 10 * fragment}) {
    half h = open();
    task_group group;
    const std::string text = long_text(size);
    group.go([&] { h.ws.send(text); });
    std::size_t frames = 0;
    EXPECT_EQ(h.message(&frames), text);
    EXPECT_EQ(frames, (size + fragment - 1) / fragment);
  }
}

TEST(ws_socket_fragments, a_long_message_may_have_many_parts_on_both_sides) {
  for (const role as : {role::server, role::client}) {
    for (const std::size_t count : {1, 5, 16, 17, 300}) {
      auto [a, b] = memory_pair();
      socket one = attach_without_handshake(std::move(a), as, in_fragments);
      socket other =
          attach_without_handshake(std::move(b), as == role::server ? role::client : role::server);
      std::string all;
      std::vector<std::string> texts;
      for (std::size_t i = 0; i < count; ++i) texts.push_back(long_text(i * 37 % 911));
      texts.push_back(long_text(3 * fragment));
      std::vector<bytes> ps;
      for (const std::string& t : texts) {
        all += t;
        ps.push_back(as_bytes(t));
      }
      one.send(message_type::text, ps);
      const auto got = other.recv(1s);
      EXPECT_EQ(got->text(), all);
      EXPECT_TRUE(got->is_text());
    }
  }
}

TEST(ws_socket_fragments, a_pong_passes_in_the_middle_of_a_long_message) {
  sim::run({}, [] {
    half h = open();
    task_group group;
    group.go([&] { h.ws.send(long_text(20 * fragment)); });
    group.go([&] { static_cast<void>(h.ws.try_receive(10s)); });
    h.next_frame();
    h.peer->write(wire::frame(role::client, opcode::ping, "now"));
    int before = 0;
    while (h.next_frame().op != opcode::pong) ++before;
    EXPECT_LE(before, 3);
    while (!h.next_frame().fin) {
    }
    group.cancel();
  });
}

TEST(ws_socket_fragments, a_long_message_that_timed_out_before_its_first_frame_was_not_sent) {
  sim::run({}, [] {
    half h = open();
    h.ws.send("fills the way");
    const std::string text = long_text(5 * fragment);
    const bytes all = as_bytes(text);
    EXPECT_EQ(h.ws.try_send(message_type::text, parts(&all, 1), 1s).error(), os_error(ETIMEDOUT));
    EXPECT_EQ(h.message(), "fills the way");
    task_group group;
    group.go([&] { h.ws.send("next"); });
    EXPECT_EQ(h.message(), "next");
  });
}

TEST(ws_socket_fragments, one_that_has_begun_is_sent_whole_though_its_sender_left) {
  for (const bool cancel : {false, true}) {
    sim::run({}, [cancel] {
      half h = open();
      const std::string text = long_text(5 * fragment);
      task_group group;
      auto sender = group.go([&] {
        const bytes all = as_bytes(text);
        return h.ws.try_send(message_type::text, parts(&all, 1), cancel ? never : deadline(1s));
      });
      caraway::sleep(500ms);
      if (cancel) sender.cancel();
      EXPECT_TRUE(sender.join().has_value());
      EXPECT_EQ(h.ws.pending().senders, 1u);
      EXPECT_GT(h.ws.pending().bytes, 3 * fragment);
      group.go([&] { h.ws.send("behind it"); });
      caraway::sleep(1h);
      EXPECT_EQ(h.ws.pending().senders, 2u);
      EXPECT_EQ(h.message(), text);
      EXPECT_EQ(h.message(), "behind it");
      group.wait();
      EXPECT_EQ(h.ws.pending().bytes, 0u);
      EXPECT_EQ(h.ws.pending().senders, 0u);
    });
  }
}

TEST(ws_socket_fragments, closing_waits_for_the_rest_of_a_message) {
  sim::run({}, [] {
    half h = open();
    const std::string text = long_text(5 * fragment);
    h.ws.send(message_type::text, std::array{as_bytes(text)}, 1s);
    task_group group;
    group.go([&] { h.ws.close(10s); });
    EXPECT_EQ(h.message(), text);
    EXPECT_EQ(h.next_frame().op, opcode::close);
    h.peer->write(wire::frame(role::client, opcode::close, wire::close_payload(1000)));
    h.peer->done();
    group.wait();
  });
}

// Beside its sender, who is in it or has left it, waits for the first of its frames or a later one.
TEST(ws_socket_fragments,
     whoever_closes_meanwhile_the_message_is_sent_whole_and_nothing_behind_it) {
  enum way { close, done, done_in_no_time, ways };
  for (int w = 0; w < ways; ++w) {
    for (const bool first_frame_waits : {false, true}) {
      sim::run({}, [&] {
        half h = open();
        const std::string text = long_text(5 * fragment);
        if (first_frame_waits) h.ws.send("before it");
        task_group group;
        group.go([&] { h.ws.send(text, never); });
        group.go([&] {
          const bytes late = as_bytes("too late");
          EXPECT_EQ(h.ws.try_send(message_type::text, parts(&late, 1), never).error(),
                    errc::closed);
        });
        caraway::sleep(1s);
        group.go([&] {
          const auto ended = w == close  ? h.ws.try_close(1000, {}, 10s)
                             : w == done ? h.ws.try_done(1000, {}, 10s)
                                         : h.ws.try_done(1000, {}, immediately);
          EXPECT_EQ(ended.has_value(), w != done_in_no_time);
        });
        caraway::sleep(1s);
        EXPECT_FALSE(h.ws.is_open());
        EXPECT_EQ(h.ws.try_done(1000, {}, 10s).error(), errc::closed);
        EXPECT_EQ(h.ws.try_ping({}, 10s).error(), errc::closed);
        if (first_frame_waits) {
          EXPECT_EQ(h.message(), "before it");
        }
        EXPECT_EQ(h.message(), text);
        EXPECT_EQ(h.next_frame().payload, wire::close_payload(1000));
        h.peer->write(wire::frame(role::client, opcode::close, wire::close_payload(1000)));
        h.peer->done();
        group.wait();
      });
    }
  }
}

TEST(ws_socket_fragments,
     a_message_that_does_not_come_to_its_end_holds_close_up_no_longer_than_told) {
  sim::run({}, [] {
    half h = open();
    task_group group;
    auto sender = group.go([&] {
      const std::string text = long_text(5 * fragment);
      const bytes all = as_bytes(text);
      return h.ws.try_send(message_type::text, parts(&all, 1), never);
    });
    caraway::sleep(1s);
    const time_point before = now();
    EXPECT_EQ(h.ws.try_close(1000, {}, 3s).error(), os_error(ETIMEDOUT));
    EXPECT_EQ(now() - before, 3s);
    EXPECT_FALSE(sender.join());
  });
}

TEST(ws_socket_fragments, a_close_frame_that_cannot_be_sent_is_refused_beside_a_long_message_too) {
  sim::run({}, [] {
    half h = open();
    task_group group;
    const std::string text = long_text(5 * fragment);
    group.go([&] { h.ws.send(text, never); });
    caraway::sleep(1s);
    EXPECT_EQ(h.ws.try_close(1005, "why", 1s).error(), os_error(EINVAL));
    EXPECT_EQ(h.ws.try_done(999, {}, 1s).error(), os_error(EINVAL));
    EXPECT_TRUE(h.ws.is_open());
    EXPECT_EQ(h.message(), text);
  });
}

TEST(ws_socket_fragments, a_socket_that_goes_or_is_aborted_does_not_wait_for_the_rest) {
  for (const bool abort : {false, true}) {
    sim::run({}, [abort] {
      half h = open();
      const std::string text = long_text(5 * fragment);
      h.ws.send(message_type::text, std::array{as_bytes(text)}, 1s);
      const time_point before = now();
      EXPECT_EQ(h.ws.try_detach(1000, {}, 1s).error(), os_error(EBUSY));
      if (abort) h.ws.abort();
      h.ws = socket();
      EXPECT_EQ(now(), before);
    });
  }
}

}  // namespace
}  // namespace caraway::ws
