// growing_bytes.hpp - memory that something of unknown size is written into, piece by piece.
//
// Room may be kept free before the first byte, for a header that is known only at the end.
#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>

#include "caraway/bytes.hpp"
#include "caraway/memory_block.hpp"

namespace caraway::codec {

class growing_bytes {
 public:
  explicit growing_bytes(std::size_t front = 0) noexcept : begin_(front), end_(front) {}

  std::size_t size() const noexcept { return end_ - begin_; }
  mutable_bytes all() noexcept { return {memory_.get() + begin_, size()}; }

  // Room for at least `n` more bytes behind the last; empty if there is no memory.
  mutable_bytes room(std::size_t n) noexcept {
    if (capacity_ - end_ >= n && memory_) return {memory_.get() + end_, capacity_ - end_};
    const std::size_t larger = std::max(end_ + n, 2 * capacity_);
    memory_block moved = allocate_block(larger);
    if (!moved) return {};
    std::copy_n(memory_.get() + std::min(begin_, capacity_), size(), moved.get() + begin_);
    memory_ = std::move(moved);
    capacity_ = larger;
    return {memory_.get() + end_, capacity_ - end_};
  }

  // The first `n` bytes of the room are written.
  void add(std::size_t n) noexcept { end_ += n; }
  // The last `n` bytes go.
  void drop_last(std::size_t n) noexcept { end_ -= n; }
  // `n` bytes of what was kept free before the first byte become the first.
  mutable_bytes prepend(std::size_t n) noexcept {
    begin_ -= n;
    return {memory_.get() + begin_, n};
  }

  // The memory, and where in it the bytes begin.
  std::pair<memory_block, std::size_t> take() && noexcept { return {std::move(memory_), begin_}; }

 private:
  memory_block memory_;
  std::size_t capacity_ = 0;
  std::size_t begin_;
  std::size_t end_;
};

}  // namespace caraway::codec
