#include "codec/base64.hpp"

#include <gtest/gtest.h>

namespace caraway::codec {
namespace {

std::string decoded(std::string_view text) {
  const auto out = base64_decode(text);
  return out ? std::string(as_text(*out)) : "(refused)";
}

TEST(base64, the_vectors_of_rfc_4648_come_out_both_ways) {
  const std::pair<std::string_view, std::string_view> vectors[] = {{"", ""},
                                                                   {"f", "Zg=="},
                                                                   {"fo", "Zm8="},
                                                                   {"foo", "Zm9v"},
                                                                   {"foob", "Zm9vYg=="},
                                                                   {"fooba", "Zm9vYmE="},
                                                                   {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, encoded] : vectors) {
    EXPECT_EQ(base64_encode(as_bytes(plain)), encoded);
    EXPECT_EQ(decoded(encoded), plain);
  }
}

TEST(base64, every_byte_value_survives) {
  std::string all;
  for (int i = 0; i < 256; ++i) all += static_cast<char>(i);
  for (std::size_t cut = 0; cut < 4; ++cut)
    EXPECT_EQ(decoded(base64_encode(as_bytes(all.substr(cut)))), all.substr(cut));
}

TEST(base64, what_is_not_in_full_form_is_refused) {
  for (const std::string_view text : {"Z", "Zg", "Zg=", "Zg===", "Z===", "====", "Zm9v=", "Zm9 ",
                                      "Zm\n9", "Zg==Zg==", "Zm9-", "Zm9_"})
    EXPECT_EQ(base64_decode(text), std::nullopt) << text;
}

TEST(base64, unused_bits_must_be_zero) {
  EXPECT_EQ(base64_decode("Zh=="), std::nullopt);
  EXPECT_EQ(base64_decode("Zm9="), std::nullopt);
}

}  // namespace
}  // namespace caraway::codec
