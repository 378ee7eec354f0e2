#include "caraway/ws_origin.hpp"

#include <gtest/gtest.h>

namespace caraway::ws {
namespace {

TEST(ws_origin, an_origin_fits_itself_in_any_case) {
  EXPECT_TRUE(matches_origin("https://example.com", "https://example.com"));
  EXPECT_TRUE(matches_origin("HTTPS://Example.Com", "https://example.com"));
  EXPECT_TRUE(matches_origin("http://[::1]:8080", "http://[::1]:8080"));
  EXPECT_TRUE(matches_origin("chrome-extension://abcdef", "chrome-extension://abcdef"));
}

TEST(ws_origin, another_scheme_host_or_port_does_not_fit) {
  for (const char* other : {"http://example.com", "https://example.org", "https://example.com:444",
                            "https://example.co", "https://example.comm", "https://xexample.com",
                            "https://www.example.com", "null", ""})
    EXPECT_FALSE(matches_origin("https://example.com", other)) << other;
}

TEST(ws_origin, the_port_of_the_scheme_goes_without_saying) {
  EXPECT_TRUE(matches_origin("https://example.com:443", "https://example.com"));
  EXPECT_TRUE(matches_origin("http://example.com", "http://example.com:80"));
  EXPECT_FALSE(matches_origin("http://example.com", "http://example.com:443"));
  EXPECT_FALSE(matches_origin("app://example", "app://example:80"));
}

TEST(ws_origin, a_star_for_a_port_fits_every_port) {
  EXPECT_TRUE(matches_origin("http://localhost:*", "http://localhost:5173"));
  EXPECT_TRUE(matches_origin("http://localhost:*", "http://localhost"));
  EXPECT_TRUE(matches_origin("http://[::1]:*", "http://[::1]:3000"));
  EXPECT_FALSE(matches_origin("http://localhost:*", "https://localhost:5173"));
}

TEST(ws_origin, a_star_for_a_host_fits_what_is_below_it) {
  EXPECT_TRUE(matches_origin("https://*.example.com", "https://chat.example.com"));
  EXPECT_TRUE(matches_origin("https://*.example.com", "https://a.b.EXAMPLE.com"));
  EXPECT_TRUE(matches_origin("https://*.example.com:*", "https://chat.example.com:99"));
  for (const char* other : {"https://example.com", "https://badexample.com",
                            "https://.example.com.evil.org", "https://chat.example.com:444",
                            "http://chat.example.com", "https://chat.example.com.evil.org",
                            "https://evil.org/.example.com", "https://evil.org?.example.com",
                            "https://evil.org#.example.com", "https://evil@chat.example.com"})
    EXPECT_FALSE(matches_origin("https://*.example.com", other)) << other;
}

TEST(ws_origin, a_lone_star_fits_everybody) {
  for (const char* origin : {"https://example.com", "null", "no origin at all", ""})
    EXPECT_TRUE(matches_origin("*", origin)) << origin;
}

TEST(ws_origin, null_fits_only_itself) {
  EXPECT_TRUE(matches_origin("null", "null"));
  EXPECT_FALSE(matches_origin("null", "https://null"));
  EXPECT_FALSE(matches_origin("https://*.example.com", "null"));
}

TEST(ws_origin, malformed_patterns_fit_nothing) {
  for (const char* pattern :
       {"", "example.com", "://example.com", "https://", "https://*.", "**",
        "https://example.com:", "https://example.com:8x", "https://example.com/", "https://*",
        "https://exa*ple.com", "https://example.com:123456"})
    for (const char* origin :
         {"https://example.com", "https://chat.example.com", "https://*", "https://*."})
      EXPECT_FALSE(matches_origin(pattern, origin)) << pattern << " " << origin;
}

TEST(ws_origin, what_no_browser_writes_is_no_origin) {
  for (const char* origin :
       {"https://a:443b]c.example.com", "https://a]b.example.com", "https://a\x7f.example.com",
        "https://a\xff.example.com", "https://a\\b.example.com", "https://[a.example.com"})
    EXPECT_FALSE(matches_origin("https://*.example.com", origin)) << origin;
  EXPECT_TRUE(matches_origin("https://[::1]:80", "https://[::1]:80"));
}

TEST(ws_origin, an_origin_with_a_star_is_none) {
  EXPECT_FALSE(matches_origin("https://*.example.com", "https://*.example.com"));
  EXPECT_FALSE(matches_origin("https://example.com:*", "https://example.com:*"));
}

}  // namespace
}  // namespace caraway::ws
