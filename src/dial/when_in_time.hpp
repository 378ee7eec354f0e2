// when_in_time.hpp - for tests with short limits: nobody is blamed for a machine that is busy.
//
// On a machine with much else to do a thread may stand still for so long that the quickest peer
// looks dead. What has to survive a short limit is tried again then; where the machine never keeps
// up, the test has nothing to say.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "caraway/task_group.hpp"
#include "caraway/this_task.hpp"

namespace caraway {

// Beats once a millisecond, and knows the longest time between two beats.
class metronome {
 public:
  metronome() {
    group_.go([this] {
      for (;;) {
        sleep(std::chrono::milliseconds(1));
        beat();
      }
    });
  }

  nanoseconds slowest() {
    beat();
    return slowest_;
  }

 private:
  void beat() {
    const time_point last = std::exchange(last_, now());
    slowest_ = std::max<nanoseconds>(slowest_, last_ - last);
  }

  time_point last_ = now();
  nanoseconds slowest_{0};
  task_group group_;
};

// f() gives true, if this thread is never kept from running for `limit`.
template <class F>
void when_in_time(nanoseconds limit, F f) {
  for (int attempt = 0; attempt < 10; ++attempt) {
    metronome clock;
    if (f()) return;
    const nanoseconds slowest = clock.slowest();
    ASSERT_GE(slowest, limit) << "the machine was in time, at " << slowest.count() << " ns";
  }
}

}  // namespace caraway
