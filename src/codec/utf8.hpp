// utf8.hpp - is it UTF-8? (RFC 3629, as RFC 6455 section 8.1 demands of text messages)
//
// A text may come in pieces cut anywhere. What is known between two pieces is one byte of state; a
// piece that contains a byte which no continuation could make right is refused at once, also if the
// sequence around it is not complete yet.
//
//     codec::utf8_state state = codec::utf8_complete;
//     for (bytes piece : pieces)
//       if ((state = codec::utf8_advance(state, piece)) == codec::utf8_invalid) return invalid();
//     return state == codec::utf8_complete ? valid() : cut_short();
#pragma once

#include <cstdint>

#include "caraway/bytes.hpp"

namespace caraway::codec {

// Where in a sequence a piece ended.
using utf8_state = std::uint8_t;

// Between two characters: where a text begins and where it must end.
inline constexpr utf8_state utf8_complete = 0;
// There was a wrong byte; remains so.
inline constexpr utf8_state utf8_invalid = 6;

// The state after `piece`, which began in `state`.
utf8_state utf8_advance(utf8_state state, bytes piece) noexcept;

// True if `text` is valid from its first byte to its last.
inline bool is_utf8(bytes text) noexcept {
  return utf8_advance(utf8_complete, text) == utf8_complete;
}

}  // namespace caraway::codec
