#include "codec/prefix_length.hpp"

#include <algorithm>
#include <limits>

namespace caraway::codec {
namespace {

constexpr std::array<std::byte, prefix_length::max_width> zeros{};

}  // namespace

bool prefix_length::holds(std::uint64_t size) const noexcept {
  return width_ >= max_digits || size >> (8 * width_) == 0;
}

void prefix_length::write(std::uint64_t size, written& to) const noexcept {
  const std::size_t n = std::min(width_, max_digits);
  for (std::size_t i = 0; i < n; ++i, size >>= 8)
    to.digits[little_endian_ ? i : n - 1 - i] = static_cast<std::byte>(size & 0xFF);
  const bytes digits = bytes(to.digits).first(n);
  const bytes padding = bytes(zeros).first(width_ - n);
  to.count = padding.empty() ? 1 : 2;
  if (padding.empty() || little_endian_)
    to.pieces = {digits, padding};
  else
    to.pieces = {padding, digits};
}

std::uint64_t prefix_length::read(bytes head) const noexcept {
  std::uint64_t size = 0;
  for (std::size_t i = 0; i < width_; ++i) {
    if (size >> 56 != 0) return std::numeric_limits<std::uint64_t>::max();
    size = size << 8 | std::to_integer<std::uint64_t>(head[little_endian_ ? width_ - 1 - i : i]);
  }
  return size;
}

}  // namespace caraway::codec
