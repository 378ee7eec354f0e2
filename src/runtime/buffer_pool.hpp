// buffer_pool.hpp - receive buffers, lent only while data is pending.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include "caraway/bytes.hpp"

namespace caraway::runtime {

class lent_buffer;

// Somebody who lends memory: the thread's pool, or a poller whose kernel filled a buffer of its
// own.
class lender {
 public:
  virtual void give_back(lent_buffer& b) noexcept = 0;

 protected:
  ~lender() = default;
};

// Lent memory with bytes in it; goes back to its lender when dropped. Stays on its thread.
class lent_buffer {
 public:
  lent_buffer() noexcept = default;
  lent_buffer(lender& from, std::byte* memory, std::size_t capacity,
              std::uint32_t token = 0) noexcept
      : from_(&from), memory_(memory), capacity_(capacity), token_(token) {}
  lent_buffer(lent_buffer&& other) noexcept { swap(other); }
  lent_buffer& operator=(lent_buffer&& other) noexcept {
    lent_buffer old(std::move(other));
    swap(old);
    return *this;
  }
  ~lent_buffer() { reset(); }

  void reset() noexcept {
    if (memory_ != nullptr) from_->give_back(*this);
    from_ = nullptr;
    memory_ = nullptr;
    capacity_ = size_ = 0;
  }
  void swap(lent_buffer& other) noexcept {
    std::swap(from_, other.from_);
    std::swap(memory_, other.memory_);
    std::swap(capacity_, other.capacity_);
    std::swap(size_, other.size_);
    std::swap(token_, other.token_);
  }

  explicit operator bool() const noexcept { return memory_ != nullptr; }
  std::byte* memory() const noexcept { return memory_; }
  std::size_t capacity() const noexcept { return capacity_; }
  std::uint32_t token() const noexcept { return token_; }
  // How many bytes at the front are filled.
  std::size_t size() const noexcept { return size_; }
  void set_size(std::size_t n) noexcept { size_ = n; }

 private:
  lender* from_ = nullptr;
  std::byte* memory_ = nullptr;
  std::size_t capacity_ = 0;
  std::size_t size_ = 0;
  std::uint32_t token_ = 0;
};

// The receive buffers of one thread, in powers of four from 4 KiB to 256 KiB, the hottest first.
class buffer_pool final : public lender {
 public:
  static constexpr std::size_t smallest = 4 * 1024;
  static constexpr std::size_t largest = 256 * 1024;

  buffer_pool() noexcept = default;
  ~buffer_pool();
  buffer_pool(const buffer_pool&) = delete;
  buffer_pool& operator=(const buffer_pool&) = delete;

  // At least `size` bytes. Empty if there is no memory. More than `largest` is allocated, not
  // pooled.
  lent_buffer borrow(std::size_t size) noexcept;
  void give_back(lent_buffer& b) noexcept override;

  // Buffers lent out at this moment.
  std::size_t lent() const noexcept { return lent_; }

 private:
  struct spare {
    spare* next;
  };
  static constexpr int classes = 4;
  static int class_of(std::size_t size) noexcept;

  spare* spares_[classes] = {};
  std::size_t spare_count_[classes] = {};
  std::size_t lent_ = 0;
};

}  // namespace caraway::runtime
