// suffix.hpp - messages that end with a delimiter, over any byte stream: lines, for example.
//
// On the wire: the message, then the delimiter, which is not part of it. Both are any bytes.
//
//     auto s = suffix::attach(tcp::connect("127.0.0.1", 5555), {.delimiter = as_bytes("\r\n")});
//     s->send("USER kitty");
//     auto answer = s->recv(5s);
//
// A message is shown where it was received. Until its end has come it stays in the stream below, so
// a receive that timed out, also any number of them, leaves it to detach() as well. Searching is
// linear in what has come, however it comes.
//
// Errors, besides those of record_stream:
//   EINVAL                 sending: the delimiter is inside the message, or would be found earlier
//                          than at its end ("xa" with the delimiter "aa")
//   EMSGSIZE               receiving: `into` is too small; the message stays. This comes as soon as it
//                          is certain, before the end of the message
//   errc::message_too_big  receiving: more than `limit` bytes without a delimiter; every receive
//                          says so again until skip() has dropped the message
#pragma once

#include <cstddef>
#include <utility>

#include "caraway/byte_stream.hpp"
#include "caraway/bytes.hpp"
#include "caraway/error.hpp"
#include "caraway/record_stream.hpp"

namespace caraway::suffix {

constexpr std::size_t max_delimiter = 32;

struct options {
  // 1 to 32 bytes; they are copied.
  bytes delimiter;
  // The largest message received, in bytes, without the delimiter.
  std::size_t limit = 1024 * 1024;
};

// Puts the protocol on `below`; nothing is exchanged with the peer. Does not block. EINVAL if the
// delimiter is empty or too long, ENOMEM: `below` is closed then.
result<record_ptr> try_attach(stream_ptr below, const options& o) noexcept;

inline record_ptr attach(stream_ptr below, const options& o) {
  return value_or_raise(try_attach(std::move(below), o), "attach");
}

}  // namespace caraway::suffix
