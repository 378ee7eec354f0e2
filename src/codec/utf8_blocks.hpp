// utf8_blocks.hpp - the part of UTF-8 validation that depends on the processor: long runs, many
// bytes at a time. utf8_blocks_PROCESSOR.cpp implements it, utf8_blocks_portable.cpp everywhere
// else.
#pragma once

#include "caraway/bytes.hpp"

namespace caraway::codec {

enum class utf8_verdict : unsigned char {
  not_tried,  // too short, or the processor cannot: go byte by byte
  valid,      // nothing wrong; the last sequence may still be incomplete
  invalid,
};

// Checks `run`, which begins with a new character and has three bytes of valid text in front of it
// in the same memory.
utf8_verdict check_utf8_blocks(bytes run) noexcept;

}  // namespace caraway::codec
