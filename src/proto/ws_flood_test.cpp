// ws_flood_test.cpp - peers that never stop: deadlines, turns and the memory of messages under a flood.
#include <gtest/gtest.h>

#include <array>
#include <limits>
#include <optional>
#include <string>

#include "caraway/memory_pair.hpp"
#include "caraway/task_group.hpp"
#include "caraway/this_task.hpp"
#include "caraway/ws_socket.hpp"

namespace caraway::ws {
namespace {

using namespace std::chrono_literals;

constexpr auto soon = 20s;

struct flooded {
  socket ws;
  stream_ptr peer;
  task_group group;

  // Sends `frame` a hundred times a millisecond until nobody takes it any more.
  void flood_with(std::string_view frame) {
    std::string many;
    for (int i = 0; i < 100; ++i) many += frame;
    group.go([this, many] {
      const bytes all = as_bytes(many);
      while (peer->try_write(parts(&all, 1), 1s)) caraway::sleep(1ms);
    });
    group.go([this] {
      while (peer->try_fill(1, never)) peer->consume(peer->buffered().size());
    });
  }
};

void open(flooded& f, std::uint32_t control_frames = std::numeric_limits<std::uint32_t>::max()) {
  auto [a, b] = memory_pair();
  f.ws = attach_without_handshake(std::move(a), role::client, {.control_frames = control_frames});
  f.peer = std::move(b);
}

constexpr std::string_view ping{"\x89\x02hi", 4};
constexpr std::string_view pong{"\x8a\x00", 2};
constexpr std::string_view empty_fragment{"\x00\x00", 2};
constexpr std::string_view text{"\x81\x02ok", 4};

TEST(ws_flood, control_frames_do_not_extend_the_deadline_of_a_receive) {
  for (std::string_view frame : {ping, pong}) {
    flooded f;
    open(f);
    f.flood_with(frame);
    EXPECT_EQ(f.ws.try_receive(20ms).error(), os_error(ETIMEDOUT));
    f.group.cancel();
  }
}

TEST(ws_flood, control_frames_do_not_extend_the_deadline_of_close) {
  flooded f;
  open(f);
  f.flood_with(ping);
  EXPECT_EQ(f.ws.try_close(20ms).error(), os_error(ETIMEDOUT));
  EXPECT_EQ(f.ws.stream(), nullptr);
}

TEST(ws_flood, more_control_frames_in_a_second_than_the_limit_are_told_1008) {
  for (std::string_view frame : {ping, pong}) {
    flooded f;
    open(f, 250);
    std::string many;
    for (int i = 0; i < 250; ++i) many += frame;
    f.peer->write(many + std::string(text));
    EXPECT_EQ(f.ws.recv(1s)->text(), "ok");
    f.peer->write(many + std::string(text));
    EXPECT_EQ(f.ws.try_receive(1s).error(), errc::policy_violation);
    std::string answer(as_text(f.peer->fill(8)));
    EXPECT_TRUE(answer.contains('\x88')) << "a close frame";
  }
}

TEST(ws_flood, the_limit_on_control_frames_is_for_each_second_anew) {
  flooded f;
  open(f, 3);
  for (int second = 0; second < 3; ++second) {
    f.peer->write(std::string(ping) + std::string(pong) + std::string(ping) + std::string(text));
    EXPECT_EQ(f.ws.recv(1s)->text(), "ok");
    if (second < 2) caraway::sleep(1001ms);
  }
}

TEST(ws_flood, fragments_without_end_do_not_extend_the_deadline_of_a_receive) {
  flooded f;
  open(f);
  f.peer->write(std::string_view{"\x01\x00", 2});
  f.flood_with(empty_fragment);
  EXPECT_EQ(f.ws.try_receive(20ms).error(), os_error(ETIMEDOUT));
  f.group.cancel();
}

TEST(ws_flood, a_million_empty_fragments_are_told_1009_at_the_default_limit) {
  for (const role as : {role::client, role::server})
    for (const bool compressed : {false, true}) {
      const auto agreed = compressed ? std::optional(deflate_options()) : std::nullopt;
      auto [a, b] = memory_pair();
      socket ws = attach_without_handshake(std::move(a), as, {}, agreed);
      const std::string mask(as == role::server ? 4 : 0, '\0');
      const char masked = mask.empty() ? '\0' : '\x80';
      const auto empty = [&](char first) { return std::string{first, masked} + mask; };
      const std::string begin = empty(compressed ? '\x41' : '\x01');
      std::string thousand;
      for (int i = 0; i < 1000; ++i) thousand += empty('\0');
      task_group group;
      std::size_t taken = 0;
      group.go([&, &peer = *b] {
        if (!peer.try_write(std::array{as_bytes(begin)}, soon)) return;
        while (peer.try_write(std::array{as_bytes(thousand)}, soon)) taken += 1000;
      });
      EXPECT_EQ(ws.try_receive(soon).error(), errc::message_too_big);
      EXPECT_LT(taken, 1'000'000u);
      std::string answer(as_text(b->fill(4, soon)));
      // A client's close frame is masked.
      EXPECT_TRUE(answer.starts_with('\x88'));
      EXPECT_EQ(answer.contains("\x03\xf1"), as == role::server) << "1009";
      b->abort();
      group.wait();
    }
}

// Everything is in the buffer: nobody ever has to wait.
TEST(ws_flood, others_have_their_turn_while_messages_come_out_of_the_buffer) {
  int turns = 0;
  flooded f;
  open(f);
  std::string many;
  for (int i = 0; i < 5000; ++i) many += text;
  f.peer->write(many);
  f.group.go([&] {
    for (;; ++turns) caraway::yield();
  });
  for (int i = 0; i < 5000; ++i) ASSERT_EQ(f.ws.recv()->text(), "ok");
  EXPECT_GE(turns, 5);
  f.group.cancel();
}

TEST(ws_flood, an_abort_in_the_turn_of_others_takes_the_message_along) {
  flooded f;
  open(f);
  std::string many;
  for (int i = 0; i < 5000; ++i) many += text;
  f.peer->write(many);
  f.group.go([&] { f.ws.abort(); });
  std::error_code end;
  for (int i = 0; i < 5000 && !end; ++i) {
    const auto m = f.ws.try_receive(1s);
    if (!m)
      end = m.error();
    else
      ASSERT_EQ((*m)->text(), "ok");
  }
  EXPECT_EQ(end, os_error(ECANCELED));
  EXPECT_EQ(f.ws.try_receive(1s).error(), make_error_code(errc::closed));
}

TEST(ws_flood, an_abort_among_control_frames_ends_the_receive) {
  flooded f;
  open(f);
  std::string many;
  for (int i = 0; i < 5000; ++i) many += pong;
  f.peer->write(many);
  f.group.go([&] { f.ws.abort(); });
  EXPECT_EQ(f.ws.try_receive(1s).error(), os_error(ECANCELED));
}

}  // namespace
}  // namespace caraway::ws
