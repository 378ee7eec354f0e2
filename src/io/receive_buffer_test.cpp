// receive_buffer_test.cpp - what is received, with how many system calls, and in how much memory.
#include "io/receive_buffer.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

#include "caraway/task_group.hpp"
#include "caraway/this_task.hpp"
#include "io/scripted_socket.hpp"
#include "runtime/scheduler.hpp"

namespace caraway::io {
namespace {

using std::chrono::milliseconds;

std::size_t lent() {
  return runtime::scheduler::current().buffers().lent();
}

std::string letters(std::size_t n) {
  std::string text(n, ' ');
  for (std::size_t i = 0; i < n; ++i) text[i] = static_cast<char>('a' + (i + (i >> 8)) % 26);
  return text;
}

TEST(receive_buffer, sixteen_messages_that_came_together_cost_one_receive) {
  scripted_socket s;
  receive_buffer in;
  s.arrive(letters(320));
  for (int i = 0; i < 16; ++i) {
    const auto seen = in.fill(s, 20, never);
    ASSERT_TRUE(seen);
    EXPECT_EQ(as_text(seen->first(20)), letters(320).substr(static_cast<std::size_t>(i) * 20, 20));
    in.consume(20);
  }
  EXPECT_EQ(s.receives, 1);
}

TEST(receive_buffer, memory_is_borrowed_only_while_something_is_buffered) {
  scripted_socket s;
  receive_buffer in;
  const std::size_t before = lent();
  {
    task_group group;
    group.go([&] { EXPECT_TRUE(in.fill(s, 5, never)); });
    caraway::sleep(milliseconds(1));
    EXPECT_EQ(lent(), before);
    s.arrive("hello");
  }
  EXPECT_EQ(lent(), before + 1);
  in.consume(4);
  EXPECT_EQ(lent(), before + 1);
  in.consume(1);
  EXPECT_EQ(lent(), before);
}

TEST(receive_buffer, half_a_message_waits_in_the_smallest_block) {
  scripted_socket s;
  receive_buffer in;
  s.arrive(letters(100));
  ASSERT_TRUE(in.fill(s, 1, never));
  EXPECT_EQ(in.fill(s, 200, milliseconds(1)).error(), os_error(ETIMEDOUT));
  EXPECT_EQ(as_text(in.view()), letters(100));
  EXPECT_EQ(in.capacity(), runtime::buffer_pool::smallest);
  s.arrive(letters(200).substr(100));
  const auto seen = in.fill(s, 200, never);
  ASSERT_TRUE(seen);
  EXPECT_EQ(as_text(*seen), letters(200));
}

TEST(receive_buffer, half_a_message_and_a_flood_behind_it_come_together) {
  for (std::size_t half : {1, 2047, 2048, 2049, 4095, 16000}) {
    for (std::size_t more : {1, 2048, 4096, 16384, 70000}) {
      scripted_socket s;
      receive_buffer in;
      const std::string all = letters(half + more);
      s.arrive(all.substr(0, half));
      ASSERT_TRUE(in.fill(s, half, never));
      EXPECT_FALSE(in.fill(s, half + 1, milliseconds(1)));
      s.arrive(all.substr(half));
      const auto seen = in.fill(s, all.size(), never);
      ASSERT_TRUE(seen);
      EXPECT_EQ(as_text(*seen), all);
    }
  }
}

TEST(receive_buffer, a_large_message_is_received_behind_its_beginning) {
  scripted_socket s;
  receive_buffer in;
  const std::string all = letters(1'000'000);
  s.arrive(all);
  const auto seen = in.fill(s, all.size(), never);
  ASSERT_TRUE(seen);
  EXPECT_EQ(as_text(*seen), all);
  EXPECT_EQ(s.receives, 2);
}

TEST(receive_buffer, asking_for_one_byte_more_each_time_does_not_move_everything_each_time) {
  scripted_socket s;
  receive_buffer in;
  std::size_t moves = 0;
  const std::byte* at = nullptr;
  for (std::size_t n = 1; n <= 600'000; n += 100) {
    s.arrive(std::string(100, 'x'));
    ASSERT_TRUE(in.fill(s, n + 99, never));
    if (in.view().data() != at) ++moves;
    at = in.view().data();
  }
  EXPECT_LT(moves, 12u);
}

TEST(receive_buffer, a_large_destination_is_received_into_directly) {
  scripted_socket s;
  receive_buffer in;
  const std::size_t before = lent();
  std::vector<std::byte> into(500'000);
  s.arrive(letters(into.size()));
  const auto n = in.read_into(s, into, into.size(), never, nullptr);
  ASSERT_TRUE(n);
  EXPECT_EQ(as_text(into), letters(into.size()));
  EXPECT_EQ(s.receives, 1);
  EXPECT_EQ(lent(), before);
}

TEST(receive_buffer, small_reads_read_ahead) {
  scripted_socket s;
  receive_buffer in;
  s.arrive("123456789");
  char text[3];
  for (int i = 0; i < 3; ++i)
    EXPECT_TRUE(in.read_into(s, std::as_writable_bytes(std::span(text)), 3, never, nullptr));
  EXPECT_EQ(std::string_view(text, 3), "789");
  EXPECT_EQ(s.receives, 1);
}

TEST(receive_buffer, without_reading_ahead_not_one_byte_too_many_is_received) {
  scripted_socket s;
  receive_buffer in;
  in.set_read_ahead(false);
  s.arrive("1234567");
  EXPECT_EQ(as_text(*in.fill(s, 3, never)), "123");
  EXPECT_EQ(as_text(*in.fill(s, 4, never)), "1234");
  char text[6];
  EXPECT_EQ(in.read_into(s, std::as_writable_bytes(std::span(text)), 5, never, nullptr), 6u);
  EXPECT_EQ(std::string_view(text, 6), "123456");
  EXPECT_EQ(s.waiting, "7");
}

TEST(receive_buffer, an_end_behind_bytes_is_told_after_them) {
  scripted_socket s;
  receive_buffer in;
  s.arrive("rest");
  s.end();
  EXPECT_EQ(in.fill(s, 5, never).error(), errc::end_of_stream);
  EXPECT_EQ(as_text(in.view()), "rest");
  EXPECT_TRUE(in.fill(s, 4, never));
  EXPECT_TRUE(in.finished());
}

TEST(receive_buffer, every_error_that_is_not_about_one_call_is_a_broken_connection) {
  for (int code : {ECONNRESET, EPIPE, EHOSTUNREACH, ENETDOWN, EIO}) {
    scripted_socket s;
    receive_buffer in;
    s.break_off(code);
    EXPECT_EQ(in.fill(s, 1, never).error(), os_error(ECONNRESET));
    s.receive_error = 0;
    EXPECT_EQ(in.fill(s, 1, never).error(), os_error(ECONNRESET));
    EXPECT_TRUE(in.broken());
  }
}

TEST(receive_buffer, the_kernel_giving_up_a_silent_peer_is_no_time_out) {
  scripted_socket s;
  receive_buffer in;
  s.break_off(ETIMEDOUT);
  EXPECT_EQ(in.fill(s, 1, never).error(), os_error(ECONNRESET));
}

TEST(receive_buffer, more_than_there_is_memory_for_cannot_be_buffered) {
  scripted_socket s;
  receive_buffer in;
  s.arrive("x");
  EXPECT_EQ(in.fill(s, ~std::size_t{0}, never).error(), os_error(ENOMEM));
  EXPECT_EQ(as_text(*in.fill(s, 1, never)), "x");
}

TEST(receive_buffer, a_trickle_does_not_extend_the_deadline) {
  scripted_socket s;
  receive_buffer in;
  task_group group;
  group.go([&] {
    while (!this_task::cancelled()) {
      s.arrive("x");
      if (!try_sleep(milliseconds(1))) break;
    }
  });
  EXPECT_EQ(in.fill(s, 1'000'000, milliseconds(20)).error(), os_error(ETIMEDOUT));
  EXPECT_FALSE(in.view().empty());
  group.cancel();
}

}  // namespace
}  // namespace caraway::io
