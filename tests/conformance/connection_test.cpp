// connection_test.cpp - every conformance case against ws::connection: in one piece, in all cuts,
// and byte by byte to see with which byte it notices.
#include <gtest/gtest.h>

#include "all_cases.hpp"

namespace caraway::conformance {
namespace {

class connection : public testing::TestWithParam<conformance_case> {};

ws::connection_options options_of(const conformance_case& c) {
  ws::connection_options o = ws::script_options(c.wire.to());
  o.max_message = c.max_message;
  o.max_fragments = c.max_fragments;
  return o;
}

TEST_P(connection, makes_of_it_what_the_rfc_says) {
  const conformance_case& c = GetParam();
  EXPECT_EQ(ws::hear(c.wire, options_of(c)), c.transcript);
}

TEST_P(connection, is_over_with_the_byte_that_decides_it) {
  const conformance_case& c = GetParam();
  constexpr std::size_t too_long_to_go_byte_by_byte = 5000;
  if (c.wire.size() > too_long_to_go_byte_by_byte)
    EXPECT_EQ(c.over_after, 0u);
  else
    EXPECT_EQ(ws::over_after(c.wire, options_of(c)), c.over_after);
}

INSTANTIATE_TEST_SUITE_P(rfc6455, connection, testing::ValuesIn(all_cases()), name_of_case);

}  // namespace
}  // namespace caraway::conformance
