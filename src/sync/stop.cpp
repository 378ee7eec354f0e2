#include "caraway/stop.hpp"

#include <cerrno>

#include "sync/queue.hpp"

namespace caraway {

stop_signal::~stop_signal() {
  sync::wake_all(waiters_, ECANCELED);
}

void stop_signal::raise() noexcept {
  if (raised_) return;
  raised_ = true;
  sync::wake_all(waiters_);
  while (!callbacks_.empty()) callbacks_.pop_front().on_stop();
}

void stop_signal::notify(stop_callback& c) noexcept {
  if (raised_) {
    c.on_stop();
  } else {
    callbacks_.push_back(c);
  }
}

result<void> stop_signal::try_wait(deadline dl) noexcept {
  if (lowlevel::cancel_pending()) return fail(ECANCELED);
  if (raised_) return {};
  return sync::outcome(sync::wait_in(waiters_, "stop", dl));
}

}  // namespace caraway
