#include "caraway/this_task.hpp"

#include <cerrno>

#include "runtime/scheduler.hpp"
#include "sync/current_task.hpp"
#include "sync/queue.hpp"

namespace caraway {
namespace {

// What is known of a thread that has no scheduler yet.
struct first_coroutine : runtime::coroutine {
  first_coroutine() noexcept { name = "main"; }
};

const runtime::coroutine& running() noexcept {
  static const first_coroutine alone;
  runtime::scheduler* here = runtime::scheduler::existing();
  if (here == nullptr) return alone;
  return here->running();
}

}  // namespace

result<void> try_sleep(deadline dl) noexcept {
  lowlevel::operation op("sleep");
  const int code = op.park(dl);
  if (code == ETIMEDOUT && dl <= running().ambient) return {};
  return sync::outcome(code);
}

result<void> try_yield() noexcept {
  return sync::outcome(lowlevel::yield());
}

namespace this_task {

std::uint64_t id() noexcept {
  return running().id;
}

const char* name() noexcept {
  return running().name;
}

bool cancelled() noexcept {
  return running().cancel_pending();
}

bool stopping() noexcept {
  const lowlevel::task_core* self = sync::current_task();
  return self != nullptr && self->group->stopping();
}

deadline ambient_deadline() noexcept {
  return running().ambient;
}

std::size_t stack_used() noexcept {
  return runtime::high_water(running().memory);
}

}  // namespace this_task
}  // namespace caraway
