#include "caraway/offload.hpp"

#include <gtest/gtest.h>
#include <signal.h>

#include <atomic>
#include <future>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>

#include "caraway/task_group.hpp"
#include "caraway/this_task.hpp"

namespace caraway {
namespace {

using namespace std::chrono_literals;

TEST(offload, gives_the_result_of_the_function) {
  EXPECT_EQ(offload([] { return std::string("from afar"); }), "from afar");
}

TEST(offload, runs_on_another_thread) {
  EXPECT_NE(offload([] { return std::this_thread::get_id(); }), std::this_thread::get_id());
}

TEST(offload, functions_without_result_and_such_that_can_only_be_moved_are_fine) {
  bool ran = false;
  offload([&] { ran = true; });
  EXPECT_TRUE(ran);
  EXPECT_EQ(*offload([p = std::make_unique<int>(4)]() mutable { return std::move(p); }), 4);
}

TEST(offload, an_exception_comes_out) {
  EXPECT_THROW(offload([] { throw std::runtime_error("over there"); }), std::runtime_error);
  EXPECT_THROW(static_cast<void>(try_offload([]() -> int { throw 3; }, never)), int);
}

TEST(offload, only_the_calling_coroutine_waits) {
  std::promise<void> proceed;
  bool other_ran = false;
  task_group group;
  group.go([&] { offload([f = proceed.get_future()]() mutable { f.wait(); }); });
  group.go([&] {
    other_ran = true;
    proceed.set_value();
  });
  group.wait();
  EXPECT_TRUE(other_ran);
}

TEST(offload, many_calls_share_a_few_threads) {
  std::atomic<int> inside = 0;
  std::atomic<int> most = 0;
  task_group group;
  for (int i = 0; i < 50; ++i) {
    group.go([&] {
      offload([&] {
        const int n = ++inside;
        int seen = most;
        while (n > seen && !most.compare_exchange_weak(seen, n)) {
        }
        std::this_thread::yield();
        --inside;
      });
    });
  }
  group.wait();
  EXPECT_LE(most, 4);
}

TEST(offload, after_a_time_out_the_function_goes_on_and_its_result_is_dropped) {
  auto token = std::make_shared<int>(0);
  std::promise<void> proceed;
  std::future<void> go_on = proceed.get_future();
  std::promise<void> begun;
  auto has_begun = begun.get_future();
  std::error_code seen;
  task_group group;
  auto t = group.go([&] {
    seen = try_offload(
               [token, f = std::move(go_on), b = std::move(begun)]() mutable {
                 b.set_value();
                 f.wait();
                 return token;
               },
               never)
               .error();
  });
  yield();
  has_begun.wait();
  t.cancel();
  group.wait();
  EXPECT_EQ(seen, std::errc::operation_canceled);
  EXPECT_GT(token.use_count(), 1) << "abandoned, so the captures live on";
  proceed.set_value();
  while (token.use_count() > 1) std::this_thread::yield();
}

// Every worker is busy, so that the call cannot begin.
TEST(offload, a_call_abandoned_before_it_began_never_does) {
  std::promise<void> proceed;
  const std::shared_future<void> go_on = proceed.get_future().share();
  std::atomic<int> busy = 0;
  std::atomic<bool> ran = false;
  task_group group;
  for (int i = 0; i < 4; ++i) {
    group.go([&] {
      offload([&busy, go_on] {
        ++busy;
        go_on.wait();
      });
    });
  }
  yield();
  while (busy < 4) std::this_thread::yield();
  auto token = std::make_shared<int>(0);
  EXPECT_EQ(try_offload([&ran, token] { ran = true; }, immediately).error(), std::errc::timed_out);
  EXPECT_EQ(token.use_count(), 1);
  proceed.set_value();
  group.wait();
  offload([] {});
  EXPECT_FALSE(ran);
}

TEST(offload, a_cancelled_caller_does_not_even_begin) {
  std::atomic<bool> ran = false;
  std::error_code seen;
  {
    task_group group;
    group.go([&] {
      static_cast<void>(try_sleep(1h));
      seen = try_offload([&] { ran = true; }, never).error();
    });
    yield();
  }
  EXPECT_EQ(seen, std::errc::operation_canceled);
  EXPECT_FALSE(ran);
}

TEST(offload, workers_take_no_signals) {
  const bool blocked = offload([] {
    sigset_t mask;
    pthread_sigmask(SIG_SETMASK, nullptr, &mask);
    return sigismember(&mask, SIGTERM) == 1;
  });
  EXPECT_TRUE(blocked);
}

TEST(offload, a_thread_may_end_while_its_abandoned_call_still_runs) {
  auto proceed = std::make_shared<std::promise<void>>();
  std::thread([proceed] {
    static_cast<void>(
        try_offload([f = proceed->get_future()]() mutable { f.wait(); }, immediately));
  }).join();
  proceed->set_value();
  EXPECT_EQ(offload([] { return 1; }), 1);
}

TEST(offload, the_number_of_threads_can_be_raised) {
  set_offload_threads(6);
  std::promise<void> proceed;
  const std::shared_future<void> go_on = proceed.get_future().share();
  std::atomic<int> busy = 0;
  task_group group;
  for (int i = 0; i < 6; ++i) {
    group.go([&] {
      offload([&busy, go_on] {
        ++busy;
        go_on.wait();
      });
    });
  }
  yield();
  while (busy < 6) std::this_thread::yield();
  proceed.set_value();
  group.wait();
  set_offload_threads(4);
  EXPECT_EQ(busy, 6);
}

}  // namespace
}  // namespace caraway
