#include "caraway/event.hpp"

#include <cerrno>

#include "sync/queue.hpp"

namespace caraway {

event::~event() {
  sync::wake_all(waiters_, ECANCELED);
}

void event::set() noexcept {
  set_ = true;
  sync::wake_all(waiters_);
}

result<void> event::try_wait(deadline dl) noexcept {
  if (lowlevel::cancel_pending()) return fail(ECANCELED);
  if (set_) return {};
  return sync::outcome(sync::wait_in(waiters_, "event", dl));
}

}  // namespace caraway
