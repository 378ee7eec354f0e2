#include "caraway/mutex.hpp"

#include <gtest/gtest.h>

#include <mutex>
#include <optional>
#include <string>

#include "caraway/task_group.hpp"
#include "caraway/this_task.hpp"

namespace caraway {
namespace {

using namespace std::chrono_literals;

TEST(mutex, only_one_coroutine_is_inside_across_blocking_calls) {
  mutex m;
  int inside = 0;
  int visits = 0;
  task_group group;
  for (int i = 0; i < 10; ++i) {
    group.go([&] {
      const std::lock_guard lock(m);
      EXPECT_EQ(++inside, 1);
      yield();
      --inside;
      ++visits;
    });
  }
  group.wait();
  EXPECT_EQ(visits, 10);
}

TEST(mutex, is_handed_over_first_come_first_served) {
  mutex m;
  std::string order;
  task_group group;
  m.lock();
  for (char name : {'a', 'b', 'c'}) {
    group.go([&, name] {
      const std::lock_guard lock(m);
      order += name;
    });
  }
  yield();
  m.unlock();
  EXPECT_FALSE(m.try_lock()) << "a late comer slipped in";
  group.wait();
  EXPECT_EQ(order, "abc");
  EXPECT_TRUE(m.try_lock());
  m.unlock();
}

TEST(mutex, a_lock_that_timed_out_has_not_got_it) {
  mutex m;
  m.lock();
  EXPECT_EQ(m.try_lock(1ms).error(), std::errc::timed_out);
  m.unlock();
  EXPECT_TRUE(m.try_lock(immediately));
  m.unlock();
}

TEST(mutex, works_with_unique_lock) {
  mutex m;
  std::unique_lock lock(m);
  const std::unique_lock second(m, std::try_to_lock);
  EXPECT_FALSE(second.owns_lock());
  lock.unlock();
  EXPECT_TRUE(m.try_lock());
  m.unlock();
}

TEST(mutex, a_waiter_that_is_cancelled_is_passed_over) {
  mutex m;
  bool second_got_it = false;
  task_group group;
  m.lock();
  auto first = group.go([&] { m.lock(); });
  group.go([&] {
    const std::lock_guard lock(m);
    second_got_it = true;
  });
  yield();
  first.cancel();
  m.unlock();
  group.wait();
  EXPECT_TRUE(second_got_it);
}

// The hand-over and the cancellation come in the same turn: whoever was given the mutex has it.
TEST(mutex, a_waiter_cancelled_after_the_hand_over_owns_it) {
  mutex m;
  bool owned = false;
  task_group group;
  m.lock();
  auto t = group.go([&] {
    owned = m.try_lock(never).has_value();
    m.unlock();
  });
  yield();
  m.unlock();
  t.cancel();
  group.wait();
  EXPECT_TRUE(owned);
  EXPECT_TRUE(m.try_lock());
  m.unlock();
}

TEST(mutex, its_end_wakes_who_still_waits) {
  std::optional<mutex> m(std::in_place);
  std::error_code seen;
  task_group group;
  m->lock();
  group.go([&] { seen = m->try_lock(never).error(); });
  yield();
  m.reset();
  group.wait();
  EXPECT_EQ(seen, std::errc::operation_canceled);
}

}  // namespace
}  // namespace caraway
