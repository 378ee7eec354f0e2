#include "caraway/ws_handshake.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>

namespace caraway::ws {
namespace {

constexpr std::string_view sample_key = "dGhlIHNhbXBsZSBub25jZQ==";
constexpr std::string_view sample_accept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

http::request_head good_request() {
  return {.method = "GET",
          .target = "/chat",
          .minor_version = 1,
          .fields = {{"Host", "server.example.com"},
                     {"Upgrade", "websocket"},
                     {"Connection", "Upgrade"},
                     {"Sec-WebSocket-Key", std::string(sample_key)},
                     {"Sec-WebSocket-Version", "13"}}};
}

http::response_head good_response() {
  return {.status = 101,
          .reason = "Switching Protocols",
          .minor_version = 1,
          .fields = {{"Upgrade", "websocket"},
                     {"Connection", "Upgrade"},
                     {"Sec-WebSocket-Accept", std::string(sample_accept)}}};
}

template <class Head>
Head with(Head head, std::string_view name, std::string value) {
  for (http::field& f : head.fields) {
    if (!http::same_name(f.name, name)) continue;
    f.value = value;
    return head;
  }
  head.fields.push_back({std::string(name), value});
  return head;
}

template <class Head>
Head without(Head head, std::string_view name) {
  std::erase_if(head.fields, [&](const http::field& f) { return http::same_name(f.name, name); });
  return head;
}

template <class Head>
Head doubled(Head head, std::string_view name) {
  head.fields.push_back({std::string(name), std::string(http::find(head.fields, name).value())});
  return head;
}

int status_for(const http::request_head& request) {
  const auto refusal = check_request(request);
  return refusal ? refusal->head.status : 101;
}

std::error_code verdict_on(const http::response_head& response,
                           std::vector<std::string> subprotocols = {}) {
  client_options offered;
  offered.subprotocols = std::move(subprotocols);
  const auto agreed = check_response(response, sample_key, offered);
  return agreed ? std::error_code() : agreed.error();
}

TEST(ws_handshake, the_sample_of_the_rfc_comes_out) {
  const std::string_view nonce = "the sample nonce";
  EXPECT_EQ(make_key(as_bytes(nonce).first<16>()), sample_key);
  EXPECT_EQ(accept_key(sample_key), sample_accept);
}

TEST(ws_handshake, a_key_is_sixteen_bytes_in_base64_and_nothing_else) {
  EXPECT_TRUE(is_key(sample_key));
  EXPECT_TRUE(is_key("AAAAAAAAAAAAAAAAAAAAAA=="));
  for (const std::string_view key :
       {"", "dGhlIHNhbXBsZSBub25jZQ", "dGhlIHNhbXBsZSBub25jZQ=", "dGhlIHNhbXBsZSBub25jZR==",
        "dGhlIHNhbXBsZSBub25jZQ== ", "dGhlIHNhbXBsZSBub25jZWE=", "dGhlIHNhbXBsZSBub25j",
        "dGhlIHNhbXBsZSBub25jZQ==AAAA", "dGhl-HNhbXBsZSBub25jZQ=="})
    EXPECT_FALSE(is_key(key)) << key;
}

TEST(ws_handshake, its_limits_have_ranges) {
  const auto good = [](std::chrono::milliseconds patience, std::size_t size, std::size_t fields) {
    return handshake_limits{patience, {size, fields}}.is_valid();
  };
  constexpr std::chrono::milliseconds shortest{1};
  constexpr std::size_t mebibyte = 1024 * 1024;
  EXPECT_TRUE(handshake_limits().is_valid());
  EXPECT_TRUE(good(shortest, 256, 8));
  EXPECT_TRUE(good(unlimited, mebibyte, 10'000));
  EXPECT_FALSE(good(shortest - shortest, 256, 8));
  EXPECT_FALSE(good(-shortest, 256, 8));
  EXPECT_FALSE(good(shortest, 255, 8));
  EXPECT_FALSE(good(shortest, mebibyte + 1, 8));
  EXPECT_FALSE(good(shortest, 256, 7));
  EXPECT_FALSE(good(shortest, 256, 10'001));
}

TEST(ws_handshake, the_request_has_everything_and_parses) {
  const client_options options{.host = "h:81",
                               .target = "/x?y",
                               .subprotocols = {"chat", "superchat"},
                               .headers = {{"Origin", "http://h:81"}},
                               .limits = {}};
  const auto text = upgrade_request(options, sample_key);
  ASSERT_TRUE(text);
  http::request_head head;
  ASSERT_EQ(http::parse(as_bytes(*text), head), result<std::size_t>(text->size()));
  EXPECT_EQ(head.target, "/x?y");
  EXPECT_EQ(http::find(head.fields, "Host"), "h:81");
  EXPECT_EQ(http::find(head.fields, "Sec-WebSocket-Protocol"), "chat, superchat");
  EXPECT_EQ(http::find(head.fields, "Origin"), "http://h:81");
  EXPECT_EQ(status_for(head), 101);
}

TEST(ws_handshake, options_that_would_break_the_request_are_refused) {
  const auto refused = [](client_options o) {
    return upgrade_request(o, sample_key) == result<std::string>(fail(EINVAL));
  };
  EXPECT_TRUE(
      refused({.host = "", .target = "/", .subprotocols = {}, .headers = {}, .limits = {}}));
  EXPECT_TRUE(
      refused({.host = "h\r\n", .target = "/", .subprotocols = {}, .headers = {}, .limits = {}}));
  EXPECT_TRUE(
      refused({.host = "h", .target = "/a b", .subprotocols = {}, .headers = {}, .limits = {}}));
  for (const std::vector<std::string>& names :
       {std::vector<std::string>{""}, {"a b"}, {"a,b"}, {"a", "a"}})
    EXPECT_TRUE(
        refused({.host = "h", .target = "/", .subprotocols = names, .headers = {}, .limits = {}}));
  for (const http::field& f : {http::field{"X", "a\r\nb"},
                               {"", "x"},
                               {"host", "x"},
                               {"Upgrade", "x"},
                               {"sec-websocket-extensions", "x"},
                               {"Content-Length", "5"}})
    EXPECT_TRUE(
        refused({.host = "h", .target = "/", .subprotocols = {}, .headers = {f}, .limits = {}}))
        << f.name;
}

TEST(ws_handshake, a_good_request_passes_in_all_its_spellings) {
  const auto good = good_request();
  EXPECT_EQ(status_for(good), 101);
  EXPECT_EQ(status_for(with(good, "Connection", "keep-alive, Upgrade")), 101);
  EXPECT_EQ(status_for(with(good, "Connection", "UPGRADE")), 101);
  EXPECT_EQ(status_for(with(good, "Upgrade", "WebSocket")), 101);
  EXPECT_EQ(status_for(with(good, "Upgrade", "h2c, websocket")), 101);
  EXPECT_EQ(status_for(with(good, "Sec-WebSocket-Extensions", "permessage-deflate")), 101);
  EXPECT_EQ(status_for(with(good, "Sec-WebSocket-Extensions", "x; y=\"z\", , never-heard-of")),
            101);
  EXPECT_EQ(status_for(with(good, "Sec-WebSocket-Extensions", "permessage-deflate; =")), 400);
  EXPECT_EQ(status_for(with(good, "Content-Length", "0")), 101);
}

TEST(ws_handshake, each_fault_of_a_request_has_its_status) {
  const auto good = good_request();
  http::request_head post = good, old = good;
  post.method = "POST";
  old.minor_version = 0;
  EXPECT_EQ(status_for(post), 405);
  EXPECT_EQ(status_for(old), 400);
  EXPECT_EQ(status_for(without(good, "Host")), 400);
  EXPECT_EQ(status_for(doubled(good, "Host")), 400);
  EXPECT_EQ(status_for(with(good, "Host", "")), 400);
  EXPECT_EQ(status_for(without(good, "Upgrade")), 426);
  EXPECT_EQ(status_for(with(good, "Upgrade", "h2c")), 426);
  EXPECT_EQ(status_for(without(good, "Connection")), 400);
  EXPECT_EQ(status_for(with(good, "Connection", "close")), 400);
  EXPECT_EQ(status_for(without(good, "Sec-WebSocket-Version")), 400);
  EXPECT_EQ(status_for(with(good, "Sec-WebSocket-Version", "8")), 426);
  EXPECT_EQ(status_for(with(good, "Sec-WebSocket-Version", "13, 8")), 426);
  EXPECT_EQ(status_for(doubled(good, "Sec-WebSocket-Version")), 426);
  EXPECT_EQ(status_for(without(good, "Sec-WebSocket-Key")), 400);
  EXPECT_EQ(status_for(doubled(good, "Sec-WebSocket-Key")), 400);
  EXPECT_EQ(status_for(with(good, "Sec-WebSocket-Key", "c2hvcnQ=")), 400);
  EXPECT_EQ(status_for(with(good, "Sec-WebSocket-Protocol", "a b")), 400);
  EXPECT_EQ(status_for(with(good, "Content-Length", "3")), 400);
  EXPECT_EQ(status_for(with(good, "Transfer-Encoding", "chunked")), 400);
}

TEST(ws_handshake, a_refusal_for_the_version_says_which_one_would_do) {
  const auto refusal = check_request(with(good_request(), "Sec-WebSocket-Version", "25"));
  ASSERT_TRUE(refusal);
  EXPECT_EQ(http::find(refusal->head.fields, "Sec-WebSocket-Version"), "13");
  EXPECT_TRUE(http::has_token(refusal->head.fields, "Connection", "close"));
}

TEST(ws_handshake, the_answer_satisfies_the_client) {
  const auto request = with(good_request(), "Sec-WebSocket-Protocol", "chat, superchat");
  const auto text = upgrade_response(request, "superchat", {{"Set-Cookie", "a=b"}});
  ASSERT_TRUE(text);
  http::response_head head;
  ASSERT_EQ(http::parse(as_bytes(*text), head), result<std::size_t>(text->size()));
  EXPECT_EQ(http::find(head.fields, "Set-Cookie"), "a=b");
  client_options offered;
  offered.subprotocols = {"chat", "superchat"};
  const auto agreed = check_response(head, sample_key, offered);
  ASSERT_TRUE(agreed);
  EXPECT_EQ(agreed->subprotocol, "superchat");
  EXPECT_FALSE(agreed->deflate);
}

TEST(ws_handshake, an_answer_the_client_did_not_ask_for_cannot_be_made) {
  const auto request = good_request();
  EXPECT_EQ(upgrade_response(request, "chat", {}), result<std::string>(fail(EINVAL)));
  EXPECT_EQ(upgrade_response(request, "", {{"Sec-WebSocket-Accept", "x"}}),
            result<std::string>(fail(EINVAL)));
  EXPECT_EQ(upgrade_response(request, "", {{"X", "\n"}}), result<std::string>(fail(EINVAL)));
}

TEST(ws_handshake, a_good_answer_passes_in_all_its_spellings) {
  EXPECT_EQ(verdict_on(good_response()), std::error_code());
  EXPECT_EQ(verdict_on(with(good_response(), "Connection", "keep-alive, upgrade")),
            std::error_code());
  EXPECT_EQ(verdict_on(with(good_response(), "Upgrade", "WebSocket")), std::error_code());
  EXPECT_EQ(verdict_on(good_response(), {"chat"}), std::error_code());
}

TEST(ws_handshake, each_fault_of_an_answer_is_found) {
  const auto good = good_response();
  http::response_head other = good;
  other.status = 200;
  EXPECT_EQ(verdict_on(other), errc::handshake_refused);
  http::response_head old = good;
  old.minor_version = 0;
  EXPECT_EQ(verdict_on(old), errc::protocol);
  const http::response_head wrong[] = {
      without(good, "Upgrade"),
      with(good, "Upgrade", "h2c"),
      with(good, "Upgrade", "h2c, websocket"),
      doubled(good, "Upgrade"),
      without(good, "Connection"),
      with(good, "Connection", "close"),
      without(good, "Sec-WebSocket-Accept"),
      doubled(good, "Sec-WebSocket-Accept"),
      with(good, "Sec-WebSocket-Accept", "S3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
      with(good, "Sec-WebSocket-Extensions", "permessage-deflate"),
      with(good, "Sec-WebSocket-Protocol", "chat"),
  };
  for (const auto& response : wrong) EXPECT_EQ(verdict_on(response), errc::protocol);
  const auto two = doubled(with(good, "Sec-WebSocket-Protocol", "chat"), "Sec-WebSocket-Protocol");
  EXPECT_EQ(verdict_on(two, {"chat"}), errc::protocol);
  EXPECT_EQ(verdict_on(with(good, "Sec-WebSocket-Protocol", "Chat"), {"chat"}), errc::protocol);
}

TEST(ws_handshake, the_server_s_own_order_decides_the_subprotocol) {
  const auto request = with(good_request(), "Sec-WebSocket-Protocol", "a,b , c");
  const std::vector<std::string> ours = {"x", "c", "a"}, others = {"x"};
  EXPECT_EQ(choose_subprotocol(request, ours), "c");
  EXPECT_EQ(choose_subprotocol(request, others), "");
  EXPECT_EQ(choose_subprotocol(good_request(), ours), "");
}

TEST(ws_handshake, pages_of_the_same_host_are_told_from_others) {
  const auto from = [](std::string origin, std::string host) {
    return is_same_origin(with(with(good_request(), "Host", host), "Origin", origin));
  };
  EXPECT_TRUE(is_same_origin(good_request()));
  EXPECT_TRUE(from("http://example.com", "example.com"));
  EXPECT_TRUE(from("https://example.com", "EXAMPLE.com:443"));
  EXPECT_TRUE(from("http://example.com:8080", "example.com:8080"));
  EXPECT_TRUE(from("http://[::1]:9", "[::1]:9"));
  EXPECT_FALSE(from("http://example.com", "example.com:8080"));
  EXPECT_FALSE(from("http://example.com:8080", "example.com"));
  EXPECT_FALSE(from("http://example.com.evil.org", "example.com"));
  EXPECT_FALSE(from("null", "example.com"));
  EXPECT_FALSE(from("", "example.com"));
  EXPECT_FALSE(from("chrome-extension://example.com", "example.com"));
  EXPECT_FALSE(is_same_origin(
      doubled(with(good_request(), "Origin", "http://server.example.com"), "Origin")));
}

}  // namespace
}  // namespace caraway::ws
