// clock_source.hpp - lets a scheduler replace the calling thread's idea of the time.
#pragma once

#include "caraway/deadline.hpp"

namespace caraway::base {

// Something that knows the time. The simulator's clock is one.
class clock_source {
 public:
  virtual time_point now() const noexcept = 0;

 protected:
  ~clock_source() = default;
};

// Makes caraway::now() of this thread ask `source`; nullptr goes back to the steady clock. The
// source stays the caller's and must outlive its use. Returns the one before.
const clock_source* set_clock_source(const clock_source* source) noexcept;

// Called by caraway::now() the first time that a thread without a source asks, to give it one
// before anything has been reckoned on another clock. For those whose clock is not the steady one;
// to be set before threads are started.
using clock_starter = void (*)() noexcept;
void set_clock_starter(clock_starter starter) noexcept;

}  // namespace caraway::base
