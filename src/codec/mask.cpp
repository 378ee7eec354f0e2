// mask.cpp - masking sixteen bytes at a time, with the vectors that every processor has.
//
// The key is turned once so that it begins at the piece's offset, and repeated to the width of a
// vector; from then on every step is a multiple of four bytes, so the key never turns again. Loads
// and stores go through memcpy: any alignment will do. SSE2 or NEON is what the compiler makes of
// it; wider vectors gain nothing that a core's memory could keep up with.
#include "codec/mask.hpp"

#include <bit>
#include <cstring>

namespace caraway::codec {
namespace {

using vector = std::uint64_t __attribute__((vector_size(16)));

// The key as seen from `offset`, repeated to eight bytes.
inline std::uint64_t repeated(ws::mask_key key, std::uint64_t offset) {
  const int bits = static_cast<int>(offset & 3) * 8;
  const auto word = std::bit_cast<std::uint32_t>(key);
  constexpr bool little = std::endian::native == std::endian::little;
  return (little ? std::rotr(word, bits) : std::rotl(word, bits)) * 0x0000000100000001u;
}

// XORs one T worth of bytes, and returns them; T is a vector or an unsigned integer.
template <class T>
inline T step(std::byte* to, const std::byte* from, T key) {
  T data;
  std::memcpy(&data, from, sizeof data);
  data ^= key;
  std::memcpy(to, &data, sizeof data);
  return data;
}

// XORs the last 0 to 15 bytes. Returns, as run(), which bits were set anywhere in them.
inline std::uint64_t run_end(std::byte* to, const std::byte* from, std::size_t n,
                             std::uint64_t key) {
  std::uint64_t set = 0;
  if ((n & 8) != 0) {
    set |= step<std::uint64_t>(to, from, key);
    to += 8, from += 8;
  }
  if ((n & 4) != 0) {
    set |= step<std::uint32_t>(to, from, static_cast<std::uint32_t>(key));
    to += 4, from += 4;
  }
  const auto last = std::bit_cast<std::array<std::byte, 8>>(key);
  for (std::size_t i = 0; i < (n & 3); ++i) {
    to[i] = from[i] ^ last[i];
    set |= std::to_integer<std::uint64_t>(to[i]);
  }
  return set;
}

inline std::uint64_t run(std::byte* to, const std::byte* from, std::size_t n, std::uint64_t key) {
  const vector wide = {key, key};
  vector set = {};
  std::size_t i = 0;
  for (; n - i >= 64; i += 64) {
    set |= step(to + i, from + i, wide) | step(to + i + 16, from + i + 16, wide);
    set |= step(to + i + 32, from + i + 32, wide) | step(to + i + 48, from + i + 48, wide);
  }
  for (; n - i >= 16; i += 16) set |= step(to + i, from + i, wide);
  return set[0] | set[1] | run_end(to + i, from + i, n - i, key);
}

}  // namespace

void mask(mutable_bytes piece, ws::mask_key key, std::uint64_t offset) noexcept {
  run(piece.data(), piece.data(), piece.size(), repeated(key, offset));
}

bool unmask(mutable_bytes payload, ws::mask_key key) noexcept {
  const std::uint64_t set = run(payload.data(), payload.data(), payload.size(), repeated(key, 0));
  return (set & 0x8080808080808080u) == 0;
}

void mask_copy(std::byte* to, bytes piece, ws::mask_key key, std::uint64_t offset) noexcept {
  run(to, piece.data(), piece.size(), repeated(key, offset));
}

}  // namespace caraway::codec
