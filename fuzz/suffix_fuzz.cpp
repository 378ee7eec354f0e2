// suffix_fuzz.cpp - messages before a delimiter come out as a plain search finds them, however the
// stream is cut; and what may be sent is received as it was.
//
// The first byte is the length of the delimiter, the second how many of the next bytes say how each
// message is received; then come the delimiter and what is on the stream.
#include "caraway/suffix.hpp"

#include <algorithm>
#include <cstdint>

#include "record_story.hpp"

namespace {

using namespace caraway;

constexpr std::size_t limit = 100;

std::string plain_story(std::string_view sent, bytes how, std::string_view delimiter) {
  std::string all;
  for (std::size_t n = 0;; ++n) {
    const fuzz::way w = fuzz::way_of(how, n);
    const std::size_t at = sent.find(delimiter);
    if (at == std::string_view::npos) {
      // What may be the beginning of the delimiter is not yet too much.
      std::size_t open = std::min(sent.size(), delimiter.size() - 1);
      while (!delimiter.starts_with(sent.substr(sent.size() - open))) --open;
      const bool too_big = w != fuzz::way::dropped && sent.size() - open > limit;
      return all + (too_big ? "end " + std::to_string(EMSGSIZE) : fuzz::end_told(sent.empty()));
    }
    if (w != fuzz::way::dropped && at > limit) return all + "end " + std::to_string(EMSGSIZE);
    all += fuzz::told(sent.substr(0, at), w);
    sent.remove_prefix(at + delimiter.size());
  }
}

// A message that is accepted arrives, and one that is not would not.
void send(bytes message, const suffix::options& o) {
  auto [a, b] = memory_pair();
  const record_ptr out = suffix::attach(std::move(a), o);
  const record_ptr in = suffix::attach(std::move(b), {.delimiter = o.delimiter});
  const std::size_t half = message.size() / 2;
  const bytes ps[] = {message.first(half), message.subspan(half)};
  const std::string wire = std::string(as_text(message)) + std::string(as_text(o.delimiter));
  const bool clear = wire.find(as_text(o.delimiter)) == message.size();
  if (out->try_send(ps, never).has_value() != clear) std::abort();
  if (clear && as_text(in->recv()) != as_text(message)) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const bytes in(reinterpret_cast<const std::byte*>(data), size);
  if (size < 2 || size > 2048) return 0;
  const std::size_t width = 1 + (data[0] & 31u);
  const std::size_t ways = data[1] & 15u;
  if (size < 2 + ways + width) return 0;
  const bytes how = in.subspan(2, ways);
  const suffix::options o{.delimiter = in.subspan(2 + ways, width), .limit = limit};
  const bytes sent = in.subspan(2 + ways + width);
  fuzz::expect_one_story(sent, how, plain_story(as_text(sent), how, as_text(o.delimiter)),
                         [&](stream_ptr s) { return suffix::attach(std::move(s), o); });
  send(sent, o);
  return 0;
}
