// ws_frame.cpp - frame headers of RFC 6455 section 5.2, strictly.
#include "caraway/ws_frame.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

namespace caraway::ws {
namespace {

constexpr std::uint8_t fin_bit = 0x80;
constexpr std::uint8_t reserved_mask = 0x70;
constexpr std::uint8_t opcode_mask = 0x0f;
constexpr std::uint8_t mask_bit = 0x80;
constexpr std::uint8_t length_mask = 0x7f;
constexpr std::uint8_t length_is_16_bit = 126;
constexpr std::uint8_t length_is_64_bit = 127;

constexpr bool known(std::uint8_t op) {
  return op <= 0x2 || (op >= 0x8 && op <= 0xa);
}

std::uint8_t byte_at(bytes in, std::size_t i) {
  return std::to_integer<std::uint8_t>(in[i]);
}

std::uint64_t big_endian(bytes digits) {
  std::uint64_t value = 0;
  for (std::byte digit : digits) value = value << 8 | std::to_integer<std::uint64_t>(digit);
  return value;
}

// In one piece, since whoever copies the header reads it so; returns what is behind it.
template <class T>
std::byte* put_big_endian(std::byte* out, T value) {
  if constexpr (std::endian::native == std::endian::little) value = std::byteswap(value);
  std::memcpy(out, &value, sizeof value);
  return out + sizeof value;
}

// What the first byte alone tells.
frame_fault read_first(std::uint8_t first, std::uint8_t allowed_reserved, frame_header& h) {
  h.fin = (first & fin_bit) != 0;
  h.reserved = first & reserved_mask;
  if ((h.reserved & ~allowed_reserved) != 0) return frame_fault::reserved_bits;
  if (!known(first & opcode_mask)) return frame_fault::reserved_opcode;
  h.op = static_cast<opcode>(first & opcode_mask);
  if (is_control(h.op) && !h.fin) return frame_fault::fragmented_control;
  return frame_fault::none;
}

// What the second byte adds.
frame_fault read_second(std::uint8_t second, role self, frame_header& h) {
  h.masked = (second & mask_bit) != 0;
  if (self == role::server && !h.masked) return frame_fault::unmasked;
  if (self == role::client && h.masked) return frame_fault::masked;
  h.size = second & length_mask;
  if (is_control(h.op) && h.size > max_control_payload) return frame_fault::long_control;
  return frame_fault::none;
}

// The length in 2 or 8 bytes behind the first two.
frame_fault read_extended_length(bytes digits, frame_header& h) {
  h.size = big_endian(digits);
  if (h.size >> 63 != 0) return frame_fault::length_out_of_range;
  if (h.size < (digits.size() == 2 ? 126u : 65536u)) return frame_fault::length_not_minimal;
  return frame_fault::none;
}

}  // namespace

const char* describe(frame_fault fault) noexcept {
  switch (fault) {
    case frame_fault::none:
      return "no fault";
    case frame_fault::reserved_bits:
      return "reserved bit set";
    case frame_fault::reserved_opcode:
      return "reserved opcode";
    case frame_fault::fragmented_control:
      return "fragmented control frame";
    case frame_fault::long_control:
      return "control frame of more than 125 bytes";
    case frame_fault::unmasked:
      return "unmasked frame from a client";
    case frame_fault::masked:
      return "masked frame from a server";
    case frame_fault::length_not_minimal:
      return "length not in its shortest form";
    case frame_fault::length_out_of_range:
      return "length of more than 63 bits";
  }
  return "unknown fault";
}

parsed_header parse_header(bytes in, role self, std::uint8_t allowed_reserved) noexcept {
  parsed_header p;
  frame_header& h = p.header;
  p.need = 1;
  if (in.empty()) return p;
  p.fault = read_first(byte_at(in, 0), allowed_reserved, h);
  p.need = 2;
  if (p.fault != frame_fault::none || in.size() < 2) return p;
  p.fault = read_second(byte_at(in, 1), self, h);
  if (p.fault != frame_fault::none) return p;

  const std::size_t digits = h.size == length_is_64_bit ? 8 : h.size == length_is_16_bit ? 2 : 0;
  const std::size_t whole = 2 + digits + (h.masked ? 4 : 0);
  p.need = static_cast<std::uint8_t>(digits != 0 ? 2 + digits : whole);
  if (in.size() < p.need) return p;
  if (digits != 0) p.fault = read_extended_length(in.subspan(2, digits), h);
  p.need = static_cast<std::uint8_t>(whole);
  if (p.fault != frame_fault::none || in.size() < whole) return p;
  if (h.masked) std::memcpy(h.mask.data(), in.data() + 2 + digits, 4);
  p.used = p.need;
  return p;
}

std::size_t format_header(mutable_bytes out, const frame_header& h) noexcept {
  const unsigned first = (h.fin ? fin_bit : 0u) | h.reserved | static_cast<unsigned>(h.op);
  const unsigned start = first << 8 | (h.masked ? mask_bit : 0u);
  std::byte* at = out.data();
  if (h.size < length_is_16_bit) {
    at = put_big_endian(at, static_cast<std::uint16_t>(start | h.size));
  } else if (h.size < 65536) {
    at = put_big_endian(at, static_cast<std::uint32_t>((start | length_is_16_bit) << 16 | h.size));
  } else {
    at = put_big_endian(at, static_cast<std::uint16_t>(start | length_is_64_bit));
    at = put_big_endian(at, h.size);
  }
  if (h.masked) at = std::copy(h.mask.begin(), h.mask.end(), at);
  return static_cast<std::size_t>(at - out.data());
}

}  // namespace caraway::ws
