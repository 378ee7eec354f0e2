// ws_frame.hpp - the frames of RFC 6455 section 5: read a header, write a header.
//
// Pure functions on bytes: no memory, no state, no I/O. Most programs want ws_connection.hpp, which
// keeps the rules that span frames; this is for those who build something else from frames.
//
//     auto [header, used, need, fault] = ws::parse_header(in, ws::role::server);
//     if (fault != ws::frame_fault::none) return fail(fault);   // close with 1002
//     if (used == 0) return read_more(need);                    // at least `need` bytes in all
//     auto payload = in.subspan(used, header.size);             // masked with header.mask
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "caraway/bytes.hpp"

namespace caraway::ws {

// Which end of the conversation this side is. Clients mask what they send, servers must not (5.1).
enum class role : std::uint8_t { client, server };

// 5.2 and 11.8.
enum class opcode : std::uint8_t {
  continuation = 0x0,
  text = 0x1,
  binary = 0x2,
  close = 0x8,
  ping = 0x9,
  pong = 0xa,
};

// Control frames are whole, at most 125 bytes, and may stand between the fragments of a message
// (5.5).
constexpr bool is_control(opcode op) noexcept {
  return (static_cast<unsigned>(op) & 0x8) != 0;
}

// Status codes of a close frame (7.4.1 and the registry of 11.7). Libraries and frameworks use 3000
// to 3999, applications 4000 to 4999.
namespace close_code {
inline constexpr std::uint16_t normal = 1000;
inline constexpr std::uint16_t going_away = 1001;
inline constexpr std::uint16_t protocol_error = 1002;
inline constexpr std::uint16_t unsupported_data = 1003;
inline constexpr std::uint16_t no_status = 1005;  // never on the wire: the close frame had no code
inline constexpr std::uint16_t abnormal = 1006;   // never on the wire: there was no close frame
inline constexpr std::uint16_t invalid_payload = 1007;
inline constexpr std::uint16_t policy_violation = 1008;
inline constexpr std::uint16_t message_too_big = 1009;
inline constexpr std::uint16_t mandatory_extension = 1010;
inline constexpr std::uint16_t internal_error = 1011;
inline constexpr std::uint16_t service_restart = 1012;
inline constexpr std::uint16_t try_again_later = 1013;
inline constexpr std::uint16_t bad_gateway = 1014;
}  // namespace close_code

// True for the codes that may stand in a close frame: 1000 to 1003, 1007 to 1014, 3000 to 4999
// (7.4).
constexpr bool is_wire_close_code(unsigned code) noexcept {
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
         (code >= 3000 && code <= 4999);
}

using mask_key = std::array<std::byte, 4>;

inline constexpr std::size_t max_header_size = 14;
inline constexpr std::size_t max_control_payload = 125;
// The reason of a close frame: what the code leaves of a control frame's payload.
inline constexpr std::size_t max_close_reason = max_control_payload - 2;

struct frame_header {
  opcode op = opcode::text;
  bool fin = true;
  bool masked = false;
  // RSV1 to RSV3 where they stand in the first byte: 0x40, 0x20, 0x10.
  std::uint8_t reserved = 0;
  mask_key mask{};
  // Of the payload.
  std::uint64_t size = 0;

  friend bool operator==(const frame_header&, const frame_header&) = default;
};

// How a header can break the rules. All of them are answered by closing with 1002.
enum class frame_fault : std::uint8_t {
  none,
  reserved_bits,        // a reserved bit that no extension gave a meaning (5.2)
  reserved_opcode,      // 0x3 to 0x7, 0xb to 0xf (5.2)
  fragmented_control,   // a control frame without FIN (5.5)
  long_control,         // a control frame of more than 125 bytes (5.5)
  unmasked,             // a frame for a server without a mask (5.1)
  masked,               // a frame for a client with a mask (5.1)
  length_not_minimal,   // a length in more bytes than it needs (5.2)
  length_out_of_range,  // a 64-bit length with its top bit set (5.2)
};

// The fault in a few words, fit for the reason of a close frame; a string literal.
const char* describe(frame_fault fault) noexcept;

struct parsed_header {
  frame_header header;
  // Bytes of the header; 0 while it is not whole.
  std::uint8_t used = 0;
  // While it is not whole: how many bytes of input to have before trying again, the fewest that may
  // show a fault.
  std::uint8_t need = 0;
  frame_fault fault = frame_fault::none;
};

// Reads the header that `in` begins with, as the side `self` that received it. A fault is reported
// as soon as the bytes that make it are there, also before the header is whole. `allowed_reserved`:
// the reserved bits that a negotiated extension uses.
parsed_header parse_header(bytes in, role self, std::uint8_t allowed_reserved = 0) noexcept;

// How many bytes the header of a frame with `size` bytes of payload takes.
constexpr std::size_t header_size(std::uint64_t size, bool masked) noexcept {
  return 2 + (size < 126 ? 0u : size < 65536 ? 2u : 8u) + (masked ? 4u : 0u);
}

// Writes the header in its shortest form to `out` and returns its size. `out` has room for
// header_size(header.size, header.masked) bytes; max_header_size is always enough.
std::size_t format_header(mutable_bytes out, const frame_header& header) noexcept;

}  // namespace caraway::ws
