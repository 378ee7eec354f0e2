// timer_wheel.hpp - deadlines of parked coroutines: a hierarchical wheel with ticks of one
// millisecond.
//
// Six wheels of 64 slots; a timer sits on the wheel of the highest group of six bits in which its
// due tick differs from the current one, and moves down a wheel when time enters its slot. Arming,
// disarming and firing take constant time. Timers of the same tick fire in the order in which they
// were armed. A timer is never early and at most a tick late.
#pragma once

#include <cstdint>

#include "caraway/deadline.hpp"
#include "caraway/wait.hpp"

namespace caraway::runtime {

class timer_wheel {
 public:
  using timer = lowlevel::timer;
  static constexpr nanoseconds tick{1'000'000};

  explicit timer_wheel(time_point now) noexcept;

  // Arms `t` for `at`; a point in the past is due at the next advance().
  void arm(timer& t, time_point at) noexcept;
  void disarm(timer& t) noexcept;

  // Moves time to `now` and puts what is due into `due`, in order.
  void advance(time_point now, list<timer>& due) noexcept;

  // A point not after the first timer's, at which advance() should be called; max() if none is
  // armed.
  time_point next() const noexcept;

  // Armed timers.
  std::size_t size() const noexcept { return armed_; }

  // Forgets all timers without touching them: their memory may be gone.
  void abandon() noexcept;

 private:
  static constexpr int levels = 6;
  static constexpr int slots = 64;
  using tick_count = long long;

  tick_count ticks_until(time_point at) const noexcept;
  void place(timer& t) noexcept;
  void cascade(int level) noexcept;
  tick_count next_stop() const noexcept;

  tick_count now_ = 0;
  time_point start_;
  std::size_t armed_ = 0;
  std::uint64_t used_[levels] = {};
  list<timer> slots_[levels][slots];
  list<timer> overdue_;
  list<timer> far_;
};

}  // namespace caraway::runtime
