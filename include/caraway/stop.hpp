// stop.hpp - the soft half of ending: a wish to stop that nobody is forced to hear.
//
// A task group has a stop_signal. task_group::stop() raises it first, so that loops which begin new
// work (accept, receive the next request) end while work already begun goes on, and cancels only
// when the grace period is over. A group made inside a task hears the signal of that task's group,
// so one stop reaches the whole tree. There are three ways to hear it:
//
//     while (!this_task::stopping()) serve_one();              // ask
//     select(on_recv(requests, handle), on_stop(group));       // wait
//     struct closer : stop_callback { void on_stop() noexcept override { listener.interrupt(); } };
//
// A signal belongs to one thread.
#pragma once

#include "caraway/deadline.hpp"
#include "caraway/error.hpp"
#include "caraway/list.hpp"
#include "caraway/wait.hpp"

namespace caraway {

// Something to be called when a signal is raised. Leaves the signal when it is destroyed.
class stop_callback : public list_node {
 public:
  // Called once, by whoever raises the signal; must neither block nor throw.
  virtual void on_stop() noexcept = 0;

 protected:
  ~stop_callback() = default;
};

class stop_signal {
 public:
  stop_signal() noexcept = default;
  stop_signal(const stop_signal&) = delete;
  stop_signal& operator=(const stop_signal&) = delete;
  // Whoever still waits gets ECANCELED; callbacks are forgotten.
  ~stop_signal();

  bool raised() const noexcept { return raised_; }

  // Wakes everybody who waits and calls all callbacks. Nothing happens the second time. Does not
  // block.
  void raise() noexcept;

  // Calls c.on_stop() when the signal is raised, at once if it was already. `c` stays the caller's.
  void notify(stop_callback& c) noexcept;

  // Blocks until the signal is raised. ETIMEDOUT, ECANCELED.
  result<void> try_wait(deadline dl) noexcept;
  void wait(deadline dl = never) { value_or_raise(try_wait(dl), "wait for stop"); }

  // Who waits; for select and primitives of one's own. Woken with 0.
  lowlevel::wait_queue& waiters() noexcept { return waiters_; }

 private:
  bool raised_ = false;
  lowlevel::wait_queue waiters_;
  list<stop_callback> callbacks_;
};

}  // namespace caraway
