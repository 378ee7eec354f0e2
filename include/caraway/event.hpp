// event.hpp - a flag to wait for.
//
//     event ready;
//     group.go([&] { prepare(); ready.set(); });
//     ready.wait(5s);
//
// Belongs to one thread; mailbox.hpp is for several.
#pragma once

#include "caraway/deadline.hpp"
#include "caraway/error.hpp"
#include "caraway/wait.hpp"

namespace caraway {

class event {
 public:
  event() noexcept = default;
  event(const event&) = delete;
  event& operator=(const event&) = delete;
  // Whoever still waits gets ECANCELED.
  ~event();

  // Wakes everybody who waits; later waits return at once. Does not block.
  void set() noexcept;
  // Waits block again. Those already woken are not affected.
  void reset() noexcept { set_ = false; }
  bool is_set() const noexcept { return set_; }

  // Blocks until the event is set. ETIMEDOUT, ECANCELED.
  result<void> try_wait(deadline dl) noexcept;
  void wait(deadline dl = never) { value_or_raise(try_wait(dl), "wait for event"); }

  // Who waits; for select and primitives of one's own. Woken with 0.
  lowlevel::wait_queue& waiters() noexcept { return waiters_; }

 private:
  bool set_ = false;
  lowlevel::wait_queue waiters_;
};

}  // namespace caraway
