// tls_ws_test.cpp - TLS on real connections: the contract on TCP, and wss from URL to server.
#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <string>

#include "caraway/task_group.hpp"
#include "caraway/tcp.hpp"
#include "caraway/testing/byte_stream_contract.hpp"
#include "caraway/testing/message_stream_contract.hpp"
#include "caraway/this_task.hpp"
#include "caraway/ws.hpp"
#include "caraway/ws_observer.hpp"
#include "dial/ws_soak.hpp"
#include "proto/tls_pair.hpp"

namespace caraway::ws {
namespace {

using namespace std::chrono_literals;

constexpr auto soon = 20s;

std::pair<stream_ptr, stream_ptr> tcp_pair() {
  auto listener = tcp::listen(address::loopback(0));
  stream_ptr a = tcp::connect(listener.local_address(), soon);
  stream_ptr b = listener.accept(soon);
  return {std::move(a), std::move(b)};
}

CARAWAY_BYTE_STREAM_CONTRACT(tls_ws, [] { return tls::connected_streams(tcp_pair()); })

testing::message_pair sockets() {
  auto [a, b] = tls::connected(tcp_pair());
  return {std::make_unique<socket>(attach_without_handshake(std::move(a), role::client)),
          std::make_unique<socket>(attach_without_handshake(std::move(b), role::server))};
}

CARAWAY_MESSAGE_STREAM_CONTRACT(tls_ws, sockets)

void echo(socket& ws) {
  while (const auto m = ws.recv()) ws.send(*m);
}

serve_options secure() {
  serve_options options;
  options.tls = tls::usual_server();
  return options;
}

connect_options trusting() {
  connect_options options;
  options.tls = tls::usual_client().context;
  return options;
}

TEST(tls_ws, a_url_of_wss_becomes_a_verified_conversation) {
  server s("127.0.0.1:0", echo, secure());
  EXPECT_TRUE(s.url().starts_with("wss://127.0.0.1:"));
  socket ws = connect(s.url(), trusting(), soon);
  ws.send("Hello, world!");
  EXPECT_EQ(ws.recv(soon)->text(), "Hello, world!");
  ws.send(std::string(1000000, 'x'));
  EXPECT_EQ(ws.recv(soon)->size(), 1000000u);
  ws.close();
  EXPECT_EQ(ws.close_code(), 1000);
}

TEST(tls_ws, the_host_of_the_url_is_the_one_that_is_verified) {
  server s("127.0.0.1:0", echo, secure());
  connect_options other = trusting();
  other.host = "elsewhere.example";
  EXPECT_TRUE(try_connect(s.url(), other, soon));
  serve_options wrong;
  wrong.tls = tls::server_context({.own = tls::identity_of("other_host")});
  server impostor("127.0.0.1:0", echo, wrong);
  other.host = "elsewhere.example";
  EXPECT_EQ(try_connect(impostor.url(), other, soon).error(), tls::errc::address_mismatch);
}

// Says whom the client has shown itself as.
void tell_client(socket& ws) {
  const std::string who = dynamic_cast<tls::stream&>(*ws.stream()).peer_subject();
  ws.send(who.empty() ? "nobody" : who);
}

// A server that asks for certificates and sends everybody who wants /away to `elsewhere`.
serve_options curious(const std::string& elsewhere) {
  serve_options options;
  options.tls = tls::server_context({.own = tls::identity_of("server"),
                                     .clients = tls::client_certificate::optional,
                                     .client_authorities = tls::certificate_pem("authority.pem")});
  options.decide = [&elsewhere](const http::request_head& head) -> std::optional<http::response> {
    if (head.target != "/away") return std::nullopt;
    return refusal(307, "", {{"Location", elsewhere}});
  };
  return options;
}

TEST(tls_ws, a_certificate_of_the_client_is_not_shown_once_a_redirect_has_led_elsewhere) {
  tls::client_settings known = tls::test_client();
  known.own = tls::identity_of("client");
  connect_options options;
  options.tls = tls::client_context(known);
  options.redirects = 2;
  std::string from_first = "/";
  std::string from_other;
  server first("127.0.0.1:0", tell_client, curious(from_first));
  server other("127.0.0.1:0", tell_client, curious(from_other));
  const auto shown_behind = [&](const std::string& path) {
    socket ws = connect(first.url() + path, options, soon);
    return ws.recv(soon)->str();
  };
  EXPECT_EQ(shown_behind(""), "CN=alice");
  EXPECT_EQ(shown_behind("away"), "CN=alice");
  from_first = other.url();
  EXPECT_EQ(shown_behind("away"), "nobody");
  from_first = other.url() + "away";
  from_other = first.url();
  EXPECT_EQ(shown_behind("away"), "nobody");
}

TEST(tls_ws, nobody_is_trusted_unless_told) {
  std::string complaint;
  serve_options options = secure();
  options.on_error = [&](const address&, std::exception_ptr failure) {
    try {
      std::rethrow_exception(failure);
    } catch (const error& e) {
      complaint = e.what();
    }
  };
  server s("127.0.0.1:0", echo, options);
  EXPECT_EQ(try_connect(s.url(), {}, soon).error().category(), tls::category());
  while (complaint.empty()) caraway::sleep(1ms);
  EXPECT_EQ(complaint, "TLS handshake: the peer refused: unknown CA");
}

TEST(tls_ws, handshakes_of_tls_that_fail_are_counted_and_told_on_both_sides) {
  struct diary : observer {
    std::string text;
    void not_opened(const failed_handshake& f) noexcept override {
      text += std::to_string(f.status) + " " + f.error.category().name() + "\n";
    }
  };
  const auto servers = std::make_shared<diary>(), clients = std::make_shared<diary>();
  const auto counts = std::make_shared<meter>();
  serve_options options = secure();
  options.observer = servers;
  server s("127.0.0.1:0", echo, options);
  connect_options distrusting;
  distrusting.meter = counts;
  distrusting.observer = clients;
  EXPECT_FALSE(try_connect(s.url(), distrusting, soon));
  while (s.connections() > 0) caraway::sleep(1ms);
  const std::string told = std::string("0 ") + tls::category().name() + "\n";
  EXPECT_EQ(servers->text, told);
  EXPECT_EQ(s.totals().failed, 1u);
  EXPECT_EQ(clients->text, told);
  EXPECT_EQ(counts->read().failed, 1u);
}

TEST(tls_ws, the_handshakes_have_one_deadline_together) {
  auto listener = tcp::listen(address::loopback(0));
  EXPECT_EQ(
      try_connect("wss://" + listener.local_address().to_string() + "/", trusting(), 5ms).error(),
      os_error(ETIMEDOUT));
}

TEST(tls_ws, the_patience_of_a_client_is_for_both_handshakes) {
  auto listener = tcp::listen(address::loopback(0));
  connect_options options = trusting();
  options.handshake.patience = 5ms;
  EXPECT_EQ(
      try_connect("wss://" + listener.local_address().to_string() + "/", options, soon).error(),
      os_error(ETIMEDOUT));
}

TEST(tls_ws, who_asks_to_be_let_in_has_an_address_and_a_certificate) {
  const std::string nowhere;
  serve_options options = curious(nowhere);
  std::string seen;
  options.admit = [&](const applicant& a) -> std::expected<acceptance, http::response> {
    seen = peer_address(a.stream).host();
    const std::string who = dynamic_cast<const tls::stream&>(a.stream).peer_subject();
    if (who != "CN=alice") return std::unexpected(refusal(403, "Only alice.\n"));
    return acceptance{.headers = {{"X-You-Are", who}}};
  };
  server s("127.0.0.1:0", echo, options);
  tls::client_settings known = tls::test_client();
  known.own = tls::identity_of("client");
  connect_options alice;
  alice.tls = tls::client_context(known);
  const socket ws = connect(s.url(), alice, soon);
  EXPECT_EQ(http::find(ws.response().fields, "X-You-Are"), "CN=alice");
  EXPECT_EQ(seen, "127.0.0.1");
  EXPECT_EQ(peer_address(ws), s.local_address());
  EXPECT_EQ(try_connect(s.url(), trusting(), soon).error(), errc::handshake_refused);
}

TEST(tls_ws, each_side_that_expects_the_other_kind_of_connection_is_told) {
  server plain("127.0.0.1:0", echo);
  std::string url = plain.url();
  url.replace(0, 2, "wss");
  EXPECT_EQ(try_connect(url, trusting(), soon).error().category(), tls::category());
  server s("127.0.0.1:0", echo, secure());
  url = s.url();
  url.replace(0, 3, "ws");
  EXPECT_FALSE(try_connect(url, {}, soon));
}

TEST(tls_ws, a_server_that_is_stopped_says_goodbye_through_tls) {
  server s("127.0.0.1:0", echo, secure());
  socket ws = connect(s.url(), trusting(), soon);
  task_group group;
  group.go([&] { EXPECT_TRUE(s.stop(soon)); });
  EXPECT_EQ(ws.recv(soon), std::nullopt);
  EXPECT_EQ(ws.close_code(), close_code::going_away);
  ws.close();
  group.wait();
}

TEST(tls_ws, a_silent_peer_is_given_up) {
  for (const role as : {role::client, role::server}) {
    auto [ours, theirs] = tls::connected(tcp_pair());
    const limits strict{.keepalive = {20ms, 20ms}};
    socket ws = attach_without_handshake(std::move(as == role::client ? ours : theirs), as, strict);
    EXPECT_EQ(ws.try_receive(soon).error(), errc::keepalive);
  }
}

TEST(tls_ws, pings_are_answered_and_messages_kept_while_nobody_receives) {
  auto [ours, theirs] = tls::connected(tcp_pair());
  socket one = attach_without_handshake(std::move(ours), role::client, {.keepalive = {20ms, 1h}});
  socket other = attach_without_handshake(std::move(theirs), role::server);
  while (!one.round_trip_time()) caraway::sleep(1ms);
  EXPECT_TRUE(other.try_probe({}, soon));
  for (int n = 0; n < 3; ++n) one.send(std::to_string(n));
  while (other.carried().messages_received == 0) caraway::sleep(1ms);
  for (int n = 0; n < 3; ++n) EXPECT_EQ(other.recv(soon)->text(), std::to_string(n));
}

TEST(tls_ws, every_message_is_accounted_for_whatever_happens) {
  const auto connect = [](soak::dice& d) -> soak::socket_pair {
    auto [ours, theirs] = tls::connected(tcp_pair());
    const limits one = soak::limits_by(d), other = soak::limits_by(d);
    return {attach_without_handshake(std::move(ours), role::client, one),
            attach_without_handshake(std::move(theirs), role::server, other)};
  };
  EXPECT_EQ(soak::converse_all(connect, 5000, 20), std::vector<std::string>());
}

TEST(tls_ws, a_reloaded_certificate_is_for_the_next_connection) {
  serve_options options;
  options.tls = tls::server_context({.own = tls::identity_of("other_host")});
  server s("127.0.0.1:0", echo, options);
  EXPECT_FALSE(try_connect(s.url(), trusting(), soon));
  options.tls.reload({.own = tls::identity_of("renewed")});
  EXPECT_TRUE(try_connect(s.url(), trusting(), soon));
}

}  // namespace
}  // namespace caraway::ws
