// coroutine.hpp - the control block of a coroutine. It sits at the top of the coroutine's own
// stack:
//
//     limit                                                                     top
//     | guard |  ... stack grows down ...  | extra (closure, result) | coroutine |
//
// The block and `extra` live until the last reference is released, which may be long after the
// coroutine has ended: a task's result waits there to be fetched.
#pragma once

#include <cstdint>

#include "base/sanitizer.hpp"
#include "caraway/deadline.hpp"
#include "caraway/list.hpp"
#include "caraway/wait.hpp"
#include "runtime/context.hpp"
#include "runtime/stack.hpp"

namespace caraway::runtime {

class scheduler;

// What the C++ runtime keeps per thread about exceptions in flight (__cxa_eh_globals).
struct exception_state {
  void* caught = nullptr;
  unsigned int uncaught = 0;
};

enum class run_state : unsigned char { fresh, ready, running, parked, ended };

using entry_function = void (*)(coroutine& self);

struct coroutine : list_node {  // linked in the scheduler's list of all
  context registers;
  coroutine* next_ready = nullptr;
  scheduler* owner = nullptr;
  lowlevel::operation* waiting = nullptr;
  entry_function entry = nullptr;
  exception_state exceptions;
  int saved_errno = 0;
  std::uint32_t references = 1;
  run_state state = run_state::fresh;
  signed char spare_kind = -1;  // where it may be kept for the next one when it has ended
  bool cancelled = false;       // asked to end
  bool no_waiting = false;      // inside the close function of a C handle: as if asked to end
  bool shielded = false;        // inside a shield: not yet
  deadline shield_until;        // when the shield ends at the latest
  deadline ambient;             // of the innermost deadline_scope
  stack memory;
  void* extra = nullptr;
  void* local = nullptr;  // for the layer above: the C API's and tasks' own state
  const char* name = "";  // shown in dumps; must outlive the coroutine
  std::uint64_t id = 0;
  base::fiber_hooks hooks;

  // Makes an ended coroutine's block as good as new; what create() sets anyway is left alone.
  void recycle() noexcept {
    waiting = nullptr;
    exceptions = {};
    saved_errno = 0;
    references = 1;
    state = run_state::fresh;
    cancelled = no_waiting = shielded = false;
    local = nullptr;
  }

  // Blocking calls would fail with ECANCELED from now on but for a shield.
  bool must_end() const noexcept { return cancelled || no_waiting; }
  // They do.
  bool cancel_pending() const noexcept { return must_end() && !shielded; }
};

}  // namespace caraway::runtime
