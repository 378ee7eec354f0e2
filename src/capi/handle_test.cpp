// handle_test.cpp - handles in the hands of C++ tasks.
#include "capi/handle.hpp"

#include <gtest/gtest.h>

#include <chrono>

#include "caraway/shield.hpp"
#include "caraway/task_group.hpp"
#include "caraway/this_task.hpp"

namespace caraway::capi {
namespace {

using std::chrono::milliseconds;

// An object of a program's own, whose close function waits all the same.
struct slow_to_close : dill_hvfs {
  slow_to_close() noexcept : dill_hvfs{} {
    query = [](dill_hvfs*, const void*) -> void* { return nullptr; };
    close = [](dill_hvfs*) {
      EXPECT_EQ(try_sleep(milliseconds(1)).error(), os_error(ECANCELED));
      const shield all_the_same(never);
      EXPECT_TRUE(try_sleep(milliseconds(1)));
    };
  }
};

TEST(handle, a_task_that_is_cancelled_while_it_closes_one_stays_cancelled) {
  slow_to_close object;
  task_group group;
  group.go([&] {
    EXPECT_EQ(dill_hclose(dill_hmake(&object)), 0);
    EXPECT_EQ(try_sleep(milliseconds(1)).error(), os_error(ECANCELED));
  });
  yield();
  group.cancel();
  group.wait();
}

TEST(handle, a_task_that_has_closed_one_may_wait_again) {
  slow_to_close object;
  EXPECT_EQ(dill_hclose(dill_hmake(&object)), 0);
  EXPECT_TRUE(try_sleep(milliseconds(1)));
}

}  // namespace
}  // namespace caraway::capi
