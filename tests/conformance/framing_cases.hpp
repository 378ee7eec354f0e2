// framing_cases.hpp - RFC 6455 sections 5.1, 5.2 and 5.3: headers, lengths, masks.
#pragma once

#include "cases.hpp"

namespace caraway::conformance {

inline void add_sizes(table& t, ws::role r) {
  for (ws::opcode op : {ws::opcode::text, ws::opcode::binary})
    for (std::size_t n : {0u, 1u, 2u, 125u, 126u, 127u, 128u, 255u, 256u, 16384u, 16385u, 65535u,
                          65536u, 65537u, 1u << 20}) {
      const std::string payload(n, 's');
      t.push_back({to("5_2_" + ws::name_of(op) + "_of_" + std::to_string(n) + "_bytes", r),
                   ws::ws_wire(r).frame(op, payload), ws::name_of(op) + "(" + payload + ")"});
    }
}

inline void add_reserved_bits(table& t, ws::role r) {
  for (unsigned op : {0u, 1u, 2u, 8u, 9u, 10u})
    for (unsigned bits = 1; bits < 8; ++bits)
      t.push_back(
          {to("5_2_reserved_bits_" + std::to_string(bits) + "_on_opcode_" + std::to_string(op), r),
           ws::ws_wire(r).frame_of(op, "", true, static_cast<std::uint8_t>(bits << 4)),
           failed(1002), 1});
}

inline void add_reserved_opcodes(table& t, ws::role r) {
  for (unsigned op : {3u, 4u, 5u, 6u, 7u, 11u, 12u, 13u, 14u, 15u}) {
    const std::string name = "5_2_reserved_opcode_" + std::to_string(op);
    t.push_back({to(name, r), ws::ws_wire(r).frame_of(op, ""), failed(1002), 1});
    t.push_back(
        {to(name + "_with_payload", r), ws::ws_wire(r).frame_of(op, "payload"), failed(1002), 1});
    ws::ws_wire later(r);
    later.frame(ws::opcode::text, "ok").frame(ws::opcode::ping, "p");
    const std::size_t good = later.size();
    later.frame_of(op, "").frame(ws::opcode::text, "never");
    t.push_back({to(name + "_after_good_frames", r), later,
                 "text(ok) ping(p) failed(1002) > pong(p) close(1002)", good + 1});
  }
}

inline void add_wrong_masks(table& t, ws::role r) {
  const ws::role other = r == ws::role::client ? ws::role::server : ws::role::client;
  for (unsigned op : {1u, 2u, 8u, 9u, 10u}) {
    ws::ws_wire wrong(r);
    wrong.raw(ws::ws_wire(other).frame_of(op, "").data());
    t.push_back(
        {to("5_1_wrong_masking_of_opcode_" + std::to_string(op), r), wrong, failed(1002), 2});
  }
}

inline std::string big_endian(std::uint64_t value, int digits) {
  std::string text(static_cast<std::size_t>(digits), '\0');
  for (int i = digits; i-- > 0; value >>= 8)
    text[static_cast<std::size_t>(i)] = static_cast<char>(value);
  return text;
}

inline void add_long_lengths(table& t, ws::role r) {
  const char mask = r == ws::role::server ? '\x80' : '\0';
  // What follows would be mask and payload if the length were right.
  const auto wire = [&](char form, std::uint64_t value, int digits) {
    return ws::ws_wire(r)
        .raw(std::string{'\x82', static_cast<char>(mask | form)})
        .raw(big_endian(value, digits))
        .raw(std::string(4 + 130, 'x'));
  };
  for (std::uint64_t n : {0, 1, 124, 125})
    t.push_back({to("5_2_length_" + std::to_string(n) + "_in_16_bits", r), wire(126, n, 2),
                 failed(1002), 4});
  for (std::uint64_t n : {0, 125, 126, 65534, 65535})
    t.push_back({to("5_2_length_" + std::to_string(n) + "_in_64_bits", r), wire(127, n, 8),
                 failed(1002), 10});
  for (std::uint64_t low : {0ull, 1ull, ~0ull >> 1})
    t.push_back({to("5_2_top_bit_of_a_length_over_" + std::to_string(low), r),
                 wire(127, low | 1ull << 63, 8), failed(1002), 10});
}

// 5.3: any mask is as good as any other.
inline void add_masks(table& t) {
  for (std::string mask :
       {std::string(4, '\0'), std::string(4, '\xff'), std::string("\x01\x00\x00\x00", 4),
        std::string("\x00\x00\x00\x80", 4)}) {
    std::string masked = "any mask will do";
    for (std::size_t i = 0; i < masked.size(); ++i)
      masked[i] = static_cast<char>(masked[i] ^ mask[i % 4]);
    ws::ws_wire wire(ws::role::server);
    wire.raw("\x81").raw(std::string{static_cast<char>(0x80 | masked.size())}).raw(mask + masked);
    t.push_back({"5_3_mask_" + std::to_string(t.size()), wire, "text(any mask will do)"});
  }
}

inline table framing_cases() {
  table t;
  for (ws::role r : both_roles) {
    add_sizes(t, r);
    add_reserved_bits(t, r);
    add_reserved_opcodes(t, r);
    add_wrong_masks(t, r);
    add_long_lengths(t, r);
  }
  add_masks(t);
  return t;
}

}  // namespace caraway::conformance
