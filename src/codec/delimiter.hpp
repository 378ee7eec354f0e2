// delimiter.hpp - where messages end that end with a delimiter.
//
//     delimiter_search search(delimiter);
//     for (;;) {
//       auto at = search.find(seen);              // of one message, from its first byte on
//       if (at) { use(seen.first(*at)); search.restart(); ... }
//       else need(seen.size() + search.need());   // more of the same
//     }
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>

#include "caraway/bytes.hpp"

namespace caraway::codec {

constexpr std::size_t max_delimiter = 32;

class delimiter {
 public:
  // 1 to max_delimiter bytes, which are copied.
  explicit delimiter(bytes text) noexcept : size_(text.size()) {
    std::ranges::copy(text, memory_.begin());
  }
  bytes text() const noexcept { return bytes(memory_).first(size_); }
  std::size_t size() const noexcept { return size_; }

 private:
  std::array<std::byte, max_delimiter> memory_;
  std::size_t size_;
};

// Whether a receiver finds the end of the message `ps` where it is: the first delimiter in the message
// and the delimiter behind it is that one. Linear.
bool ends_where_it_should(parts ps, const delimiter& d) noexcept;

// Looks for the first delimiter in bytes that grow. Linear in all of them, however often it is asked.
class delimiter_search {
 public:
  explicit delimiter_search(const delimiter& d) noexcept : delimiter_(d) {}

  const delimiter& wanted() const noexcept { return delimiter_; }

  // Where the delimiter begins. `seen` begins with what the last call saw, unless restart() was
  // called in between.
  std::optional<std::size_t> find(bytes seen) noexcept;

  // After a find() in vain: so many bytes at the end of what was seen may be the beginning of the
  // delimiter; everything before them is message.
  std::size_t open() const noexcept { return open_; }
  // And so many more have to come at least.
  std::size_t need() const noexcept { return delimiter_.size() - open_; }

  // What is seen next begins somewhere else.
  void restart() noexcept { clean_ = open_ = 0; }

  // What is seen next begins `n` bytes further on; after a find() in vain, and not beyond what
  // open() left.
  void pass(std::size_t n) noexcept { clean_ -= n; }

 private:
  delimiter delimiter_;
  std::size_t clean_ = 0;  // no delimiter begins before this position
  std::size_t open_ = 0;
};

}  // namespace caraway::codec
