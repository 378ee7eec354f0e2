#include "caraway/ws_observer.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include "caraway/memory_pair.hpp"
#include "caraway/sim.hpp"
#include "caraway/task_group.hpp"
#include "caraway/this_task.hpp"
#include "caraway/ws_socket.hpp"
#include "proto/ws_wire.hpp"

namespace caraway::ws {
namespace {

using namespace std::chrono_literals;

constexpr auto soon = 20s;

// Writes down what it hears.
struct diary : observer {
  std::string text;

  void opened(const conversation& c) noexcept override {
    note("opened " + c.request.target + (c.role == role::server ? " server" : " client"));
  }
  void not_opened(const failed_handshake& f) noexcept override {
    note((f.role == role::server ? "server " + f.request.target : "client " + f.response.reason) +
         " " + std::to_string(f.status) + " " + f.error.message());
  }
  void received(const conversation& c, message_type type, bytes data) noexcept override {
    note(std::string(type == message_type::text ? "text " : "binary ") +
         std::string(as_text(data)) + " #" + std::to_string(c.carried.messages_received));
  }
  void sent(const conversation&, message_type type, std::uint64_t size) noexcept override {
    note((type == message_type::text ? "sent text " : "sent binary ") + std::to_string(size));
  }
  void closed(const conversation& c, const ending& e) noexcept override {
    note("closed " + std::to_string(e.code) + " " + std::string(e.reason) +
         (e.error ? e.error.message() : "") + " after " +
         std::to_string(c.carried.messages_received));
  }

 private:
  void note(const std::string& line) { text += line + "\n"; }
};

constexpr std::string_view request_text =
    "GET /chat HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n";

// A server socket that is watched, and its peer.
struct watched {
  std::shared_ptr<diary> hears = std::make_shared<diary>();
  std::shared_ptr<ws::meter> counts = std::make_shared<ws::meter>();
  stream_ptr peer;
  std::optional<socket> ws;

  explicit watched(std::string_view frames = {}) {
    auto [ours, theirs] = memory_pair();
    peer = std::move(theirs);
    peer->write(std::string(request_text) + "\r\n" + std::string(frames));
    server_options options;
    options.meter = counts;
    options.observer = hears;
    ws.emplace(attach_server(std::move(ours), options, soon));
  }

  totals read() const { return counts->read(); }
};

std::string from_client(opcode op, std::string_view payload) {
  return wire::frame(role::client, op, payload);
}

TEST(ws_observer, hears_of_everything_in_order_and_the_meter_counts_it) {
  watched w(from_client(opcode::text, "one") + from_client(opcode::binary, "two") +
            from_client(opcode::close, wire::close_payload(4321, "bye")));
  EXPECT_EQ(w.ws->recv(soon)->text(), "one");
  w.ws->send("Hello");
  EXPECT_EQ(w.ws->recv(soon)->text(), "two");
  w.ws->begin(message_type::binary);
  w.ws->send_part(as_bytes("123"));
  w.ws->send_part(as_bytes("45"));
  w.ws->end();
  EXPECT_EQ(w.ws->try_receive(soon).error(), errc::peer_closed);
  EXPECT_EQ(w.read().open(), 1u);
  w.peer->done();
  static_cast<void>(w.ws->try_close(soon));
  EXPECT_EQ(w.hears->text,
            "opened /chat server\ntext one #1\nsent text 5\nbinary two #2\nsent binary 5\n"
            "closed 4321 bye after 2\n");
  const totals t = w.read();
  EXPECT_EQ(t.opened, 1u);
  EXPECT_EQ(t.ended, 1u);
  EXPECT_EQ(t.closes.own, 1u);
  EXPECT_EQ(t.traffic.messages_received, 2u);
  EXPECT_EQ(t.traffic.bytes_received, 6u);
  EXPECT_EQ(t.traffic.messages_sent, 2u);
  EXPECT_EQ(t.traffic.bytes_sent, 10u);
  EXPECT_EQ(w.ws->carried().bytes_sent, 10u);
}

TEST(ws_observer, a_socket_that_goes_without_a_goodbye_is_1006_once) {
  for (const bool by_abort : {true, false}) {
    watched w;
    if (by_abort) w.ws->abort();
    w.ws.reset();
    EXPECT_EQ(w.hears->text, "opened /chat server\nclosed 1006  after 0\n");
    EXPECT_EQ(w.read().closes.standard[6], 1u);
    EXPECT_EQ(w.read().ended, 1u);
  }
}

TEST(ws_observer, a_failure_is_told_with_its_code) {
  watched w(from_client(opcode::text, "\xff"));
  EXPECT_EQ(w.ws->try_receive(soon).error(), errc::protocol);
  w.peer->done();
  static_cast<void>(w.ws->try_close(soon));
  EXPECT_EQ(w.hears->text, "opened /chat server\nclosed 1007 " +
                               make_error_code(errc::protocol).message() + " after 0\n");
  EXPECT_EQ(w.read().closes.standard[7], 1u);
}

TEST(ws_observer, a_message_that_is_received_again_with_more_room_counts_once) {
  watched w(from_client(opcode::text, "too long"));
  std::array<std::byte, 4> small;
  EXPECT_EQ(w.ws->try_receive_into(small, soon).error(), os_error(EMSGSIZE));
  EXPECT_EQ(w.ws->recv(soon)->text(), "too long");
  EXPECT_EQ(w.ws->carried().messages_received, 1u);
}

TEST(ws_observer, prepared_and_long_messages_count_as_one_each) {
  watched w;
  task_group tasks;
  tasks.go([&] {
    while (w.peer->try_fill(1, soon)) w.peer->consume(w.peer->buffered().size());
  });
  w.ws->send(prepared("12345"));
  w.ws->send(std::string(300000, 'l'));
  EXPECT_EQ(w.ws->carried().messages_sent, 2u);
  EXPECT_EQ(w.ws->carried().bytes_sent, 300005u);
  w.ws->abort();
  tasks.wait(soon);
}

TEST(ws_observer, a_send_that_failed_is_none) {
  watched w;
  EXPECT_TRUE(w.ws->try_done(1000, "", soon));
  const bytes late = as_bytes("late");
  EXPECT_FALSE(w.ws->try_send(message_type::text, parts(&late, 1), soon));
  EXPECT_EQ(w.ws->carried().messages_sent, 0u);
}

TEST(ws_observer, handshakes_that_come_to_nothing_are_counted_and_told) {
  const auto counts = std::make_shared<ws::meter>();
  const auto hears = std::make_shared<diary>();
  server_options options;
  options.meter = counts;
  options.observer = hears;
  for (const std::string_view more :
       {"Origin: http://elsewhere\r\n\r\n", "Host: again\r\n\r\n", "no field\r\n\r\n", ""}) {
    auto [ours, peer] = memory_pair();
    peer->write(std::string(request_text) + std::string(more));
    peer->done();
    EXPECT_FALSE(try_attach_server(std::move(ours), options, soon));
  }
  EXPECT_EQ(counts->read().refused, 1u);
  EXPECT_EQ(counts->read().failed, 3u);
  EXPECT_EQ(counts->read().opened, 0u);
  const std::string wrong = make_error_code(errc::protocol).message() + "\n";
  EXPECT_EQ(hears->text, "server /chat 403 " + make_error_code(errc::handshake_refused).message() +
                             "\nserver /chat 400 " + wrong + "server  400 " + wrong + "server  0 " +
                             make_error_code(errc::end_of_stream).message() + "\n");
}

TEST(ws_observer, a_handshake_that_a_decision_refused_or_broke_is_told_with_what_the_client_got) {
  for (const bool throws : {false, true}) {
    const auto hears = std::make_shared<diary>();
    server_options options;
    options.observer = hears;
    options.decide = [throws](const http::request_head&) -> std::optional<http::response> {
      if (throws) throw std::runtime_error("no idea");
      return refusal(418, "");
    };
    auto [ours, peer] = memory_pair();
    peer->write(std::string(request_text) + "\r\n");
    peer->done();
    if (throws)
      EXPECT_THROW(static_cast<void>(try_attach_server(std::move(ours), options, soon)),
                   std::runtime_error);
    else
      EXPECT_FALSE(try_attach_server(std::move(ours), options, soon));
    const std::error_code why =
        throws ? std::error_code() : make_error_code(errc::handshake_refused);
    EXPECT_EQ(hears->text,
              std::string("server /chat ") + (throws ? "500 " : "418 ") + why.message() + "\n");
  }
}

TEST(ws_observer, a_client_hears_of_handshakes_that_come_to_nothing_too) {
  const auto hears = std::make_shared<diary>();
  client_options options;
  options.host = "h";
  options.observer = hears;
  for (const std::string_view answer :
       {"HTTP/1.1 404 Not here\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 404", ""}) {
    auto [ours, peer] = memory_pair();
    peer->write(answer);
    peer->done();
    http::response refusal;
    EXPECT_FALSE(try_attach_client(std::move(ours), options, soon, &refusal));
  }
  const std::string ended = make_error_code(errc::end_of_stream).message() + "\n";
  EXPECT_EQ(hears->text, "client Not here 404 " +
                             make_error_code(errc::handshake_refused).message() + "\nclient  0 " +
                             ended + "client  0 " + ended);
}

TEST(ws_observer, each_pong_counts_when_it_is_heard_and_none_that_nobody_asked_for) {
  sim::run({}, [] {
    watched w;
    task_group group;
    group.go([&] { EXPECT_EQ(w.ws->try_receive(soon).error(), errc::peer_closed); });
    for (const auto took : {3ms, 4ms}) {
      w.ws->ping(as_bytes("there?"));
      caraway::sleep(took);
      w.peer->write(from_client(opcode::pong, "there?") + from_client(opcode::pong, "unasked"));
      caraway::sleep(1s);
    }
    EXPECT_EQ(w.read().open(), 1u);
    EXPECT_EQ(w.read().round_trips, 2u);
    EXPECT_EQ(w.read().round_trip_nanoseconds, 7'000'000u);
    w.peer->write(from_client(opcode::close, wire::close_payload(4000)));
    group.wait();
    w.ws.reset();
    EXPECT_EQ(w.read().round_trips, 2u);
  });
}

TEST(ws_observer, sockets_without_options_count_for_their_thread) {
  const totals before = thread_meter()->read();
  auto [a, b] = memory_pair();
  socket one = attach_without_handshake(std::move(a), role::client);
  socket two = attach_without_handshake(std::move(b), role::server);
  one.send("through");
  EXPECT_EQ(two.recv(soon)->text(), "through");
  const totals after = thread_meter()->read();
  EXPECT_EQ(after.opened - before.opened, 2u);
  EXPECT_EQ(after.traffic.bytes_received - before.traffic.bytes_received, 7u);
}

}  // namespace
}  // namespace caraway::ws
