#include "caraway/ws_socket.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <string>

#include "caraway/memory_pair.hpp"
#include "caraway/task_group.hpp"
#include "caraway/testing/message_layer_contract.hpp"
#include "caraway/testing/message_stream_contract.hpp"
#include "caraway/this_task.hpp"
#include "proto/ws_wire.hpp"

namespace caraway::ws {
namespace {

using namespace std::chrono_literals;
using wire::close_payload;
using wire::frame;

constexpr auto soon = 20s;

// A socket, and the bare stream that it talks to.
struct half {
  socket ws;
  stream_ptr peer;

  wire::received_frame next_frame() {
    return wire::read_frame(*peer, ws.role() == role::client ? role::server : role::client, soon);
  }
  std::string from_peer(opcode op, std::string_view payload, bool fin = true) const {
    return frame(ws.role() == role::client ? role::server : role::client, op, payload, fin);
  }
};

half open(role as, const memory_faults& faults = {}, const limits& l = {}) {
  auto [a, b] = memory_pair(faults);
  return {attach_without_handshake(std::move(a), as, l), std::move(b)};
}

std::pair<socket, socket> connected(const memory_faults& first = {}) {
  auto [a, b] = memory_pair(first);
  return {attach_without_handshake(std::move(a), role::client),
          attach_without_handshake(std::move(b), role::server)};
}

testing::message_pair layers(stream_ptr a, stream_ptr b) {
  return {std::make_unique<socket>(attach_without_handshake(std::move(a), role::client)),
          std::make_unique<socket>(attach_without_handshake(std::move(b), role::server))};
}

testing::message_pair contract_pair() {
  auto [a, b] = memory_pair();
  return layers(std::move(a), std::move(b));
}

std::error_code error_of_receive(socket& ws) {
  const auto m = ws.try_receive(soon);
  return m ? std::error_code() : m.error();
}

CARAWAY_MESSAGE_STREAM_CONTRACT(ws_socket, contract_pair)
CARAWAY_MESSAGE_LAYER_CONTRACT(ws_socket, layers)

TEST(ws_socket, both_kinds_of_messages_arrive_as_what_they_are) {
  auto [client, server] = connected();
  client.send("text");
  client.send(as_bytes("binary"));
  const auto first = server.recv(soon);
  EXPECT_TRUE(first->is_text());
  EXPECT_EQ(first->str(), "text");
  const auto second = server.recv(soon);
  EXPECT_FALSE(second->is_text());
  EXPECT_EQ(second->text(), "binary");
  server.send(*second);
  EXPECT_EQ(client.recv(soon)->type, message_type::binary);
}

TEST(ws_socket, a_server_writes_what_the_rfc_shows) {
  half h = open(role::server);
  h.ws.send("Hello");
  EXPECT_EQ(as_text(h.peer->fill(7)), "\x81\x05Hello");
}

TEST(ws_socket, a_client_masks_with_keys_that_differ) {
  half h = open(role::client);
  h.ws.send("same");
  h.ws.send("same");
  const std::string both(as_text(h.peer->fill(20)));
  EXPECT_EQ(both.substr(0, 2), "\x81\x84");
  EXPECT_NE(both.substr(2, 4), both.substr(12, 4));
  EXPECT_EQ(h.next_frame().payload, "same");
}

TEST(ws_socket, messages_of_all_sizes_survive_a_peer_that_sends_byte_by_byte) {
  auto [client, server] = connected({.chop = 1});
  for (const std::size_t n : {0, 1, 125, 126, 3000, 20000}) {
    const std::string text(n, 'x');
    task_group group;
    group.go([&] { server.send(text); });
    EXPECT_EQ(client.recv(soon)->text(), text);
    group.wait();
  }
}

TEST(ws_socket, fragments_are_put_together_and_pings_between_them_answered) {
  half h = open(role::server);
  h.peer->write(h.from_peer(opcode::text, "one,", false) + h.from_peer(opcode::ping, "hi") +
                h.from_peer(opcode::continuation, "two", true));
  EXPECT_EQ(h.ws.recv(soon)->text(), "one,two");
  const auto pong = h.next_frame();
  EXPECT_EQ(pong.op, opcode::pong);
  EXPECT_EQ(pong.payload, "hi");
}

TEST(ws_socket, a_pong_does_not_end_a_receive) {
  auto [client, server] = connected();
  client.ping(as_bytes("are you there"));
  client.send("question");
  EXPECT_EQ(server.recv(soon)->text(), "question");
  server.send("answer");
  EXPECT_EQ(client.recv(soon)->text(), "answer");
  EXPECT_EQ(client.try_ping(bytes(std::vector<std::byte>(126)), soon).error(), os_error(EINVAL));
}

TEST(ws_socket, each_way_of_bad_input_is_answered_with_its_code) {
  const std::tuple<std::string, std::uint16_t, errc> faults[] = {
      {frame(role::server, opcode::text, "not masked"), close_code::protocol_error, errc::protocol},
      {"\xc1\x80zzzz", close_code::protocol_error, errc::protocol},
      {frame(role::client, opcode::continuation, "x"), close_code::protocol_error, errc::protocol},
      {frame(role::client, opcode::text, "\xff"), close_code::invalid_payload, errc::protocol},
      {frame(role::client, opcode::text, std::string(101, 'x')), close_code::message_too_big,
       errc::message_too_big}};
  for (const auto& [input, code, error] : faults) {
    half h = open(role::server, {}, {.message = 100, .fragments = 4});
    h.peer->write(input);
    EXPECT_EQ(error_of_receive(h.ws), error) << code;
    EXPECT_EQ(h.next_frame().payload.substr(0, 2), close_payload(code));
    EXPECT_EQ(error_of_receive(h.ws), error) << "again";
    EXPECT_EQ(h.ws.close_code(), close_code::abnormal);
    EXPECT_FALSE(h.ws.is_open());
    h.peer.reset();
    EXPECT_EQ(h.ws.try_close(soon).error(), error);
  }
}

TEST(ws_socket, the_limit_on_messages_is_exact) {
  for (const bool in_fragments : {false, true}) {
    half h = open(role::server, {}, {.message = 100, .fragments = 4});
    const std::string half_of_it(50, 'x');
    h.peer->write(in_fragments ? h.from_peer(opcode::text, half_of_it, false) +
                                     h.from_peer(opcode::continuation, half_of_it)
                               : h.from_peer(opcode::text, half_of_it + half_of_it));
    EXPECT_EQ(h.ws.recv(soon)->size(), 100u);
    h.peer->write(h.from_peer(opcode::text, half_of_it, false) +
                  h.from_peer(opcode::continuation, half_of_it + "x"));
    EXPECT_EQ(error_of_receive(h.ws), errc::message_too_big);
  }
}

TEST(ws_socket, a_peer_that_vanishes_is_told_from_one_that_closes) {
  const std::string whole = frame(role::server, opcode::text, std::string(40000, 'x'));
  for (const std::size_t cut :
       {std::size_t{0}, std::size_t{1}, std::size_t{10}, std::size_t{30000}}) {
    half h = open(role::client);
    h.peer->write(std::string_view(whole).substr(0, cut));
    h.peer->done();
    EXPECT_EQ(error_of_receive(h.ws), errc::end_of_stream) << cut;
    EXPECT_EQ(error_of_receive(h.ws), errc::end_of_stream) << "again";
    EXPECT_EQ(h.ws.close_code(), close_code::abnormal);
  }
}

TEST(ws_socket, a_normal_close_of_the_peer_ends_receiving_without_an_error) {
  for (const std::string& payload :
       {close_payload(1000, "done"), close_payload(1001, "away"), std::string()}) {
    half h = open(role::client);
    h.peer->write(h.from_peer(opcode::close, payload));
    EXPECT_EQ(h.ws.recv(soon), std::nullopt);
    EXPECT_EQ(h.ws.recv(soon), std::nullopt);
    EXPECT_EQ(h.ws.try_recv(soon).error(), errc::end_of_stream);
    EXPECT_TRUE(h.ws.peer_has_closed());
    const auto answer = h.next_frame();
    EXPECT_EQ(answer.op, opcode::close);
    EXPECT_EQ(answer.payload, payload.substr(0, 2));
    EXPECT_EQ(h.ws.close_reason(), payload.empty() ? "" : payload.substr(2));
  }
}

TEST(ws_socket, another_close_of_the_peer_is_an_error_with_its_code_and_reason) {
  half h = open(role::server);
  h.peer->write(h.from_peer(opcode::close, close_payload(4001, "no more")));
  EXPECT_EQ(error_of_receive(h.ws), errc::peer_closed);
  EXPECT_EQ(h.ws.close_code(), 4001);
  EXPECT_EQ(h.ws.close_reason(), "no more");
  EXPECT_EQ(h.ws.try_send(message_type::text, {}, soon).error(), errc::closed);
}

TEST(ws_socket, close_says_goodbye_drops_what_comes_and_waits_for_the_answer) {
  half h = open(role::client);
  task_group group;
  group.go([&] {
    const auto goodbye = h.next_frame();
    EXPECT_EQ(goodbye.op, opcode::close);
    EXPECT_EQ(goodbye.payload, close_payload(4000, "bye"));
    h.peer->write(h.from_peer(opcode::text, "too late") +
                  h.from_peer(opcode::close, close_payload(4000)));
    EXPECT_EQ(h.peer->try_fill(1, soon).error(), errc::end_of_stream);
    h.peer->done();
  });
  h.ws.close(4000, "bye", soon);
  group.wait();
  EXPECT_EQ(h.ws.close_code(), 4000);
  EXPECT_EQ(h.ws.stream(), nullptr);
  EXPECT_EQ(h.ws.try_close(soon).error(), errc::closed);
  EXPECT_EQ(h.ws.try_send(message_type::text, {}, soon).error(), errc::closed);
}

TEST(ws_socket, both_may_close_at_the_same_time) {
  auto [client, server] = connected();
  task_group group;
  group.go([&] { client.close(soon); });
  server.close(soon);
  group.wait();
  EXPECT_EQ(client.close_code(), 1000);
  EXPECT_EQ(server.close_code(), 1000);
}

TEST(ws_socket, a_peer_that_keeps_sending_does_not_extend_the_deadline_of_close) {
  half h = open(role::client);
  task_group group;
  group.go([&] {
    while (h.peer->try_write(parts(std::array{as_bytes("\x81\x01x")}), soon)) caraway::sleep(1ms);
  });
  EXPECT_EQ(h.ws.try_close(30ms).error(), os_error(ETIMEDOUT));
  EXPECT_EQ(h.ws.stream(), nullptr);
  group.cancel();
}

TEST(ws_socket, codes_and_reasons_that_may_not_be_sent_change_nothing) {
  auto [client, server] = connected();
  EXPECT_EQ(client.try_close(1006, {}, soon).error(), os_error(EINVAL));
  EXPECT_EQ(client.try_close(999, {}, soon).error(), os_error(EINVAL));
  EXPECT_EQ(client.try_close(1005, "reason", soon).error(), os_error(EINVAL));
  EXPECT_EQ(client.try_done(1000, std::string(124, 'x'), soon).error(), os_error(EINVAL));
  EXPECT_EQ(client.try_detach(1000, "\xff", soon).error(), os_error(EINVAL));
  client.send("still open");
  EXPECT_EQ(server.recv(soon)->text(), "still open");
}

TEST(ws_socket, who_receives_while_another_closes_gets_the_rest_and_the_end) {
  half h = open(role::client);
  task_group group;
  group.go([&] {
    EXPECT_EQ(h.ws.recv(soon)->text(), "last");
    EXPECT_EQ(h.ws.recv(soon), std::nullopt);
  });
  group.go([&] {
    EXPECT_EQ(h.next_frame().op, opcode::close);
    h.peer->write(h.from_peer(opcode::text, "last"));
    caraway::yield();
    h.peer->write(h.from_peer(opcode::close, close_payload(1000)));
    h.peer->done();
  });
  caraway::yield();
  h.ws.close(soon);
  group.wait();
}

TEST(ws_socket, after_done_receiving_goes_on_and_sending_does_not) {
  auto [client, server] = connected();
  value_or_raise(client.try_done(1000, "enough", soon), "done");
  EXPECT_EQ(client.try_done(1000, {}, soon).error(), errc::closed);
  EXPECT_EQ(client.try_send(message_type::text, {}, soon).error(), errc::closed);
  server.send("one more");
  EXPECT_EQ(server.recv(soon), std::nullopt);
  EXPECT_EQ(server.close_reason(), "enough");
  EXPECT_EQ(client.recv(soon)->text(), "one more");
  EXPECT_EQ(client.recv(soon), std::nullopt);
}

TEST(ws_socket, a_message_in_pieces_lets_pings_pass_and_other_senders_wait) {
  half h = open(role::server);
  task_group group;
  h.ws.begin(message_type::text);
  group.go([&] { h.ws.send("another"); });
  h.ws.send_part(as_bytes("one,"));
  h.ws.ping();
  caraway::yield();
  h.ws.send_part(as_bytes("two"));
  EXPECT_EQ(h.ws.try_begin(message_type::text, soon).error(), os_error(EINVAL));
  EXPECT_EQ(h.ws.try_send(message_type::text, {}, soon).error(), os_error(EINVAL));
  h.ws.end();
  group.wait();
  const std::tuple<opcode, bool, std::string> wanted[] = {{opcode::text, false, "one,"},
                                                          {opcode::ping, true, ""},
                                                          {opcode::continuation, false, "two"},
                                                          {opcode::continuation, true, ""},
                                                          {opcode::text, true, "another"}};
  for (const auto& [op, fin, payload] : wanted) {
    const auto f = h.next_frame();
    EXPECT_EQ(f.op, op);
    EXPECT_EQ(f.fin, fin);
    EXPECT_EQ(f.payload, payload);
  }
  EXPECT_EQ(h.ws.try_send_part({}, soon).error(), os_error(EINVAL));
  EXPECT_EQ(h.ws.try_end(soon).error(), os_error(EINVAL));
}

TEST(ws_socket, a_message_without_pieces_is_one_empty_frame) {
  half h = open(role::client);
  h.ws.begin(message_type::binary);
  h.ws.end();
  const auto f = h.next_frame();
  EXPECT_EQ(f.op, opcode::binary);
  EXPECT_TRUE(f.fin);
  EXPECT_EQ(f.payload, "");
}

TEST(ws_socket, a_close_releases_those_who_wait_behind_a_message_in_pieces) {
  auto [client, server] = connected();
  task_group group;
  client.begin(message_type::text);
  client.send_part(as_bytes("never ended"));
  group.go([&] { EXPECT_EQ(client.try_send(message_type::text, {}, soon).error(), errc::closed); });
  group.go([&] {
    EXPECT_EQ(error_of_receive(server), std::error_code());
    server.close(soon);
  });
  caraway::yield();
  client.close(soon);
  group.wait();
}

TEST(ws_socket, receiving_into_memory_that_is_too_small_leaves_the_message) {
  auto [client, server] = connected();
  client.send(std::string(30000, 'x'));
  client.send("next");
  std::vector<std::byte> memory(30000);
  EXPECT_EQ(server.try_receive_into(std::span(memory).first(29999), soon).error(),
            os_error(EMSGSIZE));
  EXPECT_EQ(server.next_size(), 30000u);
  const auto got = server.recv_into(memory, soon);
  EXPECT_EQ(got->size, 30000u);
  EXPECT_EQ(got->type, message_type::text);
  EXPECT_EQ(server.next_size(), 0u);
  EXPECT_EQ(server.recv(soon)->text(), "next");
}

TEST(ws_socket, a_message_in_parts_is_all_of_it_in_order) {
  for (const std::size_t chop : {std::size_t{100}, std::size_t{5000}, memory_faults::none}) {
    auto [client, server] = connected({.chop = chop});
    const std::string long_text(300'000, 'x');
    task_group group;
    group.go([&, &server = server] {
      server.send("whole");
      server.send(long_text);
      server.begin(message_type::binary);
      for (int i = 0; i < 50; ++i) server.send_part(as_bytes("piece"));
      server.end();
      server.send("");
      server.close(soon);
    });
    std::vector<std::string> got;
    std::vector<message_type> types;
    bool begins = true;
    while (const auto p = client.recv_part(soon)) {
      EXPECT_EQ(p->first, begins);
      if (p->first) got.emplace_back();
      if (p->first) types.push_back(p->type);
      got.back() += as_text(p->data);
      EXPECT_TRUE(p->last || !p->data.empty());
      if (!p->last) {
        EXPECT_EQ(client.try_receive(soon).error(), os_error(EINVAL));
      }
      begins = p->last;
    }
    std::string pieces;
    for (int i = 0; i < 50; ++i) pieces += "piece";
    EXPECT_EQ(got, (std::vector<std::string>{"whole", long_text, pieces, ""}));
    using enum message_type;
    EXPECT_EQ(types, (std::vector{text, text, binary, text}));
    client.close(soon);
    group.wait();
  }
}

TEST(ws_socket, a_part_that_does_not_come_in_time_is_not_lost) {
  half h = open(role::server);
  const std::string whole = h.from_peer(opcode::text, std::string(30'000, 'p'));
  h.peer->write(std::string_view(whole).substr(0, 20'000));
  EXPECT_FALSE(h.ws.recv_part(soon)->last);
  EXPECT_EQ(h.ws.try_receive_part(5ms).error(), os_error(ETIMEDOUT));
  h.peer->write(whole.substr(20'000) + h.from_peer(opcode::ping, "!") +
                h.from_peer(opcode::text, "next"));
  const auto rest = h.ws.recv_part(soon);
  EXPECT_TRUE(rest->last);
  EXPECT_FALSE(rest->first);
  EXPECT_EQ(h.ws.recv(soon)->text(), "next");
  EXPECT_EQ(h.next_frame().payload, "!");
}

// A peer that does not receive before it has sent all of its own.
TEST(ws_socket, a_receive_goes_on_while_there_is_no_room_for_its_answers) {
  for (const bool close : {false, true}) {
    auto [a, b] = memory_pair({}, {.capacity = 10});
    half h{attach_without_handshake(std::move(a), role::server), std::move(b)};
    h.ws.send("fills the way");
    h.peer->write(h.from_peer(opcode::ping, "first") + h.from_peer(opcode::text, "a message"));
    EXPECT_EQ(h.ws.recv(soon)->text(), "a message");
    h.peer->write(h.from_peer(opcode::ping, "second"));
    if (close) h.peer->write(h.from_peer(opcode::close, wire::close_payload(1000)));
    h.peer->write(h.from_peer(opcode::text, "the last"));
    const auto got = h.ws.recv(soon);
    EXPECT_EQ(got.has_value(), !close);
    EXPECT_EQ(h.next_frame().payload, "fills the way");
    EXPECT_EQ(h.next_frame().payload, "first");
    EXPECT_EQ(h.next_frame().payload, "second");
    if (close) {
      EXPECT_EQ(h.next_frame().op, opcode::close);
    }
  }
}

TEST(ws_socket, detach_waits_until_the_peer_has_the_answers_that_found_no_room) {
  auto [a, b] = memory_pair({}, {.capacity = 10});
  half h{attach_without_handshake(std::move(a), role::server), std::move(b)};
  h.ws.send("fills the way");
  h.peer->write(h.from_peer(opcode::ping, "ping") + h.from_peer(opcode::close, "") + "behind");
  EXPECT_EQ(h.ws.recv(soon), std::nullopt);
  task_group group;
  auto under = group.go([&] { return h.ws.detach(1000, "", soon); });
  caraway::yield();
  for (const auto op : {opcode::text, opcode::pong, opcode::close})
    EXPECT_EQ(h.next_frame().op, op);
  EXPECT_EQ(as_text(under.join()->fill(6)), "behind");
}

TEST(ws_socket, within_a_message_that_will_not_end_every_receive_says_why) {
  for (const bool abort : {false, true}) {
    half h = open(role::server);
    h.peer->write(
        std::string_view(h.from_peer(opcode::text, std::string(30'000, 'p'))).substr(0, 20'000));
    EXPECT_FALSE(h.ws.recv_part(soon)->last);
    EXPECT_EQ(h.ws.try_receive(soon).error(), os_error(EINVAL));
    if (abort)
      h.ws.abort();
    else
      h.peer->done();
    const std::error_code end = abort ? errc::closed : errc::end_of_stream;
    EXPECT_EQ(h.ws.try_receive_part(soon).error(), end);
    EXPECT_EQ(h.ws.try_receive(soon).error(), end);
  }
}

TEST(ws_socket, parts_are_limited_and_checked_as_their_message_is) {
  const std::string first(20'000, 'x');
  for (const bool too_big : {false, true}) {
    half h = open(role::server, {}, {.message = 30'000});
    h.peer->write(h.from_peer(opcode::text, first, false));
    EXPECT_FALSE(h.ws.recv_part(soon)->last);
    h.peer->write(h.from_peer(opcode::continuation, too_big ? first : "\xff"));
    EXPECT_EQ(h.ws.try_receive_part(soon).error(),
              too_big ? errc::message_too_big : errc::protocol);
    EXPECT_EQ(h.ws.try_receive_part(soon).error(),
              too_big ? errc::message_too_big : errc::protocol);
  }
}

TEST(ws_socket, detach_gives_the_stream_back_exactly_behind_the_close_frame) {
  half h = open(role::server);
  h.peer->write(h.from_peer(opcode::text, "dropped") +
                h.from_peer(opcode::close, close_payload(1000)) + "the rest");
  const stream_ptr under = h.ws.detach(1000, "", soon);
  EXPECT_EQ(as_text(under->fill(8)), "the rest");
  EXPECT_EQ(h.next_frame().op, opcode::close);
  under->write("back");
  EXPECT_EQ(as_text(h.peer->fill(4)), "back");
  EXPECT_EQ(h.ws.try_receive(soon), std::nullopt);
  EXPECT_EQ(h.ws.try_send(message_type::text, {}, soon).error(), errc::closed);
}

TEST(ws_socket, detach_fails_while_another_coroutine_receives) {
  half h = open(role::server);
  task_group group;
  group.go([&] { EXPECT_EQ(h.ws.recv(soon)->text(), "later"); });
  caraway::yield();
  EXPECT_EQ(h.ws.try_detach(1000, "", soon).error(), os_error(EBUSY));
  h.peer->write(h.from_peer(opcode::text, "later"));
  group.wait();
}

TEST(ws_socket, a_detach_that_fails_resets_the_stream) {
  half h = open(role::server);
  EXPECT_EQ(h.ws.try_detach(1000, "", 10ms).error(), os_error(ETIMEDOUT));
  EXPECT_EQ(h.ws.stream(), nullptr);
  std::error_code last;
  while (!last)
    if (const auto more = h.peer->try_fill(h.peer->buffered().size() + 1, soon); !more)
      last = more.error();
  EXPECT_EQ(last, os_error(ECONNRESET));
}

TEST(ws_socket, a_cancelled_coroutine_neither_receives_nor_sends) {
  auto [client, server] = connected();
  server.send("waiting");
  task_group group;
  group.go([&] {
    EXPECT_EQ(client.try_receive(soon).value()->text(), "waiting");
    EXPECT_EQ(client.try_receive(soon).error(), os_error(ECANCELED));
    EXPECT_EQ(client.try_send(message_type::text, {}, soon).error(), os_error(ECANCELED));
  });
  caraway::yield();
  group.cancel();
  static_cast<void>(group.try_wait(soon));
  EXPECT_EQ(server.try_receive(immediately).error(), os_error(ETIMEDOUT));
}

TEST(ws_socket, wherever_the_transport_breaks_an_error_comes_and_nothing_else) {
  bool broke = true;
  for (std::size_t n = 0; broke; ++n) {
    ASSERT_LT(n, 100u);
    auto [client, server] = connected({.chop = 3, .fail_at = n});
    task_group group;
    group.go([&] {
      while (const auto m = server.try_receive(soon).value_or(std::nullopt))
        static_cast<void>(server.try_send(m->type, parts(&m->data, 1), soon));
      static_cast<void>(server.try_close(soon));
    });
    const bytes text = as_bytes("there and back");
    const auto sent = client.try_send(message_type::text, parts(&text, 1), soon);
    const auto got = client.try_receive(soon);
    const auto closed = client.try_close(soon);
    broke = !(sent && got && closed);
    for (const auto error :
         {sent ? std::error_code() : sent.error(), got ? std::error_code() : got.error(),
          closed ? std::error_code() : closed.error()})
      EXPECT_TRUE(!error || error == os_error(ECONNRESET) || error == errc::end_of_stream)
          << n << error.message();
    group.wait();
  }
}

TEST(ws_socket, a_socket_without_a_stream_is_closed) {
  socket none;
  EXPECT_EQ(none.try_receive(soon).error(), errc::closed);
  EXPECT_EQ(none.try_send(message_type::text, {}, soon).error(), errc::closed);
  EXPECT_EQ(none.try_close(soon).error(), errc::closed);
  EXPECT_EQ(none.try_ping({}, soon).error(), errc::closed);
  EXPECT_EQ(none.try_begin(message_type::text, soon).error(), errc::closed);
  EXPECT_FALSE(none.is_open());
  EXPECT_EQ(none.close_code(), close_code::abnormal);
  EXPECT_EQ(none.request().method, "");
  none.abort();
}

TEST(ws_socket, a_socket_moves_while_it_is_open) {
  auto [client, server] = connected();
  client.send("before");
  socket moved = std::move(client);
  moved.send("after");
  EXPECT_EQ(server.recv(soon)->text(), "before");
  EXPECT_EQ(server.recv(soon)->text(), "after");
}

}  // namespace
}  // namespace caraway::ws
