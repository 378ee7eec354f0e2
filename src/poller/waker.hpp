// waker.hpp - how other threads end the sleep of a poller: a word of memory and, behind it, an
// eventfd.
//
// The descriptor is written only if the thread sleeps or is about to. A wake-up for a thread that
// is awake costs one atomic operation and no system call, and a hundred wake-ups in a row cost one.
//
//     if (waker_.fall_asleep()) sleep_until_something_or(waker_.fd());
//     waker_.rise();
#pragma once

#include <atomic>

#include "caraway/fd.hpp"

namespace caraway::runtime {

class waker {
 public:
  // Throws caraway::error if there is no descriptor left for it.
  waker();

  // Becomes readable when a sleeper is to wake.
  int fd() const noexcept { return fd_.get(); }

  // From any thread: ends the sleep of the owner, or else prevents the next one.
  void wake() noexcept;

  // For the owner: true if it may sleep now; false if it was woken since the last rise().
  bool fall_asleep() noexcept;
  // For the owner: is awake again; forgets that it was woken.
  void rise() noexcept;
  // For the owner, if it does not watch fd() edge by edge: makes fd() unreadable again.
  void drain() noexcept;

 private:
  enum state : int { awake, asleep, called };

  std::atomic<int> state_{awake};
  unique_fd fd_;
};

}  // namespace caraway::runtime
