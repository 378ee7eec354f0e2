// ws_socket_receiving_test.cpp - what a receive does besides, and what becomes of it when it is cancelled.
#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "caraway/memory_pair.hpp"
#include "caraway/task_group.hpp"
#include "caraway/this_task.hpp"
#include "caraway/ws_socket.hpp"
#include "proto/ws_wire.hpp"

namespace caraway::ws {
namespace {

using namespace std::chrono_literals;
using wire::frame;

// A server's socket without keepalive, and the bare stream that it talks to.
struct half {
  socket ws;
  stream_ptr peer;
};

half open() {
  auto [a, b] = memory_pair();
  return {attach_without_handshake(std::move(a), role::server, {.keepalive = keepalive_off}),
          std::move(b)};
}

TEST(ws_socket_receiving, a_pong_that_is_read_in_the_turn_of_its_ping_took_some_time) {
  half h = open();
  caraway::yield();
  const time_point before = now();
  h.ws.ping(as_bytes("ping"));
  h.peer->write(frame(role::client, opcode::pong, "ping"));
  EXPECT_FALSE(h.ws.try_receive(immediately));
  ASSERT_TRUE(h.ws.round_trip_time().has_value());
  EXPECT_GE(h.ws.round_trip_time()->last, 0ns);
  EXPECT_LE(h.ws.round_trip_time()->last, now() - before);
}

// The last of the pongs comes when others are to have a turn.
TEST(ws_socket_receiving, no_pong_is_lost_when_a_receive_is_cancelled_among_many) {
  for (int others = 505; others < 520; ++others) {
    half h = open();
    h.ws.ping(as_bytes("ping"));
    task_group group;
    group.go([&] { static_cast<void>(h.ws.try_receive(never)); });
    caraway::yield();
    std::string pongs;
    for (int n = 0; n < others; ++n) pongs += frame(role::client, opcode::pong, "unsolicited");
    h.peer->write(pongs + frame(role::client, opcode::pong, "ping"));
    group.cancel();
    group.wait();
    static_cast<void>(h.ws.try_receive(immediately));
    EXPECT_TRUE(h.ws.round_trip_time().has_value()) << others;
  }
}

}  // namespace
}  // namespace caraway::ws
