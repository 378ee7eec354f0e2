// current_task.hpp - the task that the running coroutine is.
#pragma once

#include "caraway/task_group.hpp"

namespace caraway::sync {

// nullptr if it is none: the main coroutine, or one of another kind.
lowlevel::task_core* current_task() noexcept;

}  // namespace caraway::sync
