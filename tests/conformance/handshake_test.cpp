// handshake_test.cpp - RFC 6455 section 4 on real sockets: requests that a server upgrades or answers
// otherwise, answers that a client takes or not, each in one piece and byte by byte.
#include <gtest/gtest.h>

#include <cerrno>

#include "over_tcp.hpp"

namespace caraway::conformance {
namespace {

std::string replaced(std::string text, std::string_view what, std::string_view by) {
  const std::size_t at = text.find(what);
  if (at == text.npos) throw std::logic_error("nothing to replace");
  return text.replace(at, what.size(), by);
}

// 4.2.1: what a server makes of a request

const std::string good_request =
    "GET /chat HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

// Another field for a request or an answer.
std::string with(std::string head, std::string_view field) {
  return head.insert(head.size() - 2, std::string(field) + "\r\n");
}

std::string asking(std::string_view what, std::string_view by) {
  return replaced(good_request, what, by);
}

struct request_case {
  const char* name;
  std::string text;
  int status;
  // What else must be in the answer.
  const char* field = "Connection: close\r\n";
};

const char* const accepted = "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n";
const char* const version_13 = "Sec-WebSocket-Version: 13\r\n";

std::string fields(int count) {
  std::string all;
  for (int i = 0; i < count; ++i) all += "X-" + std::to_string(i) + ": y\r\n";
  return all;
}

// A request of exactly `size` bytes.
std::string of_size(std::size_t size) {
  const std::string text = with(good_request, "X-Long: ");
  return replaced(text, "X-Long: ", "X-Long: " + std::string(size - text.size(), 'x'));
}

std::vector<request_case> requests() {
  const std::string key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
  const std::string version = "Sec-WebSocket-Version: 13\r\n";
  const std::string host = "Host: example.com\r\n";
  return {
      {"as_in_the_rfc", good_request, 101, accepted},
      {"names_in_any_case", asking("Sec-WebSocket-Key", "sEC-wEBsOCKET-kEY"), 101, accepted},
      {"tokens_in_any_case", asking("websocket", "WebSocket"), 101, accepted},
      {"connection_as_a_list", asking("n: Upgrade", "n: keep-alive, Upgrade"), 101, accepted},
      {"connection_in_two_fields", with(good_request, "Connection: keep-alive"), 101, accepted},
      {"upgrade_as_a_list", asking("e: websocket", "e: h2c, websocket"), 101, accepted},
      {"a_list_with_empty_members", asking("n: Upgrade", "n: ,, Upgrade ,"), 101, accepted},
      {"spaces_around_values", asking("Key: ", "Key: \t "), 101, accepted},
      {"no_space_before_values", asking("Host: ", "Host:"), 101, accepted},
      {"a_length_of_zero", with(good_request, "Content-Length: 0"), 101, accepted},
      {"an_unknown_extension", with(good_request, "Sec-WebSocket-Extensions: x-y; z=1"), 101,
       accepted},
      {"an_unknown_subprotocol", with(good_request, "Sec-WebSocket-Protocol: chat"), 101, accepted},
      {"a_whole_url_as_target", asking("/chat", "http://example.com/chat"), 101, accepted},
      {"its_own_origin", with(good_request, "Origin: http://example.com"), 101, accepted},
      {"its_own_origin_by_tls", with(good_request, "Origin: https://Example.com"), 101, accepted},
      {"the_longest_head", of_size(16 * 1024), 101, accepted},
      {"the_most_fields", asking("Host", fields(95) + "Host"), 101, accepted},

      {"post", asking("GET", "POST"), 405, "Allow: GET\r\n"},
      {"head", asking("GET", "HEAD"), 405, "Allow: GET\r\n"},
      {"method_in_small_letters", asking("GET", "get"), 405, "Allow: GET\r\n"},
      {"http_1_0", asking("HTTP/1.1", "HTTP/1.0"), 400},
      {"http_2", asking("HTTP/1.1", "HTTP/2.0"), 400},
      {"no_host", asking(host, ""), 400},
      {"two_hosts", with(good_request, "Host: example.com"), 400},
      {"an_empty_host", asking("Host: example.com", "Host: "), 400},
      {"no_upgrade", asking("Upgrade: websocket\r\n", ""), 426, "Upgrade: websocket\r\n"},
      {"upgrade_to_something_else", asking("e: websocket", "e: h2c"), 426,
       "Upgrade: websocket\r\n"},
      {"upgrade_with_more_behind", asking("e: websocket", "e: websockets"), 426, version_13},
      {"no_connection", asking("Connection: Upgrade\r\n", ""), 400},
      {"connection_without_upgrade", asking("n: Upgrade", "n: keep-alive"), 400},
      {"no_version", asking(version, ""), 400},
      {"version_8", asking("Version: 13", "Version: 8"), 426, version_13},
      {"version_14", asking("Version: 13", "Version: 14"), 426, version_13},
      {"version_013", asking("Version: 13", "Version: 013"), 426, version_13},
      {"version_as_a_list", asking("Version: 13", "Version: 13, 8"), 426, version_13},
      {"two_versions", with(good_request, "Sec-WebSocket-Version: 13"), 426, version_13},
      {"no_key", asking(key, ""), 400},
      {"two_keys", with(good_request, "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="), 400},
      {"an_empty_key", asking("dGhlIHNhbXBsZSBub25jZQ==", ""), 400},
      {"a_key_of_15_bytes", asking("dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25j"), 400},
      {"a_key_of_17_bytes", asking("dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25jZQA="), 400},
      {"a_key_without_padding", asking("ZQ==", "ZQ"), 400},
      {"a_key_with_bits_too_many", asking("ZQ==", "ZR=="), 400},
      {"a_key_that_is_not_base64", asking("dGhl", "d!hl"), 400},
      {"a_body", with(good_request, "Content-Length: 4"), 400},
      {"a_body_in_chunks", with(good_request, "Transfer-Encoding: chunked"), 400},
      {"a_subprotocol_that_is_no_token", with(good_request, "Sec-WebSocket-Protocol: a b"), 400},
      {"a_malformed_extension", with(good_request, "Sec-WebSocket-Extensions: x;;"), 400},
      {"a_foreign_origin", with(good_request, "Origin: http://example.org"), 403},
      {"the_origin_null", with(good_request, "Origin: null"), 403},
      {"two_origins", with(with(good_request, "Origin: http://example.com"), "Origin: http://a.b"),
       403},
      {"an_origin_on_another_port", with(good_request, "Origin: http://example.com:81"), 403},

      {"bare_line_feeds", asking("\r\n", "\n"), 400},
      {"a_folded_line", with(good_request, "X: a\r\n b"), 400},
      {"a_space_before_the_colon", asking("Host:", "Host :"), 400},
      {"a_field_without_a_name", with(good_request, ": x"), 400},
      {"a_field_without_a_colon", with(good_request, "nonsense"), 400},
      {"a_zero_byte", with(good_request, std::string("X: a\0b", 6)), 400},
      {"no_target", asking("GET /chat ", "GET "), 400},
      {"two_spaces", asking("GET /chat", "GET  /chat"), 400},
      {"the_beginning_of_tls",
       std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 15), 400},
      {"a_head_too_long", of_size(16 * 1024 + 1), 431},
      {"too_many_fields", asking("Host", fields(96) + "Host"), 431},
  };
}

// Says `request` to a server; its answer.
std::string answer_to(std::string_view request, std::size_t each) {
  auto [ours, theirs] = connected();
  task_group tasks;
  tasks.go([&, stream = std::move(ours)]() mutable {
    static_cast<void>(ws::try_attach_server(std::move(stream), {}, patience));
  });
  std::string answer;
  tasks.go([&, peer = theirs.get()] { answer = read_to_the_end(*peer); });
  write_in_pieces(*theirs, request, each);
  static_cast<void>(theirs->try_done(patience));
  tasks.wait(patience);
  return answer;
}

TEST(handshake, a_server_upgrades_what_it_may_and_nothing_else) {
  for (const request_case& c : requests()) {
    const std::string status = "HTTP/1.1 " + std::to_string(c.status) + " ";
    // What comes behind a head that is refused early may stay unread, which resets the connection.
    for (const std::size_t each : {std::size_t{0}, 1 + c.text.size() / 500}) {
      const std::string answer = answer_to(c.text, each);
      EXPECT_TRUE(answer.starts_with(status))
          << c.name << ", in pieces of " << each << ": " << answer;
      EXPECT_NE(answer.find(c.field), answer.npos) << c.name << ": " << answer;
    }
  }
}

TEST(handshake, the_answer_is_the_one_of_the_rfc) {
  EXPECT_EQ(answer_to(good_request, 1),
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n");
}

// 4.1: what a client makes of an answer

const std::string good_answer =
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Accept: ACCEPT\r\n\r\n";

std::string answering(std::string_view what, std::string_view by) {
  return replaced(good_answer, what, by);
}

struct answer_case {
  const char* name;
  std::string text;  // ACCEPT stands for the right key
  std::error_code error;
  const char* subprotocol = "";
};

std::vector<answer_case> answers() {
  const std::error_code fine, wrong = errc::protocol, refused = errc::handshake_refused;
  const std::string chosen = "Sec-WebSocket-Protocol: ";
  return {
      {"as_in_the_rfc", good_answer, fine},
      {"without_a_reason", answering("Switching Protocols", ""), fine},
      {"names_and_tokens_in_any_case", answering("Upgrade: websocket", "uPGRADE: wEBSOCKET"), fine},
      {"connection_as_a_list", answering("n: Upgrade", "n: keep-alive, upgrade"), fine},
      {"a_subprotocol_asked_for", with(good_answer, chosen + "v2"), fine, "v2"},
      {"interim_answers_before", "HTTP/1.1 103 Early Hints\r\n\r\n" + good_answer, fine},

      {"no_upgrade", answering("Upgrade: websocket\r\n", ""), wrong},
      {"upgrade_to_something_else", answering("websocket", "h2c"), wrong},
      {"upgrade_as_a_list", answering("websocket", "h2c, websocket"), wrong},
      {"upgrade_with_more_behind", answering("websocket", "websocket/13"), wrong},
      {"two_upgrades", with(good_answer, "Upgrade: websocket"), wrong},
      {"no_connection", answering("Connection: Upgrade\r\n", ""), wrong},
      {"connection_without_upgrade", answering("n: Upgrade", "n: close"), wrong},
      {"no_accept", answering("Sec-WebSocket-Accept: ACCEPT\r\n", ""), wrong},
      {"two_accepts", with(good_answer, "Sec-WebSocket-Accept: ACCEPT"), wrong},
      {"a_wrong_accept", answering("ACCEPT", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), wrong},
      {"an_accept_with_more_behind", answering("ACCEPT", "ACCEPT="), wrong},
      {"a_subprotocol_nobody_asked_for", with(good_answer, chosen + "v3"), wrong},
      {"a_subprotocol_in_another_case", with(good_answer, chosen + "V2"), wrong},
      {"two_subprotocols", with(good_answer, chosen + "v1, v2"), wrong},
      {"an_empty_subprotocol", with(good_answer, chosen), wrong},
      {"an_extension_nobody_asked_for", with(good_answer, "Sec-WebSocket-Extensions: x-y"), wrong},
      {"deflate_nobody_asked_for",
       with(good_answer, "Sec-WebSocket-Extensions: permessage-deflate"), wrong},
      {"not_http", "SSH-2.0-x\r\n\r\n", wrong},
      {"http_1_0", answering("HTTP/1.1", "HTTP/1.0"), wrong},
      {"http_of_another_major_version", answering("HTTP/1.1", "HTTP/2.0"), wrong},

      {"ok", answering("101 Switching Protocols", "200 OK"), refused},
      {"moved", answering("101 Switching Protocols", "302 Found"), refused},
      {"unauthorized", answering("101 Switching Protocols", "401 Unauthorized"), refused},
      {"upgrade_required", answering("101 Switching Protocols", "426 Upgrade Required"), refused},
      {"unavailable", answering("101 Switching Protocols", "503 Service Unavailable"), refused},

      {"nothing", "", errc::end_of_stream},
      {"half_a_head", good_answer.substr(0, 60), errc::end_of_stream},
      {"a_head_too_long", with(good_answer, "X: " + std::string(16 * 1024, 'x')),
       errc::message_too_big},
      {"too_many_fields", answering("Upgrade: ", fields(100) + "Upgrade: "), errc::message_too_big},
  };
}

std::string read_head(byte_stream& from) {
  std::string head;
  while (!head.ends_with("\r\n\r\n")) {
    head += as_text(from.fill(1, patience).first(1));
    from.consume(1);
  }
  return head;
}

std::string key_in(std::string_view request) {
  constexpr std::string_view name = "Sec-WebSocket-Key: ";
  return std::string(request.substr(request.find(name) + name.size(), 24));
}

TEST(handshake, a_client_takes_the_right_answer_and_no_other) {
  ws::client_options options;
  options.host = "example.com";
  options.subprotocols = {"v1", "v2"};
  for (const answer_case& c : answers()) {
    for (const std::size_t each : {std::size_t{0}, 1 + c.text.size() / 500}) {
      auto [ours, theirs] = connected();
      task_group tasks;
      tasks.go([&, peer = theirs.get()] {
        const std::string accept = ws::accept_key(key_in(read_head(*peer)));
        std::string answer = c.text;
        for (std::size_t at; (at = answer.find("ACCEPT")) != answer.npos;)
          answer.replace(at, 6, accept);
        write_in_pieces(*peer, answer, each);
        static_cast<void>(peer->try_done(patience));
      });
      const auto made = ws::try_attach_client(std::move(ours), options, patience);
      EXPECT_EQ(made ? std::error_code() : made.error(), c.error) << c.name << ", " << each;
      EXPECT_EQ(made ? made->subprotocol() : "", c.subprotocol) << c.name;
      tasks.wait(patience);
    }
  }
}

TEST(handshake, the_key_of_a_client_is_16_bytes_and_never_the_same) {
  std::string last;
  for (int i = 0; i < 5; ++i) {
    auto [ours, theirs] = connected();
    task_group tasks;
    tasks.go([&, peer = std::move(theirs)]() mutable {
      const std::string key = key_in(read_head(*peer));
      EXPECT_TRUE(ws::is_key(key)) << key;
      EXPECT_NE(key, last);
      last = key;
    });
    ws::client_options options;
    options.host = "example.com";
    EXPECT_FALSE(ws::try_attach_client(std::move(ours), options, patience));
    tasks.wait(patience);
  }
}

TEST(handshake, a_refused_client_gets_status_fields_and_body) {
  auto [ours, theirs] = connected();
  task_group tasks;
  tasks.go([&, stream = std::move(theirs)]() mutable {
    ws::server_options options;
    options.decide = [](const http::request_head& request) -> std::optional<http::response> {
      const auto cookie = http::find(request.fields, "Cookie");
      if (cookie == "session=good") return std::nullopt;
      return ws::refusal(401, std::string(70000, 'n'), {{"WWW-Authenticate", "Basic realm=\"x\""}});
    };
    EXPECT_EQ(ws::try_attach_server(std::move(stream), options, patience).error(),
              errc::handshake_refused);
  });
  ws::client_options options;
  options.host = "example.com";
  options.headers = {{"Cookie", "session=bad"}};
  http::response refusal;
  EXPECT_EQ(ws::try_attach_client(std::move(ours), options, patience, &refusal).error(),
            errc::handshake_refused);
  EXPECT_EQ(refusal.head.status, 401);
  EXPECT_EQ(http::find(refusal.head.fields, "www-authenticate"), "Basic realm=\"x\"");
  EXPECT_EQ(refusal.body, std::string(64 * 1024, 'n'));
  tasks.wait(patience);
}

}  // namespace
}  // namespace caraway::conformance
