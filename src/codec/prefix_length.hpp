// prefix_length.hpp - the length before a message: an unsigned number of a fixed number of bytes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "caraway/bytes.hpp"

namespace caraway::codec {

class prefix_length {
 public:
  static constexpr std::size_t max_width = 4096;
  // Of the bytes of a length so many may be other than zero.
  static constexpr std::size_t max_digits = 8;

  // `width` is 1 to max_width.
  prefix_length(std::size_t width, bool little_endian) noexcept
      : width_(width), little_endian_(little_endian) {}

  std::size_t width() const noexcept { return width_; }

  // Whether the length `size` can be written.
  bool holds(std::uint64_t size) const noexcept;

  // A length as it goes out: `count` pieces one behind the other. They point into `digits`, and into
  // zeros that are always there.
  struct written {
    std::array<std::byte, max_digits> digits;
    std::array<bytes, 2> pieces;
    std::size_t count;
  };
  // `size` must be one that holds().
  void write(std::uint64_t size, written& to) const noexcept;

  // What is said by the width() bytes of `head`; the largest number there is if it is more than that.
  std::uint64_t read(bytes head) const noexcept;

 private:
  std::size_t width_;
  bool little_endian_;
};

}  // namespace caraway::codec
