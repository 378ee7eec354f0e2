#include "codec/prefix_length.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

namespace caraway::codec {
namespace {

constexpr std::uint64_t most = std::numeric_limits<std::uint64_t>::max();

std::vector<int> written(const prefix_length& p, std::uint64_t size) {
  prefix_length::written w;
  p.write(size, w);
  std::vector<int> all;
  for (bytes piece : std::span(w.pieces).first(w.count))
    for (std::byte b : piece) all.push_back(std::to_integer<int>(b));
  return all;
}

std::uint64_t read(const prefix_length& p, std::vector<unsigned char> head) {
  return p.read(std::as_bytes(std::span(head)));
}

TEST(prefix_length, is_written_with_the_most_significant_byte_first_or_last) {
  EXPECT_EQ(written({3, false}, 0x010203), (std::vector{1, 2, 3}));
  EXPECT_EQ(written({3, true}, 0x010203), (std::vector{3, 2, 1}));
  EXPECT_EQ(written({1, false}, 255), (std::vector{255}));
  EXPECT_EQ(written({8, false}, most), (std::vector<int>(8, 255)));
}

TEST(prefix_length, is_padded_with_zeros_beyond_eight_bytes) {
  EXPECT_EQ(written({12, false}, 3), (std::vector{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3}));
  EXPECT_EQ(written({12, true}, 3), (std::vector{3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}));
}

TEST(prefix_length, is_read_as_it_was_written) {
  for (std::size_t width : {1, 2, 3, 4, 7, 8, 9, 12, 4096})
    for (bool little : {false, true})
      for (std::uint64_t size : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{255},
                                 std::uint64_t{256}, std::uint64_t{0xFFFFFF}, most - 1, most}) {
        const prefix_length p(width, little);
        if (!p.holds(size)) continue;
        std::vector<unsigned char> head;
        for (int b : written(p, size)) head.push_back(static_cast<unsigned char>(b));
        ASSERT_EQ(head.size(), width);
        EXPECT_EQ(read(p, head), size);
      }
}

TEST(prefix_length, holds_what_fits_into_its_bytes) {
  EXPECT_TRUE(prefix_length(2, false).holds(65535));
  EXPECT_FALSE(prefix_length(2, false).holds(65536));
  EXPECT_TRUE(prefix_length(7, true).holds((std::uint64_t{1} << 56) - 1));
  EXPECT_FALSE(prefix_length(7, true).holds(std::uint64_t{1} << 56));
  EXPECT_TRUE(prefix_length(8, true).holds(most));
}

TEST(prefix_length, beyond_sixty_four_bits_reads_as_the_largest_number) {
  EXPECT_EQ(read({9, false}, {1, 0, 0, 0, 0, 0, 0, 0, 0}), most);
  EXPECT_EQ(read({9, true}, {0, 0, 0, 0, 0, 0, 0, 0, 1}), most);
  EXPECT_EQ(read({10, false}, {0, 1, 0, 0, 0, 0, 0, 0, 0, 7}), most);
}

}  // namespace
}  // namespace caraway::codec
