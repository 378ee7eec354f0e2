// ws_connection_memory_test.cpp - what memory a connection takes, when it gives it back, and how
// large frames get there.
#include <gtest/gtest.h>

#include <algorithm>
#include <new>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "caraway/memory_block.hpp"
#include "caraway/ws_connection.hpp"
#include "codec/ws_script.hpp"

namespace {

bool no_memory = false;

// While one of these lives, allocations that may fail do fail, and blocks that the thread has kept are
// taken.
struct memory_is_out {
  memory_is_out() {
    no_memory = true;
    for (std::size_t size = std::size_t{4} << 20; size >= 1024; size /= 2)
      while (auto block = caraway::allocate_block(size)) taken.push_back(std::move(block));
  }
  ~memory_is_out() { no_memory = false; }

  std::vector<caraway::memory_block> taken;
};

}  // namespace

// What the connection allocates with.
void* operator new(std::size_t n, const std::nothrow_t&) noexcept {
  return no_memory ? nullptr : ::operator new(n);
}
void* operator new[](std::size_t n, const std::nothrow_t&) noexcept {
  return no_memory ? nullptr : ::operator new[](n);
}

namespace caraway::ws {
namespace {

constexpr role both[] = {role::client, role::server};

mutable_bytes writable(std::string& s) {
  return std::as_writable_bytes(std::span(s));
}

// Memory

TEST(ws_connection_memory, a_message_taken_in_parts_needs_little_however_large_it_is) {
  for (const std::size_t at_once : {std::size_t{50'000}, std::size_t{1} << 30}) {
    connection_options o = script_options(role::client);
    o.max_message = std::uint64_t{1} << 40;
    connection c(o);
    constexpr std::uint64_t size = 100'000'000;
    std::string head = ws_wire(role::client).header(2, size).data();
    EXPECT_EQ(c.receive(writable(head)).kind, event_kind::need_more);
    EXPECT_EQ(c.receiving(), opcode::binary);
    EXPECT_TRUE(c.take_part().empty());
    std::uint64_t arrived = 0;
    event e;
    while (e.kind == event_kind::need_more) {
      const std::size_t n = std::min(c.destination().size(), at_once);
      c.received(n);
      e = c.receive({});
      arrived += e.kind == event_kind::message ? e.payload.size() : c.take_part().size();
      ASSERT_LE(c.memory(), std::size_t{1} << 20);
    }
    EXPECT_EQ(arrived, size);
    EXPECT_EQ(c.receiving(), opcode::continuation);
  }
}

TEST(ws_connection_memory, memory_grows_with_what_arrives_and_not_with_what_is_announced) {
  connection_options o = script_options(role::client);
  o.max_message = std::uint64_t{1} << 40;
  connection c(o);
  std::string head = ws_wire(role::client).header(2, std::uint64_t{1} << 30).data();
  const event e = c.receive(writable(head));
  EXPECT_EQ(e.kind, event_kind::need_more);
  EXPECT_EQ(e.consumed, head.size());
  std::size_t arrived = 0;
  while (arrived < (4u << 20)) {
    const mutable_bytes into = c.destination();
    ASSERT_FALSE(into.empty());
    EXPECT_LE(c.memory(), (256u << 10) + 4 * arrived);
    const std::size_t n = std::min<std::size_t>(into.size(), 50000);
    c.received(n);
    arrived += n;
  }
}

TEST(ws_connection_memory, the_last_frame_gets_exactly_the_memory_it_announces) {
  connection c(script_options(role::client));
  std::string head = ws_wire(role::client).header(2, 100000).data();
  c.receive(writable(head));
  EXPECT_EQ(c.memory(), 100000u);
  EXPECT_EQ(c.destination().size(), 100000u);
}

TEST(ws_connection_memory, memory_goes_with_the_message_that_needed_it) {
  for (role r : both) {
    connection c(script_options(r));
    std::string in =
        ws_wire(r).frame(opcode::text, "a", false).frame(opcode::continuation, "b").data();
    const event e = c.receive(writable(in));
    EXPECT_EQ(as_text(e.payload), "ab");
    EXPECT_FALSE(e.in_place);
    EXPECT_EQ(e.consumed, in.size());
    in.assign(in.size(), '?');
    EXPECT_EQ(as_text(e.payload), "ab");
    EXPECT_GT(c.memory(), 0u);
    c.receive({});
    EXPECT_EQ(c.memory(), 0u);
  }
}

TEST(ws_connection_memory, an_idle_connection_is_small) {
  EXPECT_LE(sizeof(connection), 144u);
}

// destination() and need

TEST(ws_connection_memory, a_large_frame_goes_straight_to_its_destination) {
  for (role r : both) {
    const std::string payload(50000, 'd');
    const std::string in = ws_wire(r).frame(opcode::text, payload).data();
    connection c(script_options(r));
    std::string start = in.substr(0, 20);
    event e = c.receive(writable(start));
    EXPECT_EQ(e.kind, event_kind::need_more);
    EXPECT_EQ(e.consumed, 20u);
    std::string_view rest = std::string_view(in).substr(20);
    EXPECT_EQ(c.destination().size(), rest.size());
    std::ranges::copy(as_bytes(rest), c.destination().begin());
    c.received(rest.size());
    EXPECT_TRUE(c.destination().empty());
    e = c.receive({});
    EXPECT_EQ(e.kind, event_kind::message);
    EXPECT_EQ(e.op, opcode::text);
    EXPECT_EQ(as_text(e.payload), payload);
  }
}

TEST(ws_connection_memory, there_is_no_destination_outside_of_a_large_frame) {
  connection c(script_options(role::client));
  EXPECT_TRUE(c.destination().empty());
  c.received(0);
  std::string in = ws_wire(role::client).header(2, 16384).data();
  EXPECT_EQ(c.receive(writable(in)).need, in.size() + 16384);
  EXPECT_TRUE(c.destination().empty());
}

TEST(ws_connection_memory, it_says_how_much_input_it_needs) {
  connection c(script_options(role::server));
  std::string in = ws_wire(role::server).frame(opcode::binary, std::string(300, 'x')).data();
  const auto need = [&](std::size_t shown) { return c.receive(writable(in).first(shown)).need; };
  EXPECT_EQ(need(0), 1u);
  EXPECT_EQ(need(1), 2u);
  EXPECT_EQ(need(2), 4u);
  EXPECT_EQ(need(4), 8u);
  EXPECT_EQ(need(7), 8u);
  EXPECT_EQ(need(8), 308u);
  EXPECT_EQ(need(307), 308u);
  EXPECT_EQ(c.receive(writable(in)).kind, event_kind::message);
}

TEST(ws_connection_memory, for_text_every_byte_more_is_worth_another_call) {
  connection c(script_options(role::client));
  std::string in = ws_wire(role::client).frame(opcode::text, "text").data();
  for (std::size_t shown : {2u, 3u, 5u, 5u, 3u, 5u}) {
    const event e = c.receive(writable(in).first(shown));
    EXPECT_EQ(e.consumed, 0u);
    EXPECT_EQ(e.need, shown + 1);
  }
  EXPECT_EQ(as_text(c.receive(writable(in)).payload), "text");
}

TEST(ws_connection_memory, no_more_is_received_than_there_is_room_for) {
  connection c(script_options(role::client));
  std::string head = ws_wire(role::client).header(2, 20000).data();
  c.receive(writable(head));
  c.received(std::size_t{1} << 40);
  EXPECT_EQ(c.receive({}).payload.size(), 20000u);
}

TEST(ws_connection_memory, empty_fragments_take_none) {
  connection c(script_options(role::client));
  std::string in = ws_wire(role::client)
                       .frame(opcode::text, "", false)
                       .frame(opcode::continuation, "", false)
                       .frame(opcode::continuation, "all")
                       .data();
  const event e = c.receive(writable(in));
  EXPECT_TRUE(e.in_place);
  EXPECT_EQ(as_text(e.payload), "all");
  EXPECT_EQ(c.memory(), 0u);
}

TEST(ws_connection_memory, a_million_empty_fragments_end_at_the_limit_and_take_none) {
  for (role r : both)
    for (bool compressed : {false, true}) {
      connection_options o = script_options(r);
      if (compressed) o.deflate.emplace();
      connection c(o);
      const std::size_t at_first = c.memory();
      std::string begin =
          ws_wire(r).frame(opcode::text, "", false, compressed ? std::uint8_t{0x40} : 0).data();
      std::string next = ws_wire(r).frame(opcode::continuation, "", false).data();
      event e = c.receive(writable(begin));
      int frames = 1;
      for (; e.kind == event_kind::need_more && frames < 1'000'000; ++frames) {
        ASSERT_EQ(c.memory(), at_first);
        e = c.receive(writable(next));
      }
      EXPECT_EQ(frames, 131'073);
      EXPECT_EQ(e.kind, event_kind::failed);
      EXPECT_EQ(c.failure(), close_code::message_too_big);
    }
}

TEST(ws_connection_memory, fragments_take_no_more_than_a_message_may_have) {
  connection_options o = script_options(role::client);
  o.max_message = 1000;
  connection c(o);
  for (int i = 0; i < 10; ++i) {
    const opcode op = i == 0 ? opcode::binary : opcode::continuation;
    std::string in = ws_wire(role::client).frame(op, std::string(100, 'f'), false).data();
    c.receive(writable(in));
    EXPECT_LE(c.memory(), 1000u);
  }
}

// Lent memory

constexpr std::size_t lent_size = 60'000;
constexpr std::size_t most_direct = 50'000;

// A connection in the middle of a message of `size` bytes, of which all but the last `left` have come
// straight into their place.
struct half_received {
  half_received(role r, std::size_t size, std::size_t left, std::size_t room = lent_size)
      : c(script_options(r)), lent(room) {
    for (std::size_t i = 0; i < size; ++i) payload += static_cast<char>('a' + i % 26);
    wire = ws_wire(r).frame(opcode::binary, payload).data();
    c.lend(lent);
    std::string head = wire.substr(0, wire.size() - size);
    c.receive(writable(head));
    arrive(wire.size() - head.size() - left);
  }

  void arrive(std::size_t n) {
    while (n > 0) {
      const mutable_bytes to = c.destination();
      const std::size_t some = std::min(n, to.size());
      const std::size_t at = wire.size() - payload.size() + got();
      std::ranges::copy(as_bytes(std::string_view(wire).substr(at, some)), to.begin());
      c.received(some);
      n -= some;
      received += some;
    }
  }
  std::size_t got() const { return received; }

  connection c;
  std::vector<std::byte> lent;
  std::string payload, wire;
  std::size_t received = 0;
};

TEST(ws_connection_memory, a_large_message_is_put_together_in_lent_memory) {
  for (role r : both) {
    half_received h(r, most_direct, 0);
    const event e = h.c.receive({});
    EXPECT_EQ(e.payload.data(), h.lent.data());
    EXPECT_TRUE(as_text(e.payload) == h.payload);
    EXPECT_EQ(h.c.memory(), 0u);
    EXPECT_EQ(h.c.keep_message(), nullptr);
    EXPECT_TRUE(h.c.take_back().empty());
    EXPECT_TRUE(as_text(bytes(h.lent).first(most_direct)) == h.payload);
  }
}

TEST(ws_connection_memory, fragments_are_put_together_in_lent_memory) {
  for (role r : both) {
    std::vector<std::byte> lent(100);
    connection c(script_options(r));
    c.lend(lent);
    std::string in = ws_wire(r)
                         .frame(opcode::text, "one ", false)
                         .frame(opcode::continuation, "two")
                         .frame(opcode::text, "whole")
                         .data();
    event e = c.receive(writable(in));
    EXPECT_EQ(e.payload.data(), lent.data());
    EXPECT_EQ(as_text(e.payload), "one two");
    e = c.receive(writable(in).subspan(e.consumed));
    EXPECT_TRUE(e.in_place);
    EXPECT_EQ(as_text(e.payload), "whole");
  }
}

TEST(ws_connection_memory, lent_memory_that_is_too_small_is_not_used) {
  for (role r : both) {
    half_received h(r, most_direct, 0, most_direct - 1);
    EXPECT_TRUE(std::ranges::all_of(h.lent, [](std::byte b) { return b == std::byte{0}; }));
    const event e = h.c.receive({});
    EXPECT_TRUE(as_text(e.payload) == h.payload);
    EXPECT_NE(h.c.keep_message(), nullptr);
  }
}

TEST(ws_connection_memory, fragments_may_outgrow_lent_memory) {
  std::vector<std::byte> lent(5);
  connection c(script_options(role::client));
  c.lend(lent);
  std::string in = ws_wire(role::client)
                       .frame(opcode::text, "12345", false)
                       .frame(opcode::continuation, "6")
                       .data();
  EXPECT_EQ(as_text(c.receive(writable(in)).payload), "123456");
}

TEST(ws_connection_memory, a_message_goes_on_without_the_memory_that_was_lent) {
  for (role r : both) {
    half_received h(r, most_direct, 20'000);
    EXPECT_TRUE(h.c.take_back().empty());
    std::ranges::fill(h.lent, std::byte{'?'});
    h.arrive(20'000);
    const event e = h.c.receive({});
    EXPECT_TRUE(as_text(e.payload) == h.payload);
    EXPECT_EQ(as_text(h.lent).find_first_not_of('?'), std::string_view::npos);
  }
}

TEST(ws_connection_memory, a_message_that_was_shown_can_be_moved_out_of_lent_memory) {
  half_received h(role::server, most_direct, 0);
  ASSERT_EQ(h.c.receive({}).kind, event_kind::message);
  const mutable_bytes moved = h.c.take_back();
  std::ranges::fill(h.lent, std::byte{'?'});
  EXPECT_TRUE(as_text(moved) == h.payload);
  EXPECT_NE(h.c.keep_message(), nullptr);
}

TEST(ws_connection_memory, memory_lent_in_the_middle_of_a_message_is_left_alone) {
  half_received h(role::client, most_direct, 20'000);
  h.c.take_back();
  std::vector<std::byte> late(lent_size);
  h.c.lend(late);
  h.arrive(20'000);
  EXPECT_TRUE(as_text(h.c.receive({}).payload) == h.payload);
  EXPECT_EQ(late[0], std::byte{0});
}

TEST(ws_connection_memory, what_cannot_move_out_of_lent_memory_fails_the_connection) {
  half_received h(role::client, most_direct, 20'000);
  {
    const memory_is_out now;
    h.c.take_back();
  }
  EXPECT_EQ(h.c.receive({}).kind, event_kind::failed);
  EXPECT_EQ(h.c.failure(), close_code::internal_error);
}

TEST(ws_connection_memory, more_lent_memory_allows_for_no_larger_message) {
  for (std::size_t size : {100u, 101u}) {
    connection_options o = script_options(role::client);
    o.max_message = 100;
    connection c(o);
    std::vector<std::byte> lent(1000);
    c.lend(lent);
    std::string in = ws_wire(role::client)
                         .frame(opcode::binary, std::string(50, 'l'), false)
                         .frame(opcode::continuation, std::string(size - 50, 'l'))
                         .data();
    EXPECT_EQ(c.receive(writable(in)).kind, size == 100 ? event_kind::message : event_kind::failed);
  }
}

// Without memory

TEST(ws_connection_memory, a_whole_message_needs_none) {
  connection c(script_options(role::server));
  std::string in = ws_wire(role::server).frame(opcode::text, "Hello").data();
  const memory_is_out now;
  EXPECT_EQ(c.receive(writable(in)).kind, event_kind::message);
}

TEST(ws_connection_memory, a_message_that_needs_some_fails_for_want_of_it) {
  for (role r : both)
    for (bool large : {false, true}) {
      ws_wire wire(r);
      if (large)
        wire.header(2, 100000);
      else
        wire.frame(opcode::text, "fragment", false);
      std::string in = wire.data();
      connection c(script_options(r));
      const memory_is_out now;
      EXPECT_EQ(c.receive(writable(in)).kind, event_kind::failed);
      EXPECT_EQ(c.failure(), close_code::internal_error);
      EXPECT_EQ(c.error(), std::errc::not_enough_memory);
      EXPECT_TRUE(c.pending().empty());
    }
}

TEST(ws_connection_memory, a_message_that_outgrows_it_fails_and_frees_what_there_was) {
  connection c(script_options(role::client));
  std::string head = ws_wire(role::client).header(2, 1 << 20).data();
  c.receive(writable(head));
  {
    const memory_is_out now;
    while (!c.destination().empty()) c.received(c.destination().size());
  }
  EXPECT_EQ(c.receive({}).kind, event_kind::failed);
  EXPECT_EQ(c.failure(), close_code::internal_error);
  EXPECT_EQ(c.memory(), 0u);
}

TEST(ws_connection_memory, answers_that_cannot_be_queued_fail_the_connection) {
  for (role r : both)
    for (bool ping : {false, true}) {
      std::string in =
          ping ? ws_wire(r).frame(opcode::ping, "p").data() : ws_wire(r).close(1000).data();
      connection c(script_options(r));
      const memory_is_out now;
      EXPECT_EQ(c.receive(writable(in)).kind, event_kind::failed);
      EXPECT_EQ(c.error(), std::errc::not_enough_memory);
    }
}

TEST(ws_connection_memory, a_close_frame_that_cannot_be_queued_leaves_all_as_it_was) {
  connection c(script_options(role::client));
  {
    const memory_is_out now;
    EXPECT_EQ(c.close().error(), std::errc::not_enough_memory);
  }
  EXPECT_TRUE(c.is_open());
  EXPECT_TRUE(c.close());
}

}  // namespace
}  // namespace caraway::ws
