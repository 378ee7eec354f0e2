// turn.hpp - whose turn it is: one at a time, first come, first served, until it is broken off.
//
// As a mutex that can be taken away from those who wait for it.
#pragma once

#include <cerrno>

#include "caraway/deadline.hpp"
#include "caraway/error.hpp"
#include "caraway/wait.hpp"

namespace caraway::proto {

class turn {
 public:
  turn() noexcept = default;
  turn(const turn&) = delete;
  turn& operator=(const turn&) = delete;

  bool taken() const noexcept { return taken_; }

  bool try_take() noexcept {
    if (taken_) return false;
    return taken_ = true;
  }

  // Blocks until the turn is the caller's. ETIMEDOUT, ECANCELED, or the code of break_off().
  result<void> take(deadline dl, const char* what) noexcept {
    if (try_take()) [[likely]]
      return {};
    lowlevel::waiter w;
    lowlevel::operation op(what);
    op.add(w);
    waiters_.push_back(w);
    if (const int code = op.park(dl); code != 0) return fail(code);
    return {};
  }

  // Hands it on. Who is woken has it already; in between it was never free.
  void pass() noexcept {
    if (waiters_.empty())
      taken_ = false;
    else
      lowlevel::wake(waiters_.front());
  }

  // How many wait.
  std::size_t waiting() noexcept {
    std::size_t n = 0;
    waiters_.for_each([&n](const lowlevel::waiter&) { ++n; });
    return n;
  }

  // Whoever waits gets `code` instead.
  void break_off(int code) noexcept {
    while (!waiters_.empty()) lowlevel::wake(waiters_.front(), code);
  }

 private:
  bool taken_ = false;
  lowlevel::wait_queue waiters_;
};

// Passes a turn on at the end of the block.
class turn_holder {
 public:
  explicit turn_holder(turn& t) noexcept : turn_(t) {}
  turn_holder(const turn_holder&) = delete;
  turn_holder& operator=(const turn_holder&) = delete;
  ~turn_holder() { turn_.pass(); }

 private:
  turn& turn_;
};

}  // namespace caraway::proto
