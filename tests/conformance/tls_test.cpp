// tls_test.cpp - conformance cases against a ws::socket on a TLS stream on a TCP connection, client
// and server: in one record, and in records of a few bytes. Those on text, which is checked long
// after TLS, are left to over_tcp_test.cpp.
#include <gtest/gtest.h>

#include "heard.hpp"
#include "proto/tls_pair.hpp"

namespace caraway::conformance {
namespace {

tested make_tested_over_tls(const agreed_case& c) {
  auto lower = connected();
  auto [client, server] = caraway::tls::connected({std::move(lower.ours), std::move(lower.theirs)});
  const bool is_client = c.wire.to() == ws::role::client;
  stream_ptr ours = is_client ? std::move(client) : std::move(server);
  stream_ptr theirs = is_client ? std::move(server) : std::move(client);
  return {ws::attach_without_handshake(std::move(ours), c.wire.to(), limits_of(c), c.agreed),
          std::move(theirs)};
}

class tls : public testing::TestWithParam<agreed_case> {};

TEST_P(tls, a_socket_makes_of_it_what_the_rfc_says) {
  const agreed_case& c = GetParam();
  const script wanted = expected(c);
  for (const std::size_t each : {std::size_t{0}, 7 + c.wire.size() / 300}) {
    const script heard = hear(make_tested_over_tls(c), c, each);
    EXPECT_EQ(heard.events, wanted.events) << "in records of " << each;
    EXPECT_EQ(heard.frames, wanted.frames) << "in records of " << each;
  }
}

std::vector<agreed_case> without_texts() {
  std::vector<agreed_case> all = plain_cases();
  std::erase_if(all, [](const agreed_case& c) { return c.name.starts_with("8_1_text_"); });
  return all;
}

INSTANTIATE_TEST_SUITE_P(rfc6455, tls, testing::ValuesIn(without_texts()), name_of_agreed_case);
INSTANTIATE_TEST_SUITE_P(rfc7692, tls, testing::ValuesIn(compressed_cases()), name_of_agreed_case);

}  // namespace
}  // namespace caraway::conformance
