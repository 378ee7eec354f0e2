// scheduler.hpp - one thread's coroutines: who runs, who is next, who waits for what.
//
// The essay on scheduling, cancellation and fairness is at the head of scheduler.cpp.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "caraway/error.hpp"
#include "caraway/wait.hpp"
#include "runtime/buffer_pool.hpp"
#include "runtime/coroutine.hpp"
#include "runtime/inbox.hpp"
#include "runtime/poller.hpp"
#include "runtime/stack.hpp"
#include "runtime/timer_wheel.hpp"

namespace caraway::runtime {

// Work put off until the running coroutine stops running: streams flush what they hold back.
class deferred : public list_node {
 public:
  // Must neither block nor throw. Already out of the list when called; may defer itself again.
  virtual void before_switch() noexcept = 0;

 protected:
  ~deferred() = default;
};

// A call at a point in time, made by the scheduler between two coroutines. For what must not cost a
// coroutine while it waits.
class alarm : public lowlevel::timer {
 public:
  // Must neither block nor throw; may start coroutines, and set the alarm again.
  virtual void rang() noexcept = 0;

 protected:
  ~alarm() = default;
};

struct spawn_options {
  const char* name = "";
  std::size_t stack_size = default_stack_size;  // with guard, control block and `extra`
  // Memory of the caller to run on instead; it must live until the last reference is released.
  std::byte* memory = nullptr;
  std::size_t memory_size = 0;
};

class scheduler {
 public:
  // The calling thread's scheduler; made on first use with the poller that CARAWAY_POLLER names,
  // and gone when the thread ends. Coroutines left over then are never run again; deferred work is
  // done.
  static scheduler& current();
  // The same, or nullptr if the thread has none yet.
  static scheduler* existing() noexcept;
  // Makes it if need be. 0, or why that cannot be, as an errno value: then current() would throw.
  static int ensure() noexcept;

  // `guards` is the strongest kind its stacks may have.
  explicit scheduler(std::unique_ptr<runtime::poller> p,
                     guard_mode guards = guard_mode::guard_install);
  ~scheduler();
  scheduler(const scheduler&) = delete;
  scheduler& operator=(const scheduler&) = delete;

  coroutine& running() noexcept { return *running_; }
  coroutine& main() noexcept { return main_; }
  runtime::poller& poller() noexcept { return *poller_; }
  kernel& system() noexcept { return poller_->system(); }
  buffer_pool& buffers() noexcept { return buffers_; }
  const std::shared_ptr<runtime::inbox>& inbox() noexcept { return inbox_; }

  // A coroutine with `extra` bytes (aligned for any type) at coroutine::extra, not yet started,
  // with one reference that its end releases. It inherits the ambient deadline. ENOMEM.
  result<coroutine*> create(entry_function entry, std::size_t extra, const spawn_options& options);
  // Gives up a coroutine that was never started.
  void discard(coroutine& c) noexcept;
  // Lets it run when its turn comes.
  void start(coroutine& c) noexcept;
  // Runs it at once; the caller goes on behind everything that is ready.
  void start_now(coroutine& c) noexcept;
  // Starts a coroutine whose first frame is the caller's (the C macro `go`): the caller's registers
  // are in running().registers, to be resumed behind everything that is ready; `c` becomes the
  // running coroutine, on the caller's stack pointer until the macro moves it. Code that comes by
  // such registers and not by a return of the switch calls resumed() first: the child on its own
  // stack, the caller when it goes on.
  void adopt(coroutine& c) noexcept;
  void resumed() noexcept;
  // Ends the running coroutine. Does not return.
  [[noreturn]] void exit() noexcept;

  static void retain(coroutine& c) noexcept { ++c.references; }
  // Frees the memory of `c` when nobody refers to it any more.
  void release(coroutine& c) noexcept;

  // Asks `c` to end: its blocking calls fail with ECANCELED from now on, one it is parked in at
  // once. Nothing happens to a coroutine that is ready: it keeps its result. Does not switch.
  void cancel(coroutine& c) noexcept;

  // Gives the processor to whoever is ready. 0 or ECANCELED.
  int yield() noexcept;

  // Runs `d` before the running coroutine is switched away from.
  void defer(deferred& d) noexcept { deferred_.push_back(d); }

  // Has a.rang() called at `at`, once, and not when it was set to before. An alarm that is set stays
  // in place until it rang or was unset.
  void set(alarm& a, time_point at) noexcept {
    timers_.disarm(a);
    timers_.arm(a, at);
  }
  void unset(alarm& a) noexcept { timers_.disarm(a); }
  // Alarms that are set, and deadlines that are waited for.
  std::size_t timers() const noexcept { return timers_.size(); }

  // The time as of the last look at the poller. Costs nothing.
  time_point turn() const noexcept { return turn_; }

  // Live coroutines, main included.
  std::size_t count() const noexcept { return count_; }
  template <class F>
  void for_each(F f) {
    f(main_);
    all_.for_each(f);
  }

 private:
  friend class lowlevel::operation;

  void make_ready(coroutine& c) noexcept;
  coroutine* next_ready() noexcept;
  int park(lowlevel::operation& op, deadline dl) noexcept;
  deadline limit(const coroutine& c, deadline dl) const noexcept;
  void expire(lowlevel::operation& op) noexcept;
  void rang(lowlevel::timer& t) noexcept;
  void switch_away() noexcept;
  void switch_to(coroutine& next) noexcept;
  void arrived() noexcept;
  result<coroutine*> fresh(const spawn_options& options) noexcept;
  coroutine* recycled(const spawn_options& options) noexcept;
  void free_memory(coroutine& c) noexcept;
  void give_up(coroutine& c) noexcept;
  void run_deferred() noexcept;
  bool time_to_poll() noexcept;
  void poll(bool may_block) noexcept;
  [[noreturn]] void idle_loop() noexcept;
  static void make_current();
  void end_running() noexcept;
  static void enter(void* argument) noexcept;
  static void enter_idle(void* argument) noexcept;

  // The lists below run through memory of the stacks, so those go last.
  stack_pool stacks_;
  coroutine* running_;
  coroutine* previous_;        // who ran before, for the sanitizers
  coroutine* dead_ = nullptr;  // has ended, to be freed by whoever runs next
  // Ended coroutines whose stack and block are at hand, for the usual stack sizes.
  struct spares {
    coroutine* first = nullptr;
    std::size_t count = 0;
  };
  spares spares_[2];
  coroutine* ready_head_ = nullptr;
  coroutine* ready_tail_ = nullptr;
  exception_state* thread_exceptions_;
  int* thread_errno_;
  int switches_left_;  // until the clock is looked at
  int looks_left_;     // at the clock, until the poller is asked in any case
  std::size_t count_ = 1;
  std::uint64_t next_id_ = 1;
  time_point turn_;
  list<deferred> deferred_;
  list<coroutine> all_;  // but main
  std::unique_ptr<runtime::poller> poller_;
  const base::clock_source* outer_clock_;
  timer_wheel timers_;
  buffer_pool buffers_;
  std::shared_ptr<runtime::inbox> inbox_;
  stack idle_stack_;
  coroutine main_;
  coroutine idle_;

  // For debuggers: all schedulers of the process.
  void enroll() noexcept;
  void withdraw() noexcept;
  static scheduler* first_;
  scheduler* next_scheduler_ = nullptr;
};

// Text about every coroutine of the calling thread, one line each: id, name, state, what it waits
// for, for how long, its deadline, and how much of its stack was ever touched.
std::string describe_coroutines(scheduler& s);

}  // namespace caraway::runtime
