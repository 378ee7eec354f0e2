// waker.cpp - ending a sleep from another thread.
#include "poller/waker.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

#include "caraway/error.hpp"

namespace caraway::runtime {

waker::waker() : fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (!fd_) raise(os_error(errno), "eventfd");
}

// The counter overflows after 2^64 - 2 wake-ups that nobody has read, and is readable then anyway.
void waker::wake() noexcept {
  if (state_.exchange(called, std::memory_order_acq_rel) != asleep) return;
  const int saved = errno;
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t n = ::write(fd_.get(), &one, sizeof one);
  errno = saved;
}

bool waker::fall_asleep() noexcept {
  int expected = awake;
  return state_.compare_exchange_strong(expected, asleep, std::memory_order_acq_rel);
}

void waker::rise() noexcept {
  if (state_.load(std::memory_order_relaxed) == awake) return;
  state_.exchange(awake, std::memory_order_acq_rel);
}

void waker::drain() noexcept {
  std::uint64_t count = 0;
  [[maybe_unused]] const ssize_t n = ::read(fd_.get(), &count, sizeof count);
}

}  // namespace caraway::runtime
