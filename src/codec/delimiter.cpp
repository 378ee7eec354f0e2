#include "codec/delimiter.hpp"

#include <cstring>

namespace caraway::codec {
namespace {

// memmem(3) is linear, whatever is in the bytes.
std::optional<std::size_t> position(bytes in, bytes of) noexcept {
  const void* at = in.empty() ? nullptr : memmem(in.data(), in.size(), of.data(), of.size());
  if (at == nullptr) return std::nullopt;
  return static_cast<std::size_t>(static_cast<const std::byte*>(at) - in.data());
}

// The largest number of bytes, fewer than all of `of`, that `in` ends with and `of` begins with.
std::size_t beginning_at_end(bytes in, bytes of) noexcept {
  std::size_t n = std::min(in.size(), of.size() - 1);
  while (n > 0 && !std::ranges::equal(in.last(n), of.first(n))) --n;
  return n;
}

// The last bytes of what went by, one fewer than a delimiter has: one that began in them may end in
// what comes next.
class trail {
 public:
  explicit trail(std::size_t delimiter) noexcept : most_(delimiter - 1) {}

  // Whether `of` lies across the end of what went by and the beginning of `next`.
  bool completed_by(bytes next, bytes of) noexcept {
    std::array<std::byte, 2 * max_delimiter> both;
    const bytes head = next.first(std::min(next.size(), most_));
    std::ranges::copy(bytes(memory_).first(size_), both.begin());
    std::ranges::copy(head, both.begin() + static_cast<std::ptrdiff_t>(size_));
    return position(bytes(both).first(size_ + head.size()), of).has_value();
  }

  void append(bytes next) noexcept {
    const bytes kept = next.last(std::min(next.size(), most_));
    const std::size_t stays = std::min(size_, most_ - kept.size());
    std::memmove(memory_.data(), memory_.data() + size_ - stays, stays);
    std::ranges::copy(kept, memory_.begin() + static_cast<std::ptrdiff_t>(stays));
    size_ = stays + kept.size();
  }

 private:
  std::array<std::byte, max_delimiter> memory_;
  std::size_t size_ = 0;
  std::size_t most_;
};

}  // namespace

bool ends_where_it_should(parts ps, const delimiter& d) noexcept {
  trail before(d.size());
  for (bytes p : ps) {
    if (before.completed_by(p, d.text()) || position(p, d.text())) return false;
    before.append(p);
  }
  return !before.completed_by(d.text().first(d.size() - 1), d.text());
}

std::optional<std::size_t> delimiter_search::find(bytes seen) noexcept {
  const auto at = position(seen.subspan(clean_), delimiter_.text());
  if (at) {
    open_ = 0;
    clean_ += *at;
    return clean_;
  }
  open_ = beginning_at_end(seen.subspan(clean_), delimiter_.text());
  clean_ = seen.size() - open_;
  return std::nullopt;
}

}  // namespace caraway::codec
