// send_queue_test.cpp - what is sent, when, in what order and with how many system calls.
#include "io/send_queue.hpp"

#include <gtest/gtest.h>

#include <array>
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

std::string letters(std::size_t n, unsigned seed = 0) {
  std::string text(n, ' ');
  for (std::size_t i = 0; i < n; ++i) text[i] = static_cast<char>('a' + (i + (i >> 8) + seed) % 26);
  return text;
}

result<void> write(send_queue& q, std::string_view text, deadline dl = never) {
  const bytes b = as_bytes(text);
  return q.write(parts(&b, 1), dl);
}

void let_others_run() {
  EXPECT_TRUE(try_sleep(immediately));
}

TEST(send_queue, small_writes_of_one_turn_leave_in_one_send) {
  scripted_socket s;
  send_queue out(s);
  for (int i = 0; i < 16; ++i) EXPECT_TRUE(write(out, letters(20)));
  EXPECT_EQ(s.sends, 0);
  let_others_run();
  EXPECT_EQ(s.sends, 1);
  EXPECT_EQ(s.sent.size(), 320u);
}

TEST(send_queue, memory_is_borrowed_only_while_something_is_held_back) {
  runtime::buffer_pool& pool = runtime::scheduler::current().buffers();
  const std::size_t before = pool.lent();
  scripted_socket s;
  send_queue out(s);
  EXPECT_TRUE(write(out, "held back"));
  EXPECT_EQ(pool.lent(), before + 1);
  let_others_run();
  EXPECT_EQ(pool.lent(), before);
}

TEST(send_queue, sixty_four_kibibytes_do_not_wait_for_the_end_of_the_turn) {
  scripted_socket s;
  send_queue out(s);
  for (int i = 0; i < 63; ++i) EXPECT_TRUE(write(out, letters(1024)));
  EXPECT_EQ(s.sends, 0);
  EXPECT_TRUE(write(out, letters(1024)));
  EXPECT_EQ(s.sends, 1);
  EXPECT_EQ(s.sent.size(), 65536u);
}

TEST(send_queue, a_flush_sends_at_once_and_costs_nothing_if_there_is_nothing) {
  scripted_socket s;
  send_queue out(s);
  EXPECT_TRUE(write(out, "now"));
  EXPECT_TRUE(out.flush(never));
  EXPECT_EQ(s.sent, "now");
  EXPECT_TRUE(out.flush(never));
  EXPECT_EQ(s.sends, 1);
}

TEST(send_queue, a_large_write_takes_what_was_gathered_with_it_in_one_send) {
  scripted_socket s;
  send_queue out(s);
  const std::string large = letters(100'000);
  const std::array<bytes, 2> ps = {as_bytes("head"), as_bytes(large)};
  EXPECT_TRUE(write(out, "before,"));
  EXPECT_TRUE(out.write(ps, never));
  EXPECT_EQ(s.sends, 1);
  EXPECT_EQ(s.sent, "before,head" + large);
}

TEST(send_queue, a_large_write_that_meets_a_full_socket_waits_for_room) {
  scripted_socket s;
  s.room = 10;
  send_queue out(s);
  const std::string large = letters(50'000);
  task_group group;
  group.go([&] { EXPECT_TRUE(write(out, large)); });
  caraway::sleep(milliseconds(1));
  EXPECT_EQ(s.sent.size(), 10u);
  s.make_room(30'000);
  caraway::sleep(milliseconds(1));
  EXPECT_EQ(s.sent.size(), 30'010u);
  s.make_room(30'000);
  group.wait();
  EXPECT_EQ(s.sent, large);
}

TEST(send_queue, a_large_write_that_times_out_before_its_first_byte_has_sent_nothing) {
  scripted_socket s;
  s.room = 3;
  send_queue out(s);
  EXPECT_TRUE(write(out, "before"));
  EXPECT_EQ(write(out, letters(50'000), milliseconds(1)).error(), os_error(ETIMEDOUT));
  EXPECT_EQ(out.held(), 3u);
  EXPECT_TRUE(write(out, ",after"));
  s.make_room(100'000);
  EXPECT_TRUE(out.flush(never));
  EXPECT_EQ(s.sent, "before,after");
}

TEST(send_queue, a_large_write_that_times_out_behind_its_first_byte_has_succeeded) {
  scripted_socket s;
  s.room = 7;
  send_queue out(s);
  const std::string large = letters(50'000);
  EXPECT_TRUE(write(out, "before"));
  EXPECT_TRUE(write(out, large, milliseconds(1)));
  EXPECT_TRUE(write(out, "after"));
  EXPECT_EQ(out.flush(milliseconds(1)).error(), os_error(ETIMEDOUT));
  s.make_room(100'000);
  EXPECT_TRUE(out.flush(never));
  EXPECT_EQ(s.sent, "before" + large + "after");
}

TEST(send_queue, small_writes_beside_a_large_one_come_behind_it) {
  for (std::size_t room : {0, 1, 6, 7, 20'000}) {
    for (bool gives_up : {false, true}) {
      scripted_socket s;
      s.room = room;
      send_queue out(s);
      const std::string large = letters(50'000);
      result<void> written;
      task_group group;
      group.go([&] {
        EXPECT_TRUE(write(out, "before"));
        written = write(out, large, gives_up ? deadline(milliseconds(5)) : never);
      });
      caraway::sleep(milliseconds(1));
      EXPECT_TRUE(write(out, "after"));
      if (gives_up) group.wait();
      s.make_room(100'000);
      group.wait();
      EXPECT_TRUE(out.flush(never));
      EXPECT_EQ(written.has_value(), !gives_up || room > 6);
      EXPECT_EQ(s.sent, "before" + (written ? large : std::string()) + "after");
    }
  }
}

TEST(send_queue, what_a_full_socket_does_not_take_leaves_by_itself_later) {
  scripted_socket s;
  s.room = 5;
  send_queue out(s);
  EXPECT_TRUE(write(out, "hello, "));
  let_others_run();
  EXPECT_TRUE(write(out, "world"));
  let_others_run();
  EXPECT_EQ(s.sent, "hello");
  EXPECT_EQ(out.held(), 7u);
  s.make_room(3);
  EXPECT_EQ(s.sent, "hello, w");
  s.make_room(100);
  EXPECT_EQ(s.sent, "hello, world");
  EXPECT_EQ(out.held(), 0u);
}

TEST(send_queue, writers_wait_while_a_mebibyte_is_held_back) {
  scripted_socket s;
  s.room = 0;
  send_queue out(s);
  std::size_t taken = 0;
  while (write(out, letters(1000), immediately)) taken += 1000;
  EXPECT_LE(taken, send_queue::high_water);
  EXPECT_GT(taken, send_queue::high_water - 1000);
  EXPECT_EQ(out.held(), taken);
  task_group group;
  group.go([&] { EXPECT_TRUE(write(out, letters(1000))); });
  caraway::sleep(milliseconds(1));
  EXPECT_EQ(out.held(), taken);
  s.make_room(4'000'000);
  group.wait();
  EXPECT_TRUE(out.flush(never));
  EXPECT_EQ(s.sent.size(), taken + 1000);
}

TEST(send_queue, writers_that_wait_go_in_order_and_nobody_slips_in) {
  scripted_socket s;
  s.room = 0;
  send_queue out(s);
  task_group group;
  for (unsigned i = 0; i < 4; ++i)
    group.go([&, i] { EXPECT_TRUE(write(out, letters(2'000'000, i))); });
  caraway::sleep(milliseconds(1));
  group.go([&] { EXPECT_TRUE(write(out, "small")); });
  caraway::sleep(milliseconds(1));
  s.make_room(100'000'000);
  group.wait();
  EXPECT_TRUE(out.flush(never));
  EXPECT_EQ(s.sent, letters(2'000'000, 0) + letters(2'000'000, 1) + letters(2'000'000, 2) +
                        letters(2'000'000, 3) + "small");
}

TEST(send_queue, a_writer_that_gives_up_lets_the_next_one_go) {
  scripted_socket s;
  s.room = 0;
  send_queue out(s);
  EXPECT_TRUE(write(out, "x"));
  let_others_run();
  task_group group;
  group.go([&] {
    EXPECT_EQ(write(out, letters(2'000'000), milliseconds(2)).error(), os_error(ETIMEDOUT));
  });
  caraway::sleep(milliseconds(1));
  EXPECT_TRUE(write(out, "y", milliseconds(1000)));
  EXPECT_EQ(out.held(), 2u);
}

TEST(send_queue, a_failure_found_late_comes_out_of_the_next_call) {
  for (int code : {EPIPE, ECONNRESET, EHOSTUNREACH}) {
    scripted_socket s;
    send_queue out(s);
    s.send_error = code;
    EXPECT_TRUE(write(out, "held back"));
    let_others_run();
    EXPECT_EQ(write(out, "more").error(), os_error(ECONNRESET));
    EXPECT_EQ(out.flush(never).error(), os_error(ECONNRESET));
    EXPECT_EQ(write(out, letters(50'000)).error(), os_error(ECONNRESET));
    EXPECT_EQ(out.held(), 0u);
  }
}

TEST(send_queue, a_failure_wakes_everybody_who_waits) {
  scripted_socket s;
  s.room = 0;
  send_queue out(s);
  EXPECT_TRUE(write(out, "x"));
  task_group group;
  group.go([&] { EXPECT_EQ(out.flush(never).error(), os_error(ECONNRESET)); });
  for (int i = 0; i < 3; ++i)
    group.go([&] { EXPECT_EQ(write(out, letters(2'000'000)).error(), os_error(ECONNRESET)); });
  caraway::sleep(milliseconds(1));
  s.break_off(ECONNRESET);
  group.wait();
}

TEST(send_queue, what_is_held_back_at_the_end_goes_as_far_as_there_is_room) {
  scripted_socket s;
  s.room = 0;
  send_queue out(s);
  EXPECT_TRUE(write(out, "one,"));
  let_others_run();
  EXPECT_TRUE(write(out, "two,three"));
  s.room = 8;
  out.flush_now();
  EXPECT_EQ(s.sent, "one,two,");
}

TEST(send_queue, what_is_held_back_does_not_go_into_the_middle_of_a_large_write) {
  scripted_socket s;
  s.room = 7;
  send_queue out(s);
  const std::string large = letters(50'000);
  task_group group;
  group.go([&] { EXPECT_EQ(write(out, large).error(), errc::closed); });
  caraway::sleep(milliseconds(1));
  EXPECT_TRUE(write(out, "behind it"));
  EXPECT_EQ(out.acquire(milliseconds(1)).error(), os_error(ETIMEDOUT));
  s.room = 100;
  out.flush_now();
  EXPECT_EQ(s.sent, large.substr(0, 7));
  out.give_up(make_error_code(errc::closed), ECANCELED);
  s.make_room(0);
  group.wait();
}

TEST(send_queue, a_cancelled_coroutine_writes_nothing_large_or_small) {
  scripted_socket s;
  send_queue out(s);
  task_group group;
  group.go([&] {
    EXPECT_FALSE(try_sleep(never));
    EXPECT_EQ(write(out, "small").error(), os_error(ECANCELED));
    EXPECT_EQ(write(out, letters(50'000)).error(), os_error(ECANCELED));
  });
  let_others_run();
  group.cancel();
  group.try_wait(never);
  EXPECT_EQ(s.sends, 0);
}

TEST(send_queue, whoever_has_the_descriptor_alone_has_everything_before_sent) {
  scripted_socket s;
  send_queue out(s);
  EXPECT_TRUE(write(out, "before,"));
  EXPECT_TRUE(out.acquire(never));
  EXPECT_EQ(s.sent, "before,");
  EXPECT_TRUE(write(out, "after"));
  let_others_run();
  EXPECT_EQ(s.sent, "before,");
  s.sent += "between,";
  out.release();
  let_others_run();
  EXPECT_EQ(s.sent, "before,between,after");
}

TEST(send_queue, a_flush_waits_for_what_was_written_before_it_only) {
  scripted_socket s;
  s.room = 0;
  send_queue out(s);
  EXPECT_TRUE(write(out, "one"));
  task_group group;
  bool flushed = false;
  group.go([&] {
    EXPECT_TRUE(out.flush(never));
    flushed = true;
  });
  caraway::sleep(milliseconds(1));
  EXPECT_TRUE(write(out, "two"));
  s.make_room(3);
  caraway::sleep(milliseconds(1));
  EXPECT_TRUE(flushed);
  EXPECT_EQ(out.held(), 3u);
}

}  // namespace
}  // namespace caraway::io
