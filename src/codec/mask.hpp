// mask.hpp - the masking of RFC 6455 section 5.3: byte i of a payload is XORed with byte i mod 4 of
// the key.
//
// A payload may come in pieces of any size: `offset` is where in the payload the piece begins.
//
//     codec::mask(first, key, 0);
//     codec::mask(second, key, first.size());
#pragma once

#include <cstdint>

#include "caraway/bytes.hpp"
#include "caraway/ws_frame.hpp"

namespace caraway::codec {

// Masks or unmasks `piece` in place.
void mask(mutable_bytes piece, ws::mask_key key, std::uint64_t offset) noexcept;

// Unmasks a whole payload in place. True if all of it is ASCII then.
bool unmask(mutable_bytes payload, ws::mask_key key) noexcept;

// The same as mask() on the way from `piece` to `to`, which has room for it and does not overlap it.
void mask_copy(std::byte* to, bytes piece, ws::mask_key key, std::uint64_t offset) noexcept;

}  // namespace caraway::codec
