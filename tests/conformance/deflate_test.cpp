// deflate_test.cpp - every case of RFC 7692 against ws::connection, as connection_test.cpp does it.
#include "deflate_cases.hpp"

#include <gtest/gtest.h>

namespace caraway::conformance {
namespace {

class deflate : public testing::TestWithParam<deflate_case> {};

ws::connection_options options_of(const deflate_case& c) {
  ws::connection_options o = ws::script_options(c.wire.to());
  o.max_message = c.max_message;
  o.max_fragments = c.max_fragments;
  o.deflate = c.agreed;
  return o;
}

TEST_P(deflate, makes_of_it_what_the_rfc_says) {
  EXPECT_EQ(ws::hear(GetParam().wire, options_of(GetParam())), GetParam().transcript);
}

TEST_P(deflate, is_over_with_the_byte_that_decides_it) {
  const deflate_case& c = GetParam();
  if (c.wire.size() <= 5000)
    EXPECT_EQ(ws::over_after(c.wire, options_of(c)), c.over_after);
  else
    EXPECT_EQ(c.over_after, 0u);
}

// Without an agreement a message gives itself away with its first byte.
TEST_P(deflate, is_refused_where_it_was_not_agreed_on) {
  const deflate_case& c = GetParam();
  ws::connection_options o = options_of(c);
  o.deflate.reset();
  const bool reserved_bits = (static_cast<unsigned char>(c.wire.data()[0]) & 0x70) != 0;
  EXPECT_EQ(ws::over_after(c.wire, o) == 1, reserved_bits);
}

std::string name_of_deflate_case(const testing::TestParamInfo<deflate_case>& info) {
  return "section_" + info.param.name;
}

INSTANTIATE_TEST_SUITE_P(rfc7692, deflate, testing::ValuesIn(deflate_cases()),
                         name_of_deflate_case);

}  // namespace
}  // namespace caraway::conformance
