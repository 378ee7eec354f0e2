#include "runtime/scheduler.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <chrono>
#include <functional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace caraway::runtime {
namespace {

using namespace std::chrono_literals;
using function = std::move_only_function<void()>;

// Runs `f` as a coroutine, queued behind everything that is ready.
coroutine& spawn(function f, spawn_options options = {}) {
  scheduler& s = scheduler::current();
  coroutine& c = *value_or_raise(s.create(
                                     [](coroutine& self) {
                                       auto* own = static_cast<function*>(self.extra);
                                       (*own)();
                                       own->~function();
                                     },
                                     sizeof(function), options),
                                 "spawn");
  new (c.extra) function(std::move(f));
  s.start(c);
  return c;
}

int sleep_for(nanoseconds d) {
  lowlevel::operation op("sleep");
  return op.park(d);
}

// Until nothing but the caller is left.
void settle() {
  while (scheduler::current().count() > 1) lowlevel::yield();
}

struct gate {
  lowlevel::wait_queue waiting;
  int wait(deadline dl = never) {
    lowlevel::waiter w;
    lowlevel::operation op("gate");
    op.add(w);
    waiting.push_back(w);
    return op.park(dl);
  }
};

TEST(scheduler, the_ready_take_turns_first_come_first_served) {
  std::string order;
  for (char name : {'a', 'b', 'c'})
    spawn([&order, name] {
      for (int i = 0; i < 3; ++i) {
        order += name;
        lowlevel::yield();
      }
    });
  settle();
  EXPECT_EQ(order, "abcabcabc");
}

TEST(scheduler, start_now_runs_the_child_first_and_the_parent_behind_the_others) {
  std::string order;
  spawn([&] { order += "other "; });
  scheduler& s = scheduler::current();
  static std::string* to;
  to = &order;
  coroutine& c = *value_or_raise(s.create([](coroutine&) { *to += "child "; }, 0, {}), "create");
  s.start_now(c);
  order += "parent";
  EXPECT_EQ(order, "child other parent");
}

TEST(scheduler, a_woken_coroutine_keeps_its_result_even_if_it_is_cancelled_before_it_runs) {
  gate g;
  std::vector<int> results;
  coroutine& c = spawn([&] {
    results.push_back(g.wait());
    results.push_back(g.wait());
    results.push_back(lowlevel::yield());
  });
  lowlevel::yield();
  lowlevel::wake(g.waiting.front(), 0);
  scheduler::current().cancel(c);
  settle();
  EXPECT_EQ(results, (std::vector{0, ECANCELED, ECANCELED}));
  EXPECT_TRUE(g.waiting.empty());
}

TEST(scheduler, a_cancelled_coroutine_is_woken_and_leaves_its_queue) {
  gate g;
  int result = -1;
  coroutine& c = spawn([&] { result = g.wait(1h); });
  lowlevel::yield();
  EXPECT_FALSE(g.waiting.empty());
  scheduler::current().cancel(c);
  EXPECT_TRUE(g.waiting.empty());
  settle();
  EXPECT_EQ(result, ECANCELED);
}

TEST(scheduler, of_many_waiters_of_one_operation_the_woken_one_wins_and_the_others_leave) {
  gate a, b;
  int winner = 0;
  spawn([&] {
    lowlevel::waiter wa, wb;
    lowlevel::operation op("either");
    op.add(wa);
    op.add(wb);
    a.waiting.push_back(wa);
    b.waiting.push_back(wb);
    EXPECT_EQ(op.park(never), 0);
    winner = op.winner() == &wb ? 2 : 1;
  });
  lowlevel::yield();
  lowlevel::wake(b.waiting.front());
  EXPECT_TRUE(a.waiting.empty());
  settle();
  EXPECT_EQ(winner, 2);
}

TEST(scheduler, deadlines_fire_in_their_order_and_never_early) {
  std::vector<int> order;
  const time_point begin = now();
  for (int ms : {60, 20, 40})
    spawn([&order, ms, begin] {
      lowlevel::operation op("sleep");
      EXPECT_EQ(op.park(begin + std::chrono::milliseconds(ms)), ETIMEDOUT);
      EXPECT_GE(now() - begin, std::chrono::milliseconds(ms));
      order.push_back(ms);
    });
  settle();
  EXPECT_EQ(order, (std::vector{20, 40, 60}));
}

TEST(scheduler, an_immediate_wait_lets_the_others_run_and_prefers_a_wake_to_the_timeout) {
  gate g;
  spawn([&] { lowlevel::wake(g.waiting.front()); });
  EXPECT_EQ(g.wait(immediately), 0);
  EXPECT_EQ(g.wait(immediately), ETIMEDOUT);
}

TEST(scheduler, timers_fire_although_others_are_always_ready) {
  bool stop = false;
  for (int i = 0; i < 2; ++i)
    spawn([&] {
      while (!stop) lowlevel::yield();
    });
  EXPECT_EQ(sleep_for(2ms), ETIMEDOUT);
  stop = true;
  settle();
}

TEST(scheduler, an_ambient_deadline_bounds_every_wait_and_is_inherited) {
  scheduler& s = scheduler::current();
  s.running().ambient = deadline(2ms);
  int inherited = 0;
  spawn([&] { inherited = sleep_for(1h); });
  s.running().ambient = never;
  settle();
  EXPECT_EQ(inherited, ETIMEDOUT);
}

TEST(scheduler, a_shield_puts_cancellation_off_until_its_own_end) {
  scheduler& s = scheduler::current();
  std::vector<int> results;
  coroutine& c = spawn([&] {
    coroutine& self = scheduler::current().running();
    self.shielded = true;
    self.shield_until = deadline(4ms);
    results.push_back(sleep_for(1ms));  // ends before the shield does
    results.push_back(sleep_for(1h));   // the shield ends first
    results.push_back(sleep_for(1ms));
  });
  lowlevel::yield();
  s.cancel(c);
  settle();
  EXPECT_EQ(results, (std::vector{ETIMEDOUT, ECANCELED, ECANCELED}));
}

TEST(scheduler, a_cancellation_shortens_a_shielded_wait_that_began_before_it) {
  int result = 0;
  coroutine& c = spawn([&] {
    coroutine& self = scheduler::current().running();
    self.shielded = true;
    self.shield_until = deadline(2ms);
    result = sleep_for(1h);
  });
  lowlevel::yield();
  scheduler::current().cancel(c);
  settle();
  EXPECT_EQ(result, ECANCELED);
}

TEST(scheduler, errno_belongs_to_the_coroutine) {
  for (int value : {EDOM, ERANGE})
    spawn([value] {
      EXPECT_EQ(errno, 0);
      errno = value;
      lowlevel::yield();
      EXPECT_EQ(errno, value);
    });
  errno = EILSEQ;
  settle();
  EXPECT_EQ(errno, EILSEQ);
}

// Without exceptions of its own per coroutine, the second rethrow gets the first one's exception.
TEST(scheduler, two_coroutines_that_yield_inside_catch_keep_their_own_exception) {
  std::vector<std::string> caught;
  for (const char* name : {"A", "B"})
    spawn([&caught, name] {
      try {
        throw std::runtime_error(name);
      } catch (...) {
        lowlevel::yield();
        try {
          throw;
        } catch (const std::runtime_error& e) {
          caught.emplace_back(e.what());
        }
      }
    });
  settle();
  EXPECT_EQ(caught, (std::vector<std::string>{"A", "B"}));
}

TEST(scheduler, a_destructor_may_yield_while_an_exception_unwinds) {
  struct yields {
    ~yields() {
      EXPECT_EQ(std::uncaught_exceptions(), 1);
      lowlevel::yield();
      EXPECT_EQ(std::uncaught_exceptions(), 1);
    }
  };
  int caught = 0;
  for (int i = 0; i < 3; ++i)
    spawn([&caught, i] {
      try {
        const yields y;
        throw i;
      } catch (int value) {
        EXPECT_EQ(value, i);
        ++caught;
      }
      EXPECT_EQ(std::uncaught_exceptions(), 0);
    });
  while (scheduler::current().count() > 1) {
    EXPECT_EQ(std::uncaught_exceptions(), 0);
    lowlevel::yield();
  }
  EXPECT_EQ(caught, 3);
}

// GCC may conclude that a function with nothing but assembly in it changes no static variable, and
// take the load out of the loop.
bool stop_flag = false;
TEST(scheduler, a_loop_on_a_static_flag_sees_it_change) {
  stop_flag = false;
  spawn([] { stop_flag = true; });
  while (!stop_flag) lowlevel::yield();
  SUCCEED();
}

TEST(scheduler, memory_of_the_caller_serves_as_a_stack) {
  alignas(16) static std::byte memory[4096];
  bool ran = false;
  spawn([&] { ran = lowlevel::yield() == 0; }, {.memory = memory, .memory_size = sizeof memory});
  settle();
  EXPECT_TRUE(ran);
}

TEST(scheduler, too_little_memory_is_refused) {
  std::byte memory[512];
  const auto c = scheduler::current().create([](coroutine&) {}, 0,
                                             {.memory = memory, .memory_size = sizeof memory});
  ASSERT_FALSE(c);
  EXPECT_EQ(c.error(), std::errc::not_enough_memory);
  const auto huge = scheduler::current().create([](coroutine&) {}, 1 << 20, {});
  ASSERT_FALSE(huge);
  EXPECT_EQ(huge.error(), std::errc::not_enough_memory);
  EXPECT_EQ(scheduler::current().count(), 1U);
}

TEST(scheduler, a_kept_coroutine_outlives_its_end_until_it_is_released) {
  scheduler& s = scheduler::current();
  coroutine& c = *value_or_raise(
      s.create([](coroutine& self) { *static_cast<int*>(self.extra) = 42; }, sizeof(int), {}), "");
  scheduler::retain(c);
  s.start(c);
  settle();
  EXPECT_EQ(c.state, run_state::ended);
  EXPECT_EQ(*static_cast<int*>(c.extra), 42);
  s.release(c);
}

TEST(scheduler, a_coroutine_that_never_started_can_be_discarded) {
  scheduler& s = scheduler::current();
  s.discard(*value_or_raise(s.create([](coroutine&) {}, 0, {}), ""));
  EXPECT_EQ(s.count(), 1U);
}

// The kernel allows about 65530 mappings a process: guards that split mappings end at half of that.
TEST(scheduler, more_coroutines_than_the_kernel_has_mappings) {
  constexpr int many = base::instrumented ? 5'000 : 70'000;
  gate g;
  int ended = 0;
  for (int i = 0; i < many; ++i)
    spawn([&] {
      g.wait();
      ++ended;
    });
  lowlevel::yield();
  EXPECT_EQ(scheduler::current().count(), many + 1U);
  while (!g.waiting.empty()) lowlevel::wake(g.waiting.front());
  settle();
  EXPECT_EQ(ended, many);
}

TEST(scheduler, deferred_work_runs_before_the_coroutine_stops_running) {
  struct note : deferred {
    std::string* order;
    void before_switch() noexcept override { *order += "deferred "; }
  };
  std::string order;
  note n;
  n.order = &order;
  spawn([&] { order += "other"; });
  scheduler::current().defer(n);
  lowlevel::yield();
  EXPECT_EQ(order, "deferred other");
}

TEST(scheduler, functions_posted_by_other_threads_run_here) {
  gate g;
  const auto inbox = scheduler::current().inbox();
  const auto here = std::this_thread::get_id();
  std::thread other([&] {
    EXPECT_TRUE(inbox->post([&] {
      EXPECT_EQ(std::this_thread::get_id(), here);
      lowlevel::wake(g.waiting.front());
    }));
  });
  EXPECT_EQ(g.wait(), 0);
  other.join();
}

struct bell final : alarm {
  std::vector<time_point> rings;
  function on_ring = [] {};
  void rang() noexcept override {
    rings.push_back(scheduler::current().turn());
    on_ring();
  }
};

TEST(scheduler, an_alarm_rings_once_at_the_time_that_was_set_last) {
  scheduler& s = scheduler::current();
  const time_point start = caraway::now();
  bell b;
  s.set(b, start + 1ms);
  s.set(b, start + 5ms);
  sleep_for(20ms);
  ASSERT_EQ(b.rings.size(), 1u);
  EXPECT_GE(b.rings.front(), start + 5ms);
  s.set(b, caraway::now() + 1ms);
  s.unset(b);
  s.unset(b);
  sleep_for(5ms);
  EXPECT_EQ(b.rings.size(), 1u);
}

TEST(scheduler, an_alarm_may_start_a_coroutine_and_set_itself_again) {
  scheduler& s = scheduler::current();
  bell b;
  int started = 0;
  b.on_ring = [&] {
    spawn([&started] { ++started; });
    if (b.rings.size() < 3) s.set(b, s.turn() + 1ms);
  };
  s.set(b, caraway::now() + 1ms);
  while (b.rings.size() < 3) sleep_for(1ms);
  settle();
  EXPECT_EQ(b.rings.size(), 3u);
  EXPECT_EQ(started, 3);
}

TEST(scheduler, every_thread_has_its_own_and_leftovers_are_abandoned_with_it) {
  std::shared_ptr<inbox> post_to;
  std::thread([&] {
    spawn([] { sleep_for(1h); });
    lowlevel::yield();
    post_to = scheduler::current().inbox();
    EXPECT_EQ(scheduler::current().count(), 2U);
  }).join();
  EXPECT_FALSE(post_to->post([] { FAIL(); }));
  EXPECT_EQ(scheduler::current().count(), 1U);
}

// Counts how often the thread asks what has happened.
struct counting_poller : poller {
  std::unique_ptr<poller> real = make_poller("");
  int waits = 0;
  const char* name() const noexcept override { return "counting"; }
  result<std::unique_ptr<io_handle>> open(int fd) override { return real->open(fd); }
  void wait(time_point until) noexcept override {
    ++waits;
    real->wait(until);
  }
  void wake() noexcept override { real->wake(); }
};

TEST(scheduler, a_look_at_the_clock_before_the_first_wait_is_a_look_at_the_same_clock) {
  std::thread([] {
    const time_point before = now();
    scheduler::current();
    EXPECT_LE(before, now());
    EXPECT_LT(now() - before, 1min);
  }).join();
}

TEST(scheduler, an_idle_thread_does_not_go_round) {
  std::thread([] {
    auto owned = std::make_unique<counting_poller>();
    const counting_poller& counting = *owned;
    scheduler own(std::move(owned));
    gate g;
    std::thread other([inbox = own.inbox(), &g] {
      std::this_thread::sleep_for(20ms);
      inbox->post([&g] { lowlevel::wake(g.waiting.front()); });
    });
    EXPECT_EQ(g.wait(), 0);
    other.join();
    EXPECT_LE(counting.waits, 3);
  }).join();
}

TEST(scheduler, the_dump_names_everybody_and_what_they_wait_for) {
  gate g;
  spawn([&] { g.wait(1h); }, {.name = "patient"});
  lowlevel::yield();
  const std::string text = describe_coroutines(scheduler::current());
  EXPECT_NE(text.find("main"), std::string::npos) << text;
  EXPECT_NE(text.find("patient"), std::string::npos) << text;
  EXPECT_NE(text.find("gate"), std::string::npos) << text;
  lowlevel::wake(g.waiting.front());
  settle();
}

}  // namespace
}  // namespace caraway::runtime
