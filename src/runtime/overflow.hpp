// overflow.hpp - says which coroutine ran out of stack, instead of a bare segmentation fault.
#pragma once

#include "runtime/coroutine.hpp"

namespace caraway::runtime {

// Makes the calling thread handle SIGSEGV and SIGBUS on a stack of its own, so that the report
// below can be written. The first call also installs the handler for the process; whatever handler
// was there is called afterwards. A thread that has an alternate signal stack keeps it.
class overflow_watch {
 public:
  overflow_watch() noexcept;
  ~overflow_watch();
  overflow_watch(const overflow_watch&) = delete;
  overflow_watch& operator=(const overflow_watch&) = delete;

 private:
  void* memory_ = nullptr;
};

// Writes "caraway: stack overflow in coroutine #7 "name" (stack of 65536 bytes)" to standard error.
// Safe in a signal handler.
void report_overflow(const coroutine& c) noexcept;

}  // namespace caraway::runtime
