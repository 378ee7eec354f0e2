// record_story.hpp - everything that can be received of what is in a stream of messages, as a text.
// However the stream below is cut, the story must be the same.
#pragma once

#include <array>
#include <cstdlib>
#include <string>

#include "caraway/memory_pair.hpp"
#include "caraway/message_stream.hpp"

namespace caraway::fuzz {

// How the next record is received.
enum class way : unsigned { shown, copied, dropped };

inline way way_of(bytes how, std::size_t record) {
  if (how.empty()) return way::shown;
  return static_cast<way>(std::to_integer<unsigned>(how[record % how.size()]) % 3);
}

// Into memory that is often too small at first; then the message must still be there.
inline result<std::string> copy(message_stream& s) {
  std::array<std::byte, 8> memory;
  const auto n = s.try_recv_into(memory, never);
  if (n) return std::string(as_text(bytes(memory).first(*n)));
  if (n.error() != os_error(EMSGSIZE)) return fail(n.error());
  const auto again = s.try_recv(never);
  if (again && again->size() <= memory.size()) std::abort();
  if (!again) return fail(again.error());
  return std::string(as_text(*again));
}

inline result<std::string> next(message_stream& s, way w) {
  if (w == way::copied) return copy(s);
  if (w == way::dropped) {
    const auto n = s.try_skip(never);
    if (!n) return fail(n.error());
    return "dropped " + std::to_string(*n);
  }
  const auto message = s.try_recv(never);
  if (!message) return fail(message.error());
  return std::string(as_text(*message));
}

// `attach` makes a stream of messages of a stream_ptr.
template <class Attach>
std::string story(bytes sent, bytes how, std::size_t chop, Attach attach) {
  auto [from, peer] = memory_pair({.chop = chop});
  if (!sent.empty()) peer->write(sent);
  peer->done();
  const message_ptr records = attach(std::move(from));
  std::string all;
  for (std::size_t n = 0;; ++n) {
    const auto text = next(*records, way_of(how, n));
    if (!text) return all + "end " + std::to_string(to_errno(text.error()));
    all += '[' + *text + ']';
  }
}

template <class Attach>
void expect_one_story(bytes sent, bytes how, const std::string& wanted, Attach attach) {
  for (std::size_t chop : {memory_faults::none, std::size_t{1}, std::size_t{3}, std::size_t{100}})
    if (story(sent, how, chop, attach) != wanted) std::abort();
}

// What next() tells of a message.
inline std::string told(std::string_view message, way w) {
  if (w == way::dropped) return "[dropped " + std::to_string(message.size()) + ']';
  return '[' + std::string(message) + ']';
}

inline std::string end_told(bool whole) {
  return "end " + std::to_string(whole ? EPIPE : ECONNRESET);
}

}  // namespace caraway::fuzz
