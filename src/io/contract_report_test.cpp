// contract_report_test.cpp - a report says what does not hold, and where, and nothing else.
#include "caraway/testing/contract_report.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "caraway/error.hpp"

namespace caraway::testing {
namespace {

TEST(contract_report, what_holds_is_not_reported) {
  std::vector<std::string> said;
  const contract_report report([&](const std::string& what) { said.push_back(what); });
  EXPECT_TRUE(report.expect(true, "a claim"));
  EXPECT_TRUE(report.expect_success(result<int>(1), "call"));
  report.expect_error(result<int>(fail(EBUSY)), os_error(EBUSY), "call");
  EXPECT_TRUE(said.empty());
}

TEST(contract_report, what_does_not_hold_is_reported_with_its_place) {
  std::vector<std::string> said;
  const contract_report report([&](const std::string& what) { said.push_back(what); });
  EXPECT_FALSE(report.expect(false, "a claim"));
  EXPECT_FALSE(report.expect_success(result<int>(fail(EBUSY)), "call"));
  report.expect_error(result<int>(fail(EBUSY)), os_error(EPIPE), "call");
  report.expect_error(result<int>(1), os_error(EPIPE), "call");
  ASSERT_EQ(said.size(), 4u);
  EXPECT_TRUE(said[0].starts_with("contract_report_test.cpp:"));
  EXPECT_TRUE(said[0].ends_with(": a claim"));
}

TEST(contract_report, failures_are_tried_until_one_is_not_reached) {
  std::vector<std::size_t> tried;
  for_each_failure([&](std::size_t n) {
    tried.push_back(n);
    return n == 3;
  });
  EXPECT_EQ(tried, (std::vector<std::size_t>{0, 1, 2, 3}));
}

}  // namespace
}  // namespace caraway::testing
