#include "caraway/select.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <memory>
#include <random>
#include <string>
#include <vector>

#include "caraway/deadline_scope.hpp"
#include "caraway/fd.hpp"
#include "caraway/this_task.hpp"

namespace caraway {
namespace {

using namespace std::chrono_literals;

struct pipe_pair {
  unique_fd in;
  unique_fd out;
  pipe_pair() {
    int fds[2];
    if (::pipe(fds) != 0) throw std::bad_alloc();
    in.reset(fds[0]);
    out.reset(fds[1]);
  }
};

TEST(select, takes_what_is_ready) {
  channel<int> a(1);
  channel<int> b(1);
  b.send(5);
  int got = 0;
  EXPECT_EQ(select(on_recv(a, [&](int v) { got = v; }), on_recv(b, [&](int v) { got = v; })), 1u);
  EXPECT_EQ(got, 5);
}

TEST(select, takes_the_lowest_index_if_several_are_ready) {
  channel<int> a(1);
  channel<int> b(1);
  a.send(1);
  b.send(2);
  std::optional<int> got;
  EXPECT_EQ(select(on_recv(a, got), on_recv(b, got)), 0u);
  EXPECT_EQ(got, 1);
  EXPECT_EQ(b.size(), 1u);
}

TEST(select, waits_for_the_first_to_become_ready) {
  channel<std::string> a;
  channel<std::string> b;
  std::optional<std::string> got;
  task_group group;
  group.go([&] { b.send("b"); });
  EXPECT_EQ(select(on_recv(a, got), on_recv(b, got)), 1u);
  EXPECT_EQ(got, "b");
  EXPECT_EQ(a.try_send("to nobody", immediately).error(), std::errc::timed_out);
}

TEST(select, sends_when_a_receiver_comes) {
  channel<std::unique_ptr<int>> a;
  channel<std::unique_ptr<int>> b;
  auto first = std::make_unique<int>(1);
  auto second = std::make_unique<int>(2);
  bool told = false;
  task_group group;
  auto t = group.go([&] { return *b.recv(); });
  EXPECT_EQ(select(on_send(a, first), on_send(b, second, [&] { told = true; })), 1u);
  EXPECT_EQ(t.join(), 2);
  EXPECT_TRUE(told);
  EXPECT_NE(first, nullptr) << "moved from although it was not sent";
  EXPECT_EQ(second, nullptr);
}

TEST(select, sends_at_once_when_there_is_room) {
  channel<std::string> c(1);
  EXPECT_EQ(select(on_send(c, "x")), 0u);
  EXPECT_EQ(c.recv(), "x");
}

TEST(select, may_wait_for_both_sides_of_a_channel_without_meeting_itself) {
  channel<int> c;
  std::optional<int> got;
  int item = 1;
  EXPECT_EQ(try_select(on_send(c, item), on_recv(c, got), 1ms).error(), std::errc::timed_out);
  EXPECT_FALSE(got);
}

TEST(select, two_selects_meet) {
  channel<int> c;
  std::optional<int> got;
  task_group group;
  group.go([&] { EXPECT_EQ(select(on_timer(1h), on_send(c, 9)), 1u); });
  EXPECT_EQ(select(on_recv(c, got), on_timer(1h)), 0u);
  EXPECT_EQ(got, 9);
}

TEST(select, a_timer_is_a_case) {
  channel<int> nothing;
  std::optional<int> got;
  bool rang = false;
  const time_point start = now();
  EXPECT_EQ(select(on_recv(nothing, got), on_timer(1h), on_timer(5ms, [&] { rang = true; })), 2u);
  EXPECT_TRUE(rang);
  EXPECT_GE(now() - start, 5ms);
}

TEST(select, a_deadline_behind_the_cases_is_a_time_out) {
  channel<int> nothing;
  std::optional<int> got;
  EXPECT_EQ(try_select(on_recv(nothing, got), 1ms).error(), std::errc::timed_out);
  EXPECT_THROW(select(on_recv(nothing, got), 1ms), caraway::error);
}

TEST(select, an_ambient_deadline_before_the_timer_is_a_time_out) {
  const deadline_scope limit(1ms);
  EXPECT_EQ(try_select(on_timer(1h)).error(), std::errc::timed_out);
}

TEST(select, a_timer_before_the_deadline_is_chosen) {
  EXPECT_EQ(select(on_timer(1ms), 1h), 0u);
}

TEST(select, a_timer_that_has_passed_comes_before_ready_cases_behind_it) {
  channel<int> c(1);
  c.send(1);
  std::optional<int> got;
  EXPECT_EQ(select(on_timer(immediately), on_recv(c, got)), 0u);
  EXPECT_EQ(c.size(), 1u);
  EXPECT_EQ(select(on_recv(c, got), on_timer(immediately)), 0u);
}

TEST(select, a_timer_that_has_passed_first_gives_the_others_their_turn) {
  channel<int> c;
  std::optional<int> got;
  task_group group;
  group.go([&] { c.send(1); });
  EXPECT_EQ(select(on_recv(c, got), on_timer(immediately)), 0u);
}

TEST(select, with_nothing_to_wait_for_it_waits_for_the_deadline) {
  EXPECT_EQ(try_select_from({}, 1ms).error(), std::errc::timed_out);
}

TEST(select, hears_of_a_closed_channel_by_a_result) {
  channel<int> c(1);
  c.send(1);
  c.close();
  std::vector<int> got;
  const auto keep = [&](result<int> r) { got.push_back(r ? *r : -1); };
  EXPECT_EQ(select(on_recv(c, keep)), 0u);
  EXPECT_EQ(select(on_recv(c, keep)), 0u);
  EXPECT_EQ(got, (std::vector{1, -1}));
}

TEST(select, fails_at_the_end_of_a_channel_if_the_function_takes_items_only) {
  channel<int> c;
  c.close();
  EXPECT_EQ(try_select(on_recv(c, [](int) {})).error(), errc::end_of_stream);
}

TEST(select, hears_of_a_channel_that_is_closed_while_it_waits) {
  channel<int> c;
  channel<int> d;
  std::error_code received;
  std::error_code sent;
  task_group group;
  group.go([&] { received = try_select(on_timer(1h), on_recv(c, [](int) {})).error(); });
  group.go([&] { sent = try_select(on_timer(1h), on_send(d, 1)).error(); });
  yield();
  c.close();
  d.close();
  group.wait();
  EXPECT_EQ(received, errc::end_of_stream);
  EXPECT_EQ(sent, errc::closed);
}

TEST(select, fails_when_sending_into_a_closed_channel) {
  channel<int> c(1);
  c.close();
  EXPECT_EQ(try_select(on_send(c, 1)).error(), errc::closed);
}

TEST(select, waits_for_the_end_of_a_task) {
  event proceed;
  task_group group;
  auto slow = group.go([&] { proceed.wait(); });
  auto quick = group.go([] { return 4; });
  EXPECT_EQ(select(on_end(slow), on_end(quick)), 1u);
  EXPECT_EQ(select(on_end(slow), on_end(quick)), 1u);
  EXPECT_EQ(quick.join(), 4);
  proceed.set();
}

TEST(select, waits_for_events_and_stop_signals) {
  event e;
  task_group group;
  group.go([&] { EXPECT_EQ(select(on_stop(group), on_event(e)), 1u); });
  group.go([&] { EXPECT_EQ(select(on_timer(1h), on_stop(group)), 1u); });
  yield();
  e.set();
  yield();
  group.stop();
}

TEST(select, waits_for_descriptors) {
  const pipe_pair p;
  task_group group;
  group.go([&] { EXPECT_EQ(::write(p.out.get(), "x", 1), 1); });
  EXPECT_EQ(select(on_readable(p.in.get())), 0u);
  EXPECT_EQ(select(on_readable(p.in.get())), 0u);
  EXPECT_EQ(select(on_writable(p.out.get())), 0u);
}

TEST(select, a_descriptor_that_is_not_ready_lets_others_win) {
  const pipe_pair p;
  channel<int> c;
  std::optional<int> got;
  task_group group;
  group.go([&] { c.send(1); });
  EXPECT_EQ(select(on_readable(p.in.get()), on_recv(c, got)), 1u);
  EXPECT_EQ(select(on_readable(p.in.get()), on_timer(1ms)), 1u);
}

TEST(select, a_descriptor_is_watched_during_the_call_only) {
  for (int i = 0; i < 3; ++i) {
    const pipe_pair p;
    EXPECT_EQ(try_select(on_readable(p.in.get()), 1ms).error(), std::errc::timed_out);
    EXPECT_EQ(::write(p.out.get(), "x", 1), 1);
    EXPECT_EQ(select(on_readable(p.in.get())), 0u);
  }
}

TEST(select, a_descriptor_others_wait_for_is_busy_and_nothing_is_left_behind) {
  const pipe_pair p;
  channel<int> c;
  std::optional<int> got;
  task_group group;
  group.go([&] { EXPECT_EQ(select(on_readable(p.in.get())), 0u); });
  yield();
  EXPECT_EQ(try_select(on_recv(c, got), on_readable(p.in.get())).error(),
            std::errc::device_or_resource_busy);
  EXPECT_EQ(c.try_send(1, immediately).error(), std::errc::timed_out);
  EXPECT_EQ(::write(p.out.get(), "x", 1), 1);
  group.wait();
}

TEST(select, a_descriptor_that_is_not_open_is_refused) {
  EXPECT_EQ(try_select(on_readable(999'999)).error(), std::errc::bad_file_descriptor);
}

TEST(select, a_cancelled_coroutine_chooses_nothing) {
  channel<int> c(1);
  c.send(1);
  std::error_code waiting;
  std::error_code after;
  {
    task_group group;
    group.go([&] {
      waiting = try_select(on_timer(1h)).error();
      after = try_select(on_recv(c, [](int) {})).error();
    });
    yield();
  }
  EXPECT_EQ(waiting, std::errc::operation_canceled);
  EXPECT_EQ(after, std::errc::operation_canceled);
  EXPECT_EQ(c.size(), 1u);
}

TEST(select, the_function_of_a_case_may_block) {
  channel<int> c;
  task_group group;
  group.go([&] {
    c.send(1);
    c.send(2);
  });
  int sum = 0;
  select(on_recv(c, [&](int v) { sum = v + c.recv(); }));
  EXPECT_EQ(sum, 3);
}

TEST(select, an_exception_of_the_function_comes_out) {
  EXPECT_THROW(select(on_timer(immediately, [] { throw 3; })), int);
}

// Two producers, and consumers in select that are cancelled at random: every item is received once
// or kept by its sender.
TEST(select, no_item_is_lost_in_races_of_choice_and_cancellation) {
  std::minstd_rand random(3);
  channel<int> a;
  channel<int> b(1);
  long sent = 0;
  long received = 0;
  const auto count = [&](int) { ++received; };
  for (int round = 0; round < 5'000; ++round) {
    task_group group;
    std::vector<task<void>> tasks;
    for (int i = 0; i < 4; ++i) {
      tasks.push_back(
          group.go([&] { sent += try_select(on_send(a, 1), on_send(b, 2)).has_value(); }));
      tasks.push_back(
          group.go([&] { static_cast<void>(try_select(on_recv(b, count), on_recv(a, count))); }));
    }
    for (int i = 0; i < 4; ++i) {
      tasks[random() % tasks.size()].cancel();
      if (random() % 3 == 0) yield();
    }
  }
  EXPECT_EQ(sent, received + static_cast<long>(b.size()));
  EXPECT_GT(received, 0);
}

}  // namespace
}  // namespace caraway
