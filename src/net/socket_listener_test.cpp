// socket_listener_test.cpp - several coroutines that accept, and the end of the listener under them.
#include "net/socket_listener.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <chrono>
#include <vector>

#include "caraway/task_group.hpp"
#include "caraway/this_task.hpp"

namespace caraway::net {
namespace {

using std::chrono::milliseconds;

// A listener to which nobody ever connects, whatever the poller says.
class empty_kernel final : public runtime::kernel {
 public:
  int accepts = 0;
  int accept(int, sockaddr*, socklen_t*) noexcept override {
    ++accepts;
    errno = EAGAIN;
    return -1;
  }
};

class empty_handle final : public runtime::io_handle {
 public:
  explicit empty_handle(empty_kernel& k) noexcept : io_handle(k, 7) {}
  void claim_ready() noexcept { on_ready(true, false, false); }

 private:
  int arm(runtime::direction) noexcept override { return 0; }
};

struct empty_listener {
  empty_kernel kernel;
  empty_handle* handle = new empty_handle(kernel);
  socket_listener listener{unique_fd(), std::unique_ptr<runtime::io_handle>(handle)};

  void expect_cancellation() {
    EXPECT_EQ(listener.accept(nullptr, nullptr, never).error(), os_error(ECANCELED));
  }
};

TEST(socket_listener, whoever_accepts_or_waits_in_line_is_woken_by_closing) {
  empty_listener l;
  task_group group;
  for (int i = 0; i < 3; ++i) group.go([&] { l.expect_cancellation(); });
  sleep(milliseconds(1));
  l.listener.close();
  group.wait();
  EXPECT_EQ(l.listener.accept(nullptr, nullptr, never).error(), errc::closed);
}

TEST(socket_listener, one_on_its_way_to_wait_again_when_it_closes_does_not_wait) {
  empty_listener l;
  task_group group;
  group.go([&] { l.expect_cancellation(); });
  sleep(milliseconds(1));
  l.handle->claim_ready();
  l.listener.close();
  group.wait();
  EXPECT_EQ(l.kernel.accepts, 2);
}

TEST(socket_listener, one_that_has_left_the_line_when_it_closes_does_not_wait) {
  empty_listener l;
  task_group first;
  task_group second;
  first.go([&] { l.expect_cancellation(); });
  second.go([&] { l.expect_cancellation(); });
  sleep(milliseconds(1));
  first.cancel();
  sleep(milliseconds(1));
  l.handle->claim_ready();
  l.listener.close();
  second.wait();
  first.wait();
}

// Each accept fails with the next of the codes, and then there is nobody.
class unlucky_kernel final : public runtime::kernel {
 public:
  std::vector<int> codes;
  int accepts = 0;
  int accept(int, sockaddr*, socklen_t*) noexcept override {
    const auto n = static_cast<std::size_t>(accepts++);
    errno = n < codes.size() ? codes[n] : EAGAIN;
    return -1;
  }
};

class unlucky_handle final : public runtime::io_handle {
 public:
  explicit unlucky_handle(unlucky_kernel& k) noexcept : io_handle(k, 7) {}
  int accept_one() { return io_handle::accept(nullptr, nullptr, immediately).error().value(); }

 private:
  int arm(runtime::direction) noexcept override { return 0; }
};

TEST(socket_listener, what_became_of_a_connection_that_is_gone_again_is_not_told) {
  unlucky_kernel kernel;
  unlucky_handle handle(kernel);
  kernel.codes = {ECONNABORTED, EPROTO,       ENETDOWN,   ENOPROTOOPT, EHOSTDOWN,
                  ENONET,       EHOSTUNREACH, EOPNOTSUPP, ENETUNREACH};
  EXPECT_EQ(handle.accept_one(), ETIMEDOUT);
  EXPECT_EQ(kernel.accepts, 10);
}

TEST(socket_listener, what_is_about_the_listener_is_told) {
  for (const int code : {EMFILE, ENOBUFS, EINVAL}) {
    unlucky_kernel kernel;
    unlucky_handle handle(kernel);
    kernel.codes = {code};
    EXPECT_EQ(handle.accept_one(), code);
  }
}

TEST(socket_listener, a_socket_that_can_never_accept_says_so) {
  unlucky_kernel kernel;
  unlucky_handle handle(kernel);
  kernel.codes.assign(100'000, EOPNOTSUPP);
  EXPECT_EQ(handle.accept_one(), EOPNOTSUPP);
}

}  // namespace
}  // namespace caraway::net
