// ws_keeping_test.cpp - what a socket does by itself, over TCP in real time: short limits on the side
// that acts on them, long ones where a late machine would be taken for a dead peer.
#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "caraway/task_group.hpp"
#include "caraway/this_task.hpp"
#include "caraway/ws_handshake.hpp"
#include "dial/when_in_time.hpp"
#include "dial/ws_half.hpp"

namespace caraway::ws {
namespace {

using namespace std::chrono_literals;

constexpr keepalive strict{20ms, 20ms};
// Asks soon, and has all the time for the answer.
constexpr keepalive curious{20ms, 1h};

// Up to the end of a head of HTTP.
std::string read_head(byte_stream& from) {
  std::size_t seen = 0;
  while (!as_text(from.buffered()).contains("\r\n\r\n"))
    seen = from.fill(seen + 1, patience).size();
  const std::string all(as_text(from.buffered()));
  const std::size_t size = all.find("\r\n\r\n") + 4;
  from.consume(size);
  return all.substr(0, size);
}

std::string field(const std::string& head, const std::string& name) {
  const std::size_t at = head.find(name + ": ") + name.size() + 2;
  return head.substr(at, head.find("\r\n", at) - at);
}

// The stream below a client's socket, behind its handshake.
stream_ptr bare_client(const server& s) {
  stream_ptr bare = tcp::connect(s.local_address(), patience);
  bare->write(
      "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n");
  read_head(*bare);
  return bare;
}

// The same below a server's.
stream_ptr bare_server(tcp::listener& l) {
  stream_ptr bare = l.accept(patience);
  const std::string key = field(read_head(*bare), "Sec-WebSocket-Key");
  bare->write(
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Accept: " +
      accept_key(key) + "\r\n\r\n");
  return bare;
}

TEST(ws_keeping, a_server_gives_a_silent_client_up_whether_it_receives_or_not) {
  for (const bool receives : {true, false}) {
    std::error_code why;
    serve_options options;
    options.limits.keepalive = strict;
    const auto handle = [&](socket& ws) {
      while (!receives && ws.is_open()) caraway::sleep(1ms);
      why = ws.try_receive(patience).error();
      EXPECT_EQ(ws.close_code(), close_code::abnormal);
    };
    server s("127.0.0.1:0", handle, options);
    half silent{{}, bare_client(s)};
    EXPECT_EQ(wire::read_frame(*silent.peer, role::client, patience).op, opcode::ping);
    EXPECT_EQ(silent.read_to_the_end(), os_error(ECONNRESET));
    while (s.connections() > 0) caraway::sleep(1ms);
    EXPECT_EQ(why, errc::keepalive);
  }
}

TEST(ws_keeping, a_client_gives_a_silent_server_up_whether_it_receives_or_not) {
  for (const bool receives : {true, false}) {
    auto listener = tcp::listen(address::loopback(0));
    stream_ptr silent;
    task_group group;
    group.go([&] { silent = bare_server(listener); });
    client_options options;
    options.limits.keepalive = strict;
    socket ws = connect("ws://" + listener.local_address().to_string() + "/", options, patience);
    group.wait();
    while (!receives && ws.is_open()) caraway::sleep(1ms);
    EXPECT_EQ(ws.try_receive(patience).error(), errc::keepalive);
    EXPECT_FALSE(ws.is_open());
    EXPECT_EQ(wire::read_frame(*silent, role::server, patience).op, opcode::ping);
  }
}

TEST(ws_keeping, pings_are_answered_and_pongs_heard_while_nobody_receives) {
  for (const role asks : both_roles) {
    auto [ours, theirs] = narrow_connection();
    const limits curious_ones{.keepalive = curious};
    socket one = attach_without_handshake(std::move(ours), asks, curious_ones);
    socket other = attach_without_handshake(std::move(theirs),
                                            asks == role::client ? role::server : role::client);
    while (!one.round_trip_time()) caraway::sleep(1ms);
    EXPECT_EQ(other.round_trip_time(), std::nullopt);
    EXPECT_TRUE(other.try_probe({}, patience));
    EXPECT_TRUE(other.round_trip_time().has_value());
    one.send("still here", patience);
    EXPECT_EQ(other.recv(patience)->text(), "still here");
  }
}

TEST(ws_keeping, an_idle_conversation_ends_with_1001_however_alive_the_peer_is) {
  for (const role as : both_roles) {
    for (const bool receives : {true, false}) {
      auto [ours, theirs] = narrow_connection();
      const limits brief{.keepalive = {5ms, 1h}, .idle = 30ms};
      socket one = attach_without_handshake(std::move(ours), as, brief);
      socket other = attach_without_handshake(std::move(theirs),
                                              as == role::client ? role::server : role::client);
      task_group group;
      if (receives) group.go([&] { EXPECT_EQ(one.try_receive(patience).error(), errc::idle); });
      EXPECT_EQ(other.recv(patience), std::nullopt);
      EXPECT_EQ(other.close_code(), close_code::going_away);
      EXPECT_EQ(other.close_reason(), "idle");
      group.wait();
      EXPECT_EQ(one.try_receive(patience).error(), errc::idle);
      EXPECT_EQ(one.try_send(message_type::text, {}, patience).error(), errc::idle);
    }
  }
}

// Answers so many pings; whether the socket is there to ask them all.
bool answer_pings(half& h, int count) try {
  for (int n = 0; n < count; ++n) {
    const auto ping = h.next_frame();
    EXPECT_EQ(ping.op, opcode::ping);
    h.write(opcode::pong, ping.payload);
  }
  return h.next_frame().op == opcode::ping;
} catch (const error&) {
  return false;
}

TEST(ws_keeping, a_peer_that_answers_lives_though_the_next_ping_is_due_when_its_time_is_over) {
  for (const role as : both_roles) {
    when_in_time(10ms, [as] {
      half h = open_half(as, {.keepalive = strict});
      task_group group;
      group.go([&] { static_cast<void>(h.ws.try_receive(never)); });
      return answer_pings(h, 4);
    });
  }
}

TEST(ws_keeping, one_message_is_read_ahead_while_nobody_receives_and_none_is_lost) {
  for (const role as : both_roles) {
    half h = open_half(as);
    for (int n = 0; n < 5; ++n) h.write(opcode::text, std::to_string(n));
    while (h.ws.carried().messages_received == 0) caraway::sleep(1ms);
    caraway::sleep(20ms);
    EXPECT_EQ(h.ws.carried().messages_received, 1u);
    for (int n = 0; n < 5; ++n) EXPECT_EQ(h.ws.recv(patience)->text(), std::to_string(n));
  }
}

}  // namespace
}  // namespace caraway::ws
