// ws_socket_watching_test.cpp - what sockets count of messages that nobody got, and of the wire.
#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <string>
#include <utility>

#include "caraway/memory_pair.hpp"
#include "caraway/sim.hpp"
#include "caraway/task_group.hpp"
#include "caraway/this_task.hpp"
#include "caraway/ws_observer.hpp"
#include "caraway/ws_socket.hpp"
#include "proto/ws_wire.hpp"

namespace caraway::ws {
namespace {

using namespace std::chrono_literals;

constexpr auto soon = 20s;

std::string text(std::string_view payload, bool fin = true) {
  return wire::frame(role::client, opcode::text, payload, fin);
}

std::string the_end() {
  return wire::frame(role::client, opcode::close, wire::close_payload(1000));
}

// A server's socket, and a peer that has sent `frames`.
struct half {
  socket ws;
  stream_ptr peer;

  explicit half(const std::string& frames, const limits& l = {}) {
    auto [a, b] = memory_pair();
    ws = attach_without_handshake(std::move(a), role::server, l);
    peer = std::move(b);
    peer->write(frames);
  }
  void expect_dropped(std::uint64_t messages, std::uint64_t size) {
    EXPECT_EQ(ws.carried().messages_dropped, messages);
    EXPECT_EQ(ws.carried().bytes_dropped, size);
  }
};

TEST(ws_socket_watching, what_comes_while_closing_is_dropped_and_counted) {
  const totals before = thread_meter()->read();
  half h(text("first") + text("one") + text("four") + the_end());
  h.peer->done();
  EXPECT_EQ(h.ws.recv(soon)->text(), "first");
  h.ws.close();
  h.expect_dropped(2, 7);
  EXPECT_EQ(h.ws.carried().messages_received, 3u);
  EXPECT_EQ(h.ws.carried().bytes_unsent, 0u);
  const totals after = thread_meter()->read();
  EXPECT_EQ(after.traffic.messages_dropped - before.traffic.messages_dropped, 2u);
  EXPECT_EQ(after.traffic.bytes_dropped - before.traffic.bytes_dropped, 7u);
}

TEST(ws_socket_watching, what_comes_while_detaching_is_dropped_and_counted) {
  half h(text("one") + text("four") + the_end() + "of another protocol");
  const stream_ptr below = h.ws.detach();
  EXPECT_EQ(as_text(below->fill(19, soon)), "of another protocol");
  h.expect_dropped(2, 7);
}

TEST(ws_socket_watching, what_is_skipped_is_dropped_and_what_is_received_is_not) {
  half h(text("one") + text("four") + text("five"));
  EXPECT_EQ(h.ws.recv(soon)->text(), "one");
  EXPECT_EQ(h.ws.skip(soon), 4u);
  EXPECT_EQ(h.ws.recv(soon)->text(), "five");
  h.expect_dropped(1, 4);
  EXPECT_EQ(h.ws.carried().messages_received, 3u);
}

TEST(ws_socket_watching, a_message_read_ahead_or_too_big_is_dropped_with_its_socket) {
  for (const bool read_ahead : {true, false}) {
    sim::run({}, [read_ahead] {
      half h(text("four"));
      std::array<std::byte, 3> small;
      if (read_ahead)
        caraway::sleep(1s);
      else
        EXPECT_EQ(h.ws.try_receive_into(small, soon).error(), os_error(EMSGSIZE));
      h.expect_dropped(0, 0);
      h.ws.abort();
      h.expect_dropped(1, 4);
    });
  }
}

TEST(ws_socket_watching, a_socket_that_is_destroyed_drops_what_was_read_ahead_once) {
  sim::run({}, [] {
    const totals before = thread_meter()->read();
    {
      half h(text("four"));
      caraway::sleep(1s);
    }
    EXPECT_EQ(thread_meter()->read().traffic.messages_dropped, before.traffic.messages_dropped + 1);
  });
}

TEST(ws_socket_watching, of_a_message_received_in_parts_the_rest_is_dropped) {
  half h(text("part,", false));
  EXPECT_EQ(as_text(h.ws.recv_part(soon)->data), "part,");
  h.peer->write(wire::frame(role::client, opcode::continuation, "rest") + text("one") + the_end());
  h.peer->done();
  h.ws.close();
  h.expect_dropped(2, 7);
  EXPECT_EQ(h.ws.carried().bytes_received, 12u);
}

TEST(ws_socket_watching, the_rest_of_a_long_message_that_never_gets_out_is_unsent) {
  for (const bool abort : {true, false}) {
    sim::run({}, [abort] {
      const totals before = thread_meter()->read();
      auto [a, b] = memory_pair({}, {.capacity = 1});
      socket ws = attach_without_handshake(std::move(a), role::server, {.fragment = 1000});
      const std::string longer(5000, 'x');
      const bytes all = as_bytes(longer);
      EXPECT_TRUE(ws.try_send(message_type::text, parts(&all, 1), 1s));
      if (abort) ws.abort();
      ws = socket();
      EXPECT_EQ(thread_meter()->read().traffic.bytes_unsent - before.traffic.bytes_unsent, 4000u);
    });
  }
}

TEST(ws_socket_watching, frames_count_as_they_go_over_the_wire) {
  const std::string frames = wire::frame(role::client, opcode::ping, "there?") + text("a", false) +
                             wire::frame(role::client, opcode::continuation, std::string(300, 'b'));
  half h(frames);
  EXPECT_EQ(h.ws.recv(soon)->size(), 301u);
  EXPECT_EQ(h.ws.carried().wire_bytes_received, frames.size());
  h.ws.send(std::string(200, 'c'));
  h.ws.ping(as_bytes("p"));
  std::uint64_t sent = 0;
  while (sent < 8 + 204 + 3) {
    const std::size_t n = h.peer->fill(1, soon).size();
    h.peer->consume(n);
    sent += n;
  }
  EXPECT_EQ(h.ws.carried().wire_bytes_sent, sent);
}

TEST(ws_socket_watching, a_large_frame_counts_on_the_wire_however_it_comes) {
  for (const std::size_t chop : {std::size_t{1000}, memory_faults::none}) {
    const std::string frame = text(std::string(500'000, 'x'));
    auto [a, b] = memory_pair({.chop = chop});
    socket ws = attach_without_handshake(std::move(a), role::server);
    b->write(frame);
    EXPECT_EQ(ws.recv(soon)->size(), 500'000u);
    EXPECT_EQ(ws.carried().wire_bytes_received, frame.size());
  }
}

TEST(ws_socket_watching, compression_shows_on_both_sides_of_the_wire) {
  auto [a, b] = memory_pair();
  const deflate_options o;
  socket from = attach_without_handshake(std::move(a), role::client, {}, o);
  socket to = attach_without_handshake(std::move(b), role::server, {}, o);
  from.send(std::string(10'000, 'x'));
  EXPECT_EQ(to.recv(soon)->size(), 10'000u);
  EXPECT_EQ(from.carried().bytes_sent, 10'000u);
  EXPECT_LT(from.carried().wire_bytes_sent, 100u);
  EXPECT_GT(from.carried().wire_bytes_sent, 0u);
  EXPECT_EQ(to.carried().wire_bytes_received, from.carried().wire_bytes_sent);
}

// Writes down what it hears of messages.
struct diary : observer {
  std::string text;

  void received(const conversation&, message_type, bytes data) noexcept override {
    text += "[" + std::string(as_text(data)) + "]";
  }
  void received_part(const conversation& c, const part& p) noexcept override {
    text += std::string(p.first ? "(" : "") + std::string(as_text(p.data)) +
            (p.last ? ")" + std::to_string(c.carried.messages_received) : "|");
  }
};

TEST(ws_socket_watching, an_observer_hears_each_part_of_a_message_that_is_received_in_parts) {
  const auto hears = std::make_shared<diary>();
  auto [ours, peer] = memory_pair();
  peer->write(
      "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n" +
      text("whole") + text("one", false));
  server_options options;
  options.observer = hears;
  socket ws = attach_server(std::move(ours), options, soon);
  EXPECT_TRUE(ws.recv_part(soon)->last);
  EXPECT_FALSE(ws.recv_part(soon)->last);
  peer->write(wire::frame(role::client, opcode::continuation, "two", false));
  EXPECT_FALSE(ws.recv_part(soon)->last);
  peer->write(wire::frame(role::client, opcode::continuation, "three") + text("next"));
  EXPECT_TRUE(ws.recv_part(soon)->last);
  EXPECT_EQ(ws.recv(soon)->text(), "next");
  EXPECT_EQ(hears->text, "[whole](one|two|three)2[next]");
}

TEST(ws_socket_watching, an_observer_hears_the_rest_of_such_a_message_and_those_behind_it) {
  const auto hears = std::make_shared<diary>();
  auto [ours, peer] = memory_pair();
  peer->write(
      "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n" +
      text("part", false));
  server_options options;
  options.observer = hears;
  socket ws = attach_server(std::move(ours), options, soon);
  EXPECT_FALSE(ws.recv_part(soon)->last);
  peer->write(wire::frame(role::client, opcode::continuation, "rest") + text("next") + the_end());
  peer->done();
  ws.close();
  EXPECT_EQ(hears->text, "(part|rest)1[next]");
}

}  // namespace
}  // namespace caraway::ws
