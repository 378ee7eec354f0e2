#include <gtest/gtest.h>

#include <chrono>
#include <expected>
#include <functional>
#include <stdexcept>
#include <string>

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

constexpr std::string_view request_text =
    "GET /chat HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n";

client_options options_for_host(std::string host) {
  client_options o;
  o.host = std::move(host);
  return o;
}

// Everything that can be read up to the end.
std::string read_all(byte_stream& from) {
  while (from.try_fill(from.buffered().size() + 1, soon)) continue;
  return std::string(as_text(from.buffered()));
}

// What a server with `options` says to `request`, and what its handshake ends with.
std::pair<std::string, std::error_code> answer_to(std::string_view request,
                                                  const server_options& options = {}) {
  auto [ours, theirs] = memory_pair();
  std::string answer;
  task_group group;
  group.go([&, peer = theirs.get()] {
    peer->write(request);
    peer->done();
    answer = read_all(*peer);
  });
  std::error_code error;
  if (auto made = try_attach_server(std::move(ours), options, soon); !made) error = made.error();
  group.wait();
  return {answer.substr(0, answer.find("\r\n")), error};
}

// What a client makes of an answer.
struct outcome {
  std::error_code error;
  http::response refusal;
};

outcome client_against(std::string_view answer,
                       const client_options& options = options_for_host("h")) {
  auto [ours, theirs] = memory_pair();
  outcome out;
  task_group group;
  group.go([&, peer = theirs.get()] {
    peer->write(answer);
    peer->done();
    read_all(*peer);
  });
  auto made = try_attach_client(std::move(ours), options, soon, &out.refusal);
  if (!made) out.error = made.error();
  group.wait();
  return out;
}

TEST(ws_attach, both_sides_agree_byte_by_byte_too) {
  for (const std::size_t chop : {std::size_t{1}, memory_faults::none}) {
    auto [a, b] = memory_pair({.chop = chop}, {.chop = chop});
    client_options ask = options_for_host("example.com:81");
    ask.target = "/chat?x";
    ask.subprotocols = {"v1", "v2"};
    ask.headers = {{"Cookie", "a=b"}};
    server_options give;
    give.subprotocols = {"v2", "v1"};
    give.headers = {{"Server", "caraway"}};
    task_group group;
    group.go([&, lower = std::move(b)]() mutable {
      socket server = attach_server(std::move(lower), give, soon);
      EXPECT_EQ(server.subprotocol(), "v2");
      EXPECT_EQ(server.request().target, "/chat?x");
      EXPECT_EQ(http::find(server.request().fields, "cookie"), "a=b");
      EXPECT_EQ(http::find(server.request().fields, "host"), "example.com:81");
      while (const auto m = server.recv(soon)) server.send(*m);
      server.close(soon);
    });
    socket client = attach_client(std::move(a), ask, soon);
    EXPECT_EQ(client.subprotocol(), "v2");
    EXPECT_EQ(http::find(client.response().fields, "server"), "caraway");
    client.send("through");
    EXPECT_EQ(client.recv(soon)->text(), "through");
    client.close(soon);
    group.wait();
  }
}

TEST(ws_attach, a_frame_right_behind_the_head_is_not_lost) {
  auto [ours, peer] = memory_pair();
  peer->write(std::string(request_text) + "\r\n" +
              wire::frame(role::client, opcode::text, "early"));
  socket server = attach_server(std::move(ours), {}, soon);
  EXPECT_EQ(server.recv(soon)->text(), "early");
}

TEST(ws_attach, a_bad_request_is_answered_with_its_status) {
  const std::string good(request_text);
  EXPECT_EQ(answer_to("\x16\x03\x01").first, "HTTP/1.1 400 Bad Request");
  EXPECT_EQ(answer_to("GET / HTTP/1.1\r\nHost h\r\n\r\n").first, "HTTP/1.1 400 Bad Request");
  EXPECT_EQ(answer_to("GET / HTTP/1.1\r\nHost: h\r\n\r\n").first, "HTTP/1.1 426 Upgrade Required");
  EXPECT_EQ(answer_to("PUT / HTTP/1.1\r\nHost: h\r\n\r\n").first,
            "HTTP/1.1 405 Method Not Allowed");
  EXPECT_EQ(answer_to(good + "X: " + std::string(16 * 1024, 'x')).first,
            "HTTP/1.1 431 Request Header Fields Too Large");
  EXPECT_EQ(answer_to(good + "\r\n").first, "HTTP/1.1 101 Switching Protocols");
  EXPECT_EQ(answer_to("GET / HTTP/1.0\r\n\r\n").second, errc::protocol);
  EXPECT_EQ(answer_to(good).second, errc::end_of_stream);
}

TEST(ws_attach, pages_of_other_origins_are_kept_out_unless_they_are_named) {
  const std::string page = std::string(request_text) + "Origin: https://other.org\r\n\r\n";
  const auto allowing = [](std::vector<std::string> origins) {
    server_options o;
    o.origins = std::move(origins);
    return o;
  };
  EXPECT_EQ(answer_to(page).first, "HTTP/1.1 403 Forbidden");
  EXPECT_EQ(answer_to(page).second, errc::handshake_refused);
  EXPECT_EQ(answer_to(page, allowing({"https://else.org"})).first, "HTTP/1.1 403 Forbidden");
  EXPECT_EQ(answer_to(page, allowing({"https://OTHER.org"})).first,
            "HTTP/1.1 101 Switching Protocols");
  EXPECT_EQ(answer_to(page, allowing({"*"})).first, "HTTP/1.1 101 Switching Protocols");
}

TEST(ws_attach, the_server_may_answer_anything_else) {
  server_options options;
  options.decide = [](const http::request_head& request) {
    return std::optional(refusal(404, "no " + request.target + " here"));
  };
  const auto [answer, error] = answer_to(std::string(request_text) + "\r\n", options);
  EXPECT_EQ(answer, "HTTP/1.1 404 Not Found");
  EXPECT_EQ(error, errc::handshake_refused);
}

TEST(ws_attach, a_decision_that_throws_is_answered_and_comes_out) {
  server_options options;
  options.decide = [](const http::request_head&) -> std::optional<http::response> {
    throw std::logic_error("undecided");
  };
  auto [ours, peer] = memory_pair();
  peer->write(std::string(request_text) + "\r\n");
  EXPECT_THROW(attach_server(std::move(ours), options, soon), std::logic_error);
  EXPECT_EQ(read_all(*peer).substr(0, 34), "HTTP/1.1 500 Internal Server Error");
}

TEST(ws_attach, a_decision_has_no_more_time_than_the_handshake) {
  sim::run({}, [] {
    const time_point start = now();
    server_options options;
    options.decide = [](const http::request_head&) -> std::optional<http::response> {
      caraway::sleep(never);
      return std::nullopt;
    };
    auto [ours, peer] = memory_pair();
    peer->write(std::string(request_text) + "\r\n");
    EXPECT_THROW(attach_server(std::move(ours), options), error);
    EXPECT_EQ(now() - start, 10s);
    EXPECT_EQ(read_all(*peer).substr(0, 34), "HTTP/1.1 500 Internal Server Error");
  });
}

using admission = std::expected<acceptance, http::response>;

constexpr std::string_view failed = "HTTP/1.1 500 Internal Server Error";

server_options admitting(std::function<admission(const applicant&)> admit) {
  server_options options;
  options.admit = std::move(admit);
  return options;
}

// The same with one answer for everybody.
server_options granting(acceptance granted) {
  return admitting([granted = std::move(granted)](const applicant&) { return granted; });
}

TEST(ws_attach, who_is_let_in_may_get_fields_of_its_own) {
  server_options options = admitting([](const applicant& a) {
    return acceptance{.headers = {{"Set-Cookie", "at=" + a.request.target}}};
  });
  options.headers = {{"Server", "caraway"}};
  auto [ours, theirs] = memory_pair();
  task_group group;
  group.go([&, lower = std::move(ours)]() mutable {
    options.admit = [&, usual = options.admit, stream = lower.get()](const applicant& a) {
      EXPECT_EQ(&a.stream, stream);
      return usual(a);
    };
    attach_server(std::move(lower), options, soon);
  });
  const socket client = attach_client(std::move(theirs), options_for_host("h"), soon);
  EXPECT_EQ(http::find(client.response().fields, "Set-Cookie"), "at=/");
  EXPECT_EQ(http::find(client.response().fields, "Server"), "caraway");
}

TEST(ws_attach, a_server_may_choose_the_subprotocol_for_each_client) {
  const auto chosen = [](server_options options) {
    options.subprotocols = {"v1", "v2"};
    auto [ours, theirs] = memory_pair();
    client_options ask = options_for_host("h");
    ask.subprotocols = {"v1", "v2", "v3"};
    task_group group;
    group.go([&, lower = std::move(ours)]() mutable {
      static_cast<void>(try_attach_server(std::move(lower), options, soon));
    });
    return std::string(attach_client(std::move(theirs), ask, soon).subprotocol());
  };
  EXPECT_EQ(chosen(granting({})), "v1");
  EXPECT_EQ(chosen(granting({.subprotocol = "v3"})), "v3");
  EXPECT_EQ(chosen(granting({.subprotocol = ""})), "");
}

TEST(ws_attach, what_cannot_be_granted_is_a_fault_of_the_server) {
  const std::string request = std::string(request_text) + "Sec-WebSocket-Protocol: v1\r\n\r\n";
  const std::pair<std::string, std::error_code> fault{failed, os_error(EINVAL)};
  EXPECT_EQ(answer_to(request, granting({.subprotocol = "v1"})).second, std::error_code());
  EXPECT_EQ(answer_to(request, granting({.subprotocol = "v2"})), fault);
  EXPECT_EQ(answer_to(request, granting({.subprotocol = "V1"})), fault);
  EXPECT_EQ(answer_to(request, granting({.headers = {{"Upgrade", "h2c"}}})), fault);
  EXPECT_EQ(answer_to(request, granting({.headers = {{"X", "a\r\nb"}}})), fault);
  server_options options;
  options.headers = {{"Sec-WebSocket-Accept", "x"}};
  EXPECT_EQ(answer_to(request, options), fault);
}

TEST(ws_attach, who_is_not_let_in_learns_why) {
  const std::string request = std::string(request_text) + "\r\n";
  server_options options = admitting(
      [](const applicant&) -> admission { return std::unexpected(refusal(401, "who?")); });
  EXPECT_EQ(answer_to(request, options).first, "HTTP/1.1 401 Unauthorized");
  EXPECT_EQ(answer_to(request, options).second, errc::handshake_refused);
  options.decide = [](const http::request_head&) { return std::optional(refusal(404, "where?")); };
  EXPECT_EQ(answer_to(request, options).first, "HTTP/1.1 404 Not Found");
  options = admitting([](const applicant&) -> admission { throw std::logic_error("undecided"); });
  auto [ours, peer] = memory_pair();
  peer->write(request);
  EXPECT_THROW(attach_server(std::move(ours), options, soon), std::logic_error);
  EXPECT_TRUE(read_all(*peer).starts_with(failed));
}

TEST(ws_attach, a_refusal_that_would_be_none_or_cannot_be_sent_is_a_fault_of_the_server) {
  const std::string request = std::string(request_text) + "\r\n";
  const std::pair<std::string, std::error_code> fault{failed, errc::handshake_refused};
  for (const int status : {0, 99, 100, 101, 199, 1000}) {
    server_options options;
    options.decide = [&](const http::request_head&) { return std::optional(refusal(status, "")); };
    EXPECT_EQ(answer_to(request, options), fault) << status;
    options = admitting(
        [&](const applicant&) -> admission { return std::unexpected(refusal(status, "")); });
    EXPECT_EQ(answer_to(request, options), fault) << status;
  }
  server_options options;
  options.decide = [](const http::request_head&) {
    return std::optional(refusal(403, "", {{"X", "\n"}}));
  };
  EXPECT_EQ(answer_to(request, options), fault);
  options.decide = [](const http::request_head&) { return std::optional(refusal(200, "")); };
  EXPECT_EQ(answer_to(request, options).first, "HTTP/1.1 200 OK");
}

// Another field, so that a head of `size` bytes comes out.
std::string filled_up(std::string head, std::size_t size) {
  head += "X: ";
  head.append(size - head.size() - 4, 'x');
  return head + "\r\n\r\n";
}

std::string with_fields(std::string head, std::size_t more) {
  for (std::size_t i = 0; i < more; ++i) head += "X: y\r\n";
  return head + "\r\n";
}

TEST(ws_attach, a_head_may_be_as_long_and_have_as_many_fields_as_a_server_says) {
  const std::string request(request_text);
  server_options options;
  options.handshake.head = {.size = 300, .fields = 8};
  EXPECT_EQ(answer_to(filled_up(request, 300), options).second, std::error_code());
  EXPECT_EQ(answer_to(filled_up(request, 301), options).second, errc::message_too_big);
  EXPECT_EQ(answer_to(with_fields(request, 3), options).second, std::error_code());
  EXPECT_EQ(answer_to(with_fields(request, 4), options).second, errc::message_too_big);
  options.handshake.head = {.size = 100'000, .fields = 500};
  EXPECT_EQ(answer_to(filled_up(request, 100'000), options).second, std::error_code());
  EXPECT_EQ(answer_to(filled_up(request, 100'001), options).second, errc::message_too_big);
  EXPECT_EQ(answer_to(with_fields(request, 495), options).second, std::error_code());
  EXPECT_EQ(answer_to(with_fields(request, 496), options).first,
            "HTTP/1.1 431 Request Header Fields Too Large");
}

TEST(ws_attach, a_head_may_be_as_long_and_have_as_many_fields_as_a_client_says) {
  const std::string answer = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n";
  client_options options = options_for_host("h");
  options.handshake.head = {.size = 300, .fields = 8};
  EXPECT_EQ(client_against(filled_up(answer, 300), options).error, errc::handshake_refused);
  EXPECT_EQ(client_against(filled_up(answer, 301), options).error, errc::message_too_big);
  EXPECT_EQ(client_against(with_fields(answer, 7), options).error, errc::handshake_refused);
  EXPECT_EQ(client_against(with_fields(answer, 8), options).error, errc::message_too_big);
}

TEST(ws_attach, a_handshake_takes_as_long_as_the_options_say) {
  sim::run({}, [] {
    server_options give;
    client_options ask = options_for_host("h");
    const auto time_of = [](auto attach, const auto& options) {
      auto [ours, peer] = memory_pair();
      const time_point start = now();
      EXPECT_EQ(attach(std::move(ours), options, 60s).error(), os_error(ETIMEDOUT));
      return now() - start;
    };
    const auto serve = [](auto&&... of) { return try_attach_server(std::move(of)...); };
    const auto call = [](auto&&... of) { return try_attach_client(std::move(of)...); };
    EXPECT_EQ(time_of(call, ask), 10s);
    give.handshake.patience = ask.handshake.patience = 3s;
    EXPECT_EQ(time_of(call, ask), 3s);
    // The client gets a second to read why.
    EXPECT_EQ(time_of(serve, give), 4s);
    give.handshake.patience = ask.handshake.patience = unlimited;
    EXPECT_EQ(time_of(call, ask), 60s);
    EXPECT_EQ(time_of(serve, give), 60s);
  });
}

TEST(ws_attach, limits_of_a_handshake_that_cannot_be_are_refused) {
  server_options give;
  client_options ask = options_for_host("h");
  give.handshake.patience = ask.handshake.patience = 0s;
  auto [ours, theirs] = memory_pair();
  EXPECT_EQ(try_attach_server(std::move(ours), give, soon).error(), os_error(EINVAL));
  EXPECT_EQ(try_attach_client(std::move(theirs), ask, soon).error(), os_error(EINVAL));
}

TEST(ws_attach, a_refused_client_gets_status_fields_and_body) {
  const auto plain =
      client_against("HTTP/1.1 403 Forbidden\r\nX: y\r\nContent-Length: 6\r\n\r\nno way, really");
  EXPECT_EQ(plain.error, errc::handshake_refused);
  EXPECT_EQ(plain.refusal.head.status, 403);
  EXPECT_EQ(plain.refusal.head.reason, "Forbidden");
  EXPECT_EQ(http::find(plain.refusal.head.fields, "x"), "y");
  EXPECT_EQ(plain.refusal.body, "no way");
  EXPECT_EQ(
      client_against("HTTP/1.1 200 OK\r\n\r\n" + std::string(100000, 'x')).refusal.body.size(),
      64u * 1024);
}

TEST(ws_attach, the_exception_of_a_refused_client_has_it_all_too) {
  auto [ours, peer] = memory_pair();
  peer->write("HTTP/1.1 401 Unauthorized\r\nContent-Length: 3\r\n\r\nwho");
  try {
    attach_client(std::move(ours), options_for_host("h"), soon);
    FAIL();
  } catch (const refused& e) {
    EXPECT_EQ(e.code(), errc::handshake_refused);
    EXPECT_EQ(e.response().head.status, 401);
    EXPECT_EQ(e.response().body, "who");
    EXPECT_NE(std::string(e.what()).find("401"), std::string::npos);
  }
}

TEST(ws_attach, interim_answers_are_passed_over) {
  EXPECT_EQ(
      client_against("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 404 Not Found\r\n\r\n")
          .refusal.head.status,
      404);
}

TEST(ws_attach, wrong_answers_are_told_from_refusals) {
  const std::string good =
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n";
  EXPECT_EQ(
      client_against(good + "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n").error,
      errc::protocol);
  EXPECT_EQ(client_against("SSH-2.0-x\r\n\r\n").error, errc::protocol);
  EXPECT_EQ(client_against("").error, errc::end_of_stream);
  EXPECT_EQ(client_against(good).error, errc::end_of_stream);
  EXPECT_EQ(client_against(good + std::string(16 * 1024, 'x')).error, errc::message_too_big);
}

TEST(ws_attach, a_slow_handshake_ends_at_the_deadline_and_closes_the_stream) {
  for (const bool as_client : {true, false}) {
    auto [ours, peer] = memory_pair();
    peer->write(as_client ? "HTTP/1.1 101 Swi" : "GET / HT");
    const auto error = as_client
                           ? try_attach_client(std::move(ours), options_for_host("h"), 10ms).error()
                           : try_attach_server(std::move(ours), {}, 10ms).error();
    EXPECT_EQ(error, os_error(ETIMEDOUT));
    EXPECT_FALSE(peer->try_fill(1000, soon));
  }
}

TEST(ws_attach, a_client_that_is_too_slow_is_told_so) {
  for (const std::string_view sent : {"", "GET / HT"}) {
    auto [ours, peer] = memory_pair();
    if (!sent.empty()) peer->write(sent);
    EXPECT_EQ(try_attach_server(std::move(ours), {}, 10ms).error(), os_error(ETIMEDOUT));
    const std::string answer = read_all(*peer);
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 408 Request Timeout\r\n")) << answer;
    EXPECT_NE(answer.find("Connection: close\r\n"), std::string::npos) << answer;
  }
}

TEST(ws_attach, options_that_cannot_be_sent_close_the_stream) {
  auto [ours, peer] = memory_pair();
  EXPECT_EQ(try_attach_client(std::move(ours), options_for_host(""), soon).error(),
            os_error(EINVAL));
  EXPECT_FALSE(peer->try_fill(1, soon));
}

TEST(ws_attach, wherever_the_transport_breaks_both_handshakes_end) {
  for (const bool break_client : {true, false}) {
    bool broke = true;
    for (std::size_t n = 0; broke; ++n) {
      ASSERT_LT(n, 50u);
      const memory_faults at_n{.chop = 100, .fail_at = n}, chopped{.chop = 100};
      auto [a, b] = memory_pair(break_client ? at_n : chopped, break_client ? chopped : at_n);
      task_group group;
      bool server_made = false;
      group.go([&, lower = std::move(b)]() mutable {
        server_made = try_attach_server(std::move(lower), {}, soon).has_value();
      });
      const bool client_made =
          try_attach_client(std::move(a), options_for_host("h"), soon).has_value();
      group.wait();
      broke = !client_made || !server_made;
    }
  }
}

}  // namespace
}  // namespace caraway::ws
