// ws_life_test.cpp - conversations over TCP that live, linger and end, in virtual time.
#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <string>

#include "caraway/sim.hpp"
#include "caraway/task_group.hpp"
#include "caraway/tcp.hpp"
#include "caraway/this_task.hpp"
#include "caraway/ws.hpp"
#include "proto/ws_wire.hpp"

namespace caraway::ws {
namespace {

using namespace std::chrono_literals;

void in_a_world(std::move_only_function<void()> f, const sim::options& weather = {}) {
  sim::run(weather, std::move(f));
}

void echo(socket& ws) {
  while (const auto m = ws.recv()) ws.send(*m);
}

// The stream below a client's socket, behind its handshake.
stream_ptr raw_client(const server& s) {
  stream_ptr raw = tcp::connect(s.local_address(), 1s);
  raw->write(
      "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n");
  std::size_t seen = 0;
  while (!as_text(raw->buffered()).contains("\r\n\r\n")) seen = raw->fill(seen + 1, 1s).size();
  raw->consume(as_text(raw->buffered()).find("\r\n\r\n") + 4);
  return raw;
}

std::string client_frame(opcode op, std::string_view payload, bool fin = true) {
  return wire::frame(role::client, op, payload, fin);
}

struct pair {
  socket client;
  socket server;
};

pair connected(const limits& of_client = {}, const limits& of_server = {}) {
  auto listener = tcp::listen(address::loopback(0));
  stream_ptr a = tcp::connect(listener.local_address(), 1s);
  stream_ptr b = listener.accept(1s);
  return {attach_without_handshake(std::move(a), role::client, of_client),
          attach_without_handshake(std::move(b), role::server, of_server)};
}

TEST(ws_life, a_server_gives_up_clients_that_vanished_and_keeps_those_that_are_only_quiet) {
  in_a_world(
      [] {
        std::error_code why;
        serve_options options;
        options.on_error = [&](const address&, std::exception_ptr failure) {
          try {
            std::rethrow_exception(failure);
          } catch (const error& e) {
            why = e.code();
          }
        };
        server s("127.0.0.1:0", echo, options);
        const stream_ptr vanished = raw_client(s);
        socket quiet = connect(s.url(), 1s);
        caraway::sleep(119s);
        EXPECT_EQ(s.connections(), 2u);
        caraway::sleep(2s);
        EXPECT_EQ(s.connections(), 1u);
        EXPECT_EQ(why, errc::keepalive);
        caraway::sleep(24h);
        quiet.send("still here");
        EXPECT_EQ(quiet.recv(1s)->text(), "still here");
        EXPECT_TRUE(quiet.round_trip_time().has_value());
        EXPECT_GT(s.totals().round_trips, 1000u) << "of a conversation that is not over";
      },
      {.seed = 3, .min_latency = 5ms, .max_latency = 30ms});
}

TEST(ws_life, a_large_frame_that_trickles_longer_than_the_time_out_arrives) {
  in_a_world([] {
    std::size_t got = 0;
    serve_options options;
    options.limits.message = 16 << 20;
    server s("127.0.0.1:0", [&](socket& ws) { got = ws.recv()->size(); }, options);
    const stream_ptr raw = raw_client(s);
    const std::string frame = client_frame(opcode::binary, std::string(16 << 20, 'x'));
    const std::size_t step = frame.size() / 9 + 1;
    for (std::size_t at = 0; at < frame.size(); at += step) {
      raw->write(std::string_view(frame).substr(at, step));
      caraway::sleep(50s);
    }
    EXPECT_EQ(got, std::size_t{16} << 20);
  });
}

TEST(ws_life, a_server_stops_in_time_whatever_its_clients_do) {
  for (int kind = 0; kind < 6; ++kind) {
    in_a_world([kind] {
      server s("127.0.0.1:0", echo);
      stream_ptr raw;
      task_group group;
      if (kind < 5)
        raw = raw_client(s);
      else
        raw = tcp::connect(s.local_address(), 1s);
      if (kind == 1) raw->write(client_frame(opcode::text, std::string(50'000, 'x')).substr(0, 99));
      if (kind == 2) raw->write(client_frame(opcode::text, "begun", false));
      if (kind == 3)
        group.go([&] {
          const std::string text = client_frame(opcode::text, "never ending");
          const bytes all = as_bytes(text);
          while (raw->try_write(parts(&all, 1), 1s)) caraway::sleep(1ms);
        });
      if (kind == 4) raw->write(client_frame(opcode::ping, ""));
      caraway::sleep(50ms);
      const time_point before = now();
      EXPECT_FALSE(s.stop(2s)) << kind;
      EXPECT_LE(now() - before, 2s + 100ms) << kind;
      EXPECT_EQ(s.connections(), 0u) << kind;
      group.cancel();
    });
  }
}

TEST(ws_life, clients_that_close_in_order_hear_1001_when_the_server_stops) {
  in_a_world([] {
    server s("127.0.0.1:0", echo);
    socket one = connect(s.url(), 1s);
    socket other = connect(s.url(), 1s);
    one.send("in between");
    EXPECT_EQ(one.recv(1s)->text(), "in between");
    task_group group;
    for (socket* ws : {&one, &other})
      group.go([ws] {
        EXPECT_EQ(ws->recv(10s), std::nullopt);
        EXPECT_EQ(ws->close_code(), close_code::going_away);
        ws->close(1s);
      });
    EXPECT_TRUE(s.stop(5s));
    group.wait();
  });
}

TEST(ws_life, a_server_that_was_stopped_says_how_many_ended_and_how_many_were_cut_off) {
  in_a_world([] {
    server s("127.0.0.1:0", echo);
    const stream_ptr silent = raw_client(s), late = tcp::connect(s.local_address(), 1s);
    connect(s.url(), 1s).close();
    task_group group;
    for (int n = 0; n < 3; ++n)
      group.go([&s] {
        socket ws = connect(s.url(), 1s);
        EXPECT_EQ(ws.recv(10s), std::nullopt);
        ws.close(1s);
      });
    caraway::sleep(100ms);
    auto impatient = group.go([&s] { return s.try_stop(never); });
    caraway::sleep(100ms);
    impatient.cancel();
    EXPECT_EQ(impatient.join().error(), os_error(ECANCELED));
    const stop_counts n = s.stop(2s);
    EXPECT_EQ(n.ended, 3u);
    EXPECT_EQ(n.cut_off, 2u);
    EXPECT_FALSE(n);
  });
}

TEST(ws_life, a_server_without_conversations_has_nobody_to_cut_off) {
  in_a_world([] {
    server s("127.0.0.1:0", echo);
    EXPECT_TRUE(s.stop(immediately));
  });
}

// A client that does not read before it is told to; then all, and it answers the close frame.
struct late_reader {
  stream_ptr raw;
  std::size_t messages = 0;
  std::size_t size = 0;  // of all of them
  std::uint16_t close_code = 0;

  void read_to_the_end() {
    for (;;) {
      const auto f = wire::read_frame(*raw, role::client, 60s);
      size += f.op < opcode::close ? f.payload.size() : 0;
      messages += f.op < opcode::close && f.fin ? 1 : 0;
      if (f.op != opcode::close) continue;
      close_code = static_cast<std::uint16_t>(static_cast<unsigned char>(f.payload[0]) << 8 |
                                              static_cast<unsigned char>(f.payload[1]));
      raw->write(client_frame(opcode::close, f.payload));
      raw->close(1s);
      return;
    }
  }
};

TEST(ws_life, a_client_with_all_buffers_full_hears_1001_once_it_reads_again) {
  in_a_world([] {
    std::size_t sent = 0;
    const auto flood = [&sent](socket& ws) {
      const std::string text(50'000, 'x');
      const bytes all = as_bytes(text);
      task_group senders;
      for (int n = 0; n < 4; ++n)
        senders.go([&] {
          while (ws.try_send(message_type::text, parts(&all, 1), never)) ++sent;
        });
      EXPECT_EQ(ws.recv(), std::nullopt);
      senders.wait();
    };
    serve_options options;
    options.limits = {.held_back = 64 * 1024};
    server s("127.0.0.1:0", flood, options);
    late_reader client{raw_client(s)};
    caraway::sleep(1s);
    task_group group;
    auto stop = group.go([&] { return s.stop(10s); });
    caraway::sleep(5s);
    client.read_to_the_end();
    EXPECT_EQ(client.close_code, close_code::going_away);
    EXPECT_EQ(client.messages, sent);
    EXPECT_TRUE(stop.join());
  });
}

TEST(ws_life, a_message_of_many_frames_is_sent_whole_before_the_server_says_1001) {
  for (const bool sender_left : {false, true}) {
    in_a_world([sender_left] {
      constexpr std::size_t size = 900'000;
      const auto send_one = [&](socket& ws) {
        const std::string text(size, 'x');
        const bytes all = as_bytes(text);
        EXPECT_TRUE(ws.try_send(message_type::text, parts(&all, 1), sender_left ? 1s : 1h));
        EXPECT_EQ(ws.recv(), std::nullopt);
      };
      serve_options options;
      options.limits = {.fragment = 50'000, .held_back = 64 * 1024};
      server s("127.0.0.1:0", send_one, options);
      late_reader client{raw_client(s)};
      caraway::sleep(2s);
      task_group group;
      auto stop = group.go([&] { return s.stop(10s); });
      caraway::sleep(5s);
      client.read_to_the_end();
      EXPECT_EQ(client.close_code, close_code::going_away);
      EXPECT_EQ(client.messages, 1u);
      EXPECT_EQ(client.size, size);
      EXPECT_TRUE(stop.join());
    });
  }
}

TEST(ws_life, clients_that_never_read_do_not_hold_a_server_up_that_has_much_to_say) {
  for (const std::size_t size : {std::size_t{50'000}, std::size_t{900'000}}) {
    in_a_world([size] {
      const auto flood = [size](socket& ws) {
        const std::string text(size, 'x');
        const bytes all = as_bytes(text);
        while (ws.try_send(message_type::text, parts(&all, 1), 1s)) {
        }
        static_cast<void>(ws.try_receive(never));
      };
      serve_options options;
      options.limits = {.fragment = 100'000, .held_back = 64 * 1024};
      server s("127.0.0.1:0", flood, options);
      const stream_ptr one = raw_client(s), other = raw_client(s);
      caraway::sleep(2s);
      const time_point before = now();
      EXPECT_FALSE(s.stop(2s));
      EXPECT_LE(now() - before, 2s + 100ms);
      EXPECT_EQ(s.connections(), 0u);
    });
  }
}

TEST(ws_life, a_close_in_the_middle_of_frames_both_ways_ends_in_time) {
  in_a_world([] {
    server s("127.0.0.1:0", [](socket& ws) {
      ws.begin(message_type::text);
      ws.send_part(as_bytes("the beginning of"));
      EXPECT_EQ(ws.try_close(1000, {}, 3s).error(), os_error(ETIMEDOUT));
    });
    const stream_ptr raw = raw_client(s);
    raw->write(client_frame(opcode::binary, std::string(60'000, 'x')).substr(0, 30'000));
    EXPECT_EQ(wire::read_frame(*raw, role::client, 1s).fin, false);
    EXPECT_EQ(wire::read_frame(*raw, role::client, 1s).op, opcode::close);
    caraway::sleep(4s);
    EXPECT_EQ(s.connections(), 0u);
  });
}

TEST(ws_life, a_client_does_not_wait_longer_to_close_than_it_wants_to) {
  for (const bool flood : {false, true}) {
    in_a_world([flood] {
      auto [client, peer] = connected();
      task_group group;
      if (flood)
        group.go([&peer = peer] {
          while (peer.try_send(message_type::text, {}, 1s)) caraway::sleep(1ms);
        });
      else
        group.go([&peer = peer] {
          peer.begin(message_type::text, 1s);
          caraway::sleep(1h);
        });
      caraway::yield();
      const time_point before = now();
      static_cast<void>(client.try_close(1000, {}, 2s));
      EXPECT_LE(now() - before, 2s + 10ms);
      EXPECT_EQ(client.stream(), nullptr);
      group.cancel();
    });
  }
}

TEST(ws_life, a_sender_that_waits_for_room_always_goes_on_when_there_is_some) {
  in_a_world(
      [] {
        auto [client, peer] = connected({.held_back = 8192});
        task_group group;
        int sent = 0;
        group.go([&, &client = client] {
          for (; sent < 500; ++sent) client.send(std::string(3000, 'x'), 60s);
          client.flush(60s);
        });
        for (int n = 0; n < 500; ++n) {
          if (n % 50 == 0) caraway::sleep(3s);
          if (n == 100) {
            EXPECT_LT(sent, 140);
            EXPECT_LE(client.pending().bytes, 8192u);
            EXPECT_GT(client.pending().bytes, 0u);
            EXPECT_EQ(client.pending().senders, 1u);
          }
          ASSERT_EQ(peer.recv(1s)->size(), 3000u);
        }
        group.wait();
        EXPECT_EQ(client.pending().bytes, 0u);
        EXPECT_EQ(client.pending().senders, 0u);
      },
      {.seed = 11, .max_latency = 5ms, .max_write = 1500, .send_buffer = 16 * 1024});
}

TEST(ws_life, what_a_stream_still_held_back_when_a_socket_was_given_up_is_unsent) {
  enum way { abort, close, ways };
  for (int w = 0; w < ways; ++w) {
    in_a_world(
        [w] {
          auto [client, peer] =
              connected({.keepalive = keepalive_off}, {.keepalive = keepalive_off});
          for (int n = 0; n < 100; ++n) client.send(std::string(1000, 'x'));
          caraway::sleep(1s);
          const std::size_t held = client.pending().bytes;
          EXPECT_GT(held, 10'000u);
          EXPECT_EQ(client.carried().bytes_unsent, 0u);
          if (w == abort)
            client.abort();
          else
            EXPECT_EQ(client.try_close(1000, {}, 1s).error(), os_error(ETIMEDOUT));
          const std::size_t close_frame = w == abort ? 0 : 8;
          EXPECT_EQ(client.carried().bytes_unsent, held + close_frame);
          EXPECT_EQ(client.carried().messages_sent, 100u);
        },
        {.send_buffer = 16 * 1024});
  }
}

TEST(ws_life, a_pong_is_not_held_up_by_a_large_message_to_a_slow_peer) {
  in_a_world(
      [] {
        auto [client, ws] = connected({}, {.fragment = 64 * 1024});
        task_group group;
        group.go([&ws = ws] { ws.send(std::string(8 << 20, 'x'), never); });
        group.go([&ws = ws] { static_cast<void>(ws.try_receive(never)); });
        byte_stream& raw = *client.stream();
        raw.write(client_frame(opcode::ping, "now"));
        std::size_t before = 0;
        for (;;) {
          const auto f = wire::read_frame(raw, role::client, 60s);
          if (f.op == opcode::pong) break;
          before += f.payload.size();
        }
        EXPECT_LE(before, std::size_t{512} * 1024);
        group.cancel();
      },
      {.max_latency = 10ms, .send_buffer = 64 * 1024});
}

TEST(ws_life, a_reader_that_takes_an_hour_for_a_large_message_is_not_given_up) {
  in_a_world(
      [] {
        auto [client, ws] = connected({.keepalive = keepalive_off}, {});
        task_group group;
        auto sender = group.go([&ws = ws] {
          const std::string text(2 << 20, 'x');
          const bytes all = as_bytes(text);
          return ws.try_send(message_type::text, parts(&all, 1), never);
        });
        byte_stream& raw = *client.stream();
        for (int minute = 0; minute < 60; ++minute) {
          caraway::sleep(1min);
          raw.fill(30'000, 1s);
          raw.consume(30'000);
        }
        EXPECT_TRUE(ws.is_open());
        group.go([&] {
          while (raw.try_fill(1, 1s)) raw.consume(raw.buffered().size());
        });
        EXPECT_TRUE(sender.join().has_value());
        group.wait();
      },
      {.send_buffer = 64 * 1024});
}

// Its pong comes at the very moment at which it is given up.
TEST(ws_life, a_peer_that_answers_in_the_last_moment_is_not_given_up) {
  in_a_world(
      [] {
        auto [client, ws] = connected({.keepalive = keepalive_off}, {});
        const time_point start = now();
        task_group group;
        auto received = group.go([&ws = ws] { return ws.try_receive(150s); });
        byte_stream& raw = *client.stream();
        const auto ping = wire::read_frame(raw, role::client, 70s);
        const time_point asked = now() - 10ms;
        EXPECT_LE(asked - start, 61s);
        caraway::sleep(asked + 60s - 10ms - now());
        raw.write(client_frame(opcode::pong, ping.payload));
        EXPECT_EQ(received.join().error(), os_error(ETIMEDOUT));
        EXPECT_TRUE(ws.is_open());
        EXPECT_EQ(ws.round_trip_time()->last, 60s);
      },
      {.min_latency = 10ms, .max_latency = 10ms});
}

// The peer's message is not received, so nobody hears the peer; but what it takes in is seen.
TEST(ws_life, a_peer_is_given_up_although_a_message_waits_if_it_takes_nothing_in) {
  for (const bool slow : {false, true}) {
    in_a_world(
        [slow] {
          auto [client, ws] = connected({.keepalive = keepalive_off}, {});
          byte_stream& raw = *client.stream();
          client.send("unread");
          caraway::sleep(1s);
          ws.send(std::string(600'000, 'x'), 1s);
          EXPECT_GT(ws.pending().bytes, 400'000u);
          for (int n = 0; n < 11; ++n) {
            EXPECT_TRUE(ws.is_open());
            caraway::sleep(10s);
            if (slow) raw.consume(raw.fill(10'000, 1s).size());
          }
          caraway::sleep(10s);
          EXPECT_EQ(ws.is_open(), slow);
        },
        {.send_buffer = 64 * 1024});
  }
}

TEST(ws_life, a_pending_receive_holds_no_sender_up) {
  in_a_world([] {
    auto [client, ws] = connected();
    task_group group;
    group.go([&ws = ws] { EXPECT_EQ(ws.recv(10s)->text(), "late"); });
    caraway::sleep(1s);
    ws.send("meanwhile", immediately);
    EXPECT_EQ(client.recv(1s)->text(), "meanwhile");
    client.send("late");
  });
}

}  // namespace
}  // namespace caraway::ws
