#include "caraway/ws_redirect.hpp"

#include <gtest/gtest.h>

namespace caraway::ws {
namespace {

http::response_head found(std::string location, int status = 302) {
  http::response_head head;
  head.status = status;
  head.fields = {{"Location", std::move(location)}};
  return head;
}

// Where `location` leads from `from`, as a URL or as what is wrong with it.
std::string leads(std::string_view from, std::string location) {
  const auto to = redirect_target(*parse_url(from), found(std::move(location)));
  return to ? to->scheme + "://" + to->authority() + to->target : to.error().message();
}

constexpr std::string_view start = "ws://example.com:81/chat/room?n=7";
const std::string nowhere = make_error_code(errc::invalid_url).message();

TEST(ws_redirect, whole_urls_are_taken_as_they_are) {
  EXPECT_EQ(leads(start, "ws://other.org/x?y"), "ws://other.org/x?y");
  EXPECT_EQ(leads(start, "wss://other.org:8443/"), "wss://other.org:8443/");
}

TEST(ws_redirect, http_means_websocket) {
  EXPECT_EQ(leads(start, "http://other.org/x"), "ws://other.org/x");
  EXPECT_EQ(leads(start, "https://other.org"), "wss://other.org/");
  EXPECT_EQ(leads(start, "https://other.org:80/"), "wss://other.org:80/");
}

TEST(ws_redirect, references_are_resolved) {
  EXPECT_EQ(leads(start, "/else"), "ws://example.com:81/else");
  EXPECT_EQ(leads(start, "else?m=8"), "ws://example.com:81/chat/else?m=8");
  EXPECT_EQ(leads(start, "../up"), "ws://example.com:81/up");
  EXPECT_EQ(leads(start, "?m=8"), "ws://example.com:81/chat/room?m=8");
  EXPECT_EQ(leads(start, "//other.org/x"), "ws://other.org/x");
  EXPECT_EQ(leads("wss://[::1]/a", "/b"), "wss://[::1]/b");
}

TEST(ws_redirect, a_fragment_is_dropped) {
  EXPECT_EQ(leads(start, "/else#part"), "ws://example.com:81/else");
  EXPECT_EQ(leads(start, "ws://other.org/#part"), "ws://other.org/");
}

TEST(ws_redirect, the_user_of_a_url_stays_with_its_origin) {
  const url from = *parse_url("ws://me:secret@example.com/a");
  const auto user_at = [&](std::string location) {
    return redirect_target(from, found(std::move(location)))->user_info;
  };
  EXPECT_EQ(user_at("/b"), "me:secret");
  EXPECT_EQ(user_at("ws://example.com:80/b"), "me:secret");
  EXPECT_EQ(user_at("http://Example.com/b"), "me:secret");
  EXPECT_EQ(user_at("ws://you@example.com/b"), "you");
  for (const char* other : {"ws://example.org/", "//example.org/", "ws://example.com:81/",
                            "wss://example.com/", "https://example.com/"})
    EXPECT_EQ(user_at(other), "") << other;
}

TEST(ws_redirect, nobody_is_led_out_of_tls) {
  EXPECT_EQ(leads("wss://example.com/", "ws://example.com/"), nowhere);
  EXPECT_EQ(leads("wss://example.com/", "http://example.com/"), nowhere);
  EXPECT_EQ(leads("wss://example.com/", "/x"), "wss://example.com/x");
}

TEST(ws_redirect, what_is_no_websocket_is_not_gone_to) {
  for (const char* wrong : {"ftp://example.com/", "mailto:me@example.com", "http://",
                            "ws://exa mple/", "http://[::1", "%zz"})
    EXPECT_EQ(leads(start, wrong), nowhere) << wrong;
}

TEST(ws_redirect, only_the_five_statuses_with_one_location_redirect) {
  const url from = *parse_url(start);
  for (const int status : {301, 302, 303, 307, 308})
    EXPECT_TRUE(redirect_target(from, found("/x", status))) << status;
  for (const int status : {200, 300, 304, 305, 306, 309, 400, 401, 404, 426, 500})
    EXPECT_EQ(redirect_target(from, found("/x", status)).error(), errc::handshake_refused)
        << status;
  http::response_head head = found("/x");
  head.fields.push_back(head.fields.front());
  EXPECT_EQ(redirect_target(from, head).error(), errc::invalid_url);
  head.fields.clear();
  EXPECT_EQ(redirect_target(from, head).error(), errc::invalid_url);
}

TEST(ws_redirect, secrets_stay_with_the_origin_they_were_meant_for) {
  client_options options;
  options.host = "h";
  options.target = "/t";
  options.headers = {{"Cookie", "a=b"}, {"authorization", "Basic x"}, {"User-Agent", "me"}};
  const auto to = [&](std::string_view where) {
    return redirected(options, *parse_url("ws://example.com/"), *parse_url(where));
  };
  EXPECT_EQ(to("ws://example.com/else").headers.size(), 3u);
  for (const char* other : {"ws://example.org/", "ws://example.com:81/", "wss://example.com/"}) {
    ASSERT_EQ(to(other).headers.size(), 1u) << other;
    EXPECT_EQ(to(other).headers[0].name, "User-Agent");
  }
  EXPECT_EQ(to("ws://example.com/else").host, "");
  EXPECT_EQ(to("ws://example.com/else").target, "/");
}

}  // namespace
}  // namespace caraway::ws
