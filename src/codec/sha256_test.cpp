#include "codec/sha256.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace caraway::codec {
namespace {

std::string hex(const std::vector<std::string_view>& texts) {
  std::vector<bytes> all;
  for (const std::string_view text : texts) all.push_back(as_bytes(text));
  std::string out;
  for (const std::byte b : *sha256(all)) {
    out += "0123456789abcdef"[static_cast<unsigned>(b) >> 4];
    out += "0123456789abcdef"[static_cast<unsigned>(b) & 15];
  }
  return out;
}

TEST(sha256, the_vectors_of_fips_180_come_out) {
  EXPECT_EQ(hex({}), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(hex({"abc"}), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(hex({"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"}),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

TEST(sha256, parts_are_digested_as_if_they_were_one) {
  EXPECT_EQ(hex({"a", "", "bc"}), hex({"abc"}));
}

}  // namespace
}  // namespace caraway::codec
