// deadline.hpp - when to give up: an absolute point on the steady clock, passed last to every call
// that may block.
//
// A deadline is made from a duration (counted from now), from a time point, or is one of the two
// constants:
//
//     ws.recv(5s);            // give up five seconds from now
//     ws.recv(never);         // wait until something happens
//     ws.recv(immediately);   // only what can be had without waiting
//
// The clock is the one of the calling thread's scheduler: real time on every kernel poller, virtual
// time on the simulator.
#pragma once

#include <chrono>
#include <compare>

namespace caraway {

using clock = std::chrono::steady_clock;
using time_point = clock::time_point;
using nanoseconds = std::chrono::nanoseconds;

// The current time of the calling thread. Does not block.
time_point now() noexcept;

class deadline {
 public:
  // Never.
  constexpr deadline() noexcept = default;

  constexpr deadline(time_point at) noexcept : at_(at) {}

  // `from_now` after now(); a duration too long to be represented means never, a negative or zero
  // one means immediately.
  template <class Rep, class Period>
  deadline(std::chrono::duration<Rep, Period> from_now) noexcept : at_(after(from_now)) {}

  constexpr bool is_never() const noexcept { return at_ == time_point::max(); }
  constexpr bool is_immediate() const noexcept { return at_ == time_point::min(); }
  constexpr time_point at() const noexcept { return at_; }

  // True once the point has come. Reads the clock only when it has to.
  bool passed() const noexcept { return !is_never() && (is_immediate() || now() >= at_); }

  friend constexpr auto operator<=>(deadline, deadline) noexcept = default;

 private:
  template <class Rep, class Period>
  static time_point after(std::chrono::duration<Rep, Period> d) noexcept {
    using wide = std::chrono::duration<double>;
    if (d <= d.zero()) return time_point::min();
    const time_point start = now();
    if (wide(d) >= wide(time_point::max() - start)) return time_point::max();
    return start + std::chrono::ceil<nanoseconds>(d);
  }

  time_point at_ = time_point::max();
};

inline constexpr deadline never{};
inline constexpr deadline immediately{time_point::min()};

// The earlier of the two.
constexpr deadline earlier(deadline a, deadline b) noexcept {
  return a < b ? a : b;
}

}  // namespace caraway
