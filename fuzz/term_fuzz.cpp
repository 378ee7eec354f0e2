// term_fuzz.cpp - messages before the terminator come out as a plain reader sees them, however the
// stream below is cut; and whatever is not the terminator may be sent.
//
// The first byte is the length of the terminator, the second how many of the next bytes say how each
// message is received; then come the terminator and what is on the stream: messages behind a length
// of one byte.
#include "caraway/term.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

#include "caraway/prefix.hpp"
#include "record_story.hpp"

namespace {

using namespace caraway;

constexpr prefix::options in_a_byte{.width = 1};

message_ptr attach(stream_ptr s, bytes terminator) {
  return term::attach(prefix::attach(std::move(s), in_a_byte), terminator);
}

std::string plain_story(bytes sent, bytes how, std::string_view terminator) {
  std::string all;
  for (std::size_t n = 0;; ++n) {
    const std::size_t size = sent.empty() ? 0 : std::to_integer<std::size_t>(sent[0]);
    if (sent.empty() || sent.size() - 1 < size) return all + fuzz::end_told(false);
    const std::string_view message = as_text(sent.subspan(1, size));
    if (message == terminator) return all + fuzz::end_told(true);
    all += fuzz::told(message, fuzz::way_of(how, n));
    sent = sent.subspan(1 + size);
  }
}

// What is no terminator arrives.
void send(bytes message, bytes terminator) {
  auto [a, b] = memory_pair();
  const message_ptr from = attach(std::move(a), terminator), to = attach(std::move(b), terminator);
  const std::size_t half = message.size() / 2;
  const std::array ps{message.first(half), message.subspan(half)};
  const bool fine = as_text(message) != as_text(terminator);
  if (from->try_send(ps, never).has_value() != fine) std::abort();
  if (fine && as_text(to->recv()) != as_text(message)) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const bytes in(reinterpret_cast<const std::byte*>(data), size);
  if (size < 2 || size > 2048) return 0;
  const std::size_t width = data[0] & 31u, ways = data[1] & 15u;
  if (size < 2 + ways + width) return 0;
  const bytes how = in.subspan(2, ways), terminator = in.subspan(2 + ways, width);
  const bytes sent = in.subspan(2 + ways + width);
  fuzz::expect_one_story(sent, how, plain_story(sent, how, as_text(terminator)),
                         [&](stream_ptr s) { return attach(std::move(s), terminator); });
  send(sent.first(std::min<std::size_t>(sent.size(), 255)), terminator);
  return 0;
}
