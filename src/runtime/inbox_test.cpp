#include "runtime/inbox.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <thread>
#include <vector>

#include "runtime/poller.hpp"

namespace caraway::runtime {
namespace {

struct counting_wakes : poller {
  int wakes = 0;
  const char* name() const noexcept override { return "counting"; }
  result<std::unique_ptr<io_handle>> open(int) override { return fail(ENOSYS); }
  void wait(time_point) noexcept override {}
  void wake() noexcept override { ++wakes; }
};

TEST(inbox, functions_run_in_the_order_of_posting_and_one_wake_is_enough) {
  counting_wakes p;
  inbox in(p);
  std::vector<int> order;
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(in.post([&order, i] { order.push_back(i); }));
  EXPECT_EQ(p.wakes, 1);
  in.run();
  EXPECT_EQ(order, (std::vector{0, 1, 2}));
}

TEST(inbox, what_is_posted_while_running_waits_for_the_next_run) {
  counting_wakes p;
  inbox in(p);
  int ran = 0;
  in.post([&] { in.post([&] { ++ran; }); });
  in.run();
  EXPECT_EQ(ran, 0);
  EXPECT_EQ(p.wakes, 2);
  in.run();
  EXPECT_EQ(ran, 1);
}

TEST(inbox, closing_drops_what_waits_and_refuses_the_rest) {
  counting_wakes p;
  inbox in(p);
  const auto held = std::make_shared<int>(1);
  in.post([held] { FAIL(); });
  EXPECT_EQ(held.use_count(), 2);
  in.close();
  EXPECT_EQ(held.use_count(), 1);
  EXPECT_FALSE(in.post([] { FAIL(); }));
  in.run();
}

TEST(inbox, many_threads_may_post_at_once) {
  counting_wakes p;
  inbox in(p);
  int sum = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 1000; ++i) in.post([&sum] { ++sum; });
    });
  for (std::thread& t : threads) t.join();
  in.run();
  EXPECT_EQ(sum, 4000);
}

}  // namespace
}  // namespace caraway::runtime
