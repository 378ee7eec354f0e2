// scheduler.cpp - how the processor goes round.
//
// Who runs. Every thread that makes a blocking call has a scheduler from then on. The thread's own
// stack is its main coroutine; the others have stacks from the pool. Ready coroutines stand in one
// line, first come, first served. A coroutine that blocks switches straight to the next in line;
// there is no detour through a central loop. Only when the line is empty does the thread switch to
// the idle coroutine, which asks the poller what has happened. It has a stack of its own, so that
// pollers and what they call need no room on anybody's small stack.
//
// How a wait ends. A blocking call makes a lowlevel::operation on its stack. Three things can end
// it: a waker, its timer in the wheel, cancellation. Whichever comes first calls operation::finish,
// which takes the operation out of every queue and out of the wheel, so that the other two find
// nothing any more. From then on the result is fixed: a coroutine that is in line keeps what it was
// woken with, and hears of a cancellation only at its next blocking call. Nothing that was handed
// over is ever lost.
//
// Cancellation is a mark on the coroutine that never goes away. While it is there every blocking
// call fails with ECANCELED at once, so that a coroutine can only clean up and end. A shield puts
// it off until the shield's own deadline: the mark is there, but does not count.
//
// Fairness. A thread whose coroutines are always ready would never look at the poller. So every so
// many switches somebody looks at the clock, and goes by the idle coroutine, which asks the poller
// without waiting, if that has not happened for a tenth of a millisecond. Since time may stand
// still (in the simulator), it also happens after a fixed number of looks. At a poll, descriptors
// come before timers: readiness beats a deadline that passed in the same turn. A yield with nobody
// else in line polls too.
//
// The end of a coroutine. It cannot free the stack it stands on; it leaves its name in `dead_`, and
// whoever runs next frees it. The end of the thread: coroutines left over are abandoned, their
// memory is not touched any more, for it may be on stacks that are gone. If exit() was called on a
// coroutine's stack, the stacks stay mapped. Output that was held back is written.
//
// Belongs to the coroutine and is switched with it: registers, errno, the exceptions in flight of
// the C++ runtime (without that, two coroutines that yield inside catch blocks rethrow each other's
// exception).
#include "runtime/scheduler.hpp"

#include <cxxabi.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <mutex>
#include <new>

#include CARAWAY_CONTEXT  // the header of the architecture, chosen by the build
#include "runtime/overflow.hpp"

namespace caraway::runtime {
namespace {

constexpr int switches_per_look = 32;
constexpr int looks_per_poll = 64;
constexpr nanoseconds longest_without_poll{100'000};
constexpr std::size_t idle_stack_size = 128 * 1024;
constexpr std::size_t smallest_stack = 1536;  // that anything could run on
constexpr std::size_t most_spares = 256;
// What tasks and what the coroutines of the C API come with.
constexpr std::size_t usual_stack_sizes[2] = {default_stack_size, 256 * 1024};

int spare_kind(const spawn_options& options) noexcept {
  if (options.memory != nullptr) return -1;
  if (options.stack_size == usual_stack_sizes[0]) return 0;
  return options.stack_size == usual_stack_sizes[1] ? 1 : -1;
}

struct thread_scheduler {
  overflow_watch watch;
  std::unique_ptr<scheduler> own;
};

thread_local scheduler* current_scheduler = nullptr;

std::mutex& registry_mutex() noexcept {
  static std::mutex m;
  return m;
}

exception_state* thread_exceptions() noexcept {
  return reinterpret_cast<exception_state*>(abi::__cxa_get_globals());
}

std::unique_ptr<poller> default_poller() {
  const char* wanted = std::getenv("CARAWAY_POLLER");
  std::unique_ptr<poller> p = make_poller(wanted == nullptr ? "" : wanted);
  if (p == nullptr) throw error(os_error(ENOSYS), "no poller works here");
  return p;
}

template <class T>
T* align_down(std::byte* at) noexcept {
  constexpr std::uintptr_t mask = ~std::uintptr_t{63};
  return reinterpret_cast<T*>(reinterpret_cast<std::uintptr_t>(at) & mask);
}

}  // namespace

scheduler* scheduler::first_ = nullptr;

scheduler& scheduler::current() {
  if (current_scheduler == nullptr) [[unlikely]]
    make_current();
  return *current_scheduler;
}

// Apart, so that current() itself is a few instructions.
[[gnu::noinline, gnu::cold]] void scheduler::make_current() {
  thread_local thread_scheduler holder;
  holder.own = std::make_unique<scheduler>(default_poller());
}

scheduler* scheduler::existing() noexcept {
  return current_scheduler;
}

int scheduler::ensure() noexcept {
  if (current_scheduler != nullptr) return 0;
  try {
    make_current();
    return 0;
  } catch (const std::bad_alloc&) {
    return ENOMEM;
  } catch (const std::system_error& e) {
    return to_errno(e.code());
  }
}

scheduler::scheduler(std::unique_ptr<runtime::poller> p, guard_mode guards)
    : stacks_(guards),
      running_(&main_),
      previous_(&main_),
      thread_exceptions_(thread_exceptions()),
      thread_errno_(&errno),
      switches_left_(switches_per_look),
      looks_left_(looks_per_poll),
      turn_(p->now()),
      poller_(std::move(p)),
      timers_(turn_),
      inbox_(std::make_shared<runtime::inbox>(*poller_)),
      idle_stack_(value_or_raise(stacks_.acquire(idle_stack_size), "start a scheduler")) {
  main_.owner = idle_.owner = this;
  main_.state = run_state::running;
  main_.name = "main";
  main_.hooks.adopted();
  idle_.name = "idle";
  idle_.memory = idle_stack_;
  idle_.hooks.created(idle_stack_.limit, idle_stack_.size(), idle_stack_.size());
  make_context(idle_.registers, idle_stack_.limit, idle_stack_.top, enter_idle, this);
  outer_clock_ = base::set_clock_source(poller_.get());
  current_scheduler = this;
  enroll();
}

scheduler::~scheduler() {
  run_deferred();
  withdraw();
  inbox_->close();
  all_.abandon();
  deferred_.abandon();
  timers_.abandon();
  if (running_ != &main_) stacks_.abandon();
  if (running_ == &main_) idle_.hooks.destroyed();
  base::set_clock_source(outer_clock_);
  current_scheduler = nullptr;
}

void scheduler::enroll() noexcept {
  const std::lock_guard lock(registry_mutex());
  next_scheduler_ = first_;
  first_ = this;
}

void scheduler::withdraw() noexcept {
  const std::lock_guard lock(registry_mutex());
  scheduler** at = &first_;
  while (*at != this) at = &(*at)->next_scheduler_;
  *at = next_scheduler_;
}

// --- switching ---

void scheduler::make_ready(coroutine& c) noexcept {
  c.state = run_state::ready;
  c.next_ready = nullptr;
  if (ready_head_ == nullptr)
    ready_head_ = &c;
  else
    ready_tail_->next_ready = &c;
  ready_tail_ = &c;
}

coroutine* scheduler::next_ready() noexcept {
  coroutine* c = ready_head_;
  if (c != nullptr) ready_head_ = c->next_ready;
  return c;
}

[[gnu::always_inline]] inline void scheduler::switch_away() noexcept {
  if (!deferred_.empty()) [[unlikely]]
    run_deferred();
  if (--switches_left_ <= 0 && time_to_poll()) {
    switch_to(idle_);
    return;
  }
  coroutine* next = next_ready();
  switch_to(next == nullptr ? idle_ : *next);
}

[[gnu::always_inline]] inline void scheduler::switch_to(coroutine& next) noexcept {
  coroutine& self = *running_;
  if (&next == &self) {
    self.state = run_state::running;
    return;
  }
  if (!self.memory.intact()) [[unlikely]] {
    report_overflow(self);
    std::abort();
  }
  self.saved_errno = *thread_errno_;
  self.exceptions = *thread_exceptions_;
  *thread_exceptions_ = next.exceptions;
  previous_ = &self;
  running_ = &next;
  next.state = run_state::running;
  self.hooks.leave(next.hooks, self.state == run_state::ended);
  switch_context(self.registers, next.registers);
  arrived();
  *thread_errno_ = self.saved_errno;
}

// The first thing after every switch, on the new stack.
[[gnu::always_inline]] inline void scheduler::arrived() noexcept {
  running_->hooks.arrive(previous_->hooks);
  if (dead_ != nullptr) free_memory(*std::exchange(dead_, nullptr));
}

void scheduler::run_deferred() noexcept {
  list<deferred> now;
  now.splice_back(deferred_);
  while (!now.empty()) now.pop_front().before_switch();
}

// --- coroutines ---

// An ended coroutine of the same stack size, if there is one: the common case.
coroutine* scheduler::recycled(const spawn_options& options) noexcept {
  const int kind = spare_kind(options);
  if (kind < 0) return nullptr;
  spares& kept = spares_[kind];
  coroutine* c = kept.first;
  if (c == nullptr) return nullptr;
  kept.first = c->next_ready;
  --kept.count;
  c->recycle();
  return c;
}

result<coroutine*> scheduler::fresh(const spawn_options& options) noexcept {
  stack memory = lent_stack(options.memory, options.memory_size);
  if (options.memory == nullptr) {
    auto own = stacks_.acquire(options.stack_size);
    if (!own) return fail(own.error());
    memory = *own;
  } else if (memory.size() < sizeof(coroutine) + smallest_stack) {
    return fail(ENOMEM);
  }
  auto* c = new (align_down<std::byte>(memory.top - sizeof(coroutine))) coroutine;
  c->owner = this;
  c->memory = memory;
  c->spare_kind = static_cast<signed char>(spare_kind(options));
  return c;
}

// Lays out the block, `extra` and the stack proper, from the top down.
result<coroutine*> scheduler::create(entry_function entry, std::size_t extra,
                                     const spawn_options& options) {
  coroutine* c = recycled(options);
  if (c == nullptr) {
    auto made = fresh(options);
    if (!made) return made;
    c = *made;
  }
  auto* const block = reinterpret_cast<std::byte*>(c);
  if (static_cast<std::size_t>(block - c->memory.limit) < extra + smallest_stack) {
    give_up(*c);
    return fail(ENOMEM);
  }
  auto* const extra_at = align_down<std::byte>(block - extra);
  c->entry = entry;
  c->extra = extra_at;
  c->name = options.name;
  c->id = next_id_++;
  c->ambient = running_->ambient;
  c->hooks.created(c->memory.limit, static_cast<std::size_t>(extra_at - c->memory.limit),
                   static_cast<std::size_t>(block - c->memory.limit));
  make_context(c->registers, c->memory.limit, extra_at, enter, c);
  all_.push_back(*c);
  ++count_;
  return c;
}

void scheduler::discard(coroutine& c) noexcept {
  c.unlink();
  --count_;
  free_memory(c);
}

void scheduler::start(coroutine& c) noexcept {
  make_ready(c);
}

CARAWAY_OPAQUE void scheduler::start_now(coroutine& c) noexcept {
  if (!deferred_.empty()) [[unlikely]]
    run_deferred();
  make_ready(*running_);
  switch_to(c);
}

CARAWAY_UNINSTRUMENTED void scheduler::adopt(coroutine& c) noexcept {
  if (!deferred_.empty()) [[unlikely]]
    run_deferred();
  coroutine& parent = *running_;
  make_ready(parent);
  parent.saved_errno = *thread_errno_;
  parent.exceptions = *thread_exceptions_;
  *thread_exceptions_ = c.exceptions;
  previous_ = &parent;
  running_ = &c;
  c.state = run_state::running;
  parent.hooks.leave(c.hooks, false);
}

void scheduler::resumed() noexcept {
  arrived();
  *thread_errno_ = running_->saved_errno;
}

// Ends here without a call that does not return, see caraway_context_start.
CARAWAY_OPAQUE void scheduler::enter(void* argument) noexcept {
  auto& c = *static_cast<coroutine*>(argument);
  c.owner->arrived();
  errno = 0;
  c.entry(c);
  c.owner->end_running();
  std::abort();  // nobody switches back
}

CARAWAY_OPAQUE void scheduler::exit() noexcept {
  end_running();
  std::abort();  // nobody switches back
}

[[gnu::always_inline]] inline void scheduler::end_running() noexcept {
  coroutine& c = *running_;
  c.unlink();
  --count_;
  c.state = run_state::ended;
  if (--c.references == 0) dead_ = &c;
  switch_away();
}

void scheduler::release(coroutine& c) noexcept {
  if (--c.references == 0) free_memory(c);
}

void scheduler::free_memory(coroutine& c) noexcept {
  c.hooks.destroyed();
  if (c.spare_kind >= 0 && spares_[c.spare_kind].count < most_spares) {
    spares& kept = spares_[c.spare_kind];
    c.next_ready = kept.first;
    kept.first = &c;
    ++kept.count;
  } else {
    give_up(c);
  }
}

void scheduler::give_up(coroutine& c) noexcept {
  const stack memory = c.memory;
  c.~coroutine();
  stacks_.release(memory);
}

void scheduler::cancel(coroutine& c) noexcept {
  if (c.cancelled || c.state == run_state::ended) return;
  c.cancelled = true;
  if (c.state != run_state::parked) return;
  lowlevel::operation& op = *c.waiting;
  if (!c.shielded) {
    op.finish(nullptr, ECANCELED);
  } else if (c.shield_until < op.until_) {
    timers_.disarm(op.expiry_);
    op.until_ = c.shield_until;
    op.expiry_.owner = &op;
    timers_.arm(op.expiry_, op.until_.at());
  }
}

// --- waiting ---

CARAWAY_OPAQUE int scheduler::yield() noexcept {
  if (running_->cancel_pending()) return ECANCELED;
  if (ready_head_ == nullptr) switches_left_ = looks_left_ = 0;
  make_ready(*running_);
  switch_away();
  return 0;
}

deadline scheduler::limit(const coroutine& c, deadline dl) const noexcept {
  dl = earlier(dl, c.ambient);
  return c.must_end() && c.shielded ? earlier(dl, c.shield_until) : dl;
}

CARAWAY_OPAQUE int scheduler::park(lowlevel::operation& op, deadline dl) noexcept {
  coroutine& c = *running_;
  if (op.finished_) return op.code_;
  if (c.cancel_pending()) {
    op.leave_queues();
    return ECANCELED;
  }
  op.parked_ = &c;
  op.since_ = turn_;
  op.until_ = limit(c, dl);
  if (!op.until_.is_never()) {
    op.expiry_.owner = &op;
    timers_.arm(op.expiry_, op.until_.at());
  }
  c.waiting = &op;
  c.state = run_state::parked;
  switch_away();
  return op.code_;
}

// The deadline of `op` has come. If it was that of a shield, the cancellation counts from now on.
void scheduler::expire(lowlevel::operation& op) noexcept {
  coroutine& c = *op.parked_;
  const bool shield_ended = c.must_end() && c.shielded && op.until_ == c.shield_until;
  if (shield_ended) c.shielded = false;
  op.finish(nullptr, shield_ended ? ECANCELED : ETIMEDOUT);
}

void scheduler::rang(lowlevel::timer& t) noexcept {
  if (t.owner != nullptr)
    expire(*t.owner);
  else
    static_cast<alarm&>(t).rang();
}

bool scheduler::time_to_poll() noexcept {
  switches_left_ = switches_per_look;
  if (--looks_left_ > 0 && poller_->now() - turn_ < longest_without_poll) return false;
  return true;
}

void scheduler::poll(bool may_block) noexcept {
  if (may_block) stacks_.trim();
  poller_->wait(may_block ? timers_.next() : time_point::min());
  inbox_->run();
  turn_ = poller_->now();
  switches_left_ = switches_per_look;
  looks_left_ = looks_per_poll;
  list<lowlevel::timer> due;
  timers_.advance(turn_, due);
  while (!due.empty()) rang(due.pop_front());
}

CARAWAY_OPAQUE void scheduler::idle_loop() noexcept {
  for (;;) {
    if (!deferred_.empty()) run_deferred();
    poll(ready_head_ == nullptr && deferred_.empty());
    if (coroutine* next = next_ready(); next != nullptr) switch_to(*next);
  }
}

void scheduler::enter_idle(void* argument) noexcept {
  auto& s = *static_cast<scheduler*>(argument);
  s.arrived();
  s.idle_loop();
}

}  // namespace caraway::runtime

namespace caraway::lowlevel {

int operation::park(deadline dl) noexcept {
  if (const int code = ready(); code != 0) [[unlikely]] {
    leave_queues();
    return code;
  }
  return runtime::scheduler::existing()->park(*this, dl);
}

void operation::leave_queues() noexcept {
  for (waiter* w = first_; w != nullptr; w = w->sibling_) w->unlink();
}

void operation::finish(waiter* winner, int code) noexcept {
  winner_ = winner;
  code_ = code;
  finished_ = true;
  leave_queues();
  if (parked_ == nullptr) return;
  runtime::scheduler& s = *parked_->owner;
  s.timers_.disarm(expiry_);
  parked_->waiting = nullptr;
  s.make_ready(*parked_);
}

void wake(waiter& w, int code) noexcept {
  w.owner()->finish(&w, code);
}

int yield() noexcept {
  if (const int code = ready(); code != 0) [[unlikely]]
    return code;
  return runtime::scheduler::existing()->yield();
}

int ready() noexcept {
  return runtime::scheduler::ensure();
}

// Nobody can have cancelled what has no scheduler.
bool cancel_pending() noexcept {
  runtime::scheduler* here = runtime::scheduler::existing();
  return here != nullptr && here->running().cancel_pending();
}

}  // namespace caraway::lowlevel
