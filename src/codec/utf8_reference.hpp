// utf8_reference.hpp - for tests: UTF-8 exactly as RFC 3629 says it, slowly.
#pragma once

#include <string>

#include "caraway/bytes.hpp"

namespace caraway::codec {

// `c` in UTF-8, also if it is a surrogate or too large.
inline std::string utf8_of(unsigned c) {
  const auto low = [c](int shift) { return static_cast<char>(0x80 | (c >> shift & 0x3f)); };
  if (c < 0x80) return {static_cast<char>(c)};
  if (c < 0x800) return {static_cast<char>(0xc0 | c >> 6), low(0)};
  if (c < 0x10000) return {static_cast<char>(0xe0 | c >> 12), low(6), low(0)};
  return {static_cast<char>(0xf0 | c >> 18), low(12), low(6), low(0)};
}

enum class utf8_truth { whole, incomplete, wrong };

// True if some character's encoding begins with the `n` bytes at `at`: tried with the smallest and
// the largest that their bits allow.
inline bool begins_a_character(bytes at) {
  const auto byte = [at](std::size_t i) { return std::to_integer<unsigned>(at[i]); };
  const unsigned lead = byte(0);
  const std::size_t size = lead < 0x80   ? 1
                           : lead < 0xc0 ? 0
                           : lead < 0xe0 ? 2
                           : lead < 0xf0 ? 3
                                         : 4;
  if (size == 0 || lead >= 0xf8 || at.size() > size) return false;
  unsigned lowest = size == 1 ? lead : lead & (0xffu >> (size + 1));
  unsigned highest = lowest;
  for (std::size_t i = 1; i < size; ++i) {
    if (i < at.size() && (byte(i) & 0xc0) != 0x80) return false;
    lowest = lowest << 6 | (i < at.size() ? byte(i) & 0x3f : 0);
    highest = highest << 6 | (i < at.size() ? byte(i) & 0x3f : 0x3f);
  }
  const unsigned least[] = {0, 0, 0x80, 0x800, 0x10000};
  const bool all_surrogates = lowest >= 0xd800 && highest <= 0xdfff;
  return highest >= least[size] && lowest <= 0x10ffff && !all_surrogates;
}

inline std::size_t character_size(std::byte lead) {
  const auto b = std::to_integer<unsigned>(lead);
  return b < 0x80 ? 1 : b < 0xe0 ? 2 : b < 0xf0 ? 3 : 4;
}

inline utf8_truth utf8_by_definition(bytes text) {
  while (!text.empty()) {
    const std::size_t size = character_size(text[0]);
    if (text.size() < size)
      return begins_a_character(text) ? utf8_truth::incomplete : utf8_truth::wrong;
    if (!begins_a_character(text.first(size))) return utf8_truth::wrong;
    text = text.subspan(size);
  }
  return utf8_truth::whole;
}

}  // namespace caraway::codec
