// agreed_cases.hpp - every case with what both sides have agreed on, if anything, for those who try
// them on sockets.
#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "all_cases.hpp"
#include "caraway/ws_limits.hpp"
#include "deflate_cases.hpp"

namespace caraway::conformance {

struct agreed_case : conformance_case {
  std::optional<ws::deflate_options> agreed;
};

inline std::vector<agreed_case> plain_cases() {
  std::vector<agreed_case> all;
  for (conformance_case& c : all_cases()) all.push_back({std::move(c), std::nullopt});
  return all;
}

// None in a build without zlib.
inline std::vector<agreed_case> compressed_cases() {
  std::vector<agreed_case> all;
  if (!codec::can_deflate()) return all;
  for (deflate_case& c : deflate_cases()) all.push_back({c, c.agreed});
  return all;
}

inline ws::limits limits_of(const agreed_case& c) {
  return {.message = c.max_message, .fragments = c.max_fragments};
}

// How GoogleTest calls a case.
inline std::string name_of_agreed_case(const testing::TestParamInfo<agreed_case>& info) {
  return "section_" + info.param.name;
}

}  // namespace caraway::conformance
