#include "codec/sha1.hpp"

#include <gtest/gtest.h>

#include <string>

namespace caraway::codec {
namespace {

std::string hex(std::string_view text) {
  std::string out;
  for (const std::byte b : sha1(as_bytes(text))) {
    out += "0123456789abcdef"[static_cast<unsigned>(b) >> 4];
    out += "0123456789abcdef"[static_cast<unsigned>(b) & 15];
  }
  return out;
}

TEST(sha1, the_vectors_of_fips_180_come_out) {
  EXPECT_EQ(hex(""), "da39a3ee5e6b4b0d3255bfef95601890afd80709");
  EXPECT_EQ(hex("abc"), "a9993e364706816aba3e25717850c26c9cd0d89d");
  EXPECT_EQ(hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "84983e441c3bd26ebaae4aa1f95129e5e54670f1");
}

}  // namespace
}  // namespace caraway::codec
