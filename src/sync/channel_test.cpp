#include "caraway/channel.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <new>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "caraway/task_group.hpp"
#include "caraway/this_task.hpp"

namespace caraway {
namespace {

using namespace std::chrono_literals;

TEST(channel, hands_items_over_in_order) {
  channel<int> c;
  std::vector<int> got;
  task_group group;
  group.go([&] {
    for (int i = 0; i < 5; ++i) c.send(i);
    c.close();
  });
  while (auto v = c.next()) got.push_back(*v);
  EXPECT_EQ(got, (std::vector{0, 1, 2, 3, 4}));
}

TEST(channel, without_capacity_a_send_waits_for_the_receiver) {
  channel<int> c;
  bool sent = false;
  task_group group;
  group.go([&] {
    c.send(1);
    sent = true;
  });
  yield();
  EXPECT_FALSE(sent);
  EXPECT_EQ(c.size(), 0u);
  EXPECT_EQ(c.recv(), 1);
  group.wait();
  EXPECT_TRUE(sent);
}

TEST(channel, with_capacity_as_many_sends_do_not_wait) {
  channel<int> c(2);
  EXPECT_TRUE(c.try_send(1, immediately));
  EXPECT_TRUE(c.try_send(2, immediately));
  EXPECT_EQ(c.size(), c.capacity());
  EXPECT_EQ(c.try_send(3, immediately).error(), std::errc::timed_out);
  EXPECT_EQ(c.recv(), 1);
  EXPECT_TRUE(c.try_send(3, immediately));
  EXPECT_EQ(c.recv(), 2);
  EXPECT_EQ(c.recv(), 3);
}

TEST(channel, a_blocked_sender_comes_after_what_is_in_the_channel) {
  channel<int> c(1);
  task_group group;
  group.go([&] {
    for (int i = 0; i < 4; ++i) c.send(i);
  });
  yield();
  for (int i = 0; i < 4; ++i) EXPECT_EQ(c.recv(), i);
}

TEST(channel, receivers_are_served_in_the_order_in_which_they_came) {
  channel<int> c;
  std::vector<int> got(3);
  task_group group;
  for (int i = 0; i < 3; ++i) group.go([&, i] { got[static_cast<std::size_t>(i)] = c.recv(); });
  yield();
  for (int i = 0; i < 3; ++i) c.send(10 + i);
  group.wait();
  EXPECT_EQ(got, (std::vector{10, 11, 12}));
}

TEST(channel, senders_are_served_in_the_order_in_which_they_came) {
  channel<int> c;
  task_group group;
  for (int i = 0; i < 3; ++i) group.go([&, i] { c.send(i); });
  yield();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(c.recv(), i);
}

TEST(channel, an_item_that_could_not_be_sent_is_still_the_senders) {
  channel<std::unique_ptr<int>> c;
  auto item = std::make_unique<int>(3);
  EXPECT_EQ(c.try_send(std::move(item), 1ms).error(), std::errc::timed_out);
  ASSERT_NE(item, nullptr);
  c.close();
  EXPECT_EQ(c.try_send(std::move(item), never).error(), errc::closed);
  EXPECT_NE(item, nullptr);
}

TEST(channel, a_receive_that_timed_out_has_taken_nothing) {
  channel<int> c;
  EXPECT_EQ(c.try_recv(1ms).error(), std::errc::timed_out);
  EXPECT_EQ(c.try_send(1, 1ms).error(), std::errc::timed_out);
  EXPECT_EQ(c.try_recv(immediately).error(), std::errc::timed_out);
}

TEST(channel, after_close_receivers_get_what_is_there_and_then_the_end) {
  channel<int> c(2);
  c.send(1);
  c.send(2);
  c.close();
  EXPECT_TRUE(c.closed());
  EXPECT_EQ(c.recv(), 1);
  EXPECT_EQ(c.recv(), 2);
  EXPECT_EQ(c.try_recv(never).error(), errc::end_of_stream);
  EXPECT_EQ(c.next(), std::nullopt);
  EXPECT_THROW(c.recv(), caraway::error);
}

TEST(channel, close_wakes_blocked_receivers) {
  channel<int> c;
  std::error_code seen;
  task_group group;
  group.go([&] { seen = c.try_recv(never).error(); });
  yield();
  c.close();
  c.close();
  group.wait();
  EXPECT_EQ(seen, errc::end_of_stream);
}

TEST(channel, close_wakes_blocked_senders_who_keep_their_items) {
  channel<std::string> c(1);
  c.send("first");
  std::error_code seen;
  std::string item = "second";
  task_group group;
  group.go([&] { seen = c.try_send(std::move(item), never).error(); });
  yield();
  c.close();
  group.wait();
  EXPECT_EQ(seen, errc::closed);
  EXPECT_EQ(item, "second");
  EXPECT_EQ(c.recv(), "first");
}

TEST(channel, its_end_drops_the_items_and_wakes_who_still_waits) {
  auto token = std::make_shared<int>(1);
  std::optional<channel<std::shared_ptr<int>>> c(std::in_place, 2);
  std::error_code seen;
  task_group group;
  c->send(token);
  c->send(token);
  group.go([&] { seen = c->try_send(token, never).error(); });
  yield();
  c.reset();
  group.wait();
  EXPECT_EQ(seen, std::errc::operation_canceled);
  EXPECT_EQ(token.use_count(), 1);
}

TEST(channel, a_cancelled_coroutine_gets_nothing_even_if_there_is_something) {
  channel<int> c(2);
  c.send(1);
  std::error_code received;
  std::error_code sent;
  {
    task_group group;
    group.go([&] {
      static_cast<void>(try_sleep(1h));
      received = c.try_recv(never).error();
      sent = c.try_send(2, never).error();
    });
    yield();
  }
  EXPECT_EQ(received, std::errc::operation_canceled);
  EXPECT_EQ(sent, std::errc::operation_canceled);
  EXPECT_EQ(c.size(), 1u);
}

TEST(channel, a_receiver_cancelled_after_the_hand_over_has_the_item) {
  channel<int> c;
  int got = 0;
  task_group group;
  auto t = group.go([&] { got = c.try_recv(never).value_or(-1); });
  yield();
  c.send(7);
  t.cancel();
  group.wait();
  EXPECT_EQ(got, 7);
}

TEST(channel, a_sender_cancelled_after_the_hand_over_has_sent) {
  channel<int> c;
  bool sent = false;
  task_group group;
  auto t = group.go([&] { sent = c.try_send(7, never).has_value(); });
  yield();
  EXPECT_EQ(c.recv(), 7);
  t.cancel();
  group.wait();
  EXPECT_TRUE(sent);
}

TEST(channel, a_capacity_beyond_all_memory_is_refused) {
  EXPECT_THROW(channel<std::string>(SIZE_MAX / 2), std::bad_alloc);
}

// Senders and receivers are cancelled at random moments; in the end every item was received once,
// is in the channel, or was kept by its sender.
void items_are_conserved(std::size_t capacity, unsigned seed) {
  constexpr int items = 100'000;
  std::minstd_rand random(seed);
  channel<int> c(capacity);
  long received = 0;
  long kept = 0;
  long last = -1;
  for (int next = 0; next < items;) {
    task_group group;
    std::vector<task<void>> tasks;
    for (int i = 0; i < 10; ++i) {
      tasks.push_back(group.go([&, item = next++]() mutable {
        if (!c.try_send(std::move(item), random() % 2 == 0 ? never : deadline(immediately))) ++kept;
      }));
      tasks.push_back(group.go([&] {
        const auto r = c.try_recv(random() % 2 == 0 ? never : deadline(immediately));
        if (!r) return;
        ++received;
        last = *r;
      }));
    }
    for (int i = 0; i < 10; ++i) {
      tasks[random() % tasks.size()].cancel();
      if (random() % 4 == 0) yield();
    }
  }
  const long left = static_cast<long>(c.size());
  EXPECT_EQ(received + kept + left, items);
  EXPECT_GT(received, 0);
  EXPECT_GT(kept, 0);
  EXPECT_GE(last, 0);
}

TEST(channel, no_item_is_lost_in_a_hundred_thousand_races_of_hand_over_and_cancellation) {
  items_are_conserved(0, 1);
}

TEST(channel, no_item_is_lost_in_such_races_when_there_is_room) {
  items_are_conserved(3, 2);
}

}  // namespace
}  // namespace caraway
