// uninterruptible.hpp - a stretch of code that must block to its end: no cancellation, no
// deadlines.
#pragma once

#include "runtime/scheduler.hpp"

namespace caraway::sync {

class uninterruptible {
 public:
  explicit uninterruptible(runtime::coroutine& c) noexcept
      : coroutine_(c), ambient_(c.ambient), until_(c.shield_until), shielded_(c.shielded) {
    c.ambient = c.shield_until = never;
    c.shielded = true;
  }
  uninterruptible(const uninterruptible&) = delete;
  uninterruptible& operator=(const uninterruptible&) = delete;
  ~uninterruptible() {
    coroutine_.ambient = ambient_;
    coroutine_.shield_until = until_;
    coroutine_.shielded = shielded_;
  }

 private:
  runtime::coroutine& coroutine_;
  deadline ambient_;
  deadline until_;
  bool shielded_;
};

}  // namespace caraway::sync
