// ws_socket_ending_test.cpp - how conversations end that nobody ends as it should be, in virtual time.
#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "caraway/memory_pair.hpp"
#include "caraway/sim.hpp"
#include "caraway/task_group.hpp"
#include "caraway/this_task.hpp"
#include "caraway/ws_observer.hpp"
#include "caraway/ws_socket.hpp"
#include "proto/tls_pair.hpp"
#include "proto/ws_wire.hpp"
#include "runtime/scheduler.hpp"

namespace caraway::ws {
namespace {

using namespace std::chrono_literals;
using wire::close_payload;
using wire::frame;

// A server's socket, and the bare stream that it talks to.
struct half {
  socket ws;
  stream_ptr peer;

  void write(opcode op, std::string_view payload = {}) {
    peer->write(frame(role::client, op, payload));
  }
};

half open(const limits& l = {}) {
  auto [a, b] = memory_pair();
  return {attach_without_handshake(std::move(a), role::server, l), std::move(b)};
}

std::error_code error_of_receive(socket& ws) {
  const auto m = ws.try_receive(1s);
  return m ? std::error_code() : m.error();
}

std::error_code error_of_send(socket& ws) {
  const auto sent = ws.try_send(message_type::text, {}, 1s);
  return sent ? std::error_code() : sent.error();
}

void in_a_world(std::move_only_function<void()> f) {
  sim::run({}, std::move(f));
}

// What the thread has to look after.
struct burden {
  std::size_t coroutines = runtime::scheduler::current().count();
  std::size_t timers = runtime::scheduler::current().timers();

  friend bool operator==(const burden&, const burden&) = default;
};

TEST(ws_socket_ending, a_reset_while_nobody_receives_ends_the_conversation_for_good) {
  in_a_world([] {
    const burden before;
    half h = open();
    caraway::sleep(1s);
    h.peer->abort();
    caraway::sleep(1min);
    EXPECT_EQ(burden(), before) << "nobody tries again";
    EXPECT_FALSE(h.ws.is_open());
    EXPECT_FALSE(h.ws.peer_has_closed());
    EXPECT_EQ(h.ws.close_code(), close_code::abnormal);
    for (int n = 0; n < 2; ++n) {
      EXPECT_EQ(error_of_receive(h.ws), os_error(ECONNRESET));
      EXPECT_EQ(error_of_send(h.ws), os_error(ECONNRESET));
    }
    EXPECT_EQ(h.ws.try_close(1s).error(), os_error(ECONNRESET));
  });
}

TEST(ws_socket_ending, whichever_call_finds_the_reset_the_others_say_it_too) {
  for (const bool by_sending : {true, false}) {
    in_a_world([by_sending] {
      half h = open({.keepalive = keepalive_off});
      h.peer->abort();
      EXPECT_TRUE(h.ws.is_open());
      EXPECT_EQ(by_sending ? error_of_send(h.ws) : error_of_receive(h.ws), os_error(ECONNRESET));
      EXPECT_FALSE(h.ws.is_open());
      EXPECT_EQ(error_of_send(h.ws), os_error(ECONNRESET));
      EXPECT_EQ(h.ws.try_ping({}, 1s).error(), os_error(ECONNRESET));
      EXPECT_EQ(h.ws.try_done(1000, {}, 1s).error(), os_error(ECONNRESET));
      EXPECT_EQ(error_of_receive(h.ws), os_error(ECONNRESET));
    });
  }
}

// What the peer said before it went can still be received when a send has failed.
TEST(ws_socket_ending, a_failed_send_does_not_hide_what_the_peer_has_said) {
  in_a_world([] {
    auto [a, b] = memory_pair({}, {});
    socket ws = attach_without_handshake(std::move(a), role::server, {.keepalive = keepalive_off});
    b->write(frame(role::client, opcode::text, "last words") +
             frame(role::client, opcode::close, close_payload(4000, "bye")));
    b->abort();
    EXPECT_EQ(error_of_send(ws), os_error(ECONNRESET));
    EXPECT_EQ(ws.recv(1s)->text(), "last words");
    EXPECT_EQ(error_of_receive(ws), errc::peer_closed);
    EXPECT_EQ(ws.close_code(), 4000);
  });
}

TEST(ws_socket_ending, a_receive_without_memory_is_no_end) {
  in_a_world([] {
    auto [a, b] = memory_pair({.fail_at = 0, .failure = os_error(ENOMEM)});
    socket ws = attach_without_handshake(std::move(a), role::server, {.keepalive = keepalive_off});
    EXPECT_EQ(error_of_receive(ws), os_error(ENOMEM));
    EXPECT_TRUE(ws.is_open());
  });
}

struct last_heard : observer {
  int times = 0;
  ending last{};

  void closed(const conversation&, const ending& e) noexcept override {
    ++times;
    last = {e.code, {}, e.error};
  }
};

// A server's socket on `a` that `hears` of.
socket watched(stream_ptr a, byte_stream& peer, std::shared_ptr<observer> hears) {
  peer.write(
      "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n");
  server_options options;
  options.observer = std::move(hears);
  return attach_server(std::move(a), options, 1s);
}

TEST(ws_socket_ending, an_observer_hears_what_the_transport_broke_with) {
  in_a_world([] {
    auto [a, b] = memory_pair();
    const auto hears = std::make_shared<last_heard>();
    socket ws = watched(std::move(a), *b, hears);
    b->abort();
    EXPECT_EQ(error_of_receive(ws), os_error(ECONNRESET));
    ws = socket();
    EXPECT_EQ(hears->times, 1);
    EXPECT_EQ(hears->last.code, close_code::abnormal);
    EXPECT_EQ(hears->last.error, os_error(ECONNRESET));
  });
}

// Most peers over TLS that go without a close frame go without a close_notify too.
TEST(ws_socket_ending, a_transport_that_ends_without_close_notify_has_ended) {
  for (const bool receiving : {true, false}) {
    in_a_world([receiving] {
      auto [a, b] = memory_pair();
      byte_stream& below_the_client = *a;
      auto [client, server] = tls::connected({std::move(a), std::move(b)});
      socket ws = attach_without_handshake(std::move(server), role::server);
      below_the_client.done();
      if (!receiving) caraway::sleep(1s);
      EXPECT_EQ(ws.is_open(), receiving);
      EXPECT_EQ(error_of_receive(ws), errc::end_of_stream);
      EXPECT_EQ(error_of_send(ws), errc::end_of_stream);
      EXPECT_EQ(ws.close_code(), close_code::abnormal);
      EXPECT_EQ(ws.try_close(1s).error(), errc::end_of_stream);
    });
  }
}

// Who is to end the transport of a conversation that is over.
TEST(ws_socket_ending, the_transport_goes_half_a_second_after_the_close_frames_if_nobody_closes) {
  for (const bool receiving : {true, false}) {
    in_a_world([receiving] {
      const burden before;
      half h = open();
      caraway::sleep(1s);
      const time_point start = now();
      h.write(opcode::close, close_payload(1000, "bye"));
      EXPECT_EQ(wire::read_frame(*h.peer, role::client, 1s).op, opcode::close);
      if (receiving) h.ws.recv(1s);
      EXPECT_NE(h.ws.stream(), nullptr);
      EXPECT_EQ(h.peer->try_fill(1, 10s).error(), errc::end_of_stream);
      EXPECT_EQ(now() - start, 500ms);
      h.peer->close(1s);
      caraway::sleep(1ms);
      EXPECT_EQ(h.ws.stream(), nullptr);
      EXPECT_FALSE(h.ws.is_open());
      EXPECT_TRUE(h.ws.peer_has_closed());
      EXPECT_EQ(h.ws.close_reason(), "bye");
      EXPECT_EQ(burden(), before);
      for (int n = 0; n < 2; ++n) {
        EXPECT_EQ(h.ws.recv(1s), std::nullopt);
        EXPECT_FALSE(h.ws.recv_part(1s));
        EXPECT_EQ(error_of_send(h.ws), errc::closed);
        EXPECT_EQ(h.ws.try_flush(1s).error(), errc::closed);
      }
      EXPECT_TRUE(h.ws.try_close(1s));
      EXPECT_EQ(h.ws.try_close(1s).error(), errc::closed) << "the second time";
    });
  }
}

TEST(ws_socket_ending, a_peer_that_broke_the_rules_is_told_and_left_while_nobody_receives) {
  in_a_world([] {
    half h = open();
    h.write(opcode::continuation, "of nothing");
    EXPECT_EQ(wire::read_frame(*h.peer, role::client, 1s).op, opcode::close);
    EXPECT_EQ(h.peer->try_fill(1, 2s).error(), errc::end_of_stream);
    h.peer->done();
    for (int n = 0; n < 2; ++n) EXPECT_EQ(error_of_receive(h.ws), errc::protocol);
    EXPECT_EQ(h.ws.try_close(1s).error(), errc::protocol);
  });
}

TEST(ws_socket_ending, the_answer_to_our_close_frame_ends_the_transport_too) {
  in_a_world([] {
    half h = open();
    value_or_raise(h.ws.try_done(1000, {}, 1s), "done");
    h.write(opcode::close, close_payload(1000));
    EXPECT_EQ(wire::read_frame(*h.peer, role::client, 1s).op, opcode::close);
    EXPECT_EQ(h.peer->try_fill(1, 2s).error(), errc::end_of_stream);
    h.peer->done();
    EXPECT_TRUE(h.ws.try_close(1s));
  });
}

TEST(ws_socket_ending, a_transport_that_is_to_be_kept_has_to_be_detached_in_time) {
  for (const auto later : {400ms, 700ms}) {
    in_a_world([later] {
      half h = open();
      h.peer->write(frame(role::client, opcode::close, close_payload(1000)) + "behind");
      caraway::sleep(later);
      auto kept = h.ws.try_detach(1000, {}, 1s);
      if (later < 500ms)
        EXPECT_EQ(as_text((*kept)->fill(6, 1s)), "behind");
      else
        EXPECT_EQ(kept.error(), errc::closed);
      caraway::sleep(5s);
      EXPECT_EQ(error_of_send(h.ws), errc::closed);
    });
  }
}

TEST(ws_socket_ending, without_keepalive_nothing_ends_by_itself) {
  in_a_world([] {
    half h = open({.keepalive = keepalive_off});
    h.write(opcode::close, close_payload(1000));
    EXPECT_EQ(h.ws.recv(1s), std::nullopt);
    caraway::sleep(1h);
    EXPECT_NE(h.ws.stream(), nullptr);
    EXPECT_EQ(wire::read_frame(*h.peer, role::client, 1s).op, opcode::close);
    EXPECT_EQ(h.peer->try_fill(1, 1s).error(), os_error(ETIMEDOUT));
  });
}

TEST(ws_socket_ending, an_observer_hears_of_an_end_that_nobody_asked_about) {
  in_a_world([] {
    const auto hears = std::make_shared<last_heard>();
    auto [a, b] = memory_pair();
    socket ws = watched(std::move(a), *b, hears);
    b->write(frame(role::client, opcode::close, close_payload(4321)));
    caraway::sleep(2s);
    EXPECT_EQ(hears->times, 1);
    EXPECT_EQ(hears->last.code, 4321);
    EXPECT_FALSE(hears->last.error);
    EXPECT_TRUE(ws.try_close(1s));
    EXPECT_EQ(hears->times, 1);
  });
}

// A sender was not cancelled when the stream goes.
TEST(ws_socket_ending, who_waits_for_room_is_told_that_the_conversation_is_over) {
  in_a_world([] {
    auto [a, b] = memory_pair({}, {.capacity = 10});
    socket ws = attach_without_handshake(std::move(a), role::server);
    ws.send("more than there is room for");
    task_group group;
    auto sender = group.go([&] { return ws.try_send(message_type::text, {}, never); });
    b->write(frame(role::client, opcode::close, close_payload(1000)));
    EXPECT_EQ(sender.join().error(), errc::closed);
  });
}

TEST(ws_socket_ending, close_waits_for_the_end_that_has_begun_without_it) {
  in_a_world([] {
    half h = open();
    h.write(opcode::close, close_payload(1000));
    caraway::sleep(2s);
    task_group group;
    group.go([&] {
      caraway::sleep(500ms);
      h.peer->done();
    });
    const time_point start = now();
    EXPECT_TRUE(h.ws.try_close(5s));
    EXPECT_EQ(now() - start, 500ms);
  });
}

// Whoever is given up, what came before can still be used and received.
TEST(ws_socket_ending, a_message_in_use_stays_in_place_when_its_peer_is_given_up) {
  for (const std::size_t size : {std::size_t{5}, std::size_t{500'000}}) {
    in_a_world([size] {
      half h = open();
      const std::string text(size, 'm');
      h.write(opcode::text, text);
      const auto m = h.ws.recv(1s);
      caraway::sleep(5min);
      EXPECT_FALSE(h.ws.is_open());
      EXPECT_EQ(m->text(), text);
      EXPECT_EQ(error_of_receive(h.ws), errc::keepalive);
    });
  }
}

TEST(ws_socket_ending,
     a_message_that_was_read_ahead_is_received_although_the_conversation_was_ended) {
  for (const std::size_t size : {std::size_t{5}, std::size_t{500'000}}) {
    in_a_world([size] {
      half h = open({.keepalive = {60s, unlimited}, .idle = 10min});
      const std::string text(size, 'm');
      h.write(opcode::text, text);
      caraway::sleep(1h);
      EXPECT_EQ(h.ws.stream(), nullptr);
      std::string into(size, ' ');
      const auto room = mutable_bytes(reinterpret_cast<std::byte*>(into.data()), size);
      EXPECT_EQ(h.ws.try_receive_into(room.first(size - 1), 1s).error(), os_error(EMSGSIZE));
      EXPECT_EQ(h.ws.recv_into(room, 1s)->size, size);
      EXPECT_EQ(into, text);
      EXPECT_EQ(error_of_receive(h.ws), errc::idle);
    });
  }
}

// A client's socket, and the bare stream of its server, after both close frames.
half closing_client() {
  auto [a, b] = memory_pair();
  half h{attach_without_handshake(std::move(a), role::client), std::move(b)};
  h.peer->write(frame(role::server, opcode::close, close_payload(1000)));
  return h;
}

TEST(ws_socket_ending, a_client_lets_the_server_end_the_transport) {
  in_a_world([] {
    half h = closing_client();
    task_group group;
    group.go([&] { EXPECT_TRUE(h.ws.try_close(5s)); });
    EXPECT_EQ(wire::read_frame(*h.peer, role::server, 1s).op, opcode::close);
    EXPECT_EQ(h.peer->try_fill(1, 900ms).error(), os_error(ETIMEDOUT)) << "not before the server";
    h.peer->done();
    EXPECT_EQ(h.peer->try_fill(1, 10ms).error(), errc::end_of_stream);
  });
}

TEST(ws_socket_ending, a_client_does_not_wait_long_for_a_server_that_does_not_end_the_transport) {
  for (const bool chatty : {false, true}) {
    in_a_world([chatty] {
      half h = closing_client();
      task_group group;
      group.go([&] {
        const bytes more = as_bytes("more");
        while (chatty && h.peer->try_write(parts(&more, 1), 1s)) caraway::sleep(1ms);
      });
      group.go([&] {
        while (h.peer->try_fill(1, never)) h.peer->consume(h.peer->buffered().size());
        h.peer->done();
      });
      const time_point start = now();
      EXPECT_TRUE(h.ws.try_close(5s));
      EXPECT_LE(now() - start, 1s + 1ms);
      group.cancel();
    });
  }
}

TEST(ws_socket_ending, a_client_waits_no_longer_for_the_server_than_it_is_told_to) {
  in_a_world([] {
    half h = closing_client();
    const time_point start = now();
    EXPECT_TRUE(h.ws.try_close(100ms));
    EXPECT_EQ(now() - start, 100ms);
    EXPECT_EQ(h.ws.stream(), nullptr);
  });
}

TEST(ws_socket_ending, an_abort_ends_the_wait_of_a_close) {
  in_a_world([] {
    half h = closing_client();
    task_group group;
    group.go([&] { EXPECT_TRUE(h.ws.try_close(5s)); });
    caraway::sleep(100ms);
    const time_point start = now();
    h.ws.abort();
    group.wait();
    EXPECT_EQ(now(), start);
    EXPECT_EQ(h.peer->try_flush(1s).error(), os_error(ECONNRESET));
  });
}

}  // namespace
}  // namespace caraway::ws
