#include "caraway/mailbox.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "caraway/task_group.hpp"
#include "caraway/this_task.hpp"

namespace caraway {
namespace {

using namespace std::chrono_literals;

TEST(mailbox, items_arrive_in_order) {
  mailbox<int> box;
  for (int i = 0; i < 3; ++i) box.address().post(i);
  EXPECT_EQ(box.size(), 3u);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(box.recv(), i);
  EXPECT_EQ(box.size(), 0u);
}

TEST(mailbox, an_item_from_another_thread_wakes_the_receiver) {
  mailbox<std::string> box;
  const std::jthread other([to = box.address()] { to.post("hello"); });
  EXPECT_EQ(box.recv(), "hello");
}

TEST(mailbox, an_item_from_a_coroutine_of_the_same_thread_wakes_the_receiver) {
  mailbox<int> box;
  task_group group;
  group.go([&] { box.address().post(1); });
  EXPECT_EQ(box.recv(), 1);
}

TEST(mailbox, items_of_many_threads_all_arrive_and_each_thread_s_in_order) {
  constexpr int threads = 4;
  constexpr int each = 5'000;
  mailbox<std::pair<int, int>> box;
  std::vector<std::jthread> senders;
  for (int t = 0; t < threads; ++t) {
    senders.emplace_back([to = box.address(), t] {
      for (int i = 0; i < each; ++i) to.post({t, i});
    });
  }
  std::vector<int> next(threads);
  for (int n = 0; n < threads * each; ++n) {
    const auto [t, i] = box.recv();
    ASSERT_EQ(next[static_cast<std::size_t>(t)]++, i);
  }
}

TEST(mailbox, receivers_are_served_in_the_order_in_which_they_came) {
  mailbox<int> box;
  std::string order;
  task_group group;
  for (char name : {'a', 'b', 'c'}) {
    group.go([&, name] {
      const int v = box.recv();
      order += name + std::to_string(v);
    });
  }
  yield();
  for (int i = 0; i < 3; ++i) box.address().post(i);
  group.wait();
  EXPECT_EQ(order, "a0b1c2");
}

TEST(mailbox, a_receive_that_timed_out_has_taken_nothing) {
  mailbox<int> box;
  EXPECT_EQ(box.try_recv(1ms).error(), std::errc::timed_out);
  EXPECT_EQ(box.try_recv(immediately).error(), std::errc::timed_out);
  box.address().post(1);
  EXPECT_EQ(box.try_recv(immediately).value_or(0), 1);
}

TEST(mailbox, a_receiver_can_be_cancelled_and_takes_nothing) {
  mailbox<int> box;
  std::error_code seen;
  {
    task_group group;
    group.go([&] { seen = box.try_recv(never).error(); });
    yield();
  }
  EXPECT_EQ(seen, std::errc::operation_canceled);
  box.address().post(1);
  EXPECT_EQ(box.recv(), 1);
}

TEST(mailbox, a_full_one_refuses_and_the_item_stays_with_the_sender) {
  mailbox<std::unique_ptr<int>> box(1);
  box.address().post(std::make_unique<int>(1));
  auto item = std::make_unique<int>(2);
  EXPECT_EQ(box.address().try_post(std::move(item)).error(),
            std::errc::resource_unavailable_try_again);
  ASSERT_NE(item, nullptr);
  EXPECT_EQ(*box.recv(), 1);
  EXPECT_TRUE(box.address().try_post(std::move(item)));
  EXPECT_EQ(*box.recv(), 2);
}

TEST(mailbox, after_close_receivers_get_what_is_there_and_then_the_end) {
  mailbox<int> box;
  box.address().post(1);
  box.close();
  box.close();
  EXPECT_EQ(box.address().try_post(2).error(), errc::closed);
  EXPECT_EQ(box.recv(), 1);
  EXPECT_EQ(box.try_recv(never).error(), errc::end_of_stream);
  EXPECT_EQ(box.next(), std::nullopt);
}

TEST(mailbox, close_from_another_thread_wakes_blocked_receivers) {
  mailbox<int> box;
  const std::jthread other([&] { box.close(); });
  EXPECT_EQ(box.try_recv(never).error(), errc::end_of_stream);
}

TEST(mailbox, posting_to_one_that_is_gone_fails_and_does_nothing_else) {
  mailbox_address<std::string> to;
  EXPECT_EQ(to.try_post("nobody").error(), errc::closed);
  {
    mailbox<std::string> box;
    to = box.address();
    to.post("dropped");
  }
  EXPECT_EQ(to.try_post("too late").error(), errc::closed);
}

TEST(mailbox, posting_to_a_thread_that_has_ended_fails) {
  mailbox_address<int> to;
  std::thread([&] {
    mailbox<int> box;
    to = box.address();
  }).join();
  EXPECT_EQ(to.try_post(1).error(), errc::closed);
}

TEST(mailbox, its_end_drops_the_items_and_wakes_who_still_waits) {
  auto token = std::make_shared<int>(1);
  auto box = std::make_unique<mailbox<std::shared_ptr<int>>>();
  box->address().post(token);
  box.reset();
  EXPECT_EQ(token.use_count(), 1);

  auto other = std::make_unique<mailbox<int>>();
  std::error_code seen;
  task_group group;
  group.go([&] { seen = other->try_recv(never).error(); });
  yield();
  other.reset();
  group.wait();
  EXPECT_EQ(seen, std::errc::operation_canceled);
}

// Threads post while receivers come, are cancelled and time out; every item is received once or
// left.
TEST(mailbox, no_item_is_lost_in_races_of_delivery_and_cancellation) {
  constexpr int items = 20'000;
  mailbox<int> box;
  std::atomic<bool> done = false;
  std::jthread sender([&, to = box.address()] {
    for (int i = 0; i < items; ++i) to.post(i);
    done = true;
  });
  std::minstd_rand random(4);
  long received = 0;
  while (!done) {
    task_group group;
    std::vector<task<void>> tasks;
    for (int i = 0; i < 8; ++i) {
      tasks.push_back(group.go([&] {
        received += box.try_recv(random() % 2 == 0 ? never : deadline(immediately)).has_value();
      }));
    }
    for (int i = 0; i < 8; ++i) {
      yield();
      tasks[random() % tasks.size()].cancel();
    }
  }
  sender.join();
  EXPECT_EQ(received + static_cast<long>(box.size()), items);
}

}  // namespace
}  // namespace caraway
