// connection_test.cpp - every conformance case against ws::connection: in one piece, in all cuts,
// and byte by byte to see with which byte it notices.
#include <gtest/gtest.h>

#include <cctype>

#include "control_cases.hpp"
#include "fragmentation_cases.hpp"
#include "framing_cases.hpp"
#include "text_cases.hpp"

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

std::string name_of_case(const testing::TestParamInfo<conformance_case>& info) {
  return "section_" + info.param.name;
}

INSTANTIATE_TEST_SUITE_P(framing, connection, testing::ValuesIn(framing_cases()), name_of_case);
INSTANTIATE_TEST_SUITE_P(fragmentation, connection, testing::ValuesIn(fragmentation_cases()),
                         name_of_case);
INSTANTIATE_TEST_SUITE_P(control, connection, testing::ValuesIn(control_cases()), name_of_case);
INSTANTIATE_TEST_SUITE_P(text, connection, testing::ValuesIn(text_cases()), name_of_case);

}  // namespace
}  // namespace caraway::conformance
