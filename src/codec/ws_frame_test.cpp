// ws_frame_test.cpp - frame headers by the sections of RFC 6455.
#include "caraway/ws_frame.hpp"

#include <gtest/gtest.h>

#include <initializer_list>
#include <set>
#include <string_view>
#include <vector>

#include "codec/guarded_bytes.hpp"

namespace caraway::ws {
namespace {

using buffer = std::vector<std::byte>;

buffer wire(std::initializer_list<unsigned> values) {
  buffer b;
  for (unsigned v : values) b.push_back(static_cast<std::byte>(v));
  return b;
}

parsed_header parse(std::initializer_list<unsigned> values, role self = role::client) {
  codec::guarded_bytes in{bytes(wire(values))};
  return parse_header(in.view(), self);
}

frame_fault fault(std::initializer_list<unsigned> values, role self = role::client) {
  return parse(values, self).fault;
}

TEST(ws_frame, the_frames_of_section_5_7) {
  const parsed_header hello = parse({0x81, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f});
  EXPECT_EQ(hello.used, 2);
  EXPECT_EQ(hello.header, (frame_header{.op = opcode::text, .size = 5}));

  const parsed_header masked = parse({0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f}, role::server);
  EXPECT_EQ(masked.used, 6);
  const mask_key key = {std::byte{0x37}, std::byte{0xfa}, std::byte{0x21}, std::byte{0x3d}};
  EXPECT_EQ(masked.header,
            (frame_header{.op = opcode::text, .masked = true, .mask = key, .size = 5}));

  EXPECT_EQ(parse({0x01, 0x03}).header,
            (frame_header{.op = opcode::text, .fin = false, .size = 3}));
  EXPECT_EQ(parse({0x80, 0x02}).header, (frame_header{.op = opcode::continuation, .size = 2}));
  EXPECT_EQ(parse({0x89, 0x05}).header, (frame_header{.op = opcode::ping, .size = 5}));
  EXPECT_EQ(parse({0x8a, 0x85, 0x37, 0xfa, 0x21, 0x3d}, role::server).header,
            (frame_header{.op = opcode::pong, .masked = true, .mask = key, .size = 5}));

  EXPECT_EQ(parse({0x82, 0x7e, 0x01, 0x00}).header.size, 256u);
  EXPECT_EQ(parse({0x82, 0x7f, 0, 0, 0, 0, 0, 1, 0, 0}).header.size, 65536u);
}

TEST(ws_frame, lengths_at_the_borders_of_their_forms) {
  EXPECT_EQ(parse({0x82, 0x00}).header.size, 0u);
  EXPECT_EQ(parse({0x82, 0x7d}).header.size, 125u);
  EXPECT_EQ(parse({0x82, 0x7e, 0x00, 0x7e}).header.size, 126u);
  EXPECT_EQ(parse({0x82, 0x7e, 0xff, 0xff}).header.size, 65535u);
  EXPECT_EQ(parse({0x82, 0x7f, 0, 0, 0, 0, 0, 1, 0, 0}).header.size, 65536u);
  EXPECT_EQ(parse({0x82, 0x7f, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}).header.size,
            0x7fffffffffffffffu);
}

// 5.2
TEST(ws_frame, a_length_of_125_must_not_be_written_in_16_bits) {
  EXPECT_EQ(fault({0x82, 0x7e, 0x00, 0x7d}), frame_fault::length_not_minimal);
  EXPECT_EQ(fault({0x82, 0x7e, 0x00, 0x00}), frame_fault::length_not_minimal);
}

TEST(ws_frame, a_length_of_65535_must_not_be_written_in_64_bits) {
  EXPECT_EQ(fault({0x82, 0x7f, 0, 0, 0, 0, 0, 0, 0xff, 0xff}), frame_fault::length_not_minimal);
  EXPECT_EQ(fault({0x82, 0x7f, 0, 0, 0, 0, 0, 0, 0, 0}), frame_fault::length_not_minimal);
}

TEST(ws_frame, the_top_bit_of_a_64_bit_length_must_be_zero) {
  EXPECT_EQ(fault({0x82, 0x7f, 0x80, 0, 0, 0, 0, 0, 0, 0}), frame_fault::length_out_of_range);
  EXPECT_EQ(fault({0x82, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}),
            frame_fault::length_out_of_range);
}

TEST(ws_frame, each_reserved_bit_is_refused_unless_it_is_allowed) {
  for (unsigned bit : {0x40u, 0x20u, 0x10u}) {
    EXPECT_EQ(fault({0x81 | bit, 0x00}), frame_fault::reserved_bits);
    const buffer in = wire({0x81 | bit, 0x00});
    for (unsigned allowed : {0x40u, 0x20u, 0x10u}) {
      const parsed_header p = parse_header(in, role::client, static_cast<std::uint8_t>(allowed));
      EXPECT_EQ(p.fault, bit == allowed ? frame_fault::none : frame_fault::reserved_bits);
      EXPECT_EQ(p.header.reserved, bit);
    }
  }
}

TEST(ws_frame, the_opcodes_0_1_2_8_9_and_10_are_known_and_no_others) {
  const std::set<unsigned> known = {0x0, 0x1, 0x2, 0x8, 0x9, 0xa};
  for (unsigned op = 0; op < 16; ++op)
    EXPECT_EQ(fault({0x80 | op, 0x00}),
              known.contains(op) ? frame_fault::none : frame_fault::reserved_opcode)
        << op;
}

// 5.5
TEST(ws_frame, control_frames_are_whole_and_at_most_125_bytes) {
  for (unsigned op : {0x8u, 0x9u, 0xau}) {
    EXPECT_EQ(fault({op, 0x00}), frame_fault::fragmented_control);
    EXPECT_EQ(fault({0x80 | op, 0x7d}), frame_fault::none);
    EXPECT_EQ(fault({0x80 | op, 0x7e}), frame_fault::long_control);
    EXPECT_EQ(fault({0x80 | op, 0x7f}), frame_fault::long_control);
  }
}

// 5.1
TEST(ws_frame, clients_must_mask_and_servers_must_not) {
  EXPECT_EQ(fault({0x81, 0x05}, role::server), frame_fault::unmasked);
  EXPECT_EQ(fault({0x81, 0x85}, role::client), frame_fault::masked);
}

TEST(ws_frame, a_fault_is_reported_with_the_byte_that_makes_it) {
  EXPECT_EQ(fault({0xc1}), frame_fault::reserved_bits);
  EXPECT_EQ(fault({0x83}), frame_fault::reserved_opcode);
  EXPECT_EQ(fault({0x09}), frame_fault::fragmented_control);
  EXPECT_EQ(fault({0x82, 0xfe, 0x00, 0x7d}, role::server), frame_fault::length_not_minimal);
}

// The next byte that can show a fault: the first, the second, the last of the length, the end.
std::size_t worth_waiting_for(const buffer& header, std::size_t shown, role self) {
  const std::size_t before_mask = header.size() - (self == role::server ? 4 : 0);
  if (shown < 2) return shown + 1;
  return shown < before_mask ? before_mask : header.size();
}

TEST(ws_frame, a_header_parses_once_it_is_whole_and_never_before) {
  const std::vector<std::pair<buffer, role>> headers = {
      {wire({0x81, 0x05}), role::client},
      {wire({0x82, 0x7e, 0x01, 0x00}), role::client},
      {wire({0x82, 0x7f, 0, 0, 0, 0, 0, 1, 0, 0}), role::client},
      {wire({0x81, 0x85, 1, 2, 3, 4}), role::server},
      {wire({0x82, 0xfe, 0x01, 0x00, 1, 2, 3, 4}), role::server},
      {wire({0x82, 0xff, 0, 0, 0, 0, 0, 1, 0, 0, 1, 2, 3, 4}), role::server}};
  for (const auto& [header, self] : headers) {
    for (std::size_t n = 0; n < header.size(); ++n) {
      codec::guarded_bytes in(bytes(header).first(n));
      const parsed_header p = parse_header(in.view(), self);
      EXPECT_EQ(p.fault, frame_fault::none);
      EXPECT_EQ(p.used, 0);
      EXPECT_EQ(p.need, worth_waiting_for(header, n, self));
    }
    EXPECT_EQ(parse_header(header, self).used, header.size());
  }
}

TEST(ws_frame, what_is_formatted_parses_to_the_same) {
  const mask_key key = {std::byte{1}, std::byte{2}, std::byte{3}, std::byte{4}};
  for (opcode op : {opcode::continuation, opcode::text, opcode::binary})
    for (bool fin : {false, true})
      for (bool masked : {false, true})
        for (std::uint8_t reserved : {0x00, 0x40, 0x70})
          for (std::uint64_t size : {0ull, 1ull, 125ull, 126ull, 65535ull, 65536ull, 1ull << 40}) {
            frame_header h{.op = op, .fin = fin, .masked = masked, .reserved = reserved};
            h.size = size;
            if (masked) h.mask = key;
            codec::guarded_bytes out(header_size(size, masked));
            EXPECT_EQ(format_header(out.view(), h), out.view().size());
            const role self = masked ? role::server : role::client;
            const parsed_header p = parse_header(out.view(), self, 0x70);
            EXPECT_EQ(p.fault, frame_fault::none);
            EXPECT_EQ(p.used, out.view().size());
            EXPECT_EQ(p.header, h);
          }
}

TEST(ws_frame, no_header_is_longer_than_14_bytes) {
  EXPECT_EQ(header_size(0x7fffffffffffffff, true), max_header_size);
  EXPECT_EQ(header_size(0, false), 2u);
}

TEST(ws_frame, every_fault_has_a_description_that_fits_a_close_reason) {
  std::set<std::string_view> all;
  for (int f = 0; f <= static_cast<int>(frame_fault::length_out_of_range); ++f) {
    const std::string_view text = describe(static_cast<frame_fault>(f));
    EXPECT_LE(text.size(), max_close_reason);
    EXPECT_TRUE(all.insert(text).second) << text;
  }
}

// 7.4.1, 7.4.2
TEST(ws_frame, the_close_codes_that_may_stand_on_the_wire) {
  const auto allowed = [](unsigned c) {
    const std::set<unsigned> registered = {1000, 1001, 1002, 1003, 1007, 1008,
                                           1009, 1010, 1011, 1012, 1013, 1014};
    return registered.contains(c) || (c >= 3000 && c < 5000);
  };
  for (unsigned c = 0; c <= 65535; ++c) ASSERT_EQ(is_wire_close_code(c), allowed(c)) << c;
}

}  // namespace
}  // namespace caraway::ws
