// tls_stream_test.cpp - a TLS stream is a byte_stream, whatever is below it.
#include "proto/tls_stream.hpp"

#include <gtest/gtest.h>

#include "caraway/testing/byte_stream_contract.hpp"
#include "proto/tls_pair.hpp"

namespace caraway::tls {
namespace {

using testing::stream_pair;

stream_pair swapped(stream_pair p) {
  return {std::move(p.second), std::move(p.first)};
}

struct foundation {
  const char* name;
  stream_pair (*connect)();
};

const foundation foundations[] = {
    {"memory", [] { return connected_streams(); }},
    {"server_first", [] { return swapped(connected_streams()); }},
    {"chopped", [] { return connected_streams(memory_pair({.chop = 1001}, {.chop = 777})); }},
    {"narrow",
     [] { return connected_streams(memory_pair({.capacity = 4000}, {.capacity = 4000})); }},
    {"tls", [] { return connected_streams(connected_streams()); }},
};

class tls_stream : public ::testing::TestWithParam<foundation> {};

TEST_P(tls_stream, keeps_the_contract_of_a_byte_stream) {
  for (const auto& check : testing::byte_stream_checks())
    check.run(GetParam().connect, testing::contract_report([&](const std::string& what) {
                ADD_FAILURE() << check.name << ": " << what;
              }));
}

INSTANTIATE_TEST_SUITE_P(on, tls_stream, ::testing::ValuesIn(foundations),
                         [](const auto& i) { return i.param.name; });

}  // namespace
}  // namespace caraway::tls
