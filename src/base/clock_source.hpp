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

}  // namespace caraway::base
