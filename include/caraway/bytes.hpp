// bytes.hpp - borrowed memory: what is read, written and shown is a span of std::byte.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace caraway {

using bytes = std::span<const std::byte>;
using mutable_bytes = std::span<std::byte>;

// Several pieces that go out one behind the other, as one.
using parts = std::span<const bytes>;

inline bytes as_bytes(std::string_view text) noexcept {
  return std::as_bytes(std::span<const char>(text.data(), text.size()));
}

inline std::string_view as_text(bytes b) noexcept {
  return {reinterpret_cast<const char*>(b.data()), b.size()};
}

inline std::size_t total_size(parts ps) noexcept {
  std::size_t n = 0;
  for (bytes p : ps) n += p.size();
  return n;
}

}  // namespace caraway
