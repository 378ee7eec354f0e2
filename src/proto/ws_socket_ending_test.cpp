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

TEST(ws_socket_ending, an_observer_hears_what_the_transport_broke_with) {
  in_a_world([] {
    auto [a, b] = memory_pair();
    const auto hears = std::make_shared<last_heard>();
    b->write(
        "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n");
    server_options options;
    options.observer = hears;
    socket ws = attach_server(std::move(a), options, 1s);
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

}  // namespace
}  // namespace caraway::ws
