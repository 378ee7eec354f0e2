// prefix.hpp - messages behind their length, over any byte stream.
//
// On the wire: the length of the message as an unsigned number of `width` bytes, then the message.
//
//     auto s = prefix::attach(tcp::connect("127.0.0.1", 5555), {.width = 4});
//     s->send("Hello, world!");                      // 00 00 00 0d 'H' 'e' ...
//     std::cout << as_text(s->recv(5s)) << "\n";
//     auto below = s->detach();
//
// A message of up to 64 KiB is shown where it was received. A larger one is received straight into
// the memory given to recv_into(); if that is interrupted, what came is kept for the next receive.
// Memory is taken only for bytes that have come, never because a length says so.
//
// Errors, besides those of record_stream:
//   EMSGSIZE               sending: the length does not fit into the prefix. Receiving: `into` is
//                          too small; the message stays
//   errc::message_too_big  receiving: the length passes the limit; every receive says so again until
//                          skip() has dropped the message
#pragma once

#include <cstddef>
#include <utility>

#include "caraway/byte_stream.hpp"
#include "caraway/error.hpp"
#include "caraway/record_stream.hpp"

namespace caraway::prefix {

enum class byte_order : unsigned char { big, little };

struct options {
  // Bytes of the length; 1 or more. Those beyond the eighth are zero.
  std::size_t width = 8;
  byte_order order = byte_order::big;
  // The largest message received, in bytes.
  std::size_t limit = 1024 * 1024;
};

// Puts the protocol on `below`; nothing is exchanged with the peer. Does not block. EINVAL if
// `width` is 0 or beyond 4096, ENOMEM: `below` is closed then.
result<record_ptr> try_attach(stream_ptr below, const options& o = {}) noexcept;

inline record_ptr attach(stream_ptr below, const options& o = {}) {
  return value_or_raise(try_attach(std::move(below), o), "attach");
}

}  // namespace caraway::prefix
