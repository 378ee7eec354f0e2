// all_cases.hpp - every table of cases, for those who run all of them.
#pragma once

#include <gtest/gtest.h>

#include <iterator>

#include "control_cases.hpp"
#include "fragmentation_cases.hpp"
#include "framing_cases.hpp"
#include "text_cases.hpp"

namespace caraway::conformance {

inline table all_cases() {
  table all;
  for (table (*part)() : {framing_cases, fragmentation_cases, control_cases, text_cases}) {
    table t = part();
    all.insert(all.end(), std::make_move_iterator(t.begin()), std::make_move_iterator(t.end()));
  }
  return all;
}

// How GoogleTest calls a case.
inline std::string name_of_case(const testing::TestParamInfo<conformance_case>& info) {
  return "section_" + info.param.name;
}

}  // namespace caraway::conformance
