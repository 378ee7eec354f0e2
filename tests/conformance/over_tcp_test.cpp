// over_tcp_test.cpp - every conformance case against a ws::socket on a TCP connection, client and
// server: in one write, in pieces, byte by byte; those of RFC 7692 with its agreement.
#include "over_tcp.hpp"

#include <gtest/gtest.h>

#include "heard.hpp"

namespace caraway::conformance {
namespace {

class over_tcp : public testing::TestWithParam<agreed_case> {};

TEST_P(over_tcp, a_socket_makes_of_it_what_the_rfc_says) {
  const agreed_case& c = GetParam();
  const script wanted = expected(c);
  const std::size_t bit_by_bit = 1 + c.wire.size() / 2000;
  for (const std::size_t each : {std::size_t{0}, 7 * bit_by_bit, bit_by_bit}) {
    const script heard = hear(make_tested(c.wire.to(), limits_of(c), c.agreed), c, each);
    EXPECT_EQ(heard.events, wanted.events) << "in pieces of " << each;
    EXPECT_EQ(heard.frames, wanted.frames) << "in pieces of " << each;
  }
}

INSTANTIATE_TEST_SUITE_P(rfc6455, over_tcp, testing::ValuesIn(plain_cases()), name_of_agreed_case);
INSTANTIATE_TEST_SUITE_P(rfc7692, over_tcp, testing::ValuesIn(compressed_cases()),
                         name_of_agreed_case);

}  // namespace
}  // namespace caraway::conformance
