// prefix_fuzz.cpp - messages behind their length come out as a plain reader sees them, however the
// stream is cut and whatever it contains.
//
// The first byte is the width of the length and its order, the second how many of the next bytes say
// how each message is received; the rest is on the stream.
#include "caraway/prefix.hpp"

#include <algorithm>
#include <cstdint>

#include "record_story.hpp"

namespace {

using namespace caraway;

constexpr std::size_t limit = 300;

std::uint64_t length_of(bytes head, prefix::byte_order order) {
  std::uint64_t n = 0;
  for (std::size_t i = 0; i < head.size(); ++i) {
    const std::byte b = head[order == prefix::byte_order::big ? i : head.size() - 1 - i];
    if (n > UINT64_MAX >> 8) return UINT64_MAX;
    n = n << 8 | std::to_integer<std::uint64_t>(b);
  }
  return n;
}

std::string plain_story(bytes sent, bytes how, const prefix::options& o) {
  std::string all;
  for (std::size_t n = 0;; ++n) {
    const fuzz::way w = fuzz::way_of(how, n);
    if (sent.size() < o.width) return all + fuzz::end_told(sent.empty());
    const std::uint64_t size = length_of(sent.first(o.width), o.order);
    const bool too_big = w == fuzz::way::dropped ? size > INT64_MAX : size > limit;
    if (too_big) return all + "end " + std::to_string(EMSGSIZE);
    if (sent.size() - o.width < size) return all + fuzz::end_told(false);
    all += fuzz::told(as_text(sent.subspan(o.width, size)), w);
    sent = sent.subspan(o.width + size);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2 || size > 2048) return 0;
  const bytes in(reinterpret_cast<const std::byte*>(data), size);
  prefix::options o{.width = 1 + (data[0] & 15u), .limit = limit};
  if ((data[0] & 16) != 0) o.order = prefix::byte_order::little;
  const std::size_t ways = std::min<std::size_t>(data[1], size - 2);
  const bytes how = in.subspan(2, ways);
  const bytes sent = in.subspan(2 + ways);
  fuzz::expect_one_story(sent, how, plain_story(sent, how, o),
                         [&](stream_ptr s) { return prefix::attach(std::move(s), o); });
  return 0;
}
