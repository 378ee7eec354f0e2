// contract_test.cpp - what every poller must do, tried on each that this machine has.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <string>
#include <thread>
#include <vector>

#include "runtime/poller.hpp"
#include "runtime/scheduler.hpp"
#include "runtime/test_task.hpp"

namespace caraway::runtime {
namespace {

using namespace std::chrono_literals;

std::vector<const poller_kind*> usable_kinds() {
  std::vector<const poller_kind*> kinds;
  for (const poller_kind* kind : poller_kinds())
    if (kind->usable()) kinds.push_back(kind);
  return kinds;
}

// Two connected stream sockets, of the poller's own kernel.
struct pair {
  explicit pair(scheduler& s) : system(s.system()) {
    int fds[2];
    EXPECT_EQ(system.socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    ours.reset(fds[0]);
    theirs.reset(fds[1]);
    handle = value_or_raise(s.poller().open(fds[0]), "open");
  }

  void put(std::string_view text) {
    EXPECT_EQ(system.send(theirs.get(), text.data(), text.size(), 0),
              static_cast<ssize_t>(text.size()));
  }
  std::string take(int fd, std::size_t most = 65536) {
    std::string text(most, '\0');
    const ssize_t n = system.recv(fd, text.data(), text.size(), 0);
    text.resize(n < 0 ? 0 : static_cast<std::size_t>(n));
    return text;
  }
  // Until our side would block.
  std::size_t fill() {
    const std::string block(4096, 'x');
    std::size_t sent = 0;
    for (ssize_t n; (n = system.send(ours.get(), block.data(), block.size(), 0)) > 0;)
      sent += static_cast<std::size_t>(n);
    return sent;
  }
  void drain() {
    while (!take(theirs.get()).empty()) {
    }
  }
  int wait(direction d, deadline dl = never) { return handle->wait(d, dl, "test"); }

  kernel& system;
  unique_fd ours, theirs;
  std::unique_ptr<io_handle> handle;
};

class contract : public testing::TestWithParam<const poller_kind*> {
 protected:
  runtime::poller& poller() { return scheduler_.poller(); }

  scheduler scheduler_{GetParam()->make()};
};

INSTANTIATE_TEST_SUITE_P(pollers, contract, testing::ValuesIn(usable_kinds()),
                         [](const auto& kind) { return std::string(kind.param->name); });

TEST_P(contract, what_is_readable_already_ends_a_wait_at_once) {
  pair p(scheduler_);
  p.put("x");
  EXPECT_EQ(p.wait(direction::in), 0);
  EXPECT_EQ(p.wait(direction::in, immediately), 0);
}

TEST_P(contract, a_waiter_wakes_when_bytes_arrive) {
  pair p(scheduler_);
  int code = -1;
  test_task reader([&] { code = p.wait(direction::in); });
  lowlevel::yield();
  EXPECT_EQ(code, -1);
  p.put("x");
  reader.join();
  EXPECT_EQ(code, 0);
}

TEST_P(contract, a_fresh_socket_is_writable_and_not_readable) {
  pair p(scheduler_);
  EXPECT_EQ(p.wait(direction::out), 0);
  EXPECT_EQ(p.wait(direction::in, immediately), ETIMEDOUT);
}

TEST_P(contract, a_full_socket_becomes_writable_when_the_peer_reads) {
  pair p(scheduler_);
  for (int round = 0; round < 3; ++round) {
    EXPECT_GT(p.fill(), 0u);
    int code = -1;
    test_task writer([&] { code = p.wait(direction::out); });
    lowlevel::yield();
    EXPECT_EQ(code, -1);
    p.drain();
    writer.join();
    EXPECT_EQ(code, 0);
  }
}

TEST_P(contract, both_directions_can_be_waited_for_at_once) {
  pair p(scheduler_);
  p.fill();
  int in = -1, out = -1;
  test_task reader([&] { in = p.wait(direction::in); });
  test_task writer([&] { out = p.wait(direction::out); });
  lowlevel::yield();
  p.put("x");
  reader.join();
  EXPECT_EQ(in, 0);
  EXPECT_EQ(out, -1);
  p.drain();
  writer.join();
  EXPECT_EQ(out, 0);
}

TEST_P(contract, bytes_that_nobody_reads_end_every_wait) {
  pair p(scheduler_);
  EXPECT_EQ(p.wait(direction::in, 1ms), ETIMEDOUT);
  p.put("0123456789");
  EXPECT_EQ(p.wait(direction::in), 0);
  EXPECT_EQ(p.wait(direction::in), 0);
  EXPECT_EQ(p.take(p.ours.get(), 4), "0123");
  EXPECT_EQ(p.wait(direction::in), 0);
  EXPECT_EQ(p.take(p.ours.get()), "456789");
  EXPECT_EQ(p.wait(direction::in, 1ms), ETIMEDOUT);
}

TEST_P(contract, bytes_that_come_while_nobody_waits_are_not_missed) {
  pair p(scheduler_);
  EXPECT_EQ(p.wait(direction::in, immediately), ETIMEDOUT);
  p.put("x");
  for (int i = 0; i < 3; ++i) poller().wait(time_point::min());
  EXPECT_EQ(p.wait(direction::in), 0);
}

TEST_P(contract, a_handle_that_timed_out_still_hears_of_what_comes_later) {
  pair p(scheduler_);
  for (int round = 0; round < 3; ++round) {
    EXPECT_EQ(p.wait(direction::in, immediately), ETIMEDOUT);
    int code = -1;
    test_task reader([&] { code = p.wait(direction::in); });
    lowlevel::yield();
    p.put("x");
    reader.join();
    EXPECT_EQ(code, 0);
    EXPECT_EQ(p.take(p.ours.get()), "x");
  }
}

TEST_P(contract, a_cancelled_wait_ends_with_ecanceled) {
  pair p(scheduler_);
  int code = -1;
  test_task reader([&] { code = p.wait(direction::in); });
  lowlevel::yield();
  reader.cancel();
  reader.join();
  EXPECT_EQ(code, ECANCELED);
  p.put("x");
  EXPECT_EQ(p.wait(direction::in), 0);
}

TEST_P(contract, a_second_waiter_for_the_same_direction_gets_ebusy) {
  pair p(scheduler_);
  int code = -1;
  test_task reader([&] { code = p.wait(direction::in); });
  lowlevel::yield();
  EXPECT_EQ(p.wait(direction::in), EBUSY);
  EXPECT_EQ(p.wait(direction::out), 0);
  p.put("x");
  reader.join();
  EXPECT_EQ(code, 0);
}

TEST_P(contract, destroying_a_handle_wakes_its_waiters_with_ecanceled) {
  pair p(scheduler_);
  p.fill();
  int in = -1, out = -1;
  test_task reader([&] { in = p.wait(direction::in); });
  test_task writer([&] { out = p.wait(direction::out); });
  lowlevel::yield();
  poller().wait(time_point::min());
  p.handle.reset();
  reader.join();
  writer.join();
  EXPECT_EQ(in, ECANCELED);
  EXPECT_EQ(out, ECANCELED);
}

TEST_P(contract, destroying_a_handle_that_has_just_become_ready_is_safe) {
  pair p(scheduler_);
  EXPECT_EQ(p.wait(direction::in, immediately), ETIMEDOUT);
  p.put("x");
  p.handle.reset();
  poller().wait(time_point::min());
  p.handle = value_or_raise(poller().open(p.ours.get()), "open");
  EXPECT_EQ(p.wait(direction::in), 0);
}

TEST_P(contract, interrupt_wakes_the_waiters_and_leaves_the_handle_usable) {
  pair p(scheduler_);
  int code = -1;
  test_task reader([&] { code = p.wait(direction::in); });
  lowlevel::yield();
  p.handle->interrupt(ESHUTDOWN);
  reader.join();
  EXPECT_EQ(code, ESHUTDOWN);
  p.put("x");
  EXPECT_EQ(p.wait(direction::in), 0);
}

TEST_P(contract, a_hang_up_ends_every_wait_in_both_directions) {
  pair p(scheduler_);
  p.fill();
  int in = -1, out = -1;
  test_task reader([&] { in = p.wait(direction::in); });
  test_task writer([&] { out = p.wait(direction::out); });
  lowlevel::yield();
  p.theirs.reset();
  reader.join();
  writer.join();
  EXPECT_EQ(in, 0);
  EXPECT_EQ(out, 0);
  EXPECT_EQ(p.wait(direction::in), 0);
  EXPECT_EQ(p.wait(direction::out), 0);
}

TEST_P(contract, the_end_of_a_stream_is_noticed_after_a_short_read_that_came_with_it) {
  for (bool registered : {false, true}) {
    pair p(scheduler_);
    EXPECT_EQ(p.wait(registered ? direction::in : direction::out, immediately),
              registered ? ETIMEDOUT : 0);
    p.put("abc");
    p.system.shutdown(p.theirs.get(), SHUT_WR);
    for (int i = 0; registered && i < 2; ++i) poller().wait(time_point::min());
    std::byte into[64];
    std::size_t got = 0;
    while (got < 3) got += p.handle->recv(std::span(into).subspan(got), never).value_or(64);
    EXPECT_EQ(got, 3u);
    EXPECT_EQ(p.handle->recv(into, never), 0u);
    EXPECT_EQ(p.handle->recv(into, never), 0u);
  }
}

TEST_P(contract, the_end_of_a_stream_wakes_a_reader) {
  pair p(scheduler_);
  result<std::size_t> got = 1;
  test_task reader([&] {
    std::byte into[64];
    got = p.handle->recv(into, never);
  });
  lowlevel::yield();
  p.system.shutdown(p.theirs.get(), SHUT_WR);
  reader.join();
  EXPECT_EQ(got, 0u);
  EXPECT_EQ(p.wait(direction::out), 0);
}

TEST_P(contract, a_descriptor_that_is_not_open_gives_ebadf) {
  pair p(scheduler_);
  p.handle.reset();
  const int fd = p.ours.get();
  p.ours.reset();
  p.handle = value_or_raise(poller().open(fd), "open");
  EXPECT_EQ(p.wait(direction::in), EBADF);
  EXPECT_EQ(p.wait(direction::out), EBADF);
}

TEST_P(contract, a_regular_file_is_always_ready_and_never_armed) {
  const unique_fd file(::memfd_create("test", MFD_CLOEXEC));
  const auto handle = value_or_raise(poller().open(file.get()), "open");
  for (direction d : {direction::in, direction::out}) {
    EXPECT_EQ(handle->wait(d, never, "test"), 0);
    lowlevel::waiter w;
    EXPECT_EQ(handle->enlist(d, w), ENOTSUP);
    EXPECT_FALSE(w.linked());
  }
}

TEST_P(contract, pipes_of_the_real_kernel_can_be_waited_for) {
  int fds[2];
  ASSERT_EQ(::pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
  unique_fd read_end(fds[0]), write_end(fds[1]);
  const auto reader = value_or_raise(poller().open(fds[0]), "open");
  const auto writer = value_or_raise(poller().open(fds[1]), "open");
  EXPECT_EQ(reader->wait(direction::in, 1ms, "test"), ETIMEDOUT);
  EXPECT_EQ(writer->wait(direction::out, never, "test"), 0);
  std::thread other([&] { EXPECT_EQ(::write(fds[1], "x", 1), 1); });
  EXPECT_EQ(reader->wait(direction::in, never, "test"), 0);
  other.join();
  while (::write(fds[1], "xxxxxxxx", 8) > 0) {
  }
  EXPECT_EQ(writer->wait(direction::out, 1ms, "test"), ETIMEDOUT);
  std::thread closer([&] { read_end.reset(); });
  const int code = writer->wait(direction::out, never, "test");
  closer.join();
  EXPECT_EQ(code, 0);
}

TEST_P(contract, many_descriptors_can_be_waited_for_at_once) {
  constexpr std::size_t many = 300;
  std::vector<std::unique_ptr<pair>> pairs;
  std::vector<std::unique_ptr<test_task>> readers;
  std::vector<int> codes(many, -1);
  for (std::size_t i = 0; i < many; ++i) {
    pairs.push_back(std::make_unique<pair>(scheduler_));
    readers.push_back(std::make_unique<test_task>(
        [&codes, &p = *pairs[i], i] { codes[i] = p.wait(direction::in); }));
  }
  lowlevel::yield();
  for (std::size_t i = 0; i < many; i += 2) pairs[i]->put("x");
  for (std::size_t i = 0; i < many; i += 2) readers[i]->join();
  EXPECT_EQ(std::count(codes.begin(), codes.end(), 0), many / 2);
  for (std::size_t i = 1; i < many; i += 2) pairs[i]->put("x");
  for (auto& reader : readers) reader->join();
  EXPECT_EQ(std::count(codes.begin(), codes.end(), 0), many);
}

TEST_P(contract, a_number_used_again_belongs_to_its_new_descriptor) {
  auto first = std::make_unique<pair>(scheduler_);
  const int number = first->ours.get();
  EXPECT_EQ(first->wait(direction::in, immediately), ETIMEDOUT);
  first->put("x");
  first->handle.reset();
  first.reset();
  pair second(scheduler_);
  EXPECT_EQ(second.ours.get(), number);
  EXPECT_EQ(second.wait(direction::in, 1ms), ETIMEDOUT);
  second.put("y");
  EXPECT_EQ(second.wait(direction::in), 0);
  EXPECT_EQ(second.take(number), "y");
}

TEST_P(contract, a_file_that_lives_on_under_another_number_disturbs_nobody) {
  int fds[2];
  ASSERT_EQ(::pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
  unique_fd read_end(fds[0]), write_end(fds[1]);
  auto old = value_or_raise(poller().open(fds[0]), "open");
  EXPECT_EQ(old->wait(direction::in, 1ms, "test"), ETIMEDOUT);
  const unique_fd copy(::fcntl(fds[0], F_DUPFD_CLOEXEC, 0));
  old.reset();
  read_end.reset();
  int others[2];
  ASSERT_EQ(::pipe2(others, O_CLOEXEC | O_NONBLOCK), 0);
  unique_fd other_read_end(others[0]), other_write_end(others[1]);
  EXPECT_EQ(others[0], fds[0]);
  const auto fresh = value_or_raise(poller().open(others[0]), "open");
  test_task reader([&] { EXPECT_EQ(fresh->wait(direction::in, 2ms, "test"), ETIMEDOUT); });
  lowlevel::yield();
  EXPECT_EQ(::write(fds[1], "x", 1), 1);
  reader.join();
}

TEST_P(contract, a_wait_lasts_until_its_end) {
  for (const nanoseconds d : {1ns, 100'000ns, 2'000'000ns}) {
    const time_point until = poller().now() + d;
    poller().wait(until);
    EXPECT_GE(poller().now(), until);
  }
}

TEST_P(contract, a_wait_that_ends_in_the_past_only_looks) {
  poller().wait(time_point::min());
  poller().wait(poller().now() - 1h);
  poller().wait(poller().now());
  EXPECT_EQ(scheduler_.count(), 1u);
}

TEST_P(contract, a_handle_that_nobody_waits_for_does_not_end_a_wait) {
  pair p(scheduler_);
  p.put("x");
  const time_point until = poller().now() + 2ms;
  poller().wait(until);
  EXPECT_GE(poller().now(), until);
}

TEST_P(contract, a_signal_does_not_end_a_wait) {
  struct sigaction old, action{};
  action.sa_handler = [](int) {};
  ASSERT_EQ(::sigaction(SIGUSR1, &action, &old), 0);
  const time_point until = poller().now() + 5ms;
  std::thread other([self = ::pthread_self()] { ::pthread_kill(self, SIGUSR1); });
  poller().wait(until);
  EXPECT_GE(poller().now(), until);
  other.join();
  ::sigaction(SIGUSR1, &old, nullptr);
}

TEST_P(contract, wake_ends_the_next_wait_if_none_runs) {
  for (int round = 0; round < 3; ++round) {
    poller().wake();
    poller().wake();
    poller().wait(time_point::max());
  }
  poller().wake();
  poller().wait(time_point::min());
  const time_point until = poller().now() + 1ms;
  while (poller().now() < until) poller().wait(until);
  EXPECT_GE(poller().now(), until);
}

TEST_P(contract, wake_from_another_thread_ends_a_wait_without_end) {
  for (int round = 0; round < 100; ++round) {
    std::thread other([&] { poller().wake(); });
    poller().wait(time_point::max());
    other.join();
  }
  EXPECT_EQ(scheduler_.count(), 1u);
}

TEST_P(contract, what_another_thread_posts_runs_while_this_one_sleeps) {
  for (int round = 0; round < 20; ++round) {
    lowlevel::waiter w;
    lowlevel::operation op("test");
    op.add(w);
    std::thread other([&] { scheduler_.inbox()->post([&] { lowlevel::wake(w, 7); }); });
    EXPECT_EQ(op.park(never), 7);
    other.join();
  }
}

TEST_P(contract, a_wake_that_is_expected_comes_before_a_later_deadline) {
  for (int round = 0; round < 20; ++round) {
    lowlevel::waiter w;
    lowlevel::operation op("test");
    op.add(w);
    poller().expect_wake(1);
    std::thread other([&] {
      scheduler_.inbox()->post([&] {
        poller().expect_wake(-1);
        lowlevel::wake(w, 7);
      });
    });
    EXPECT_EQ(op.park(1h), 7);
    other.join();
  }
}

TEST_P(contract, a_handle_may_outlive_its_poller) {
  auto mine = std::make_unique<scheduler>(GetParam()->make());
  int fds[2];
  ASSERT_EQ(::pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
  const unique_fd read_end(fds[0]), write_end(fds[1]);
  auto handle = value_or_raise(mine->poller().open(fds[0]), "open");
  EXPECT_EQ(handle->wait(direction::in, immediately, "test"), ETIMEDOUT);
  mine.reset();
  handle.reset();
  EXPECT_EQ(::write(fds[1], "x", 1), 1);
}

// Asks the poller inside, and counts how often.
class counting_poller final : public poller {
 public:
  counting_poller(std::unique_ptr<poller> inner, int& waits) noexcept
      : inner_(std::move(inner)), waits_(waits) {}
  const char* name() const noexcept override { return inner_->name(); }
  time_point now() const noexcept override { return inner_->now(); }
  kernel& system() noexcept override { return inner_->system(); }
  result<std::unique_ptr<io_handle>> open(int fd) override { return inner_->open(fd); }
  void wait(time_point until) noexcept override {
    ++waits_;
    inner_->wait(until);
  }
  void wake() noexcept override { inner_->wake(); }
  void expect_wake(int change) noexcept override { inner_->expect_wake(change); }
  void submit() noexcept override { inner_->submit(); }

 private:
  std::unique_ptr<poller> inner_;
  int& waits_;
};

TEST(contract, an_idle_thread_asks_its_poller_only_when_something_is_due) {
  for (const poller_kind* kind : usable_kinds()) {
    int waits = 0;
    scheduler s(std::make_unique<counting_poller>(kind->make(), waits));
    pair p(s);
    EXPECT_EQ(p.wait(direction::in, immediately), ETIMEDOUT);
    waits = 0;
    EXPECT_EQ(p.wait(direction::in, 20ms), ETIMEDOUT) << kind->name;
    EXPECT_LE(waits, 8) << kind->name;
  }
}

}  // namespace
}  // namespace caraway::runtime
