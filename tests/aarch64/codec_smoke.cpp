// codec_smoke.cpp - the codecs that have code of their own for each processor, against the plainest
// code there is. As context_smoke.cpp: one line a question, the exit status is the number of wrong
// answers.
#include <algorithm>
#include <cstdio>
#include <random>
#include <string>
#include <vector>

#include "codec/mask.hpp"
#include "codec/utf8.hpp"
#include "codec/utf8_reference.hpp"

using namespace caraway;

namespace {

int wrong = 0;

void ask(const char* question, bool right) {
  std::printf("%s: %s\n", question, right ? "yes" : "NO");
  if (!right) ++wrong;
}

bool masks_as_defined(std::size_t size, std::size_t start, std::uint64_t offset) {
  const ws::mask_key key = {std::byte{0x12}, std::byte{0xF4}, std::byte{0x56}, std::byte{0x98}};
  std::vector<std::byte> seen(start + size), copied(size), expected(start + size);
  for (std::size_t i = 0; i < seen.size(); ++i) expected[i] = seen[i] = std::byte(i * 7);
  for (std::size_t i = 0; i < size; ++i) expected[start + i] ^= key[(i + offset) % 4];
  const mutable_bytes piece = mutable_bytes(seen).subspan(start);
  codec::mask_copy(copied.data(), piece, key, offset);
  codec::mask(piece, key, offset);
  return seen == expected && std::equal(copied.begin(), copied.end(), piece.begin());
}

void masking() {
  bool right = true;
  for (std::size_t size = 0; size < 150; ++size)
    for (std::size_t start = 0; start < 4; ++start)
      for (std::uint64_t offset = 0; offset < 4; ++offset)
        right = right && masks_as_defined(size, start, offset);
  ask("is every piece masked as defined", right);
}

bool judged_as_defined(const std::string& text) {
  const auto state = codec::utf8_advance(codec::utf8_complete, as_bytes(text));
  switch (codec::utf8_by_definition(as_bytes(text))) {
    case codec::utf8_truth::whole:
      return state == codec::utf8_complete;
    case codec::utf8_truth::incomplete:
      return state != codec::utf8_complete && state != codec::utf8_invalid;
    case codec::utf8_truth::wrong:
      return state == codec::utf8_invalid;
  }
  return false;
}

// Good text with one byte spoiled, or none, at every place.
void utf8() {
  const std::string good =
      "plain ascii, \u00e9\u00df, \u20ac\ud7ff\uffff, \U0001F600\U0010FFFF, and so on to the end";
  std::mt19937 random(1);
  bool right = judged_as_defined(good);
  for (int round = 0; round < 20'000; ++round) {
    std::string text = good.substr(0, random() % (good.size() + 1));
    text = std::string(random() % 40, 'x') + text;
    if (!text.empty() && random() % 2 == 0) text[random() % text.size()] = char(random());
    right = right && judged_as_defined(text);
  }
  ask("is text judged as defined", right);
}

}  // namespace

int main() {
  masking();
  utf8();
  return wrong;
}
