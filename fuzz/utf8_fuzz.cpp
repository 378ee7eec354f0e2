// utf8_fuzz.cpp - UTF-8 validation in pieces says what the definition says, at the end of every
// piece.
#include "codec/utf8.hpp"

#include <cstdlib>

#include "codec/utf8_reference.hpp"
#include "cuts.hpp"

using namespace caraway;

static bool agree(codec::utf8_state state, codec::utf8_truth truth) {
  switch (truth) {
    case codec::utf8_truth::whole:
      return state == codec::utf8_complete;
    case codec::utf8_truth::wrong:
      return state == codec::utf8_invalid;
    case codec::utf8_truth::incomplete:
      return state != codec::utf8_complete && state != codec::utf8_invalid;
  }
  return false;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto [input, cuts] = fuzz::read_cuts(data, size);
  cuts.push_back(input.size());
  codec::utf8_state state = codec::utf8_complete;
  std::size_t from = 0;
  for (std::size_t to : cuts) {
    state = codec::utf8_advance(state, input.subspan(from, to - from));
    if (!agree(state, codec::utf8_by_definition(input.first(to)))) std::abort();
    from = to;
  }
  return 0;
}
