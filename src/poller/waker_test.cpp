#include "poller/waker.hpp"

#include <gtest/gtest.h>
#include <poll.h>

#include <thread>

namespace caraway::runtime {
namespace {

bool readable(const waker& w) {
  pollfd p{w.fd(), POLLIN, 0};
  return ::poll(&p, 1, 0) == 1;
}

TEST(waker, who_is_awake_is_told_without_a_system_call) {
  waker w;
  w.wake();
  w.wake();
  EXPECT_FALSE(readable(w));
  EXPECT_FALSE(w.fall_asleep());
  w.rise();
  EXPECT_TRUE(w.fall_asleep());
}

TEST(waker, who_sleeps_is_told_through_the_descriptor_once) {
  waker w;
  EXPECT_TRUE(w.fall_asleep());
  w.wake();
  EXPECT_TRUE(readable(w));
  w.drain();
  w.wake();
  EXPECT_FALSE(readable(w));
  w.rise();
  EXPECT_TRUE(w.fall_asleep());
}

TEST(waker, no_call_is_lost_between_threads) {
  waker w;
  for (int round = 0; round < 1000; ++round) {
    std::thread caller;
    if (round % 2 == 0) caller = std::thread([&] { w.wake(); });
    const bool sleeps = w.fall_asleep();
    if (round % 2 != 0) caller = std::thread([&] { w.wake(); });
    pollfd p{w.fd(), POLLIN, 0};
    EXPECT_TRUE(!sleeps || ::poll(&p, 1, 10'000) == 1);
    caller.join();
    w.rise();
    w.drain();
  }
  EXPECT_FALSE(readable(w));
}

}  // namespace
}  // namespace caraway::runtime
