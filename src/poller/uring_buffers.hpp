// uring_buffers.hpp - memory that the kernel picks from when bytes arrive: a provided buffer ring.
//
// A socket that waits owns no buffer. The kernel takes the next one from the ring when there is
// something to put in, the poller lends it to whoever receives, and when that one drops it, it goes
// back into the ring: a store to shared memory, no system call.
//
// The ring starts small and doubles each time it has run dry, up to `most`: the fewer buffers go
// round, the warmer they are. Buffers stand a cache line more than their size apart, else the first
// lines of all of them would compete for one set of the cache.
#pragma once

#include <cstddef>
#include <cstdint>

#include "poller/uring_ring.hpp"
#include "runtime/buffer_pool.hpp"

namespace caraway::runtime {

class uring_buffers final : public lender {
 public:
  using id = std::uint16_t;
  static constexpr std::size_t size = 4096;
  static constexpr unsigned most = 4096;
  static constexpr id none = 0xffff;
  // The group that requests name.
  static constexpr unsigned group = 0;

  // Makes the ring known to the kernel. 0 or an errno.
  int open(uring_ring& ring, unsigned first) noexcept;
  bool is_open() const noexcept { return open_; }

  // True if the ring is not dry, if need be after it has grown; false if all are lent out.
  bool refill() noexcept;

  std::byte* memory(id n) const noexcept { return buffers_.data() + n * stride; }

  // Gives buffer `n` to the kernel; takes note that the kernel has filled one.
  void provide(id n) noexcept;
  void taken() noexcept { --in_ring_; }
  void give_back(lent_buffer& b) noexcept override { provide(static_cast<id>(b.token())); }

  // A word and a link for each buffer, for queues of filled ones.
  struct note {
    std::uint32_t filled;
    id next;
  };
  note& note_of(id n) noexcept { return notes()[n]; }

 private:
  static constexpr std::size_t stride = size + 64;
  note* notes() const noexcept { return reinterpret_cast<note*>(notes_.data()); }

  bool open_ = false;
  unsigned count_ = 0;
  unsigned in_ring_ = 0;
  std::uint16_t tail_ = 0;
  mapping ring_;
  mapping notes_;
  mapping buffers_;
};

}  // namespace caraway::runtime
