// overdue.hpp - for loops that could go on for ever without waiting once.
#pragma once

#include "caraway/deadline.hpp"
#include "runtime/scheduler.hpp"

namespace caraway::io {

// True once `dl` or the ambient deadline of the running coroutine has come.
inline bool overdue(deadline dl) noexcept {
  return earlier(dl, runtime::scheduler::current().running().ambient).passed();
}

}  // namespace caraway::io
