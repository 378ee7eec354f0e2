#include "caraway/task_group.hpp"

#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "caraway/channel.hpp"
#include "caraway/event.hpp"
#include "caraway/shield.hpp"
#include "caraway/this_task.hpp"
#include "runtime/scheduler.hpp"

namespace caraway {
namespace {

using namespace std::chrono_literals;

std::size_t coroutines() {
  return runtime::scheduler::current().count();
}

TEST(task_group, a_task_gives_its_result) {
  task_group group;
  auto t = group.go([] { return std::string("result"); });
  EXPECT_EQ(t.join(), "result");
}

TEST(task_group, go_does_not_switch_and_tasks_run_in_the_order_they_were_started) {
  std::string order;
  task_group group;
  group.go([&] { order += 'b'; });
  group.go([&] { order += 'c'; });
  order += 'a';
  group.wait();
  EXPECT_EQ(order, "abc");
}

TEST(task_group, captures_that_can_only_be_moved_are_fine_and_gone_when_the_task_has_ended) {
  auto owned = std::make_shared<int>(7);
  const std::weak_ptr<int> watch = owned;
  task_group group;
  auto t = group.go([p = std::make_unique<int>(3), o = std::move(owned)] { return *p + *o; });
  EXPECT_FALSE(watch.expired());
  EXPECT_EQ(t.join(), 10);
  EXPECT_TRUE(watch.expired());
}

TEST(task_group, a_task_may_ask_for_a_larger_stack) {
  task_group group;
  auto used = group.go({.name = "deep", .stack_size = 256 * 1024}, [] {
    volatile char* const far = static_cast<char*>(__builtin_alloca(200 * 1024));
    for (std::size_t i = 200 * 1024; i > 0; i -= 1024) far[i - 1024] = 1;
    return runtime::high_water(runtime::scheduler::current().running().memory);
  });
  EXPECT_GE(used.join(), 200u * 1024);
  EXPECT_GT(200u * 1024, runtime::default_stack_size);
}

TEST(task_group, a_result_that_can_only_be_moved_comes_out_once) {
  task_group group;
  auto t = group.go([] { return std::make_unique<int>(5); });
  EXPECT_EQ(*t.join(), 5);
  const auto again = t.try_join(never);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error(), std::errc::invalid_argument);
}

TEST(task_group, a_result_nobody_asked_for_is_destroyed) {
  auto token = std::make_shared<int>(1);
  {
    task_group group;
    group.go([token] { return token; });
    auto kept = group.go([token] { return token; });
    group.wait();
    EXPECT_EQ(token.use_count(), 2);  // ours and that in `kept`
  }
  EXPECT_EQ(token.use_count(), 1);
}

TEST(task_group, the_handle_may_outlive_the_group) {
  task<std::string> t;
  EXPECT_FALSE(t);
  {
    task_group group;
    t = group.go([] { return std::string(100, 'x'); });
    group.wait();
  }
  EXPECT_TRUE(t.done());
  EXPECT_EQ(t.join(), std::string(100, 'x'));
}

TEST(task_group, an_empty_handle_cannot_be_joined) {
  task<int> t;
  const auto r = t.try_join(never);
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error(), std::errc::invalid_argument);
}

TEST(task_group, dropping_the_handle_changes_nothing_for_the_task) {
  bool ran = false;
  task_group group;
  {
    auto t = group.go([&] { ran = true; });
  }
  group.wait();
  EXPECT_TRUE(ran);
}

TEST(task_group, a_join_that_timed_out_leaves_the_task_running) {
  event proceed;
  task_group group;
  auto t = group.go([&] {
    proceed.wait();
    return 1;
  });
  EXPECT_EQ(t.try_join(10ms).error(), std::errc::timed_out);
  EXPECT_FALSE(t.done());
  proceed.set();
  EXPECT_EQ(t.join(), 1);
}

TEST(task_group, several_coroutines_may_join_the_same_task) {
  event proceed;
  task_group group;
  auto t = group.go([&] { proceed.wait(); });
  int joined = 0;
  for (int i = 0; i < 3; ++i) {
    group.go([&] {
      t.join();
      ++joined;
    });
  }
  group.go([&] { proceed.set(); });
  group.wait();
  EXPECT_EQ(joined, 3);
}

TEST(task_group, a_task_that_joins_itself_is_told_of_the_deadlock) {
  task_group group;
  std::error_code code;
  task<void> t;
  t = group.go([&] { code = t.try_join(never).error(); });
  group.wait();
  EXPECT_EQ(code, std::errc::resource_deadlock_would_occur);
}

TEST(task_group, a_task_that_waits_for_its_own_group_is_told_of_the_deadlock) {
  task_group group;
  std::error_code code;
  group.go([&] { code = group.try_wait(never).error(); });
  group.wait();
  EXPECT_EQ(code, std::errc::resource_deadlock_would_occur);
}

TEST(task_group, wait_returns_at_once_when_there_is_nothing_to_wait_for) {
  task_group group;
  EXPECT_TRUE(group.try_wait(immediately));
}

TEST(task_group, wait_times_out_and_can_be_repeated) {
  event proceed;
  task_group group;
  group.go([&] { proceed.wait(); });
  EXPECT_EQ(group.try_wait(5ms).error(), std::errc::timed_out);
  EXPECT_EQ(group.size(), 1u);
  proceed.set();
  EXPECT_TRUE(group.try_wait(never));
  EXPECT_EQ(group.size(), 0u);
}

TEST(task_group, tasks_may_be_added_by_tasks_and_after_a_wait) {
  int ran = 0;
  task_group group;
  group.go([&] {
    ++ran;
    group.go([&] {
      yield();
      ++ran;
    });
  });
  group.wait();
  EXPECT_EQ(ran, 2);
  group.go([&] { ++ran; });
  group.wait();
  EXPECT_EQ(ran, 3);
}

TEST(task_group, leaving_the_scope_cancels_and_joins) {
  std::error_code seen;
  bool cleaned_up = false;
  {
    task_group group;
    group.go([&] {
      seen = try_sleep(never).error();
      cleaned_up = true;
    });
    yield();
  }
  EXPECT_EQ(seen, std::errc::operation_canceled);
  EXPECT_TRUE(cleaned_up);
}

TEST(task_group, a_task_cancelled_before_it_ran_still_runs_but_cannot_block) {
  std::error_code seen;
  {
    task_group group;
    group.go([&] { seen = try_sleep(1h).error(); });
  }
  EXPECT_EQ(seen, std::errc::operation_canceled);
}

TEST(task_group, after_cancellation_every_further_blocking_call_fails_at_once) {
  int failed = 0;
  {
    task_group group;
    channel<int> full(1);
    full.send(1);
    group.go([&] {
      failed += !try_sleep(1h);
      failed += !try_yield();
      failed += !full.try_recv(never);
      failed += !group.try_go([] {});
    });
    yield();
  }
  EXPECT_EQ(failed, 4);
}

TEST(task_group, cancelled_leaving_a_cancelled_task_is_its_ordinary_end) {
  task_group group;
  auto t = group.go([] { sleep(1h); });
  yield();
  t.cancel();
  EXPECT_TRUE(group.try_wait(never));
  EXPECT_EQ(group.failures(), 0u);
  EXPECT_EQ(t.try_join(never).error(), std::errc::operation_canceled);
}

TEST(task_group, joining_a_cancelled_task_does_not_look_like_a_cancellation_of_the_joiner) {
  task_group group;
  auto t = group.go([] { sleep(1h); });
  t.cancel();
  EXPECT_THROW(t.join(), caraway::error);
}

TEST(task_group, a_task_that_ignores_its_cancellation_keeps_its_result) {
  task_group group;
  auto t = group.go([] {
    static_cast<void>(try_sleep(1h));
    return 3;
  });
  yield();
  t.cancel();
  EXPECT_EQ(t.join(), 3);
}

TEST(task_group, a_failure_cancels_the_siblings_and_comes_out_of_wait) {
  bool sibling_cancelled = false;
  task_group group;
  group.go([&] { sibling_cancelled = try_sleep(1h).error() == std::errc::operation_canceled; });
  group.go([] { throw std::runtime_error("the reason"); });
  try {
    group.wait();
    ADD_FAILURE() << "nothing was thrown";
  } catch (const std::runtime_error& e) {
    EXPECT_STREQ(e.what(), "the reason");
  }
  EXPECT_TRUE(sibling_cancelled);
  EXPECT_EQ(group.failures(), 1u);
  EXPECT_THROW(group.wait(), std::runtime_error);
}

TEST(task_group, the_first_failure_is_thrown_and_the_others_are_counted) {
  task_group group;
  group.go([] { throw 1; });
  group.go([] { throw 2; });
  auto third = group.go([] { throw 3; });
  EXPECT_THROW(
      {
        try {
          group.wait();
        } catch (int i) {
          EXPECT_EQ(i, 1);
          throw;
        }
      },
      int);
  EXPECT_EQ(group.failures(), 3u);
  try {
    third.join();
  } catch (int i) {
    EXPECT_EQ(i, 3);
  }
}

TEST(task_group, a_group_that_failed_starts_nothing_more) {
  task_group group;
  group.go([] { throw 1; });
  EXPECT_THROW(group.wait(), int);
  EXPECT_TRUE(group.cancelled());
  EXPECT_EQ(group.try_go([] {}).error(), std::errc::operation_canceled);
}

TEST(task_group, a_failure_nobody_waits_for_is_dropped_by_the_destructor) {
  EXPECT_NO_THROW({
    task_group group;
    group.go([] { throw std::runtime_error("unheard"); });
    yield();
  });
}

TEST(task_group, collecting_lets_the_others_go_on) {
  task_group group(on_failure::collect);
  auto bad = group.go([]() -> int { throw std::runtime_error("bad"); });
  auto good = group.go([] {
    sleep(5ms);
    return 1;
  });
  EXPECT_TRUE(group.try_wait(never));
  EXPECT_EQ(group.failures(), 1u);
  EXPECT_THROW(bad.join(), std::runtime_error);
  EXPECT_THROW(bad.join(), std::runtime_error);
  EXPECT_EQ(good.join(), 1);
  EXPECT_TRUE(group.try_go([] {}));
}

TEST(task_group, a_caller_cancelled_in_wait_leaves_the_tasks_running) {
  event proceed;
  task_group inner;
  std::error_code seen;
  int finished = 0;
  inner.go([&] {
    proceed.wait();
    ++finished;
  });
  {
    task_group outer;
    outer.go([&] { seen = inner.try_wait(never).error(); });
    yield();
  }
  EXPECT_EQ(seen, std::errc::operation_canceled);
  EXPECT_EQ(inner.size(), 1u);
  proceed.set();
  inner.wait();
  EXPECT_EQ(finished, 1);
}

TEST(task_group, the_destructor_joins_although_its_own_coroutine_is_cancelled) {
  bool inner_ended = false;
  {
    task_group outer;
    outer.go([&] {
      task_group inner;
      inner.go([&] { sleep(1h); });
      inner.go([&] {
        static_cast<void>(try_sleep(1h));
        const shield clean_up(1s);
        static_cast<void>(try_sleep(5ms));
        inner_ended = true;
      });
      inner.wait();
    });
    yield();
    yield();
  }
  EXPECT_TRUE(inner_ended);
}

TEST(task_group, the_destructor_joins_although_an_ambient_deadline_has_passed) {
  EXPECT_EQ(coroutines(), 1u);
  bool ended = false;
  {
    task_group group;
    group.go([&] {
      const shield clean_up(1s);
      static_cast<void>(try_sleep(20ms));
      ended = true;
    });
    EXPECT_EQ(group.try_wait(1ms).error(), std::errc::timed_out);
  }
  EXPECT_TRUE(ended);
  EXPECT_EQ(coroutines(), 1u);
}

TEST(task_group, a_cancelled_caller_cannot_start_tasks) {
  std::error_code seen;
  bool started = false;
  {
    task_group outer;
    outer.go([&] {
      static_cast<void>(try_sleep(1h));
      task_group inner;
      seen = inner.try_go([&] { started = true; }).error();
    });
    yield();
  }
  EXPECT_EQ(seen, std::errc::operation_canceled);
  EXPECT_FALSE(started);
}

TEST(task_group, a_closure_too_large_for_the_stack_is_refused_and_not_called) {
  std::array<char, 100'000> large{};
  task_group group;
  const auto t = group.try_go([large] { static_cast<void>(large.size()); });
  ASSERT_FALSE(t);
  EXPECT_EQ(t.error(), std::errc::not_enough_memory);
  EXPECT_TRUE(group.try_go({"large", 256 * 1024}, [large] { static_cast<void>(large.size()); }));
  group.wait();
}

struct throws_when_copied {
  throws_when_copied() = default;
  throws_when_copied(const throws_when_copied&) { throw std::runtime_error("copy"); }
  void operator()() const {}
};

TEST(task_group, a_function_that_cannot_be_copied_in_leaves_nothing_behind) {
  const std::size_t before = coroutines();
  task_group group;
  const throws_when_copied f;
  EXPECT_THROW(group.go(f), std::runtime_error);
  EXPECT_EQ(group.size(), 0u);
  EXPECT_EQ(coroutines(), before);
}

TEST(task_group, stop_lets_tasks_finish_within_the_grace_period) {
  task_group group;
  bool heard = false;
  group.go([&] {
    group.stop_signal().wait();
    sleep(5ms);
    heard = this_task::stopping();
  });
  yield();
  EXPECT_FALSE(group.stopping());
  EXPECT_TRUE(group.stop(1h));
  EXPECT_TRUE(heard);
}

TEST(task_group, stop_cancels_what_still_runs_after_the_grace_period) {
  std::error_code seen;
  task_group group;
  group.go([&] { seen = try_sleep(1h).error(); });
  EXPECT_FALSE(group.stop(5ms));
  EXPECT_EQ(seen, std::errc::operation_canceled);
  EXPECT_EQ(group.size(), 0u);
}

TEST(task_group, stop_rethrows_the_failure_of_a_task) {
  task_group group;
  group.go([&] {
    group.stop_signal().wait();
    throw std::runtime_error("while stopping");
  });
  EXPECT_THROW(group.stop(1h), std::runtime_error);
}

TEST(task_group, a_cancelled_caller_of_stop_has_raised_the_signal_and_no_more) {
  event proceed;
  task_group inner;
  inner.go([&] { proceed.wait(); });
  std::error_code seen;
  {
    task_group outer;
    outer.go([&] { seen = inner.try_stop(1h).error(); });
    yield();
  }
  EXPECT_EQ(seen, std::errc::operation_canceled);
  EXPECT_TRUE(inner.stopping());
  EXPECT_FALSE(inner.cancelled());
  proceed.set();
  inner.wait();
}

TEST(task_group, stop_reaches_the_groups_made_inside_tasks) {
  task_group group;
  int heard = 0;
  group.go([&] {
    task_group inner;
    inner.go([&] {
      inner.stop_signal().wait();
      ++heard;
    });
    inner.wait();
    task_group late;
    heard += late.stopping();
  });
  yield();
  EXPECT_TRUE(group.stop(1h));
  EXPECT_EQ(heard, 2);
}

// Exceptions belong to the coroutine that threw them.
TEST(task_group, two_coroutines_in_catch_blocks_rethrow_their_own_exceptions) {
  std::string seen;
  task_group group;
  for (const char* name : {"a", "b"}) {
    group.go([&seen, name] {
      try {
        try {
          throw std::string(name);
        } catch (const std::string&) {
          yield();
          throw;
        }
      } catch (const std::string& rethrown) {
        seen += rethrown;
        EXPECT_EQ(rethrown, name);
      }
      EXPECT_EQ(std::uncaught_exceptions(), 0);
    });
  }
  group.wait();
  EXPECT_EQ(seen, "ab");
}

struct yields_when_destroyed {
  ~yields_when_destroyed() {
    EXPECT_EQ(std::uncaught_exceptions(), 1);
    static_cast<void>(try_yield());
    EXPECT_EQ(std::uncaught_exceptions(), 1);
  }
};

TEST(task_group, a_destructor_may_yield_while_unwinding) {
  task_group group(on_failure::collect);
  auto thrower = group.go([] {
    const yields_when_destroyed d;
    throw std::runtime_error("unwinding");
  });
  group.go([] {
    for (int i = 0; i < 5; ++i) {
      EXPECT_EQ(std::uncaught_exceptions(), 0);
      yield();
    }
  });
  group.wait();
  EXPECT_THROW(thrower.join(), std::runtime_error);
  EXPECT_EQ(std::uncaught_exceptions(), 0);
}

TEST(task_group, ten_thousand_sleeps_longer_than_their_deadline_all_time_out) {
  int timed_out = 0;
  task_group group;
  for (int i = 0; i < 10'000; ++i) {
    group.go([&] {
      channel<int> nothing;
      timed_out += nothing.try_recv(50ms).error() == std::errc::timed_out;
    });
  }
  group.wait();
  EXPECT_EQ(timed_out, 10'000);
}

TEST(task_group, forty_thousand_tasks_may_wait_at_once) {
  event proceed;
  int ended = 0;
  task_group group;
  for (int i = 0; i < 40'000; ++i) {
    group.go([&] {
      proceed.wait();
      ++ended;
    });
  }
  yield();
  proceed.set();
  group.wait();
  EXPECT_EQ(ended, 40'000);
}

TEST(task_group, a_chain_of_groups_inside_tasks_unwinds_from_the_top) {
  struct nest {
    static void dig(int depth, int& ended) {
      if (depth == 0) {
        sleep(1h);
      }
      task_group inner;
      inner.go([&] { dig(depth - 1, ended); });
      const auto r = inner.try_wait(never);
      EXPECT_EQ(r.error(), std::errc::operation_canceled);
      ++ended;
    }
  };
  int ended = 0;
  {
    task_group group;
    group.go([&] { nest::dig(20, ended); });
    for (int i = 0; i < 25; ++i) yield();
  }
  EXPECT_EQ(ended, 20);
}

}  // namespace
}  // namespace caraway
