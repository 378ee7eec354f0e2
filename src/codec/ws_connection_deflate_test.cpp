// ws_connection_deflate_test.cpp - what a connection sends compressed, and what memory that takes.
// What it makes of compressed messages that arrive is in tests/conformance.
#include "codec/ws_connection_deflate.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "codec/ws_script.hpp"

namespace caraway::ws {
namespace {

constexpr role both[] = {role::client, role::server};

role other(role r) {
  return r == role::client ? role::server : role::client;
}

connection open(role r, const deflate_options& agreed = {}) {
  connection_options o = script_options(r);
  o.deflate = agreed;
  return connection(o);
}

// Both ends, as two that have agreed on the same for both directions.
struct ends {
  explicit ends(role r, const deflate_options& agreed = {})
      : sender(open(r, agreed)), receiver(open(other(r), from_the_other_side(agreed))) {}

  static deflate_options from_the_other_side(deflate_options o) {
    std::swap(o.takeover, o.peer_takeover);
    std::swap(o.window_bits, o.peer_window_bits);
    o.window_bits = std::max(o.window_bits, 9);
    return o;
  }

  // Hands over a frame made by send_deflated(); the message it ends, if it does.
  std::string deliver(bytes frame) {
    input.assign(frame.begin(), frame.end());
    const event e = receiver.receive(input);
    if (e.kind == event_kind::failed) return "failed " + std::to_string(receiver.failure());
    return e.kind == event_kind::message ? std::string(as_text(e.payload)) : "nothing yet";
  }

  std::string send(std::string_view text, opcode op = opcode::text, bool fin = true) {
    const bytes all = as_bytes(text);
    const auto frame = sender.send_deflated(op, fin, parts(&all, 1));
    if (!frame) return frame.error().message();
    size = frame->size;
    return deliver(frame->view());
  }

  connection sender, receiver;
  std::vector<std::byte> input;
  std::size_t size = 0;
};

std::string json(int n) {
  return "{\"id\":" + std::to_string(n) + ",\"name\":\"caraway\",\"tags\":[\"seed\",\"spice\"]}";
}

deflate_options alone() {
  deflate_options o;
  o.takeover = false;
  return o;
}

TEST(ws_connection_deflate, a_server_writes_what_the_rfc_shows) {
  deflate_options o;
  o.level = 6;
  connection c = open(role::server, o);
  const bytes hello = as_bytes("Hello");
  const std::string_view first("\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00", 9);
  const std::string_view second("\xc1\x05\xf2\x00\x11\x00\x00", 7);
  EXPECT_EQ(as_text(c.send_deflated(opcode::text, true, parts(&hello, 1))->view()), first);
  EXPECT_EQ(as_text(c.send_deflated(opcode::text, true, parts(&hello, 1))->view()), second);
}

TEST(ws_connection_deflate, messages_arrive_whatever_was_agreed_on) {
  for (role r : both)
    for (bool takeover : {true, false})
      for (int window : {9, 12, 15})
        for (int level : {0, 1, 9}) {
          deflate_options o;
          o.takeover = takeover;
          o.window_bits = window;
          o.level = level;
          ends e(r, o);
          for (std::size_t n : {0, 1, 100, 70000, 3}) {
            const std::string text(n, 'a');
            EXPECT_EQ(e.send(text), text);
            EXPECT_EQ(e.send(json(7)), json(7));
          }
        }
}

TEST(ws_connection_deflate, takeover_is_for_those_who_agreed_on_it) {
  ends with(role::server), without(role::server, alone());
  EXPECT_EQ(with.send(json(1)), json(1));
  EXPECT_EQ(without.send(json(1)), json(1));
  const std::size_t first = with.size;
  EXPECT_EQ(without.size, first);
  EXPECT_EQ(with.send(json(1)), json(1));
  EXPECT_EQ(without.send(json(1)), json(1));
  EXPECT_LT(with.size * 3, first);
  EXPECT_EQ(without.size, first);
}

TEST(ws_connection_deflate, small_messages_and_control_frames_go_as_they_are) {
  deflate_options o;
  o.threshold = 100;
  connection c = open(role::server, o);
  EXPECT_FALSE(c.deflates(opcode::text, true, 99));
  EXPECT_TRUE(c.deflates(opcode::text, true, 100));
  EXPECT_TRUE(c.deflates(opcode::binary, true, std::uint64_t{1} << 40));
  EXPECT_TRUE(c.deflates(opcode::text, false, 0));
  EXPECT_FALSE(c.deflates(opcode::continuation, false, 1000));
  EXPECT_FALSE(c.deflates(opcode::ping, true, 100));
  EXPECT_FALSE(connection(script_options(role::server)).deflates(opcode::text, true, 1000));
}

// The peer asked for a window of 8 bits, which zlib cannot keep.
TEST(ws_connection_deflate, with_a_window_of_8_bits_nothing_is_compressed) {
  deflate_options o;
  o.window_bits = 8;
  connection c = open(role::client, o);
  EXPECT_FALSE(c.deflates(opcode::text, true, 1000));
  EXPECT_FALSE(c.deflates(opcode::text, false, 1000));
  EXPECT_EQ(c.send_deflated(opcode::text, true, {}).error(), std::errc::invalid_argument);
  EXPECT_TRUE(c.send_header(opcode::text, true, 1000));
}

TEST(ws_connection_deflate, a_message_in_pieces_is_compressed_in_all_of_them) {
  for (role r : both)
    for (bool takeover : {true, false}) {
      ends e(r, takeover ? deflate_options() : alone());
      for (int round = 0; round < 2; ++round) {
        EXPECT_EQ(e.send(json(1), opcode::text, false), "nothing yet");
        EXPECT_TRUE(e.sender.deflates(opcode::continuation, false, 1));
        EXPECT_TRUE(e.sender.sending_message());
        EXPECT_EQ(e.send("", opcode::continuation, false), "nothing yet");
        EXPECT_EQ(e.send(json(2), opcode::continuation, false), "nothing yet");
        EXPECT_EQ(e.send("", opcode::continuation, true), json(1) + json(2));
        EXPECT_FALSE(e.sender.sending_message());
        EXPECT_EQ(e.send(json(3)), json(3));
      }
    }
}

TEST(ws_connection_deflate, the_order_of_frames_is_kept) {
  connection c = open(role::server);
  const auto invalid = std::errc::invalid_argument;
  EXPECT_EQ(c.send_deflated(opcode::continuation, true, {}).error(), invalid);
  EXPECT_EQ(c.send_deflated(opcode::ping, true, {}).error(), invalid);
  EXPECT_TRUE(c.send_deflated(opcode::text, false, {}));
  EXPECT_EQ(c.send_deflated(opcode::text, false, {}).error(), invalid);
  EXPECT_EQ(c.send_header(opcode::continuation, true, 1).error(), invalid);
  EXPECT_EQ(c.send_header(opcode::text, true, 1).error(), invalid);
  EXPECT_TRUE(c.send_header(opcode::ping, true, 1));
  EXPECT_TRUE(c.send_deflated(opcode::continuation, true, {}));
  EXPECT_TRUE(c.send_header(opcode::text, false, 1));
  EXPECT_EQ(c.send_deflated(opcode::continuation, true, {}).error(), invalid);
  EXPECT_TRUE(c.send_header(opcode::continuation, true, 1));
  ASSERT_TRUE(c.close());
  EXPECT_EQ(c.send_deflated(opcode::text, true, {}).error(), errc::closed);
  connection plain(script_options(role::server));
  EXPECT_EQ(plain.send_deflated(opcode::text, true, {}).error(), invalid);
}

// What never went out must not be referred to.
TEST(ws_connection_deflate, a_message_taken_back_leaves_no_trace) {
  for (bool takeover : {true, false}) {
    ends e(role::server, takeover ? deflate_options() : alone());
    EXPECT_EQ(e.send(json(1)), json(1));
    const std::string lost = json(2);
    const bytes all = as_bytes(lost);
    ASSERT_TRUE(e.sender.send_deflated(opcode::text, true, parts(&all, 1)));
    e.sender.withdraw();
    EXPECT_EQ(e.send(json(2)), json(2));
    EXPECT_EQ(e.send(json(1)), json(1));
  }
}

TEST(ws_connection_deflate, a_piece_taken_back_can_be_sent_again) {
  for (bool takeover : {true, false}) {
    ends e(role::client, takeover ? deflate_options() : alone());
    const std::string text = json(2);
    const bytes all = as_bytes(text);
    const auto lose = [&](opcode op, bool fin) {
      ASSERT_TRUE(e.sender.send_deflated(op, fin, parts(&all, 1)));
      e.sender.withdraw();
    };
    lose(opcode::text, false);
    EXPECT_FALSE(e.sender.sending_message());
    EXPECT_EQ(e.send(json(1), opcode::text, false), "nothing yet");
    lose(opcode::continuation, false);
    EXPECT_EQ(e.send(json(2), opcode::continuation, false), "nothing yet");
    lose(opcode::continuation, true);
    EXPECT_EQ(e.send(json(3), opcode::continuation, true), json(1) + json(2) + json(3));
    EXPECT_EQ(e.send(json(4)), json(4));
  }
}

// For a message compressed once and sent to many.
TEST(ws_connection_deflate, after_a_message_from_elsewhere_nothing_before_it_is_referred_to) {
  ends e(role::server);
  EXPECT_EQ(e.send(json(1)), json(1));
  codec::growing_bytes elsewhere(max_header_size);
  const std::string text = json(5);
  const bytes all = as_bytes(text);
  ASSERT_TRUE(codec::deflate_message({}, parts(&all, 1), elsewhere));
  frame_header h{.op = opcode::text, .reserved = deflated_bit, .size = elsewhere.size()};
  format_header(elsewhere.prepend(header_size(h.size, false)), h);
  EXPECT_EQ(e.deliver(elsewhere.all()), text);
  e.sender.forget_sent();
  EXPECT_EQ(e.send(json(1)), json(1));
}

TEST(ws_connection_deflate, parts_are_one_message) {
  ends e(role::client);
  const std::array<bytes, 3> ps = {as_bytes("one "), bytes(), as_bytes("two")};
  EXPECT_EQ(e.deliver(e.sender.send_deflated(opcode::text, true, ps)->view()), "one two");
}

// Memory

TEST(ws_connection_deflate, memory_is_taken_by_the_first_message_each_way) {
  ends e(role::server);
  EXPECT_LT(e.sender.memory(), 200u);
  EXPECT_LT(e.receiver.memory(), 200u);
  EXPECT_FALSE(e.sender.remembers_sent());
  e.send(json(1));
  e.receiver.receive({});
  EXPECT_GT(e.sender.memory(), 20000u);
  EXPECT_LT(e.sender.memory(), 45000u);
  EXPECT_GT(e.receiver.memory(), 5000u);
  EXPECT_LT(e.receiver.memory(), 20000u);
  EXPECT_TRUE(e.sender.remembers_sent());
  e.sender.forget_sent();
  EXPECT_LT(e.sender.memory(), 200u);
  EXPECT_EQ(e.send(json(1)), json(1));
}

TEST(ws_connection_deflate, without_takeover_memory_is_only_borrowed) {
  ends e(role::server, alone());
  EXPECT_EQ(e.send(json(1)), json(1));
  e.receiver.receive({});
  EXPECT_LT(e.sender.memory(), 200u);
  EXPECT_LT(e.receiver.memory(), 200u);
  EXPECT_FALSE(e.sender.remembers_sent());
  e.send(json(1), opcode::text, false);
  EXPECT_GT(e.sender.memory(), 20000u);
  EXPECT_EQ(e.send(json(1), opcode::continuation, true), json(1) + json(1));
  EXPECT_LT(e.sender.memory(), 200u);
}

TEST(ws_connection_deflate, in_the_middle_of_a_message_its_memory_stays) {
  ends e(role::server);
  e.send(json(1), opcode::text, false);
  EXPECT_FALSE(e.sender.remembers_sent());
  e.sender.forget_sent();
  EXPECT_EQ(e.send(json(2), opcode::continuation, true), json(1) + json(2));
}

TEST(ws_connection_deflate, at_the_end_of_the_conversation_all_memory_goes) {
  ends e(role::server);
  e.send(json(1));
  ASSERT_TRUE(e.sender.close());
  const bytes frame = e.sender.pending();
  e.deliver(frame);
  EXPECT_EQ(e.receiver.state(), connection_state::closed);
  EXPECT_LT(e.receiver.memory(), 1000u);
  e.sender.receive_eof();
  EXPECT_LT(e.sender.memory(), 1000u);
}

TEST(ws_connection_deflate, a_bomb_takes_no_more_memory_than_a_message_may_have) {
  connection_options o = script_options(role::client);
  o.deflate.emplace();
  o.max_message = 100000;
  connection c(o);
  const std::string zeros(20000000, '\0');
  const bytes all = as_bytes(zeros);
  codec::growing_bytes bomb;
  ASSERT_TRUE(codec::deflate_message({.level = 9}, parts(&all, 1), bomb));
  ws_wire wire(role::client);
  wire.frame(opcode::binary, as_text(bomb.all()), true, deflated_bit);
  std::string in = wire.data();
  std::size_t most = 0;
  const std::span head(in.data(), 4);
  c.receive(std::as_writable_bytes(head));
  for (char& byte : std::span(in).subspan(4)) {
    if (c.receive(std::as_writable_bytes(std::span(&byte, 1))).kind == event_kind::failed) break;
    most = std::max(most, c.memory());
  }
  EXPECT_EQ(c.failure(), close_code::message_too_big);
  EXPECT_LE(most, 100000u + 50000u);
}

// A few bytes that become many

constexpr std::size_t most_at_once = std::size_t{256} << 10;

std::string compressed(std::string_view text) {
  const bytes all = as_bytes(text);
  codec::growing_bytes out;
  EXPECT_TRUE(codec::deflate_message({.level = 9}, parts(&all, 1), out));
  return std::string(as_text(out.all()));
}

// In frames of `each` bytes; 0: in one.
ws_wire compressed_message(role to, std::string_view text, std::size_t each) {
  ws_wire wire(to);
  const std::string payload = compressed(text);
  const std::size_t step = each == 0 ? payload.size() : each;
  for (std::size_t at = 0; at < payload.size(); at += step)
    wire.frame(at == 0 ? opcode::text : opcode::continuation, payload.substr(at, step),
               at + step >= payload.size(), at == 0 ? deflated_bit : 0);
  return wire;
}

connection receiver_of(role r, std::uint64_t max_message) {
  connection_options o = script_options(r);
  o.deflate.emplace();
  o.max_message = max_message;
  return connection(o);
}

std::string repetitive(std::size_t size) {
  std::string text;
  while (text.size() < size) text.append(text.size() % 5000, 'r').append("word ");
  text.resize(size);
  return text;
}

TEST(ws_connection_deflate, one_call_makes_some_of_a_message_whatever_its_input_could_become) {
  const std::string text = repetitive(10'000'000);
  for (role r : both)
    for (std::size_t each : {0u, 100u, 5u}) {
      std::string in = compressed_message(r, text, each).data();
      mutable_bytes rest = std::as_writable_bytes(std::span(in));
      connection c = receiver_of(r, text.size());
      event e;
      std::size_t calls = 0;
      do {
        e = c.receive(rest);
        rest = rest.subspan(e.consumed);
        ++calls;
      } while (e.kind == event_kind::progress);
      ASSERT_EQ(e.kind, event_kind::message);
      EXPECT_TRUE(as_text(e.payload) == text);
      EXPECT_EQ(calls, text.size() / most_at_once + 1);
      EXPECT_TRUE(rest.empty());
    }
}

TEST(ws_connection_deflate, a_message_taken_in_parts_needs_little_memory) {
  const std::string text = repetitive(10'000'000);
  for (role r : both)
    for (std::size_t each : {0u, 100u, 5u}) {
      std::string in = compressed_message(r, text, each).data();
      mutable_bytes rest = std::as_writable_bytes(std::span(in));
      connection c = receiver_of(r, text.size());
      std::string all;
      for (event e; e.kind != event_kind::message;) {
        e = c.receive(rest);
        rest = rest.subspan(e.consumed);
        ASSERT_LE(c.memory(), std::size_t{1} << 20);
        const bytes part = e.kind == event_kind::message ? e.payload : c.take_part();
        ASSERT_LE(part.size(), most_at_once + 5000);
        all += as_text(part);
      }
      EXPECT_TRUE(all == text);
    }
}

TEST(ws_connection_deflate, a_message_is_inflated_into_lent_memory_if_that_is_enough) {
  const std::string text = repetitive(700'000);
  for (role r : both)
    for (std::size_t room : {text.size(), text.size() - 1})
      for (std::size_t limit : {text.size(), text.size() - 1}) {
        std::vector<std::byte> lent(room);
        std::string in = compressed_message(r, text, 0).data();
        mutable_bytes rest = std::as_writable_bytes(std::span(in));
        connection c = receiver_of(r, limit);
        c.lend(lent);
        event e;
        do {
          e = c.receive(rest);
          rest = rest.subspan(e.consumed);
        } while (e.kind == event_kind::progress);
        ASSERT_EQ(e.kind, limit < text.size() ? event_kind::failed : event_kind::message);
        if (e.kind == event_kind::failed) continue;
        EXPECT_TRUE(as_text(e.payload) == text);
        EXPECT_EQ(e.payload.data() == lent.data(), room == text.size());
      }
}

TEST(ws_connection_deflate, the_limit_is_exact_however_often_it_stops_on_the_way) {
  for (role r : both)
    for (std::size_t limit : {most_at_once - 1, most_at_once, most_at_once + 1, 2 * most_at_once,
                              std::size_t{600'000}, std::size_t{1} << 20})
      for (std::size_t beyond : {0u, 1u, 2u})
        for (std::size_t each : {0u, 100u}) {
          const ws_wire in = compressed_message(r, std::string(limit + beyond, 'l'), each);
          for (bool parts : {false, true}) {
            connection c = receiver_of(r, limit);
            std::string data = in.data();
            mutable_bytes rest = std::as_writable_bytes(std::span(data));
            event e;
            do {
              e = c.receive(rest);
              rest = rest.subspan(e.consumed);
              if (parts && e.kind == event_kind::progress) c.take_part();
            } while (e.kind == event_kind::progress);
            EXPECT_EQ(e.kind, beyond == 0 ? event_kind::message : event_kind::failed);
            EXPECT_EQ(c.failure(), beyond == 0 ? 0 : close_code::message_too_big);
          }
        }
}

// What it has unmasked and not used is shown again; not all of it needs to be.
TEST(ws_connection_deflate, input_may_come_back_in_any_portion) {
  const std::string text = repetitive(3'000'000);
  for (role r : both)
    for (std::size_t portion : {0u, 1u, 1000u}) {
      std::string in = compressed_message(r, text, 0).data();
      mutable_bytes rest = std::as_writable_bytes(std::span(in));
      connection c = receiver_of(r, text.size());
      event e = c.receive(rest);
      while (e.kind == event_kind::progress) {
        rest = rest.subspan(e.consumed);
        e = c.receive(rest.first(std::min(portion, rest.size())));
        while (e.kind == event_kind::need_more) {
          rest = rest.subspan(e.consumed);
          e = c.receive(rest);
        }
      }
      ASSERT_EQ(e.kind, event_kind::message);
      EXPECT_TRUE(as_text(e.payload) == text);
    }
}

}  // namespace
}  // namespace caraway::ws
