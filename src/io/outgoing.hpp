// outgoing.hpp - how far a write has come: what was gathered before it, then its parts.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <span>

#include "caraway/bytes.hpp"

namespace caraway::io {

class outgoing {
 public:
  // Refers to both; copies nothing.
  outgoing(bytes head, parts ps) noexcept
      : current_(head), behind_(ps), head_size_(head.size()), left_(head.size() + total_size(ps)) {}

  bool empty() const noexcept { return left_ == 0; }
  std::size_t left() const noexcept { return left_; }
  std::size_t sent() const noexcept { return sent_; }
  std::size_t left_of_head() const noexcept { return head_size_ - std::min(sent_, head_size_); }

  // The pieces that come next, as many as `into` has room for.
  parts show(std::span<bytes> into) const noexcept {
    std::size_t n = 0;
    if (!current_.empty()) into[n++] = current_;
    for (bytes p : behind_) {
      if (n == into.size()) break;
      if (!p.empty()) into[n++] = p;
    }
    return into.first(n);
  }

  // `n` bytes more have gone.
  void advance(std::size_t n) noexcept {
    sent_ += n;
    left_ -= n;
    while (n > current_.size()) {
      n -= current_.size();
      current_ = behind_.front();
      behind_ = behind_.subspan(1);
    }
    current_ = current_.subspan(n);
  }

  // Copies the next `n` bytes out, and counts them as gone.
  void copy(std::byte* to, std::size_t n) noexcept {
    while (n > 0) {
      if (current_.empty()) {
        current_ = behind_.front();
        behind_ = behind_.subspan(1);
        continue;
      }
      const std::size_t now = std::min(n, current_.size());
      std::memcpy(to, current_.data(), now);
      to += now;
      n -= now;
      advance(now);
    }
  }

 private:
  bytes current_;
  parts behind_;
  std::size_t head_size_;
  std::size_t left_;
  std::size_t sent_ = 0;
};

}  // namespace caraway::io
