// ws_socket_keeping_test.cpp - what a socket does by itself, in virtual time.
#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <string>

#include "caraway/memory_pair.hpp"
#include "caraway/sim.hpp"
#include "caraway/task_group.hpp"
#include "caraway/this_task.hpp"
#include "caraway/ws_socket.hpp"
#include "proto/ws_wire.hpp"
#include "runtime/scheduler.hpp"

namespace caraway::ws {
namespace {

using namespace std::chrono_literals;
using wire::close_payload;
using wire::frame;

constexpr auto a_day = 24h;

// A server's socket, and the bare stream that it talks to.
struct half {
  socket ws;
  stream_ptr peer;
  time_point start = now();

  std::chrono::milliseconds elapsed() const {
    return std::chrono::round<std::chrono::milliseconds>(now() - start);
  }
  wire::received_frame next_frame(deadline dl = a_day) {
    return wire::read_frame(*peer, role::server == ws.role() ? role::client : role::server, dl);
  }
  void write(opcode op, std::string_view payload = {}, bool fin = true) {
    peer->write(frame(role::client, op, payload, fin));
  }
  std::error_code error_of_receive(deadline dl = a_day) {
    const auto m = ws.try_receive(dl);
    return m ? std::error_code() : m.error();
  }
};

half open(const limits& l = {}) {
  auto [a, b] = memory_pair();
  return {attach_without_handshake(std::move(a), role::server, l), std::move(b)};
}

// In a world where time costs nothing.
void in_a_world(std::move_only_function<void()> f) {
  sim::run({}, std::move(f));
}

TEST(ws_socket_keeping, a_silent_peer_is_asked_after_half_the_time_and_given_up_after_all_of_it) {
  in_a_world([] {
    half h = open();
    task_group group;
    group.go([&] {
      EXPECT_EQ(h.next_frame().op, opcode::ping);
      EXPECT_EQ(h.elapsed(), 60s);
    });
    EXPECT_EQ(h.error_of_receive(), errc::keepalive);
    EXPECT_EQ(h.elapsed(), 120s);
    EXPECT_EQ(h.error_of_receive(), errc::keepalive) << "again";
    EXPECT_EQ(h.ws.try_send(message_type::text, {}, 1s).error(), errc::keepalive);
    EXPECT_EQ(h.ws.close_code(), close_code::abnormal);
    EXPECT_FALSE(h.ws.is_open());
    EXPECT_EQ(h.ws.stream(), nullptr);
    EXPECT_EQ(h.ws.try_close(1s).error(), errc::keepalive);
    EXPECT_EQ(h.peer->try_fill(1, 1s).error(), os_error(ECONNRESET)) << "aborted";
  });
}

TEST(ws_socket_keeping, a_sender_and_who_waits_for_a_pong_hear_why_the_peer_was_given_up) {
  in_a_world([] {
    auto [a, b] = memory_pair({}, {.capacity = 10});
    socket ws = attach_without_handshake(std::move(a), role::server);
    ws.send("more than there is room for");
    task_group group;
    group.go(
        [&] { EXPECT_EQ(ws.try_send(message_type::text, {}, a_day).error(), errc::keepalive); });
    group.go(
        [&] { EXPECT_EQ(ws.try_send(message_type::text, {}, a_day).error(), errc::keepalive); });
    group.go([&] { EXPECT_EQ(ws.try_probe({}, a_day).error(), errc::keepalive); });
    EXPECT_EQ(ws.try_receive(a_day).error(), errc::keepalive);
    group.wait();
  });
}

TEST(ws_socket_keeping, whatever_comes_is_a_sign_of_life) {
  const std::string half_a_frame = frame(role::client, opcode::text, std::string(10'000, 'x'));
  const std::string pong = frame(role::client, opcode::pong, "unsolicited");
  const std::string ping = frame(role::client, opcode::ping, "");
  const std::string large = frame(role::client, opcode::binary, std::string(1'000'000, 'x'));
  for (const std::string* what : {&half_a_frame, &pong, &ping, &large}) {
    in_a_world([&] {
      half h = open();
      task_group group;
      group.go([&] {
        const bool whole = what->size() < 100;
        for (std::size_t i = 0; i < 20; ++i) {
          h.peer->write(whole ? *what : what->substr(i, 1));
          caraway::sleep(50s);
        }
        EXPECT_TRUE(h.ws.is_open());
      });
      EXPECT_EQ(h.error_of_receive(), errc::keepalive);
      EXPECT_GE(h.elapsed(), 19 * 50s + 120s);
      EXPECT_LE(h.elapsed(), 20 * 50s + 120s);
    });
  }
}

TEST(ws_socket_keeping, a_pong_is_enough_to_live_for_ever) {
  in_a_world([] {
    auto [a, b] = memory_pair();
    socket one = attach_without_handshake(std::move(a), role::server);
    socket other = attach_without_handshake(std::move(b), role::client);
    task_group group;
    group.go([&] { EXPECT_EQ(one.try_receive(a_day).error(), os_error(ETIMEDOUT)); });
    group.go([&] { EXPECT_EQ(other.try_receive(a_day).error(), os_error(ETIMEDOUT)); });
    group.wait();
    EXPECT_TRUE(one.round_trip_time().has_value());
    one.send("still there");
    EXPECT_EQ(other.recv(1s)->text(), "still there");
  });
}

TEST(ws_socket_keeping, pings_are_answered_and_pongs_heard_while_nobody_receives) {
  in_a_world([] {
    half h = open();
    h.write(opcode::ping, "hello");
    EXPECT_EQ(h.next_frame().payload, "hello");
    EXPECT_LE(h.elapsed(), 100ms);
    h.write(opcode::ping, "again");
    EXPECT_EQ(h.next_frame(immediately).payload, "again") << "somebody listens already";
    for (int n = 1; n < 10; ++n) {
      const auto ping = h.next_frame();
      EXPECT_EQ(ping.op, opcode::ping);
      h.write(opcode::pong, ping.payload);
    }
    h.write(opcode::text, "message");
    EXPECT_EQ(h.ws.recv(1s)->text(), "message");
  });
}

TEST(ws_socket_keeping, a_peer_that_vanishes_while_nobody_receives_is_given_up) {
  in_a_world([] {
    half h = open();
    caraway::sleep(121s);
    EXPECT_FALSE(h.ws.is_open());
    EXPECT_EQ(h.error_of_receive(), errc::keepalive);
  });
}

TEST(ws_socket_keeping, one_message_is_read_ahead_and_no_more) {
  in_a_world([] {
    auto [a, b] = memory_pair({.capacity = 10, .chop = 100});
    socket ws = attach_without_handshake(std::move(a), role::server);
    caraway::sleep(1s);
    const std::string message = frame(role::client, opcode::text, std::string(94, 'x'));
    b->write(message);
    b->write(message);
    caraway::sleep(1h);
    std::array<bytes, 1> third{as_bytes(message)};
    EXPECT_EQ(b->try_write(third, 1h).error(), os_error(ETIMEDOUT)) << "the second was not read";
    EXPECT_TRUE(ws.is_open()) << "the silence is ours";
    EXPECT_EQ(ws.recv(immediately)->size(), 94u);
    EXPECT_EQ(ws.recv(immediately)->size(), 94u);
  });
}

// The way to the peer stays open, and it sees that somebody is there.
TEST(ws_socket_keeping, pings_go_on_while_a_message_waits_or_is_received_slowly_in_parts) {
  for (const bool in_parts : {false, true}) {
    in_a_world([in_parts] {
      half h = open();
      h.write(opcode::text, "some", !in_parts);
      if (in_parts) h.ws.recv_part(1s);
      for (int n = 1; n < 10; ++n) {
        const auto ping = h.next_frame();
        EXPECT_EQ(ping.op, opcode::ping);
        EXPECT_EQ(h.elapsed() / 1s, n * 60);
        caraway::sleep(10s);
        h.write(opcode::pong, ping.payload);
      }
      EXPECT_TRUE(h.ws.is_open());
      if (!in_parts) h.ws.recv(1s);
      EXPECT_FALSE(h.ws.try_receive_part(1s).has_value());
      EXPECT_EQ(h.ws.round_trip_time(), std::nullopt) << "the pongs have waited for us";
    });
  }
}

TEST(ws_socket_keeping,
     a_peer_that_vanished_while_a_message_waited_is_given_up_once_somebody_listens) {
  in_a_world([] {
    half h = open();
    h.write(opcode::text, "unread");
    caraway::sleep(1h);
    EXPECT_EQ(h.ws.recv(1s)->text(), "unread");
    EXPECT_EQ(h.error_of_receive(), errc::keepalive);
    EXPECT_LE(h.elapsed(), 1h + 121s);
  });
}

TEST(ws_socket_keeping,
     a_broken_transport_is_left_alone_while_a_message_waits_and_then_found_again) {
  in_a_world([] {
    const std::size_t timers = runtime::scheduler::current().timers();
    half h = open();
    h.write(opcode::text, "unread");
    caraway::sleep(1s);
    h.peer->abort();
    caraway::sleep(5min);
    EXPECT_FALSE(h.ws.is_open());
    EXPECT_EQ(runtime::scheduler::current().timers(), timers);
    EXPECT_EQ(h.ws.recv(1s)->text(), "unread");
    caraway::sleep(1s);
    EXPECT_EQ(runtime::scheduler::current().timers(), timers);
    EXPECT_EQ(h.error_of_receive(), os_error(ECONNRESET));
  });
}

TEST(ws_socket_keeping, the_message_in_use_stays_in_place_while_pings_are_answered) {
  for (const std::size_t size : {std::size_t{5}, std::size_t{500'000}}) {
    in_a_world([size] {
      half h = open();
      const std::string text(size, 'm');
      h.peer->write(frame(role::client, opcode::text, text) +
                    frame(role::client, opcode::ping, "behind") +
                    frame(role::client, opcode::text, std::string(size, 'n')));
      const auto m = h.ws.recv(1s);
      EXPECT_EQ(h.next_frame(1s).payload, "behind");
      EXPECT_EQ(m->text(), text);
      const auto next = h.ws.recv(1s);
      EXPECT_EQ(next->text(), std::string(size, 'n'));
      h.write(opcode::ping, "later");
      EXPECT_EQ(h.next_frame(1s).payload, "later");
      EXPECT_EQ(next->text(), std::string(size, 'n'));
    });
  }
}

// Receivers that come and go while messages arrive at any moment: all arrive, once, in order.
TEST(ws_socket_keeping, no_message_is_lost_between_receivers_and_their_stand_in) {
  in_a_world([] {
    half h = open();
    constexpr int count = 3000;
    task_group group;
    group.go([&] {
      for (int i = 0; i < count; ++i) {
        h.write(opcode::text, std::to_string(i));
        if (i % 7 == 0) h.write(opcode::ping, "?");
        caraway::sleep(std::chrono::milliseconds(i * 37 % 211));
      }
    });
    group.go([&] {
      while (h.peer->try_fill(1, a_day)) h.peer->consume(h.peer->buffered().size());
    });
    int next = 0;
    for (int turn = 0; next < count; ++turn) {
      const auto m = h.ws.try_receive(std::chrono::milliseconds(turn * 13 % 90));
      if (m)
        ASSERT_EQ((*m)->text(), std::to_string(next++));
      else
        ASSERT_EQ(m.error(), os_error(ETIMEDOUT));
      caraway::sleep(std::chrono::milliseconds(turn * 29 % 171));
    }
    group.cancel();
  });
}

TEST(ws_socket_keeping, a_second_receiver_is_refused_and_a_stand_in_makes_room) {
  in_a_world([] {
    half h = open();
    caraway::sleep(1s);
    task_group group;
    group.go([&] { EXPECT_EQ(h.ws.recv(1s)->text(), "for the first"); });
    caraway::sleep(1ms);
    EXPECT_EQ(h.error_of_receive(immediately), os_error(EBUSY));
    h.write(opcode::text, "for the first");
  });
}

TEST(ws_socket_keeping, a_socket_goes_closes_and_gives_its_stream_back_while_somebody_stands_in) {
  in_a_world([] {
    const std::size_t before = runtime::scheduler::current().count();
    const std::size_t timers = runtime::scheduler::current().timers();
    for (int way = 0; way < 4; ++way) {
      half h = open();
      caraway::sleep(1s);
      EXPECT_EQ(runtime::scheduler::current().count(), before + 1);
      if (way == 1) h.write(opcode::close, close_payload(1000));
      if (way == 1) h.ws.close(1s);
      if (way == 2) h.ws.abort();
      if (way == 3) {
        h.peer->write(frame(role::client, opcode::close, close_payload(1000)) + "behind");
        EXPECT_EQ(as_text(h.ws.detach(1000, "", 1s)->fill(6)), "behind");
      }
      h.ws = socket();
      EXPECT_EQ(runtime::scheduler::current().count(), before) << way;
      EXPECT_EQ(runtime::scheduler::current().timers(), timers) << way;
    }
  });
}

TEST(ws_socket_keeping, switched_off_nothing_is_sent_and_nothing_received_unasked) {
  in_a_world([] {
    half h = open({.keepalive = keepalive_off});
    h.write(opcode::ping, "ping");
    caraway::sleep(a_day);
    EXPECT_EQ(h.peer->try_fill(1, immediately).error(), os_error(ETIMEDOUT));
    EXPECT_EQ(h.error_of_receive(1h), os_error(ETIMEDOUT));
    EXPECT_EQ(h.next_frame(immediately).payload, "ping");
    EXPECT_EQ(h.error_of_receive(a_day), os_error(ETIMEDOUT));
    EXPECT_EQ(h.peer->try_fill(1, immediately).error(), os_error(ETIMEDOUT));
  });
}

TEST(ws_socket_keeping, no_time_to_the_ping_switches_off) {
  in_a_world([] {
    const std::size_t timers = runtime::scheduler::current().timers();
    half h = open({.keepalive = {0ms, 0ms}, .idle = 0ms});
    EXPECT_EQ(runtime::scheduler::current().timers(), timers);
    EXPECT_EQ(h.error_of_receive(), os_error(ETIMEDOUT));
    EXPECT_EQ(h.peer->try_fill(1, immediately).error(), os_error(ETIMEDOUT));
    EXPECT_TRUE(h.ws.is_open());
  });
}

TEST(ws_socket_keeping, a_peer_that_never_answers_the_close_frame_is_given_up_too) {
  in_a_world([] {
    half h = open();
    value_or_raise(h.ws.try_done(1000, {}, 1s), "done");
    EXPECT_EQ(h.error_of_receive(), errc::keepalive);
    EXPECT_EQ(h.elapsed(), 120s);
    EXPECT_EQ(h.next_frame().op, opcode::close);
    EXPECT_FALSE(h.peer->try_fill(1, 1s)) << "no ping behind the close frame";
  });
}

TEST(ws_socket_keeping, an_idle_conversation_is_closed_however_alive_the_peer_is) {
  in_a_world([] {
    half h = open({.idle = 10min});
    task_group group;
    group.go([&] {
      for (;;) {
        caraway::sleep(30s);
        h.write(opcode::ping);
      }
    });
    group.go([&] {
      auto f = h.next_frame();
      while (f.op == opcode::pong) f = h.next_frame();
      EXPECT_EQ(h.elapsed(), 10min);
      EXPECT_EQ(f.op, opcode::close);
      EXPECT_EQ(f.payload, close_payload(1001, "idle"));
      h.write(opcode::close, close_payload(1001));
    });
    EXPECT_EQ(h.error_of_receive(), errc::idle);
    EXPECT_EQ(h.error_of_receive(), errc::idle) << "again";
    EXPECT_EQ(h.ws.try_send(message_type::text, {}, 1s).error(), errc::idle);
    EXPECT_EQ(h.elapsed(), 10min);
    group.cancel();
  });
}

TEST(ws_socket_keeping, an_idle_conversation_ends_even_if_the_peer_does_not_answer) {
  in_a_world([] {
    half h = open({.keepalive = keepalive_off, .idle = 10min});
    EXPECT_EQ(h.error_of_receive(), errc::idle);
    EXPECT_EQ(h.elapsed(), 10min + 5s);
    EXPECT_EQ(h.ws.stream(), nullptr);
  });
}

TEST(ws_socket_keeping, messages_of_either_side_keep_a_conversation_from_being_idle) {
  in_a_world([] {
    half h = open({.keepalive = keepalive_off, .idle = 10min});
    for (int n = 0; n < 10; ++n) {
      caraway::sleep(9min);
      if (n % 2 == 0) {
        h.ws.send("from here");
      } else {
        h.write(opcode::text, "from there");
        EXPECT_EQ(h.ws.recv(1s)->text(), "from there");
      }
    }
    EXPECT_EQ(h.error_of_receive(), errc::idle);
    EXPECT_EQ(h.elapsed(), 100min + 5s);
  });
}

TEST(ws_socket_keeping, a_message_that_is_read_ahead_keeps_a_conversation_from_being_idle) {
  in_a_world([] {
    half h = open({.keepalive = {60s, unlimited}, .idle = 10min});
    caraway::sleep(9min);
    h.write(opcode::text, "unread");
    caraway::sleep(9min);
    EXPECT_TRUE(h.ws.is_open());
    caraway::sleep(2min);
    EXPECT_FALSE(h.ws.is_open());
  });
}

// One large frame, a small one, and fragments; and pings between fragments are none.
TEST(ws_socket_keeping, a_message_that_trickles_in_keeps_a_conversation_from_being_idle) {
  const std::string large = frame(role::client, opcode::text, std::string(100'000, 'x'));
  const std::string small = frame(role::client, opcode::text, std::string(100, 'x'));
  for (const std::string* what : {&large, &small}) {
    in_a_world([&] {
      half h = open({.keepalive = keepalive_off, .idle = 10min});
      task_group group;
      group.go([&] {
        const std::size_t step = what->size() / 5;
        for (std::size_t at = 0; at < what->size(); at += step) {
          caraway::sleep(9min);
          h.peer->write(std::string_view(*what).substr(at, step));
        }
      });
      EXPECT_GE(h.ws.recv()->size(), 100u);
      EXPECT_GE(h.elapsed(), 45min);
    });
  }
  in_a_world([] {
    half h = open({.keepalive = keepalive_off, .idle = 10min});
    task_group group;
    group.go([&] {
      for (int n = 0; n < 100; ++n) {
        caraway::sleep(5min);
        if (n < 10) h.write(n == 0 ? opcode::text : opcode::continuation, "part", false);
        if (n >= 10) h.write(opcode::ping);
      }
    });
    EXPECT_EQ(h.error_of_receive(), errc::idle);
    EXPECT_EQ(h.elapsed(), 10 * 5min + 10min + 5s);
    group.cancel();
  });
}

TEST(ws_socket_keeping, a_probe_takes_as_long_as_the_peer_takes_to_answer) {
  in_a_world([] {
    half h = open();
    task_group group;
    group.go([&] {
      for (const auto takes : {30ms, 10ms}) {
        const auto ping = h.next_frame();
        EXPECT_EQ(ping.payload, "my own");
        caraway::sleep(takes);
        h.write(opcode::pong, "not that");
        h.write(opcode::pong, ping.payload);
      }
    });
    group.go([&] { EXPECT_EQ(h.error_of_receive(1s), os_error(ETIMEDOUT)); });
    caraway::yield();
    EXPECT_EQ(h.ws.round_trip_time(), std::nullopt);
    EXPECT_EQ(h.ws.probe(as_bytes("my own"), 1s), 30ms);
    EXPECT_EQ(h.ws.probe(as_bytes("my own"), 1s), 10ms);
    EXPECT_EQ(h.ws.round_trip_time()->last, 10ms);
    EXPECT_EQ(h.ws.round_trip_time()->smoothed, 27500us);
    EXPECT_EQ(h.ws.try_probe(bytes(std::vector<std::byte>(126)), 1s).error(), os_error(EINVAL));
    EXPECT_EQ(h.ws.try_probe({}, 1s).error(), os_error(ETIMEDOUT));
    group.wait();
  });
}

TEST(ws_socket_keeping, a_probe_ends_with_the_conversation_whoever_ends_it) {
  enum way { peer_closes, peer_ends, peer_breaks_the_rules, peer_aborts, we_close, ways };
  const std::error_code closed = errc::closed;
  const std::array<std::error_code, ways> expected{closed, errc::end_of_stream, errc::protocol,
                                                   os_error(ECONNRESET), closed};
  for (int w = 0; w < ways; ++w) {
    for (const bool receiving : {true, false}) {
      in_a_world([&] {
        half h = open({.keepalive = {.ping_after = a_day}});
        task_group group;
        auto probe = group.go([&] { return h.ws.try_probe({}, never); });
        if (receiving && w != we_close) group.go([&] { static_cast<void>(h.error_of_receive()); });
        EXPECT_EQ(h.next_frame().payload.size(), 8u);
        const bool closes = w == peer_closes || w == we_close;
        if (closes) h.write(opcode::close, close_payload(1000));
        if (w == peer_ends) h.peer->done();
        if (w == peer_breaks_the_rules) h.write(opcode::continuation, "of nothing");
        if (w == peer_aborts) h.peer->abort();
        if (w == we_close) h.ws.close(1s);
        EXPECT_EQ(probe.join().error(), expected[static_cast<std::size_t>(w)]) << w;
        EXPECT_LE(h.elapsed(), 1s);
      });
    }
  }
}

TEST(ws_socket_keeping, probes_without_a_payload_hear_their_own_pongs_only) {
  in_a_world([] {
    half h = open();
    task_group group;
    auto probe = group.go([&] { return h.ws.try_probe({}, 1s); });
    const auto ping = h.next_frame();
    h.write(opcode::pong);
    caraway::sleep(500ms);
    h.write(opcode::pong, ping.payload);
    EXPECT_GE(probe.join().value(), 500ms);
  });
}

TEST(ws_socket_keeping, a_receiver_that_polls_in_vain_does_not_hide_a_dead_peer) {
  in_a_world([] {
    half h = open();
    std::error_code end;
    while (!end || end == os_error(ETIMEDOUT)) {
      end = h.error_of_receive(immediately);
      caraway::sleep(50ms);
    }
    EXPECT_EQ(end, errc::keepalive);
    EXPECT_NEAR(static_cast<double>(h.elapsed().count()), 120'000, 100);
  });
}

}  // namespace
}  // namespace caraway::ws
