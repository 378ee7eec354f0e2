// socket_core_test.cpp - what an exchange costs, and who is told what when a connection ends under them.
#include "net/socket_core.hpp"

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <new>
#include <string>

#include "caraway/task_group.hpp"
#include "caraway/this_task.hpp"
#include "io/scripted_socket.hpp"

namespace {
thread_local long allocations = 0;
}

// All of them, for a sanitizer's own would not match those that are missing; and not inlined, for
// half a pair would look like a mismatch to the compiler.
[[gnu::noinline]] void* operator new(std::size_t n, const std::nothrow_t&) noexcept {
  ++allocations;
  return std::malloc(n);
}
[[gnu::noinline]] void* operator new(std::size_t n) {
  if (void* memory = operator new(n, std::nothrow)) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void* operator new[](std::size_t n, const std::nothrow_t&) noexcept {
  return operator new(n, std::nothrow);
}
[[gnu::noinline]] void* operator new[](std::size_t n) {
  return operator new(n);
}
[[gnu::noinline]] void operator delete(void* memory) noexcept {
  std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, const std::nothrow_t&) noexcept {
  std::free(memory);
}
[[gnu::noinline]] void operator delete[](void* memory) noexcept {
  std::free(memory);
}
[[gnu::noinline]] void operator delete[](void* memory, std::size_t) noexcept {
  std::free(memory);
}
[[gnu::noinline]] void operator delete[](void* memory, const std::nothrow_t&) noexcept {
  std::free(memory);
}

namespace caraway::net {
namespace {

using std::chrono::milliseconds;

// A connection whose system calls are the test's.
struct scripted_connection {
  io::scripted_socket* kernel = new io::scripted_socket;
  socket_core core{unique_fd(), std::unique_ptr<runtime::io_handle>(kernel), ending::may_reset};

  // Gives back `n` messages of 20 bytes, one after the other.
  void echo(int n) {
    for (int i = 0; i < n; ++i) {
      const auto seen = core.fill(20, never);
      ASSERT_TRUE(seen);
      const bytes message = seen->first(20);
      ASSERT_TRUE(core.write(parts(&message, 1), never));
      core.consume(20);
    }
  }
};

const std::string message(20, 'x');

TEST(socket_core, an_echo_costs_one_receive_and_one_send) {
  scripted_connection c;
  task_group group;
  group.go([&] { c.echo(100); });
  for (int i = 0; i < 100; ++i) {
    sleep(immediately);
    c.kernel->arrive(message);
  }
  group.wait();
  EXPECT_EQ(c.kernel->receives, 100 + 1);
  EXPECT_EQ(c.kernel->sends, 100);
  EXPECT_EQ(c.kernel->sent.size(), 2000u);
}

TEST(socket_core, sixteen_messages_that_come_together_cost_one_receive_and_one_send) {
  scripted_connection c;
  std::string together;
  for (int i = 0; i < 16; ++i) together += message;
  c.kernel->arrive(together);
  task_group group;
  group.go([&] { c.echo(16); });
  group.wait();
  EXPECT_EQ(c.kernel->receives, 1);
  EXPECT_EQ(c.kernel->sends, 1);
  EXPECT_EQ(c.kernel->sent, together);
}

TEST(socket_core, an_echo_allocates_nothing) {
  scripted_connection c;
  c.kernel->waiting.reserve(100'000);
  c.kernel->sent.reserve(100'000);
  c.kernel->arrive(message);
  c.echo(1);
  sleep(immediately);
  const long before = allocations;
  for (int i = 0; i < 1000; ++i) {
    c.kernel->arrive(message);
    c.echo(1);
    sleep(immediately);
  }
  EXPECT_EQ(allocations, before);
}

TEST(socket_core, a_cancelled_coroutine_still_ends_the_connection_properly) {
  scripted_connection c;
  task_group group;
  group.go([&] {
    EXPECT_FALSE(try_sleep(never));
    EXPECT_EQ(c.core.write({}, never), result<void>());
    EXPECT_FALSE(c.core.close(never));
    EXPECT_TRUE(c.core.closed());
  });
  sleep(milliseconds(1));
  group.cancel();
}

TEST(socket_core, an_abort_reaches_a_receiver_that_was_already_woken) {
  scripted_connection c;
  task_group group;
  group.go([&] { EXPECT_EQ(c.core.fill(40, never).error(), os_error(ECANCELED)); });
  sleep(milliseconds(1));
  c.kernel->arrive(message);
  c.core.abort();
  group.wait();
  EXPECT_TRUE(c.core.buffered().empty());
  EXPECT_EQ(c.core.fill(1, never).error(), errc::closed);
}

TEST(socket_core, an_abort_reaches_a_writer_that_was_already_woken) {
  scripted_connection c;
  c.kernel->room = 10;
  const std::string large(100'000, 'x');
  task_group group;
  group.go([&] {
    const bytes b = as_bytes(large);
    EXPECT_EQ(c.core.write(parts(&b, 1), never).error(), os_error(ECANCELED));
  });
  sleep(milliseconds(1));
  c.kernel->make_room(10);
  c.core.abort();
  group.wait();
}

TEST(socket_core, a_failed_receive_ends_sending_too) {
  scripted_connection c;
  c.kernel->break_off(ECONNRESET);
  EXPECT_EQ(c.core.fill(1, never).error(), os_error(ECONNRESET));
  const bytes b = as_bytes(message);
  EXPECT_EQ(c.core.write(parts(&b, 1), never).error(), os_error(ECONNRESET));
  EXPECT_EQ(c.core.flush(never).error(), os_error(ECONNRESET));
  EXPECT_FALSE(c.core.healthy());
}

TEST(socket_core, a_failed_send_leaves_what_came_before_it_to_be_received) {
  scripted_connection c;
  c.kernel->send_error = ECONNRESET;
  c.kernel->arrive("goodbye");
  c.kernel->end();
  const bytes b = as_bytes(message);
  EXPECT_TRUE(c.core.write(parts(&b, 1), never));
  EXPECT_EQ(c.core.flush(never).error(), os_error(ECONNRESET));
  EXPECT_EQ(as_text(*c.core.fill(7, never)), "goodbye");
  c.core.consume(7);
  EXPECT_EQ(c.core.fill(1, never).error(), os_error(ECONNRESET));
}

TEST(socket_core, one_receives_and_one_sends_at_the_same_time) {
  scripted_connection c;
  c.kernel->room = 0;
  const std::string large(100'000, 'x');
  task_group group;
  group.go([&] {
    const bytes b = as_bytes(large);
    EXPECT_TRUE(c.core.write(parts(&b, 1), never));
  });
  group.go([&] { EXPECT_TRUE(c.core.fill(20, never)); });
  sleep(milliseconds(1));
  EXPECT_FALSE(c.core.healthy());
  c.kernel->arrive(message);
  c.kernel->make_room(200'000);
  group.wait();
  EXPECT_TRUE(c.core.healthy());
  EXPECT_EQ(c.kernel->sent, large);
}

}  // namespace
}  // namespace caraway::net
