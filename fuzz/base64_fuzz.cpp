// base64_fuzz.cpp - what is encoded decodes to itself, and of all texts only what the encoder writes
// is accepted.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "codec/base64.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace caraway;
  const bytes in(reinterpret_cast<const std::byte*>(data), size);
  const auto back = codec::base64_decode(codec::base64_encode(in));
  if (!back || !std::ranges::equal(*back, in)) std::abort();
  const auto decoded = codec::base64_decode(as_text(in));
  if (decoded && codec::base64_encode(*decoded) != as_text(in)) std::abort();
  return 0;
}
