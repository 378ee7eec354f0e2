// cuts.hpp - lets the fuzzer decide where an input is cut: its first byte says how, the rest is the
// input. What is found must not depend on it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "caraway/bytes.hpp"

namespace caraway::fuzz {

// The input, and cut positions in it, in rising order.
struct cut_input {
  bytes input;
  std::vector<std::size_t> cuts;
};

// The first byte is how many of the next bytes are lengths of pieces, at most 15.
inline cut_input read_cuts(const std::uint8_t* data, std::size_t size) {
  cut_input c;
  if (size == 0) return c;
  std::size_t count = data[0] & 15, used = 1, at = 0;
  std::vector<std::size_t> lengths;
  while (count-- > 0 && used < size) lengths.push_back(data[used++]);
  c.input = std::as_bytes(std::span(data + used, size - used));
  for (std::size_t length : lengths)
    if ((at += length) < c.input.size()) c.cuts.push_back(at);
  return c;
}

}  // namespace caraway::fuzz
