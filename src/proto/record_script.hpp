// record_script.hpp - for tests of protocols that put records into a byte stream: one end, and the
// bytes at the other.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <string_view>

#include "caraway/memory_pair.hpp"
#include "caraway/record_stream.hpp"

namespace caraway::proto {

constexpr std::chrono::seconds soon{20};

// A record stream, and the bare stream that it talks to.
struct record_end {
  record_ptr records;
  stream_ptr peer;

  // The bytes that were sent.
  std::string sent() const {
    records->flush(soon);
    static_cast<void>(peer->try_fill(peer->buffered().size() + 1, immediately));
    const std::string all(as_text(peer->buffered()));
    peer->consume(all.size());
    return all;
  }
  std::string next() const { return std::string(as_text(records->recv(soon))); }
  std::error_code error_of_receive(deadline dl = soon) const {
    const auto m = records->try_recv(dl);
    return m ? std::error_code() : m.error();
  }
  std::error_code error_of_send(std::string_view text) const {
    const bytes b = as_bytes(text);
    const auto r = records->try_send(parts(&b, 1), soon);
    return r ? std::error_code() : r.error();
  }
};

inline std::error_code error_of(const auto& r) {
  return r ? std::error_code() : r.error();
}

}  // namespace caraway::proto
