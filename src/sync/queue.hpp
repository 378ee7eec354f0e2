// queue.hpp - waiting in a queue, and waking everybody in it.
#pragma once

#include "caraway/error.hpp"
#include "caraway/wait.hpp"

namespace caraway::sync {

inline void wake_all(lowlevel::wait_queue& q, int code = 0) noexcept {
  while (!q.empty()) lowlevel::wake(q.front(), code);
}

// Waits in `q` until woken. 0 or the code of the waker, ETIMEDOUT, ECANCELED.
inline int wait_in(lowlevel::wait_queue& q, const char* what, deadline dl) noexcept {
  lowlevel::waiter w;
  lowlevel::operation op(what);
  op.add(w);
  q.push_back(w);
  return op.park(dl);
}

// The same as a result.
inline result<void> outcome(int code) noexcept {
  if (code == 0) [[likely]]
    return {};
  return fail(code);
}

}  // namespace caraway::sync
