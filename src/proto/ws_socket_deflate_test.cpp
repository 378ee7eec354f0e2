// ws_socket_deflate_test.cpp - sockets that have agreed on compression, or could have.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "caraway/memory_pair.hpp"
#include "caraway/task_group.hpp"
#include "caraway/testing/message_layer_contract.hpp"
#include "caraway/testing/message_stream_contract.hpp"
#include "caraway/this_task.hpp"
#include "caraway/ws_socket.hpp"
#include "proto/ws_wire.hpp"

namespace caraway::ws {
namespace {

using namespace std::chrono_literals;

constexpr auto soon = 20s;

deflate_options eager() {
  deflate_options o;
  o.threshold = 0;
  return o;
}

deflate_options alone() {
  deflate_options o = eager();
  o.takeover = o.peer_takeover = false;
  return o;
}

std::pair<socket, socket> connected(const deflate_options& o = eager(), const limits& l = {},
                                    const memory_faults& faults = {}) {
  auto [a, b] = memory_pair(faults);
  return {attach_without_handshake(std::move(a), role::client, l, o),
          attach_without_handshake(std::move(b), role::server, l, o)};
}

testing::message_pair contract_pair() {
  auto [client, server] = connected();
  return {std::make_unique<socket>(std::move(client)), std::make_unique<socket>(std::move(server))};
}

// That suite wants messages that do not become smaller: blocks without compression.
testing::message_pair layers(stream_ptr a, stream_ptr b) {
  deflate_options stored = eager();
  stored.level = 0;
  return {
      std::make_unique<socket>(attach_without_handshake(std::move(a), role::client, {}, stored)),
      std::make_unique<socket>(attach_without_handshake(std::move(b), role::server, {}, stored))};
}

CARAWAY_MESSAGE_STREAM_CONTRACT(ws_socket_deflate, contract_pair)
CARAWAY_MESSAGE_LAYER_CONTRACT(ws_socket_deflate, layers)

// A handshake between two that want these.
std::pair<socket, socket> agree(const std::optional<deflate_options>& client,
                                const std::optional<deflate_options>& server) {
  auto [a, b] = memory_pair();
  client_options ask;
  ask.host = "h";
  ask.deflate = client;
  server_options give;
  give.deflate = server;
  socket s;
  task_group group;
  group.go(
      [&, under = std::move(b)]() mutable { s = attach_server(std::move(under), give, soon); });
  socket c = attach_client(std::move(a), ask, soon);
  group.wait();
  return {std::move(c), std::move(s)};
}

void expect_conversation(socket& client, socket& server) {
  const std::string text(5000, 'x');
  for (int i = 0; i < 3; ++i) {
    client.send(text);
    EXPECT_EQ(server.recv(soon)->text(), text);
    server.send(text);
    EXPECT_EQ(client.recv(soon)->text(), text);
  }
}

TEST(ws_socket_deflate, is_used_if_both_want_it) {
  for (bool theirs : {false, true})
    for (bool ours : {false, true}) {
      auto [client, server] = agree(theirs ? std::optional(eager()) : std::nullopt,
                                    ours ? std::optional(eager()) : std::nullopt);
      EXPECT_EQ(client.deflate().has_value(), theirs && ours);
      EXPECT_EQ(server.deflate().has_value(), theirs && ours);
      expect_conversation(client, server);
    }
}

TEST(ws_socket_deflate, what_was_agreed_on_can_be_read) {
  deflate_options wish;
  wish.peer_takeover = false;
  auto [client, server] = agree(wish, deflate_options());
  EXPECT_FALSE(server.deflate()->takeover);
  EXPECT_FALSE(client.deflate()->peer_takeover);
  EXPECT_TRUE(client.deflate()->takeover);
  EXPECT_EQ(server.deflate()->peer_window_bits, 12);
  expect_conversation(client, server);
  EXPECT_FALSE(socket().deflate());
}

TEST(ws_socket_deflate, options_out_of_range_are_refused_on_both_sides) {
  deflate_options wrong;
  wrong.level = 10;
  client_options ask;
  ask.host = "h";
  ask.deflate = wrong;
  server_options give;
  give.deflate = wrong;
  auto [a, b] = memory_pair();
  EXPECT_EQ(try_attach_client(std::move(a), ask, soon).error(), std::errc::invalid_argument);
  EXPECT_EQ(try_attach_server(std::move(b), give, soon).error(), std::errc::invalid_argument);
}

TEST(ws_socket_deflate, repetition_takes_little_of_the_transport) {
  auto [a, b] = memory_pair();
  socket s = attach_without_handshake(std::move(a), role::server, {}, eager());
  const std::string text(10000, 'x');
  s.send(text);
  s.try_flush(soon).value();
  EXPECT_LT(b->fill(1, soon).size(), 100u);
}

TEST(ws_socket_deflate, messages_of_all_kinds_and_sizes_arrive) {
  for (const deflate_options& o : {eager(), alone(), deflate_options()})
    for (std::size_t chop : {std::size_t{1}, memory_faults::none}) {
      auto [client, server] = connected(o, {}, {.chop = chop});
      for (std::size_t n : {0, 1, 127, 128, 3000, 70000}) {
        const std::string text = testing::message_stream_contract::letters(n);
        task_group group;
        group.go([&] { server.send(text); });
        EXPECT_EQ(client.recv(soon)->text(), text);
        group.go([&] { client.send(as_bytes(text)); });
        EXPECT_EQ(server.recv(soon)->text(), text);
        group.wait();
      }
    }
}

TEST(ws_socket_deflate, a_prepared_message_is_compressed_once_for_each_setting) {
  const std::string text(5000, 'p');
  const prepared m(text);
  const bytes first = m.deflated_frame(eager()).value();
  EXPECT_LT(first.size(), 100u);
  EXPECT_EQ(m.deflated_frame(alone()).value().data(), first.data())
      << "takeover makes no difference";
  deflate_options harder = eager();
  harder.level = 9;
  EXPECT_NE(m.deflated_frame(harder).value().data(), first.data());
  EXPECT_EQ(m.deflated_frame(eager()).value().data(), first.data());
  const prepared tiny("?!");
  EXPECT_EQ(tiny.deflated_frame(eager()).value().data(), tiny.frame().data()) << "not larger";
}

TEST(ws_socket_deflate, prepared_messages_go_among_others) {
  const std::string text(5000, 'p');
  const prepared m(text);
  for (const deflate_options& o : {eager(), alone(), deflate_options()})
    for (role sender : {role::client, role::server}) {
      auto [client, server] = connected(o);
      socket& from = sender == role::client ? client : server;
      socket& to = sender == role::client ? server : client;
      for (int i = 0; i < 3; ++i) {
        from.send(text + "before");
        from.send(m);
        from.send(text + "behind");
        EXPECT_EQ(to.recv(soon)->text(), text + "before");
        EXPECT_EQ(to.recv(soon)->text(), text);
        EXPECT_EQ(to.recv(soon)->text(), text + "behind");
      }
    }
}

// Text that becomes smaller, but not small.
std::string half_noise(std::size_t n) {
  std::string text(n, ' ');
  unsigned seed = 1;
  for (char& c : text) c = static_cast<char>('a' + ((seed = seed * 1664525 + 1013904223) >> 28));
  return text;
}

// What is left of the next message on `peer` without headers and masks; in frames of `sizes`.
std::string next_payload(byte_stream& peer, role self, std::vector<std::size_t>& sizes) {
  std::string all;
  for (std::size_t wanted = 2;;) {
    const bytes seen = peer.fill(wanted, soon);
    const parsed_header p = parse_header(seen, self, 0x40);
    wanted = p.used > 0 ? p.used + static_cast<std::size_t>(p.header.size) : p.need;
    if (p.used == 0 || seen.size() < wanted) continue;
    EXPECT_EQ(p.fault, frame_fault::none);
    EXPECT_EQ(p.header.reserved != 0, sizes.empty()) << "compressed, as its first frame says";
    sizes.push_back(wanted - p.used);
    all += wire::masked(as_text(seen.subspan(p.used, sizes.back())), p.header.mask);
    peer.consume(std::exchange(wanted, 2));
    if (p.header.fin) return all;
  }
}

TEST(ws_socket_deflate, a_prepared_message_is_what_it_was_compressed_to_once_on_every_socket) {
  const std::string text = half_noise(20000);
  const prepared m(text);
  const bytes frame = m.deflated_frame(eager()).value();
  const std::string once(as_text(frame.subspan(4)));
  for (const std::size_t fragment : {once.size(), once.size() - 1, std::size_t{1000}})
    for (const role sender : {role::server, role::client}) {
      auto [a, b] = memory_pair();
      socket s = attach_without_handshake(std::move(a), sender, {.fragment = fragment}, eager());
      const role peer = sender == role::server ? role::client : role::server;
      for (int n = 0; n < 2; ++n) {
        std::vector<std::size_t> sizes;
        s.send(text.substr(0, 900));
        EXPECT_NE(next_payload(*b, peer, sizes), "");
        sizes.clear();
        s.send(m);
        EXPECT_EQ(next_payload(*b, peer, sizes), once);
        EXPECT_EQ(sizes.size(), (once.size() + fragment - 1) / fragment);
        EXPECT_EQ(sizes.front(), std::min(fragment, once.size()));
      }
    }
}

TEST(ws_socket_deflate, prepared_messages_of_several_frames_go_among_others) {
  const std::string text = half_noise(5000);
  const prepared m(text), shapeless(std::string("\1\2\3"));
  for (const deflate_options& o : {eager(), alone(), deflate_options()})
    for (role sender : {role::client, role::server}) {
      auto [client, server] = connected(o, {.fragment = 700});
      socket& from = sender == role::client ? client : server;
      socket& to = sender == role::client ? server : client;
      for (int i = 0; i < 3; ++i) {
        from.send(text + "before");
        from.send(m);
        from.send(shapeless);
        from.send(text + "behind");
        EXPECT_EQ(to.recv(soon)->text(), text + "before");
        EXPECT_EQ(to.recv(soon)->text(), text);
        EXPECT_EQ(to.recv(soon)->text(), "\1\2\3");
        EXPECT_EQ(to.recv(soon)->text(), text + "behind");
      }
    }
}

TEST(ws_socket_deflate, the_rest_of_a_prepared_message_follows_though_its_sender_left) {
  const std::string text = half_noise(5000);
  const prepared m(text);
  for (role sender : {role::client, role::server}) {
    auto [a, b] = memory_pair({}, {.capacity = 1});
    const limits l{.keepalive = keepalive_off, .fragment = 700};
    socket from = attach_without_handshake(std::move(a), sender, l, eager());
    socket to = attach_without_handshake(
        std::move(b), sender == role::client ? role::server : role::client, l, eager());
    EXPECT_TRUE(from.try_send(m, 1ms));
    EXPECT_GT(from.pending().bytes, 1000u);
    EXPECT_EQ(to.recv(soon)->text(), text);
    task_group group;
    group.go([&] { from.send(text); });
    EXPECT_EQ(to.recv(soon)->text(), text);
    group.wait();
    EXPECT_EQ(from.carried().bytes_sent, 2 * text.size());
  }
}

TEST(ws_socket_deflate, a_message_in_pieces_lets_pings_pass) {
  for (const deflate_options& o : {eager(), alone()}) {
    auto [client, server] = connected(o);
    for (int i = 0; i < 2; ++i) {
      client.begin(message_type::text);
      client.send_part(as_bytes("one "));
      client.ping(as_bytes("p"));
      client.send_part(as_bytes("two"));
      client.end();
      client.send("three");
      EXPECT_EQ(server.recv(soon)->text(), "one two");
      EXPECT_EQ(server.recv(soon)->text(), "three");
    }
  }
}

// What the peer never got must not be referred to.
TEST(ws_socket_deflate, a_send_that_timed_out_does_not_disturb_those_behind_it) {
  for (role sender : {role::client, role::server}) {
    auto [client, server] = connected();
    socket& from = sender == role::client ? client : server;
    socket& to = sender == role::client ? server : client;
    const std::string noise = [] {
      std::string text(100000, ' ');
      unsigned seed = 1;
      for (char& c : text) c = static_cast<char>((seed = seed * 1664525 + 1013904223) >> 24);
      return text;
    }();
    const bytes all = as_bytes(noise);
    int sent = 0;
    while (from.try_send(message_type::binary, parts(&all, 1), immediately)) ++sent;
    ASSERT_GT(sent, 0);
    for (int i = 0; i < sent; ++i) EXPECT_EQ(to.recv(soon)->text(), noise);
    from.send("after");
    EXPECT_EQ(to.recv(soon)->text(), "after");
    from.send(as_bytes(noise));
    EXPECT_EQ(to.recv(soon)->text(), noise);
  }
}

TEST(ws_socket_deflate, the_limit_is_for_the_inflated_message) {
  limits l;
  l.message = 1000;
  auto [client, server] = connected(eager(), l);
  client.send(std::string(1000, 'x'));
  EXPECT_EQ(server.recv(soon)->size(), 1000u);
  client.send(std::string(1001, 'x'));
  EXPECT_EQ(server.try_receive(soon).error(), errc::message_too_big);
  EXPECT_EQ(client.try_receive(soon).error(), errc::peer_closed);
  EXPECT_EQ(client.close_code(), 1009);
}

TEST(ws_socket_deflate, malformed_data_ends_the_conversation) {
  auto [a, b] = memory_pair();
  socket s = attach_without_handshake(std::move(a), role::client, {}, eager());
  b->write(as_bytes(std::string_view("\xc1\x01\x06", 3)), soon);
  EXPECT_EQ(s.try_receive(soon).error(), errc::protocol);
  const auto close = wire::read_frame(*b, role::server, soon);
  EXPECT_EQ(close.op, opcode::close);
  EXPECT_EQ(close.payload.substr(0, 2), wire::close_payload(1007));
}

TEST(ws_socket_deflate, an_idle_socket_lets_go_of_its_compressor) {
  for (const bool forgets : {true, false}) {
    deflate_options o = eager();
    o.idle = forgets ? 20ms : 0ms;
    auto [a, b] = memory_pair();
    socket s = attach_without_handshake(std::move(a), role::server, {}, o);
    const auto sent = [&, peer = b.get()](std::string_view text) {
      s.send(text);
      s.try_flush(soon).value();
      const std::size_t n = peer->fill(1, soon).size();
      peer->consume(n);
      return n;
    };
    const std::size_t first = sent("one and the same message");
    EXPECT_LT(sent("one and the same message"), first);
    sleep(60ms);
    EXPECT_EQ(sent("one and the same message") == first, forgets);
  }
}

// Bytes that become a thousand times as many

constexpr std::size_t large = std::size_t{16} << 20;

// A server that has been sent `large` bytes of text, and its peer.
std::pair<socket, socket> with_a_large_message() {
  auto both = connected(eager(), {.message = large});
  both.first.send(std::string(large, 'x'));
  both.first.try_flush(soon).value();
  return both;
}

TEST(ws_socket_deflate, others_have_their_turn_while_a_message_is_inflated) {
  auto [client, server] = with_a_large_message();
  std::size_t turns = 0;
  task_group group;
  group.go([&] {
    for (;; ++turns) yield();
  });
  EXPECT_TRUE(server.recv(soon)->text() == std::string(large, 'x'));
  EXPECT_GE(turns, large >> 18);
  group.cancel();
}

TEST(ws_socket_deflate, parts_are_small_whatever_the_message_becomes) {
  auto [client, server] = with_a_large_message();
  std::size_t got = 0;
  for (bool last = false; !last;) {
    const auto p = server.recv_part(soon);
    EXPECT_EQ(p->first, got == 0);
    EXPECT_EQ(p->type, message_type::text);
    ASSERT_LE(p->data.size(), std::size_t{300'000});
    got += p->data.size();
    last = p->last;
  }
  EXPECT_EQ(got, large);
  client.send("next");
  EXPECT_EQ(server.recv(soon)->text(), "next");
}

TEST(ws_socket_deflate, a_message_is_inflated_into_the_callers_memory) {
  auto [client, server] = with_a_large_message();
  std::vector<std::byte> memory(large);
  EXPECT_EQ(server.try_receive_into(std::span(memory).first(large - 1), soon).error(),
            os_error(EMSGSIZE));
  EXPECT_EQ(server.recv_into(memory, soon)->size, large);
  EXPECT_TRUE(as_text(memory) == std::string(large, 'x'));
}

// Also when it is whole, and the receiver was cancelled in the turn of others before that.
TEST(ws_socket_deflate, a_message_is_not_lost_wherever_the_cancellation_comes) {
  const std::string text(std::size_t{5} << 19, 'x');
  for (std::size_t turns = 0; turns < 15; ++turns) {
    auto [client, server] = connected(eager(), {.message = text.size()});
    client.send(text);
    std::vector<std::byte> memory(text.size());
    bool received = false;
    task_group group;
    group.go(
        [&, &server = server] { received = server.try_receive_into(memory, soon).has_value(); });
    for (std::size_t i = 0; i < turns; ++i) yield();
    group.cancel();
    while (group.size() > 0) yield();
    if (received) {
      EXPECT_TRUE(as_text(memory) == text);
      continue;
    }
    std::ranges::fill(memory, std::byte{'?'});
    EXPECT_TRUE(server.recv(soon)->text() == text) << turns;
  }
}

TEST(ws_socket_deflate, a_deadline_ends_the_inflating_for_now_and_nothing_is_lost) {
  auto [client, server] = with_a_large_message();
  auto got = server.try_receive(immediately);
  for (std::size_t tries = 0; !got && tries < large >> 17; ++tries) {
    ASSERT_EQ(got.error(), os_error(ETIMEDOUT));
    got = server.try_receive(immediately);
  }
  EXPECT_TRUE((*got)->text() == std::string(large, 'x'));
}

}  // namespace
}  // namespace caraway::ws
