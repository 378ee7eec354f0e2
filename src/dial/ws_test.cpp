#include "caraway/ws.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "caraway/deadline_scope.hpp"
#include "caraway/task_group.hpp"
#include "caraway/tcp.hpp"
#include "caraway/testing/message_stream_contract.hpp"
#include "caraway/this_task.hpp"

namespace caraway::ws {
namespace {

using namespace std::chrono_literals;

constexpr auto soon = 20s;

void echo(socket& ws) {
  while (const auto m = ws.recv()) ws.send(*m);
}

std::string message_of(std::exception_ptr failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const std::exception& e) {
    return e.what();
  }
}

// Sockets on both ends of a TCP connection.
testing::message_pair tcp_sockets() {
  auto listener = tcp::listen(address::loopback(0));
  stream_ptr a = tcp::connect(listener.local_address(), soon);
  stream_ptr b = listener.accept(soon);
  return {std::make_unique<socket>(attach_without_handshake(std::move(a), role::client)),
          std::make_unique<socket>(attach_without_handshake(std::move(b), role::server))};
}

CARAWAY_MESSAGE_STREAM_CONTRACT(ws, tcp_sockets)

TEST(ws, a_client_that_connects_by_url_talks_to_a_server) {
  server s("127.0.0.1:0", echo);
  socket ws = connect(s.url(), soon);
  ws.send("Hello, world!");
  EXPECT_EQ(ws.recv(soon)->text(), "Hello, world!");
  EXPECT_EQ(s.connections(), 1u);
  ws.close();
  EXPECT_EQ(ws.close_code(), 1000);
}

TEST(ws, a_server_is_not_bound_by_the_deadline_it_was_started_within) {
  std::optional<server> s;
  {
    const deadline_scope brief(1ms);
    s.emplace("127.0.0.1:0", echo);
    yield();
  }
  sleep(2ms);
  socket ws = connect(s->url(), soon);
  ws.send("still there");
  EXPECT_EQ(ws.recv(soon)->text(), "still there");
  ws.close();
}

// Sends everybody from /a to /b, from there to /c, and so on for `hops`, then upgrades.
serve_options redirecting(char hops) {
  serve_options o;
  o.decide = [hops](const http::request_head& head) -> std::optional<http::response> {
    const char at = head.target[1];
    if (at >= 'a' + hops) return std::nullopt;
    return refusal(302, "over there", {{"Location", std::string("/") + static_cast<char>(at + 1)}});
  };
  return o;
}

TEST(ws, redirects_are_followed_as_far_as_the_client_allows) {
  server s("127.0.0.1:0", [](socket& ws) { ws.send(ws.request().target); }, redirecting(2));
  client_options options;
  options.redirects = 2;
  socket ws = connect(s.url() + "a", options, soon);
  EXPECT_EQ(ws.recv(soon)->text(), "/c");
  options.redirects = 1;
  http::response answer;
  EXPECT_EQ(try_connect(s.url() + "a", options, soon, &answer).error(), errc::handshake_refused);
  EXPECT_EQ(answer.head.status, 302);
  EXPECT_EQ(http::find(answer.head.fields, "Location"), "/c");
  EXPECT_EQ(answer.body, "over there");
}

TEST(ws, a_redirect_is_a_refusal_unless_asked_for) {
  server s("127.0.0.1:0", echo, redirecting(1));
  EXPECT_THROW(connect(s.url() + "a", soon), refused);
}

TEST(ws, secrets_do_not_go_along_to_another_server) {
  server last("127.0.0.1:0", [](socket& ws) {
    ws.send(http::find(ws.request().fields, "Cookie").value_or("none"));
    ws.send(http::find(ws.request().fields, "Authorization").value_or("none"));
  });
  serve_options away;
  away.decide = [to = last.url()](const http::request_head& head) {
    EXPECT_EQ(http::find(head.fields, "Cookie"), "a=b");
    return std::optional(refusal(307, "", {{"Location", to}}));
  };
  server first("127.0.0.1:0", echo, away);
  client_options options;
  options.redirects = 1;
  options.headers = {{"Cookie", "a=b"}};
  socket ws = connect("ws://me:secret@" + first.local_address().to_string(), options, soon);
  EXPECT_EQ(ws.recv(soon)->text(), "none");
  EXPECT_EQ(ws.recv(soon)->text(), "none");
}

TEST(ws, the_user_of_the_url_goes_along_within_one_server) {
  const auto tell = [](socket& ws) {
    ws.send(http::find(ws.request().fields, "Authorization").value_or("none"));
  };
  server s("127.0.0.1:0", tell, redirecting(2));
  client_options options;
  options.redirects = 2;
  socket ws = connect("ws://me:secret@" + s.local_address().to_string() + "/a", options, soon);
  EXPECT_EQ(ws.recv(soon)->text(), "Basic bWU6c2VjcmV0");
}

TEST(ws, the_url_says_target_host_and_user) {
  server s("127.0.0.1:0", [](socket& ws) {
    const auto& head = ws.request();
    ws.send(head.target);
    ws.send(http::find(head.fields, "Host").value_or("none"));
    ws.send(http::find(head.fields, "Authorization").value_or("none"));
  });
  const std::string at = s.local_address().to_string();
  socket ws = connect("ws://me:secret@" + at + "/chat?room=7", soon);
  EXPECT_EQ(ws.recv(soon)->text(), "/chat?room=7");
  EXPECT_EQ(ws.recv(soon)->text(), at);
  EXPECT_EQ(ws.recv(soon)->text(), "Basic bWU6c2VjcmV0");
  EXPECT_EQ(ws.recv(soon), std::nullopt);
}

TEST(ws, many_conversations_go_on_side_by_side) {
  server s("127.0.0.1:0", echo);
  task_group clients;
  for (int i = 0; i < 30; ++i)
    clients.go([&, i] {
      socket ws = connect(s.url(), soon);
      const std::string text(static_cast<std::size_t>(i) * 1000, 'x');
      for (int round = 0; round < 5; ++round) {
        ws.send(text);
        EXPECT_EQ(ws.recv(soon)->text(), text);
      }
      ws.close();
    });
  clients.wait();
  EXPECT_TRUE(s.stop(soon));
  EXPECT_EQ(s.connections(), 0u);
}

TEST(ws, many_messages_of_one_turn_arrive_in_order) {
  server s("127.0.0.1:0", echo);
  socket ws = connect(s.url(), soon);
  for (int i = 0; i < 1000; ++i) ws.send(std::to_string(i));
  for (int i = 0; i < 1000; ++i) ASSERT_EQ(ws.recv(soon)->text(), std::to_string(i));
}

TEST(ws, what_a_handler_throws_is_told_and_harms_nobody_else) {
  std::vector<std::string> told;
  serve_options options;
  options.on_error = [&](const address&, std::exception_ptr e) { told.push_back(message_of(e)); };
  server s(
      "127.0.0.1:0",
      [](socket& ws) {
        if (ws.recv()->text() == "throw") throw std::runtime_error("as you wish");
        echo(ws);
      },
      options);
  socket good = connect(s.url(), soon), bad = connect(s.url(), soon);
  bad.send("throw");
  EXPECT_EQ(bad.try_receive(soon).error(), errc::peer_closed);
  EXPECT_EQ(bad.close_code(), close_code::internal_error);
  bad.close();
  good.send("first");
  good.send("second");
  EXPECT_EQ(good.recv(soon)->text(), "second");
  EXPECT_EQ(told, std::vector<std::string>{"as you wish"});
}

TEST(ws, stopping_says_goodbye_to_everybody) {
  int ended = 0;
  server s("127.0.0.1:0", [&](socket& ws) {
    echo(ws);
    ++ended;
  });
  task_group clients;
  for (int i = 0; i < 3; ++i)
    clients.go([&] {
      socket ws = connect(s.url(), soon);
      ws.send("here");
      EXPECT_EQ(ws.recv(soon)->text(), "here");
      EXPECT_EQ(ws.recv(soon), std::nullopt);
      EXPECT_EQ(ws.close_code(), close_code::going_away);
      ws.close();
    });
  while (s.connections() < 3) caraway::sleep(1ms);
  caraway::sleep(10ms);
  EXPECT_TRUE(s.stop(soon));
  EXPECT_EQ(ended, 3);
  clients.wait();
  EXPECT_FALSE(try_connect(s.url(), {}, soon));
}

TEST(ws, a_handler_that_does_not_listen_is_cancelled_when_the_grace_is_over) {
  bool cancelled_it = false;
  server s("127.0.0.1:0", [&](socket&) {
    try {
      caraway::sleep(never);
    } catch (const cancelled&) {
      cancelled_it = true;
      throw;
    }
  });
  socket ws = connect(s.url(), soon);
  EXPECT_FALSE(s.stop(10ms));
  EXPECT_TRUE(cancelled_it);
  EXPECT_EQ(ws.recv(soon), std::nullopt);
  EXPECT_EQ(ws.close_code(), close_code::going_away);
}

TEST(ws, stopping_does_not_wait_for_a_client_that_reads_nothing) {
  server s("127.0.0.1:0", [](socket& ws) {
    const std::string much(1 << 20, 'x');
    for (;;) ws.send(much);
  });
  socket reader = connect(s.url(), soon), idle = connect(s.url(), soon);
  EXPECT_EQ(reader.recv(soon)->size(), std::size_t{1} << 20);
  caraway::sleep(5ms);
  EXPECT_FALSE(s.stop(20ms));
  EXPECT_EQ(s.connections(), 0u);
}

TEST(ws, the_end_of_a_server_ends_its_conversations) {
  std::optional<server> s(std::in_place, "127.0.0.1:0", echo);
  socket ws = connect(s->url(), soon);
  ws.send("x");
  EXPECT_EQ(ws.recv(soon)->text(), "x");
  s.reset();
  EXPECT_EQ(ws.recv(soon), std::nullopt);
  EXPECT_EQ(ws.close_code(), close_code::going_away);
}

TEST(ws, clients_that_vanish_or_talk_nonsense_leave_the_server_alone) {
  std::vector<std::string> told;
  serve_options options;
  options.on_error = [&](const address&, std::exception_ptr e) { told.push_back(message_of(e)); };
  server s("127.0.0.1:0", echo, options);
  tcp::connect(s.local_address(), soon)->abort();
  auto nonsense = tcp::connect(s.local_address(), soon);
  nonsense->write("nonsense\r\n\r\n");
  EXPECT_EQ(as_text(nonsense->fill(12)).substr(0, 12), "HTTP/1.1 400");
  nonsense->close();
  connect(s.url(), soon).abort();
  connect(s.url(), soon) = socket();
  socket ws = connect(s.url(), soon);
  ws.send("still there");
  EXPECT_EQ(ws.recv(soon)->text(), "still there");
  ws.close();
  s.stop(soon);
  // The first one may have gone before anybody saw it.
  EXPECT_TRUE(told.size() == 3 || told.size() == 4) << told.size();
}

TEST(ws, no_more_conversations_than_allowed_go_on_at_a_time) {
  serve_options options;
  options.max_connections = 2;
  server s("127.0.0.1:0", echo, options);
  socket one = connect(s.url(), soon), two = connect(s.url(), soon);
  EXPECT_EQ(try_connect(s.url(), {}, 20ms).error(), os_error(ETIMEDOUT));
  EXPECT_EQ(s.connections(), 2u);
  one.close();
  socket three = connect(s.url(), soon);
  three.send("in");
  EXPECT_EQ(three.recv(soon)->text(), "in");
}

TEST(ws, a_refused_client_learns_why) {
  serve_options options;
  options.decide = [](const http::request_head&) { return std::optional(refusal(503, "later")); };
  server s("127.0.0.1:0", echo, options);
  http::response why;
  EXPECT_EQ(try_connect(s.url(), {}, soon, &why).error(), errc::handshake_refused);
  EXPECT_EQ(why.head.status, 503);
  EXPECT_EQ(why.body, "later");
  EXPECT_THROW(connect(s.url(), soon), refused);
}

TEST(ws, who_asks_to_be_let_in_has_an_address) {
  address seen;
  serve_options options;
  options.admit = [&](const applicant& a) {
    seen = peer_address(a.stream);
    return acceptance();
  };
  server s("127.0.0.1:0", [](socket& ws) { ws.send(peer_address(ws).to_string()); }, options);
  socket ws = connect(s.url(), soon);
  EXPECT_EQ(peer_address(ws), s.local_address());
  EXPECT_EQ(ws.recv(soon)->text(), seen.to_string());
  EXPECT_EQ(seen.host(), "127.0.0.1");
  ws.close();
  EXPECT_FALSE(peer_address(ws));
}

TEST(ws, what_cannot_be_connected_to_fails_clearly) {
  EXPECT_EQ(try_connect("nonsense", {}, soon).error(), errc::invalid_url);
  EXPECT_EQ(try_connect("http://127.0.0.1/", {}, soon).error(), errc::invalid_url);
  client_options impatient;
  impatient.handshake.patience = 0s;
  EXPECT_EQ(try_connect("ws://nobody.invalid/", impatient, soon).error(), os_error(EINVAL));
  std::string gone;
  {
    server s("127.0.0.1:0", echo);
    gone = s.url();
  }
  EXPECT_EQ(try_connect(gone, {}, soon).error(), os_error(ECONNREFUSED));
  EXPECT_THROW(connect(gone, soon), error);
}

TEST(ws, where_nobody_can_listen_serving_fails_clearly) {
  server s("127.0.0.1:0", echo);
  EXPECT_EQ(server::try_start(s.local_address().to_string(), echo).error(), os_error(EADDRINUSE));
  for (const char* where :
       {"", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:65536", "[::1]"})
    EXPECT_EQ(server::try_start(where, echo).error(), os_error(EINVAL)) << where;
}

TEST(ws, handshakes_are_given_up_when_the_server_says) {
  std::string told;
  serve_options options;
  options.handshake = {.patience = 20ms, .head = {.size = 300}};
  options.on_error = [&](const address&, std::exception_ptr e) { told = message_of(e); };
  server s("127.0.0.1:0", echo, options);
  const auto silent = tcp::connect(s.local_address(), soon);
  EXPECT_EQ(as_text(silent->fill(12, soon)).substr(0, 12), "HTTP/1.1 408");
  client_options verbose;
  verbose.headers = {{"X", std::string(300, 'x')}};
  http::response answer;
  EXPECT_FALSE(try_connect(s.url(), verbose, soon, &answer));
  EXPECT_EQ(answer.head.status, 431);
  options.handshake.head.size = 0;
  EXPECT_EQ(server::try_start("127.0.0.1:0", echo, options).error(), os_error(EINVAL));
}

TEST(ws, serving_ends_when_its_coroutine_is_cancelled) {
  task_group group;
  bool ended = false;
  group.go([&] {
    try {
      serve("127.0.0.1:0", echo);
    } catch (const cancelled&) {
      ended = true;
      throw;
    }
  });
  caraway::sleep(1ms);
  group.cancel();
  static_cast<void>(group.try_wait(soon));
  EXPECT_TRUE(ended);
}

TEST(ws, serving_hears_the_stop_of_its_task_group) {
  task_group group;
  std::uint16_t port = 0;
  bool ended = false;
  group.go([&] {
    server s("127.0.0.1:0", echo);
    port = s.port();
    s.wait();
    ended = true;
  });
  caraway::yield();
  socket ws = connect("ws://127.0.0.1:" + std::to_string(port), soon);
  task_group client;
  client.go([&] {
    EXPECT_EQ(ws.recv(soon), std::nullopt);
    ws.close();
  });
  EXPECT_TRUE(group.stop(soon));
  EXPECT_TRUE(ended);
  client.wait();
}

}  // namespace
}  // namespace caraway::ws
