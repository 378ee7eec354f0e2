// utf8.cpp - UTF-8 by a state machine in shifts, with long runs left to the vectors.
//
// The machine has nine states. A state is a multiple of six, and the transitions of one byte value
// are a 64-bit word with the next state for state s in the six bits from s on: one shift makes one
// step, and the shift of the next step needs nothing else.
//
// Vectors check whole runs but cannot say where in a sequence a run ended; the last three bytes,
// given to the machine once more, do.
#include "codec/utf8.hpp"

#include <array>
#include <cstring>

#include "codec/utf8_blocks.hpp"

namespace caraway::codec {
namespace {

// Which bytes may come next (RFC 3629 section 4); see utf8_complete and utf8_invalid for the first
// two.
enum state : unsigned {
  complete = utf8_complete,
  invalid = utf8_invalid,
  one_more = 12,    // 80..BF
  two_more = 18,    // 80..BF, then one more
  after_e0 = 24,    // A0..BF: not in three bytes what fits in two
  after_ed = 30,    // 80..9F: no surrogates
  three_more = 36,  // 80..BF, then two more
  after_f0 = 42,    // 90..BF: not in four bytes what fits in three
  after_f4 = 48,    // 80..8F: nothing above U+10FFFF
};

constexpr unsigned first_byte(unsigned b) {
  if (b < 0x80) return complete;
  if (b < 0xc2) return invalid;
  if (b < 0xe0) return one_more;
  if (b < 0xf0) return b == 0xe0 ? after_e0 : b == 0xed ? after_ed : two_more;
  if (b < 0xf5) return b == 0xf0 ? after_f0 : b == 0xf4 ? after_f4 : three_more;
  return invalid;
}

constexpr unsigned next_byte(unsigned s, unsigned b) {
  const bool continues = b >= 0x80 && b < 0xc0;
  if (s == complete) return first_byte(b);
  if (s == invalid || !continues) return invalid;
  switch (s) {
    case one_more:
      return complete;
    case after_e0:
      return b >= 0xa0 ? one_more : invalid;
    case after_ed:
      return b < 0xa0 ? one_more : invalid;
    case after_f0:
      return b >= 0x90 ? two_more : invalid;
    case after_f4:
      return b < 0x90 ? two_more : invalid;
    case three_more:
      return two_more;
    default:
      return one_more;
  }
}

constexpr std::array<std::uint64_t, 256> transitions = [] {
  std::array<std::uint64_t, 256> table{};
  for (unsigned b = 0; b < 256; ++b)
    for (unsigned s = complete; s <= after_f4; s += 6)
      table[b] |= std::uint64_t{next_byte(s, b)} << s;
  return table;
}();

inline std::uint64_t step(std::uint64_t s, std::byte b) {
  return transitions[std::to_integer<unsigned>(b)] >> (s & 63);
}

inline bool ascii_word(const std::byte* at) {
  std::uint64_t word;
  std::memcpy(&word, at, sizeof word);
  return (word & 0x8080808080808080u) == 0;
}

// Byte by byte, but over ASCII in eights.
utf8_state walk(std::uint64_t s, bytes piece) {
  const std::byte* at = piece.data();
  const std::byte* const end = at + piece.size();
  while (end - at >= 8) {
    if ((s & 63) != complete || !ascii_word(at)) {
      for (int i = 0; i < 8; ++i) s = step(s, at[i]);
    }
    at += 8;
  }
  while (at != end) s = step(s, *at++);
  return static_cast<utf8_state>(s & 63);
}

bool short_and_ascii(bytes piece) {
  if (piece.size() < 8 || piece.size() > 64) return false;
  bool ascii = ascii_word(piece.data() + piece.size() - 8);
  for (std::size_t i = 0; i + 8 <= piece.size(); i += 8) ascii &= ascii_word(piece.data() + i);
  return ascii;
}

// Where the sequence begins that is perhaps not complete at the end of valid text.
std::size_t last_boundary(bytes text) {
  const std::size_t n = text.size();
  for (std::size_t back = 1; back <= 3; ++back) {
    const auto b = std::to_integer<unsigned>(text[n - back]);
    if (b < 0x80) return n - back + 1;
    if (b >= 0xc0) return n - back;
  }
  return n;
}

}  // namespace

utf8_state utf8_advance(utf8_state state, bytes piece) noexcept {
  if (state == complete && short_and_ascii(piece)) return utf8_complete;
  if (piece.size() < 24) return walk(state, piece);

  // Up to the first boundary that has three bytes in front of it.
  std::size_t i = 0;
  std::uint64_t s = state;
  while (i < 3 || ((s & 63) != complete && i < 8)) s = step(s, piece[i++]);
  if ((s & 63) != complete) return utf8_invalid;

  switch (check_utf8_blocks(piece.subspan(i))) {
    case utf8_verdict::invalid:
      return utf8_invalid;
    case utf8_verdict::not_tried:
      return walk(complete, piece.subspan(i));
    case utf8_verdict::valid:
      break;
  }
  return walk(complete, piece.subspan(last_boundary(piece)));
}

}  // namespace caraway::codec
