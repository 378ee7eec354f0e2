// overdue.hpp - for loops that could go on for ever without waiting once.
#pragma once

#include <cerrno>

#include "caraway/deadline.hpp"
#include "runtime/scheduler.hpp"

namespace caraway::io {

// What a call that would go on has to fail with by now, else 0: ETIMEDOUT once `dl` or the ambient
// deadline of the running coroutine has come, ECANCELED once the shield of a cancelled one has ended.
inline int overdue(deadline dl) noexcept {
  runtime::scheduler* here = runtime::scheduler::existing();
  if (here == nullptr) return dl.passed() ? ETIMEDOUT : 0;
  const runtime::coroutine& self = here->running();
  if (!earlier(dl, self.ambient).passed()) return 0;
  return self.must_end() && self.shield_until.passed() ? ECANCELED : ETIMEDOUT;
}

}  // namespace caraway::io
