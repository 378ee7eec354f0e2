// wait.hpp - what every blocking primitive stands on, open to those who write their own.
//
// A coroutine that must wait makes an `operation` on its stack, puts one `waiter` for each thing it
// waits for into the wait queues of those things, and parks. Whoever makes one of the things happen
// takes the waiter from the queue and wakes it; the other waiters of the same operation leave their
// queues by themselves. The first of wake, deadline and cancellation decides, exactly one of them
// does, and a coroutine that was woken keeps that result even if it is cancelled before it runs.
//
//     int event::wait(deadline dl) {            // simplified
//       if (set_) return 0;
//       lowlevel::waiter w;
//       lowlevel::operation op("event");
//       op.add(w);
//       waiters_.push_back(w);
//       return op.park(dl);
//     }
//
// All of it belongs to one thread: wake a waiter only on the thread whose coroutine waits.
#pragma once

#include "caraway/deadline.hpp"
#include "caraway/list.hpp"

namespace caraway::runtime {
struct coroutine;
class scheduler;
}  // namespace caraway::runtime

namespace caraway::lowlevel {

class operation;

// One place in one wait queue.
class waiter : public list_node {
 public:
  operation* owner() const noexcept { return owner_; }

 private:
  friend class operation;
  operation* owner_ = nullptr;
  waiter* sibling_ = nullptr;
};

using wait_queue = list<waiter>;

// A timer of the scheduler's wheel.
struct timer : list_node {
  long long due = 0;           // in ticks of the wheel
  operation* owner = nullptr;  // whose time-out it is; an alarm of the runtime has none
};

// One blocking call of one coroutine. Lives on that coroutine's stack.
class operation {
 public:
  // `what` is shown in dumps ("tcp receive"); a string literal.
  explicit operation(const char* what) noexcept : what_(what) {}
  operation(const operation&) = delete;
  operation& operator=(const operation&) = delete;

  // Makes `w` part of this operation. Both stay the caller's.
  void add(waiter& w) noexcept {
    w.owner_ = this;
    w.sibling_ = first_;
    first_ = &w;
  }

  // Blocks the calling coroutine. 0 or the code given to wake(); ETIMEDOUT when `dl` (or the
  // ambient deadline) came first, also if it had already passed, but then only after everything
  // that was ready has had its turn and readiness was looked at once; ECANCELED when the coroutine
  // is or gets cancelled; what ready() fails with. In every case all waiters of the operation are
  // out of their queues afterwards.
  int park(deadline dl) noexcept;

  // The waiter that was woken; nullptr after a time-out or a cancellation.
  waiter* winner() const noexcept { return winner_; }

  const char* what() const noexcept { return what_; }
  time_point since() const noexcept { return since_; }
  deadline until() const noexcept { return until_; }

 private:
  friend void wake(waiter& w, int code) noexcept;
  friend class runtime::scheduler;
  void leave_queues() noexcept;
  void finish(waiter* winner, int code) noexcept;

  const char* what_;
  waiter* first_ = nullptr;
  waiter* winner_ = nullptr;
  runtime::coroutine* parked_ = nullptr;
  timer expiry_;
  int code_ = 0;
  bool finished_ = false;
  time_point since_{};
  deadline until_;
};

// Ends the operation that `w` belongs to: its coroutine will run with `code` as the result of
// park(). Does not switch.
void wake(waiter& w, int code = 0) noexcept;

// Lets everything that is ready run first. 0, or ECANCELED, or what ready() fails with.
int yield() noexcept;

// Sees to it that the thread can wait: the first call in it makes its scheduler, which takes
// descriptors and memory. 0, or EMFILE, ENFILE or ENOMEM: there are none; call again. Does not block.
int ready() noexcept;

// True if blocking calls of the running coroutine fail with ECANCELED right now.
bool cancel_pending() noexcept;

}  // namespace caraway::lowlevel
