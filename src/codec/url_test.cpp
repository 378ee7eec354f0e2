#include "caraway/url.hpp"

#include <gtest/gtest.h>

namespace caraway {
namespace {

TEST(url, everything_left_out_has_its_default) {
  const auto u = parse_url("ws://example.com");
  ASSERT_TRUE(u);
  EXPECT_EQ(u->scheme, "ws");
  EXPECT_EQ(u->host, "example.com");
  EXPECT_EQ(u->port, 80);
  EXPECT_EQ(u->target, "/");
  EXPECT_EQ(u->user_info, "");
  EXPECT_FALSE(u->secure());
}

TEST(url, each_scheme_has_its_port) {
  const std::pair<const char*, int> schemes[] = {{"ws", 80},     {"wss", 443}, {"http", 80},
                                                 {"https", 443}, {"WS", 80},   {"Https", 443}};
  for (const auto& [scheme, port] : schemes) {
    const auto u = parse_url(std::string(scheme) + "://h/");
    ASSERT_TRUE(u) << scheme;
    EXPECT_EQ(u->port, port) << scheme;
    EXPECT_EQ(u->secure(), port == 443) << scheme;
    EXPECT_EQ(u->authority(), "h") << scheme;
  }
}

TEST(url, path_and_query_stay_as_they_were_written) {
  const std::pair<const char*, const char*> targets[] = {
      {"ws://h/chat", "/chat"}, {"ws://h/a%20b/", "/a%20b/"}, {"ws://h/a?b=c%26&d", "/a?b=c%26&d"},
      {"ws://h?", "/?"},        {"ws://h?x=/?", "/?x=/?"},    {"ws://h//", "//"},
      {"http://h/a#part", "/a"}};
  for (const auto& [text, target] : targets) {
    const auto u = parse_url(text);
    ASSERT_TRUE(u) << text;
    EXPECT_EQ(u->target, target) << text;
  }
}

TEST(url, an_ipv6_literal_loses_its_brackets_and_gets_them_back_for_the_host_field) {
  const auto u = parse_url("wss://[2001:DB8::1]:9001/x");
  ASSERT_TRUE(u);
  EXPECT_EQ(u->host, "2001:db8::1");
  EXPECT_EQ(u->port, 9001);
  EXPECT_EQ(u->authority(), "[2001:db8::1]:9001");
  EXPECT_EQ(parse_url("ws://[::1]/")->authority(), "[::1]");
}

TEST(url, the_host_is_decoded_and_in_lower_case) {
  EXPECT_EQ(parse_url("ws://Ex%41mple.COM/")->host, "example.com");
  EXPECT_EQ(parse_url("ws://127.0.0.1:8080")->authority(), "127.0.0.1:8080");
}

TEST(url, a_name_may_begin_like_an_address) {
  const std::pair<const char*, const char*> hosts[] = {
      {"ws://127.0.0.1.example.com/", "127.0.0.1.example.com"},
      {"ws://1.2.3.4a:80/", "1.2.3.4a"},
      {"ws://me:pw@1.2.3.4.5/1@2", "1.2.3.4.5"},
      {"ws://255%2e1.2.3.4/", "255.1.2.3.4"},
      {"ws://3com", "3com"}};
  for (const auto& [text, host] : hosts) {
    const auto u = parse_url(text);
    ASSERT_TRUE(u) << text;
    EXPECT_EQ(u->host, host) << text;
  }
}

TEST(url, the_default_port_is_left_out_of_the_host_field) {
  EXPECT_EQ(parse_url("ws://h:80/")->authority(), "h");
  EXPECT_EQ(parse_url("ws://h:443/")->authority(), "h:443");
  EXPECT_EQ(parse_url("wss://h:443/")->authority(), "h");
  EXPECT_EQ(parse_url("ws://h:/")->port, 80);
}

TEST(url, a_user_is_decoded) {
  EXPECT_EQ(parse_url("ws://me:p%40ss@h/")->user_info, "me:p@ss");
  EXPECT_EQ(parse_url("ws://me@h/")->user_info, "me");
}

TEST(url, what_cannot_be_dialled_is_refused) {
  const std::string_view wrong[] = {"",
                                    "ws",
                                    "ws:",
                                    "ws:/h",
                                    "ws://",
                                    "ws:///x",
                                    "//h/",
                                    "/x",
                                    "h:80",
                                    "ftp://h/",
                                    "ws://h:0/",
                                    "ws://h:65536/",
                                    "ws://h:x/",
                                    "ws://h:80x",
                                    "ws://h%C3%A9/",
                                    "ws://a%3cb/",
                                    "ws://[::1]x/",
                                    "ws://h:-1/",
                                    "ws://h/#",
                                    "wss://h/a#b",
                                    "ws://h /",
                                    "ws://h/a b",
                                    "ws://h%00/",
                                    "ws://a%2fb/",
                                    "ws://a%40b/",
                                    "ws://[::1/",
                                    "ws://::1/",
                                    "ws://[v1.a]/",
                                    "ws://[fe80::1%25eth0]/",
                                    "ws://h/%zz",
                                    "ws://h/\n",
                                    " ws://h/",
                                    "ws://h/\x80"};
  for (const std::string_view text : wrong) {
    const auto u = parse_url(text);
    ASSERT_FALSE(u) << text;
    EXPECT_EQ(u.error(), errc::invalid_url) << text;
  }
}

}  // namespace
}  // namespace caraway
