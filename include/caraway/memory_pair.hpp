// memory_pair.hpp - two byte streams connected to each other in memory, with chosen faults.
//
// No kernel is involved: for tests of layers, and for talking to a layer within one thread.
//
//     auto [a, b] = memory_pair();
//     a->write("hello");
//     b->fill(5);
//
// Each end has faults of its own. What one end writes the other finds at once; nothing is held
// back.
#pragma once

#include <cerrno>
#include <cstddef>
#include <limits>
#include <system_error>
#include <utility>

#include "caraway/byte_stream.hpp"
#include "caraway/error.hpp"

namespace caraway {

// What is to go wrong at one end.
struct memory_faults {
  static constexpr std::size_t none = std::numeric_limits<std::size_t>::max();

  // Bytes may wait towards this end, before its peer's writes block; a larger write goes in when
  // nothing waits.
  std::size_t capacity = 1024 * 1024;
  // Receives at most this many bytes at a time, one time after the other.
  std::size_t chop = none;
  // Never receives bytes before and after this position of the stream at the same time.
  std::size_t cut_at = none;
  // The operation of this end that breaks the connection, counted from 0: each try to receive
  // beyond what is buffered and each write, flush, done and close is one. Both ends are broken from
  // then on.
  std::size_t fail_at = none;
  // What that operation fails with. Later ones say ECONNRESET.
  std::error_code failure = os_error(ECONNRESET);
};

// Both ends belong to the calling thread. ENOMEM.
result<std::pair<stream_ptr, stream_ptr>> try_memory_pair(const memory_faults& first = {},
                                                          const memory_faults& second = {});

inline std::pair<stream_ptr, stream_ptr> memory_pair(const memory_faults& first = {},
                                                     const memory_faults& second = {}) {
  return value_or_raise(try_memory_pair(first, second), "make memory pair");
}

}  // namespace caraway
