// first_call_test.cpp - a thread's first call when there is no descriptor left for its scheduler: calls
// that return results say so, and work once there is one.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <chrono>
#include <thread>

#include "caraway/address.hpp"
#include "caraway/channel.hpp"
#include "caraway/deadline_scope.hpp"
#include "caraway/event.hpp"
#include "caraway/fd_wait.hpp"
#include "caraway/offload.hpp"
#include "caraway/resolver.hpp"
#include "caraway/select.hpp"
#include "caraway/shield.hpp"
#include "caraway/task_group.hpp"
#include "caraway/tcp.hpp"
#include "caraway/this_task.hpp"
#include "caraway/udp.hpp"
#include "caraway/unix.hpp"
#include "caraway/wait.hpp"
#include "net/with_kernel.hpp"

namespace caraway::net {
namespace {

using std::chrono::milliseconds;

// While one lives no descriptor can be had.
class no_descriptors {
 public:
  no_descriptors() noexcept {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    const rlimit none{0, before_.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &none);
  }
  no_descriptors(const no_descriptors&) = delete;
  no_descriptors& operator=(const no_descriptors&) = delete;
  ~no_descriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

template <class T>
std::error_code error_of(const result<T>& r) {
  return r ? std::error_code() : r.error();
}

// UndefinedBehaviorSanitizer looks at an object by a descriptor of its own when it first sees its type.
template <class F>
void show_types(F f) {
  std::thread([&f] { f(); }).join();
  EXPECT_EQ(error_of(result<int>(fail(EMFILE))), os_error(EMFILE));
  try {
    throw error(os_error(EMFILE), "no descriptor");
  } catch (const std::system_error& e) {
    EXPECT_EQ(e.code(), os_error(EMFILE));
  }
}

// Calls f() on a thread of its own: first without descriptors, when it has to fail, then with some.
template <class F>
void expect_first_call(F f) {
  with_kernel([&f] {
    show_types(f);
    std::thread([&f] {
      std::error_code code;
      {
        const no_descriptors here;
        code = f();
      }
      EXPECT_EQ(code, os_error(EMFILE));
      EXPECT_NE(f(), os_error(EMFILE));
    }).join();
  });
}

TEST(first_call, what_waits_for_a_time_or_for_another_coroutine) {
  expect_first_call([] { return error_of(try_sleep(milliseconds(1))); });
  expect_first_call([] { return error_of(try_yield()); });
  expect_first_call([] { return os_error(lowlevel::ready()); });
  expect_first_call([] {
    channel<int> c(1);
    return error_of(c.try_recv(immediately));
  });
  expect_first_call([] {
    event e;
    return error_of(e.try_wait(immediately));
  });
  expect_first_call([] {
    channel<int> c(1);
    return error_of(try_select(on_recv(c, [](int) {}), immediately));
  });
  expect_first_call([] { return error_of(try_wait_readable(0, immediately)); });
}

TEST(first_call, what_starts_something) {
  expect_first_call([] {
    task_group group;
    return error_of(group.try_go([] {}));
  });
  expect_first_call([] { return error_of(try_offload([] { return 1; }, immediately)); });
  expect_first_call([] { return error_of(try_resolve("localhost", 1, immediately)); });
}

TEST(first_call, what_makes_a_socket) {
  const address here = address::loopback(0);
  expect_first_call([&] { return error_of(tcp::try_listen(here)); });
  expect_first_call([&] { return error_of(tcp::try_connect(here, immediately)); });
  expect_first_call([] { return error_of(tcp::try_from_fd(unique_fd())); });
  expect_first_call([] { return error_of(tcp::try_listener_from_fd(unique_fd())); });
  expect_first_call([&] { return error_of(udp::try_bind(here)); });
  expect_first_call([] { return error_of(local::try_pair()); });
  expect_first_call([] { return error_of(local::try_connect("/nonexistent", immediately)); });
  expect_first_call([] { return error_of(local::try_from_fd(unique_fd())); });
  expect_first_call([] { return error_of(local::try_listener_from_fd(unique_fd())); });
}

TEST(first_call, what_cannot_fail_does_not) {
  expect_first_call([] {
    const shield s(milliseconds(1));
    const deadline_scope d{deadline(milliseconds(1))};
    EXPECT_FALSE(this_task::cancelled());
    EXPECT_STREQ(this_task::name(), "main");
    return error_of(try_yield());
  });
}

}  // namespace
}  // namespace caraway::net
