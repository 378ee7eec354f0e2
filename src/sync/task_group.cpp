// task_group.cpp - the life of a task.
//
// go() takes memory for a coroutine from the scheduler, the caller constructs the task_frame in it
// (function, room for the result, task_core), and launch() puts it in line. Two references keep the
// memory: the coroutine's own, which its end releases, and that of the task<T>.
//
// When the function has returned, the task is taken off its group, the group's bookkeeping done and
// everybody woken who waits for it, in one go without a switch in between; so nobody ever sees a
// half ended task, and the group may be gone when the coroutine is resumed by nobody any more. The
// frame is destroyed by whoever of the two comes last: the end of the task or the end of its
// task<T>.
#include "caraway/task_group.hpp"

#include <cerrno>

#include "runtime/scheduler.hpp"
#include "sync/current_task.hpp"
#include "sync/queue.hpp"
#include "sync/uninterruptible.hpp"

namespace caraway {

using lowlevel::task_core;
using runtime::coroutine;
using runtime::scheduler;

struct task_runner {
  static void enter(coroutine& self) {
    auto& core = *static_cast<task_core*>(self.extra);
    run(core);
    core.group->finished(core);
    if (!core.handled) core.drop(core);
  }

  static void run(task_core& core) noexcept {
    try {
      core.run(core);
    } catch (const caraway::cancelled&) {
      core.ended_early = true;
    } catch (...) {
      core.failure = std::current_exception();
    }
  }
};

namespace sync {

task_core* current_task() noexcept {
  scheduler* s = scheduler::existing();
  if (s == nullptr || s->running().entry != &task_runner::enter) return nullptr;
  return static_cast<task_core*>(s->running().extra);
}

}  // namespace sync

namespace lowlevel {

result<void> join(task_core& c, deadline dl) {
  coroutine& self = c.where->owner->running();
  if (self.cancel_pending()) return fail(ECANCELED);
  if (!c.done) {
    if (&self == c.where) return fail(EDEADLK);
    if (const int code = sync::wait_in(c.joiners, "task", dl); code != 0) return fail(code);
  }
  if (c.failure) std::rethrow_exception(c.failure);
  if (c.ended_early) return fail(ECANCELED);
  return {};
}

void raise_join(std::error_code code) {
  if (code == std::errc::operation_canceled && !cancel_pending()) throw error(code, "join");
  raise(code, "join");
}

void cancel(task_core& c) noexcept {
  if (!c.done) c.where->owner->cancel(*c.where);
}

void let_go(task_core& c) noexcept {
  coroutine& where = *c.where;
  c.handled = false;
  if (c.done) c.drop(c);
  where.owner->release(where);
}

}  // namespace lowlevel

task_group::task_group(on_failure mode) noexcept : mode_(mode) {
  if (task_core* parent = sync::current_task()) parent->group->signal_.notify(*this);
}

task_group::~task_group() {
  if (size_ == 0) return;
  cancel();
  join_all();
}

lowlevel::task_memory task_group::prepare(std::size_t size, const task_options& options) noexcept {
  if (cancelled_ || lowlevel::ready() != 0) [[unlikely]]
    return {};
  scheduler& s = scheduler::current();
  if (s.running().cancel_pending()) [[unlikely]]
    return {};
  runtime::spawn_options spawn;
  spawn.name = options.name;
  if (options.stack_size != 0) spawn.stack_size = options.stack_size;
  const auto c = s.create(&task_runner::enter, size, spawn);
  if (!c) [[unlikely]]
    return {};
  return {*c, (*c)->extra};
}

// Why prepare() gave nothing.
int task_group::refusal() const noexcept {
  if (cancelled_ || lowlevel::cancel_pending()) return ECANCELED;
  const int code = lowlevel::ready();
  return code == 0 ? ENOMEM : code;
}

void task_group::discard(const lowlevel::task_memory& memory) noexcept {
  memory.where->owner->discard(*memory.where);
}

void task_group::launch(task_core& c, const lowlevel::task_memory& memory) noexcept {
  c.where = memory.where;
  c.group = this;
  c.where->extra = &c;
  scheduler::retain(*c.where);
  tasks_.push_back(c);
  ++size_;
  c.where->owner->start(*c.where);
}

void task_group::finished(task_core& c) noexcept {
  c.unlink();
  c.done = true;
  --size_;
  if (c.failure) [[unlikely]]
    failed(c);
  sync::wake_all(c.joiners);
  if (size_ == 0) sync::wake_all(waiters_);
}

void task_group::failed(task_core& c) noexcept {
  ++failures_;
  if (!failure_) failure_ = c.failure;
  if (mode_ == on_failure::cancel_others) cancel();
}

void task_group::cancel() noexcept {
  cancelled_ = true;
  tasks_.for_each([](task_core& c) { c.where->owner->cancel(*c.where); });
}

int task_group::until_empty(deadline dl) noexcept {
  while (size_ != 0) {
    if (const int code = sync::wait_in(waiters_, "task group", dl); code != 0) return code;
  }
  return 0;
}

// Waits for the end of all tasks, whatever happens to the caller.
void task_group::join_all() noexcept {
  const sync::uninterruptible to_the_end(scheduler::current().running());
  until_empty(never);
}

void task_group::rethrow() const {
  if (failure_ && mode_ == on_failure::cancel_others) std::rethrow_exception(failure_);
}

result<void> task_group::try_wait(deadline dl) {
  if (const task_core* self = sync::current_task(); self != nullptr && self->group == this)
    return fail(EDEADLK);
  if (lowlevel::cancel_pending()) return fail(ECANCELED);
  if (const int code = until_empty(dl); code != 0) return fail(code);
  rethrow();
  return {};
}

result<bool> task_group::try_stop(deadline grace) {
  signal_.raise();
  auto ended = try_wait(grace);
  if (ended) return true;
  if (ended.error() != std::errc::timed_out) return fail(ended.error());
  cancel();
  join_all();
  rethrow();
  return false;
}

}  // namespace caraway
