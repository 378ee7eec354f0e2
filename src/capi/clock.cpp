// clock.cpp - now() and msleep().
#include <algorithm>

#include "capi/capi.hpp"
#include "caraway/this_task.hpp"

using namespace caraway;
using namespace caraway::capi;

std::int64_t dill_now() {
  using std::chrono::milliseconds;
  const auto ms = std::chrono::duration_cast<milliseconds>(now().time_since_epoch());
  return std::max<std::int64_t>(ms.count(), 1);
}

int dill_msleep(std::int64_t deadline) {
  return outcome(code_of(try_sleep(to_deadline(deadline))));
}
