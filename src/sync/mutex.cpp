#include "caraway/mutex.hpp"

#include <cerrno>

#include "sync/queue.hpp"

namespace caraway {

mutex::~mutex() {
  sync::wake_all(waiters_, ECANCELED);
}

result<void> mutex::try_lock(deadline dl) noexcept {
  if (lowlevel::cancel_pending()) return fail(ECANCELED);
  if (try_lock()) return {};
  return sync::outcome(sync::wait_in(waiters_, "mutex", dl));
}

bool mutex::try_lock() noexcept {
  if (locked_) return false;
  locked_ = true;
  return true;
}

// A waiter that is woken owns the mutex already; in between it was never free.
void mutex::unlock() noexcept {
  if (waiters_.empty()) {
    locked_ = false;
  } else {
    lowlevel::wake(waiters_.front());
  }
}

}  // namespace caraway
