// uring_buffers.cpp - the ring of provided buffers in shared memory.
//
// The ring is an array of io_uring_buf whose first element lends its last field to the tail
// counter. (The kernel's own struct for that does not have this layout in C++, where an empty
// struct takes a byte.) It is shared memory, not private, so that after a fork(2) the kernel and
// this process still look at the same pages.
#include "poller/uring_buffers.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <cerrno>

namespace caraway::runtime {

int uring_buffers::open(uring_ring& ring, unsigned first) noexcept {
  if (const int code = ring_.map(most * sizeof(io_uring_buf), MAP_SHARED); code != 0) return code;
  if (const int code = notes_.map(most * sizeof(note), MAP_PRIVATE | MAP_NORESERVE); code != 0)
    return code;
  if (const int code = buffers_.map(most * stride, MAP_PRIVATE | MAP_NORESERVE); code != 0)
    return code;
  io_uring_buf_reg registration{};
  registration.ring_addr = reinterpret_cast<std::uint64_t>(ring_.data());
  registration.ring_entries = most;
  registration.bgid = group;
  if (ring.tell(IORING_REGISTER_PBUF_RING, &registration, 1) != 0) return errno;
  open_ = true;
  while (count_ < first) provide(static_cast<id>(count_++));
  return 0;
}

bool uring_buffers::refill() noexcept {
  if (in_ring_ > 0) return true;
  const unsigned target = std::min(2 * count_, most);
  while (count_ < target) provide(static_cast<id>(count_++));
  return in_ring_ > 0;
}

void uring_buffers::provide(id n) noexcept {
  auto* const entries = reinterpret_cast<io_uring_buf*>(ring_.data());
  io_uring_buf& entry = entries[tail_ & (most - 1)];
  entry.addr = reinterpret_cast<std::uint64_t>(memory(n));
  entry.len = size;
  entry.bid = n;
  std::atomic_ref<std::uint16_t>(entries[0].resv).store(++tail_, std::memory_order_release);
  ++in_ring_;
}

}  // namespace caraway::runtime
