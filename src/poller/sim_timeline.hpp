// sim_timeline.hpp - virtual time and what will happen in it.
//
// Time moves only by advance(). Things due at the same time happen in the order in which they were
// put in, which makes a run repeatable.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <utility>

#include "caraway/deadline.hpp"

namespace caraway::sim {

class timeline {
 public:
  using action = std::move_only_function<void()>;

  time_point now() const noexcept { return now_; }

  // Runs `a` at `when`; before at() returns if that has come already.
  void at(time_point when, action a) {
    events_.emplace(std::pair{when, next_++}, std::move(a));
    if (!running_) advance(now_);
  }

  // When the next thing happens; max() if nothing will.
  time_point next() const noexcept {
    return events_.empty() ? time_point::max() : events_.begin()->first.first;
  }

  // Moves time to `to`, if that is not in the past, and lets happen what is due on the way.
  void advance(time_point to) {
    running_ = true;
    while (next() <= to) {
      auto event = events_.extract(events_.begin());
      now_ = std::max(now_, event.key().first);
      event.mapped()();
    }
    now_ = std::max(now_, to);
    running_ = false;
  }

 private:
  // Every world begins at the same time.
  time_point now_{std::chrono::hours(1)};
  std::uint64_t next_ = 0;
  bool running_ = false;
  std::map<std::pair<time_point, std::uint64_t>, action> events_;
};

}  // namespace caraway::sim
