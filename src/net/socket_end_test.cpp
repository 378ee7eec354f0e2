// socket_end_test.cpp - several coroutines that end one connection, or meet its end, in the same turn.
#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <string>

#include "caraway/task_group.hpp"
#include "caraway/this_task.hpp"
#include "io/scripted_socket.hpp"
#include "net/socket_core.hpp"

namespace caraway::net {
namespace {

using std::chrono::milliseconds;

// A connection whose system calls are the test's.
struct scripted_connection {
  io::scripted_socket* kernel = new io::scripted_socket;
  socket_core core{unique_fd(), std::unique_ptr<runtime::io_handle>(kernel), ending::may_reset};
};

TEST(socket_end, a_receiver_that_has_its_bytes_when_an_abort_comes_gets_none_of_them) {
  scripted_connection c;
  task_group group;
  group.go([&] { EXPECT_EQ(c.core.fill(20, never).error(), os_error(ECANCELED)); });
  sleep(milliseconds(1));
  c.kernel->arrive(std::string(20, 'x'));
  c.core.abort();
  group.wait();
}

TEST(socket_end, nor_does_one_that_receives_into_memory_of_its_own) {
  scripted_connection c;
  std::array<std::byte, 20> into;
  task_group group;
  group.go(
      [&] { EXPECT_EQ(c.core.read_into(into, 20, never, nullptr).error(), os_error(ECANCELED)); });
  sleep(milliseconds(1));
  c.kernel->arrive(std::string(20, 'x'));
  c.core.abort();
  group.wait();
}

TEST(socket_end, a_receiver_on_its_way_to_wait_when_an_abort_comes_does_not_wait) {
  scripted_connection c;
  task_group group;
  group.go([&] { EXPECT_EQ(c.core.fill(20, never).error(), os_error(ECANCELED)); });
  sleep(milliseconds(1));
  c.kernel->arrive({});
  c.core.abort();
  group.wait();
}

TEST(socket_end, of_two_that_close_the_second_sends_the_first_away_and_neither_stays) {
  scripted_connection c;
  task_group group;
  group.go([&] { EXPECT_EQ(c.core.close(never).error(), os_error(ECANCELED)); });
  sleep(milliseconds(1));
  group.go([&] { EXPECT_EQ(c.core.close(never).error(), os_error(ECANCELED)); });
  group.wait();
  EXPECT_TRUE(c.core.closed());
}

// While bytes keep coming, the one that closes lets others run only now and then.
TEST(socket_end, an_abort_while_a_flood_is_dropped_ends_the_dropping) {
  scripted_connection c;
  c.kernel->arrive(std::string(100'000'000, 'x'));
  task_group group;
  group.go([&] { EXPECT_EQ(c.core.close(never).error(), os_error(ECANCELED)); });
  group.go([&] { c.core.abort(); });
  group.wait();
  EXPECT_TRUE(c.core.closed());
}

TEST(socket_end, a_close_behind_a_done_of_another_coroutine_still_drops_what_comes) {
  scripted_connection c;
  c.kernel->room = 0;
  const bytes b = as_bytes(std::string_view("held back"));
  ASSERT_TRUE(c.core.write(parts(&b, 1), never));
  task_group group;
  group.go([&] { EXPECT_TRUE(c.core.done(never)); });
  sleep(milliseconds(1));
  group.go([&] { EXPECT_TRUE(c.core.close(never)); });
  sleep(milliseconds(1));
  c.kernel->arrive("unread");
  c.kernel->end();
  c.kernel->make_room(100);
  group.wait();
}

}  // namespace
}  // namespace caraway::net
