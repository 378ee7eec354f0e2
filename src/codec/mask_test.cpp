// mask_test.cpp - masking against the formula of RFC 6455 section 5.3.
#include "codec/mask.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "codec/guarded_bytes.hpp"

namespace caraway::codec {
namespace {

using buffer = std::vector<std::byte>;

constexpr ws::mask_key key = {std::byte{0x37}, std::byte{0xfa}, std::byte{0x21}, std::byte{0x3d}};

buffer counting(std::size_t n) {
  buffer b(n);
  for (std::size_t i = 0; i < n; ++i) b[i] = static_cast<std::byte>(i * 7 + 3);
  return b;
}

// transformed-octet-i = original-octet-i XOR masking-key-octet-(i MOD 4)
buffer reference(bytes piece, std::uint64_t offset) {
  buffer b(piece.begin(), piece.end());
  for (std::size_t i = 0; i < b.size(); ++i) b[i] ^= key[(offset + i) % 4];
  return b;
}

TEST(mask, the_hello_of_the_rfc) {
  buffer hello = {std::byte{0x7f}, std::byte{0x9f}, std::byte{0x4d}, std::byte{0x51},
                  std::byte{0x58}};
  mask(hello, key, 0);
  EXPECT_EQ(as_text(hello), "Hello");
}

TEST(mask, in_place_it_equals_the_formula_at_every_alignment_length_and_phase) {
  for (std::size_t skew = 0; skew < 32; ++skew) {
    for (std::size_t n = 0; n <= 200; ++n) {
      buffer all = counting(skew + n + 32);
      const buffer before = all;
      const std::uint64_t phase = (skew + n) % 4;
      mask({all.data() + skew, n}, key, phase);
      const buffer expected = reference({before.data() + skew, n}, phase);
      ASSERT_TRUE(std::equal(expected.begin(), expected.end(), all.begin() + skew))
          << skew << '+' << n;
      ASSERT_TRUE(std::equal(all.begin(), all.begin() + skew, before.begin()));
      ASSERT_TRUE(std::equal(all.begin() + skew + n, all.end(), before.begin() + skew + n));
    }
  }
}

TEST(mask, unmasking_equals_the_formula_and_finds_the_one_byte_that_is_not_ascii) {
  for (std::size_t n = 1; n <= 200; ++n) {
    for (std::size_t wrong = 0; wrong <= n; ++wrong) {
      buffer text(n, std::byte{'a'});
      if (wrong < n) text[wrong] = std::byte{0x80};
      buffer masked = reference(text, 0);
      EXPECT_EQ(unmask(masked, key), wrong == n) << n << " bytes, byte " << wrong;
      EXPECT_EQ(masked, text);
    }
  }
}

TEST(mask, every_phase_counts_only_modulo_four) {
  const buffer from = counting(131);
  for (std::uint64_t offset : {0ull, 1ull, 2ull, 3ull, 4ull, 7ull, 1ull << 32, (1ull << 62) + 3}) {
    buffer b = from;
    mask(b, key, offset);
    EXPECT_EQ(b, reference(from, offset)) << offset;
  }
}

TEST(mask, the_copy_equals_the_formula_at_every_alignment_and_length) {
  const buffer from = counting(300);
  for (std::size_t skew = 0; skew < 17; ++skew) {
    for (std::size_t n = 0; n <= 200; ++n) {
      buffer to(n + 2 * skew, std::byte{0xee});
      mask_copy(to.data() + skew, {from.data() + 32 - skew, n}, key, n);
      const buffer expected = reference({from.data() + 32 - skew, n}, n);
      ASSERT_TRUE(std::equal(expected.begin(), expected.end(), to.begin() + skew));
      ASSERT_EQ(
          std::ranges::count(to, std::byte{0xee}) - std::ranges::count(expected, std::byte{0xee}),
          static_cast<std::ptrdiff_t>(2 * skew));
    }
  }
}

TEST(mask, nothing_beyond_the_end_is_touched) {
  for (std::size_t n = 0; n <= 150; ++n) {
    const buffer from = counting(n);
    guarded_bytes source(from), target(n);
    mask_copy(target.view().data(), source.view(), key, 1);
    mask(source.view(), key, 1);
    EXPECT_TRUE(std::ranges::equal(source.view(), target.view()));
    EXPECT_TRUE(std::ranges::equal(source.view(), reference(from, 1)));
  }
}

TEST(mask, pieces_cut_anywhere_give_what_the_whole_gives) {
  const buffer from = counting(90);
  for (std::size_t cut = 0; cut <= from.size(); ++cut) {
    buffer b = from;
    mask(mutable_bytes(b).first(cut), key, 0);
    mask(mutable_bytes(b).subspan(cut), key, cut);
    EXPECT_EQ(b, reference(from, 0)) << cut;
  }
}

}  // namespace
}  // namespace caraway::codec
