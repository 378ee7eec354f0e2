// this_task.hpp - what a coroutine asks about itself, and how it passes time.
//
//     sleep(100ms);
//     for (auto& row : table) { crunch(row); yield(); }
//
// A thread's own stack is its main coroutine; everything here works there too.
#pragma once

#include <cstddef>
#include <cstdint>

#include "caraway/deadline.hpp"
#include "caraway/error.hpp"

namespace caraway {

// Blocks until `dl`; sleep(immediately) is a yield. ETIMEDOUT if the ambient deadline is earlier,
// ECANCELED.
result<void> try_sleep(deadline dl) noexcept;
inline void sleep(deadline dl) {
  value_or_raise(try_sleep(dl), "sleep");
}
inline void sleep_until(time_point at) {
  sleep(at);
}

// Lets everything that is ready run first. Blocks until then. ECANCELED.
result<void> try_yield() noexcept;
inline void yield() {
  value_or_raise(try_yield(), "yield");
}

namespace this_task {

// A number no other coroutine of the thread has or had.
std::uint64_t id() noexcept;

// The name it was started with; "" if none.
const char* name() noexcept;

// True if blocking calls fail with ECANCELED right now.
bool cancelled() noexcept;

// True if its task group, or one above, was asked to stop. Never true outside a task.
bool stopping() noexcept;

// The ambient deadline: the earliest of the deadline_scopes around.
deadline ambient_deadline() noexcept;

// How many bytes of the task's stack were ever touched, counted down from its top to the end of a
// page. Stacks are used again: it may have been an earlier task. 0 on the stack of the thread.
std::size_t stack_used() noexcept;

}  // namespace this_task
}  // namespace caraway
