// tls_absent_test.cpp - in a build without TLS nobody hears of a client that wants it.
#include <gtest/gtest.h>

#include <cerrno>
#include <chrono>
#include <string>

#include "caraway/tcp.hpp"
#include "caraway/ws.hpp"

namespace caraway::ws {
namespace {

using namespace std::chrono_literals;

const std::error_code absent = os_error(EPROTONOSUPPORT);

TEST(tls_absent, wss_fails_before_anybody_is_connected_to) {
  auto listener = tcp::listen(address::loopback(0));
  const std::string where = "wss://" + listener.local_address().to_string() + "/";
  EXPECT_EQ(try_connect(where, {}, 20s).error(), absent);
  EXPECT_FALSE(listener.try_accept(10ms));
}

TEST(tls_absent, wss_fails_before_a_name_is_resolved) {
  EXPECT_EQ(try_connect("wss://nobody.invalid/", {}, 20s).error(), absent);
}

TEST(tls_absent, the_exception_says_that_the_build_is_without_tls) {
  try {
    connect("wss://127.0.0.1:1/", 20s);
    FAIL() << "no exception";
  } catch (const error& e) {
    EXPECT_TRUE(std::string_view(e.what()).contains("wss needs TLS, which is not in this build"))
        << e.what();
  }
}

TEST(tls_absent, a_redirect_to_wss_goes_nowhere) {
  auto listener = tcp::listen(address::loopback(0));
  serve_options away;
  away.decide = [to = "wss://" + listener.local_address().to_string() + "/"](const auto&) {
    return std::optional(refusal(307, "", {{"Location", to}}));
  };
  server s("127.0.0.1:0", [](socket&) {}, away);
  client_options options;
  options.redirects = 1;
  EXPECT_EQ(try_connect(s.url(), options, 20s).error(), absent);
  EXPECT_FALSE(listener.try_accept(10ms));
}

}  // namespace
}  // namespace caraway::ws
