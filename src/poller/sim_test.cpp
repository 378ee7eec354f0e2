#include "caraway/sim.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <thread>

#include "caraway/error.hpp"
#include "caraway/fd.hpp"
#include "runtime/scheduler.hpp"
#include "runtime/test_task.hpp"

namespace caraway::sim {
namespace {

using namespace std::chrono_literals;
using runtime::direction;
using runtime::io_handle;
using runtime::scheduler;
using runtime::test_task;

void sleep_for(nanoseconds d) {
  lowlevel::operation op("sleep");
  EXPECT_EQ(op.park(d), ETIMEDOUT);
}

std::unique_ptr<io_handle> open(int fd) {
  return value_or_raise(scheduler::current().poller().open(fd), "open");
}

// Two connected sockets.
struct pair {
  pair() {
    int fds[2];
    EXPECT_EQ(scheduler::current().system().socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    left_fd.reset(fds[0]);
    right_fd.reset(fds[1]);
    left = open(fds[0]);
    right = open(fds[1]);
  }
  unique_fd left_fd, right_fd;
  std::unique_ptr<io_handle> left, right;
};

int send_all(io_handle& h, bytes data) {
  while (!data.empty()) {
    const bytes one[] = {data};
    const auto n = h.send(one, never);
    if (!n) return n.error().value();
    data = data.subspan(*n);
  }
  return 0;
}

// Everything up to the end of the stream or an error, which goes to `code`.
std::string recv_all(io_handle& h, int& code) {
  std::string all;
  std::byte into[1000];
  for (;;) {
    const auto n = h.recv(into, never);
    code = n ? 0 : n.error().value();
    if (!n || *n == 0) return all;
    all += as_text(bytes(into).first(*n));
  }
}

sockaddr_in host(std::uint32_t address, std::uint16_t port) {
  sockaddr_in a{};
  a.sin_family = AF_INET;
  a.sin_port = htons(port);
  a.sin_addr.s_addr = htonl(address);
  return a;
}

int connect(io_handle& h, const sockaddr_in& to, deadline dl = never) {
  const auto r = h.connect(reinterpret_cast<const sockaddr*>(&to), sizeof to, dl);
  return r ? 0 : r.error().value();
}

unique_fd tcp_socket() {
  return unique_fd(scheduler::current().system().socket(AF_INET, SOCK_STREAM, 0));
}

TEST(sim, an_hour_passes_at_once_when_nothing_else_is_to_be_done) {
  run({}, [] {
    const time_point start = now();
    sleep_for(1h);
    EXPECT_GE(now() - start, 1h);
    EXPECT_LE(now() - start, 1h + 1ms);
  });
}

TEST(sim, every_world_begins_at_the_same_time_with_the_same_numbers) {
  time_point start[2];
  int fds[2];
  for (int i : {0, 1})
    run({}, [&, i] {
      start[i] = now();
      fds[i] = tcp_socket().get();
      sleep_for(1s);
    });
  EXPECT_EQ(start[0], start[1]);
  EXPECT_EQ(fds[0], fds[1]);
}

TEST(sim, time_stands_still_while_something_runs) {
  run({}, [] {
    const time_point start = now();
    pair p;
    test_task other([&] { EXPECT_EQ(send_all(*p.right, as_bytes("x")), 0); });
    std::byte byte[1];
    EXPECT_EQ(p.left->recv(byte, 1s), 1u);
    EXPECT_EQ(now(), start);
  });
}

TEST(sim, deadlines_come_in_their_order) {
  run({}, [] {
    std::string order;
    test_task c([&] { sleep_for(30ms), order += 'c'; });
    test_task a([&] { sleep_for(10ms), order += 'a'; });
    test_task b([&] { sleep_for(20ms), order += 'b'; });
    sleep_for(1s);
    EXPECT_EQ(order, "abc");
  });
}

TEST(sim, who_spins_until_some_time_gets_there) {
  run({}, [] {
    const time_point until = now() + 100ms;
    while (now() < until) lowlevel::yield();
    EXPECT_GE(now(), until);
  });
}

TEST(sim, who_never_stops_sending_and_receiving_gets_there_too) {
  run({}, [] {
    pair p;
    std::byte byte[1];
    test_task echo([&] {
      while (p.right->recv(byte, never) == 1u) EXPECT_EQ(send_all(*p.right, byte), 0);
    });
    const time_point until = now() + 100ms;
    while (now() < until) {
      EXPECT_EQ(send_all(*p.left, as_bytes("x")), 0);
      EXPECT_EQ(p.left->recv(byte, never), 1u);
    }
  });
}

TEST(sim, what_is_sent_arrives_after_the_latency) {
  run({.seed = 1, .min_latency = 10ms, .max_latency = 30ms}, [] {
    pair p;
    for (int i = 0; i < 20; ++i) {
      const time_point start = now();
      EXPECT_EQ(send_all(*p.right, as_bytes("x")), 0);
      EXPECT_EQ(now(), start);
      std::byte byte[1];
      EXPECT_EQ(p.left->recv(byte, never), 1u);
      EXPECT_GE(now() - start, 10ms);
      EXPECT_LE(now() - start, 30ms);
    }
  });
}

TEST(sim, a_deadline_before_the_latency_wins_and_nothing_is_lost) {
  run({.min_latency = 10ms, .max_latency = 10ms}, [] {
    pair p;
    EXPECT_EQ(send_all(*p.right, as_bytes("x")), 0);
    std::byte byte[1];
    EXPECT_EQ(p.left->recv(byte, 5ms).error(), std::errc::timed_out);
    EXPECT_EQ(p.left->recv(byte, 10ms), 1u);
  });
}

TEST(sim, a_connection_takes_a_round_trip) {
  run({.min_latency = 10ms, .max_latency = 10ms}, [] {
    const unique_fd l = tcp_socket();
    const sockaddr_in at = host(INADDR_LOOPBACK, 4000);
    auto& system = scheduler::current().system();
    ASSERT_EQ(system.bind(l.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at), 0);
    ASSERT_EQ(system.listen(l.get(), 4), 0);
    const auto listener = open(l.get());
    time_point accepted;
    test_task server([&] {
      EXPECT_TRUE(listener->accept(nullptr, nullptr, never).has_value());
      accepted = now();
    });
    const unique_fd c = tcp_socket();
    const time_point start = now();
    EXPECT_EQ(connect(*open(c.get()), at), 0);
    EXPECT_EQ(now() - start, 20ms);
    server.join();
    EXPECT_EQ(accepted - start, 10ms);
  });
}

TEST(sim, a_host_that_is_not_there_does_not_answer) {
  run({}, [] {
    const unique_fd c = tcp_socket();
    const time_point start = now();
    EXPECT_EQ(connect(*open(c.get()), host(0xc0000201, 80)), ETIMEDOUT);
    EXPECT_EQ(now() - start, 127s);
  });
}

TEST(sim, a_listener_with_a_full_queue_lets_the_client_try_again) {
  run({}, [] {
    const unique_fd l = tcp_socket();
    const sockaddr_in at = host(INADDR_LOOPBACK, 4000);
    auto& system = scheduler::current().system();
    ASSERT_EQ(system.bind(l.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at), 0);
    ASSERT_EQ(system.listen(l.get(), 0), 0);
    const unique_fd a = tcp_socket(), b = tcp_socket();
    EXPECT_EQ(connect(*open(a.get()), at), 0);
    const time_point start = now();
    test_task server([&] {
      sleep_for(1500ms);
      EXPECT_TRUE(open(l.get())->accept(nullptr, nullptr, never).has_value());
    });
    EXPECT_EQ(connect(*open(b.get()), at), 0);
    EXPECT_EQ(now() - start, 3s);
  });
}

TEST(sim, reads_and_writes_of_any_size_carry_everything) {
  for (std::uint64_t seed = 0; seed < 16; ++seed)
    run(stormy(seed), [] {
      pair p;
      std::string text;
      for (int i = 0; i < 2000; ++i) text += std::to_string(i);
      int code = -1;
      std::string got;
      test_task reader([&] { got = recv_all(*p.left, code); });
      EXPECT_EQ(send_all(*p.right, as_bytes(text)), 0);
      scheduler::current().system().shutdown(p.right_fd.get(), SHUT_WR);
      reader.join();
      EXPECT_EQ(code, 0);
      EXPECT_EQ(got, text);
    });
}

// What happens when several pairs talk in bad weather.
std::string transcript(std::uint64_t seed) {
  std::string log;
  run(stormy(seed), [&] {
    pair pairs[3];
    const auto talk = [&](char name, io_handle& h, bool first) {
      std::byte into[50];
      for (int i = 0; i < 10; ++i) {
        if (first) send_all(h, as_bytes(std::string(20, name)));
        for (std::size_t got = 0; got < 20;) {
          const std::size_t n = h.recv(into, never).value();
          log += name + std::to_string(n) + "@" + std::to_string(now().time_since_epoch().count());
          got += n;
        }
        if (!first) send_all(h, as_bytes(std::string(20, name)));
      }
    };
    test_task tasks[] = {
        test_task([&] { talk('a', *pairs[0].left, true); }),
        test_task([&] { talk('b', *pairs[0].right, false); }),
        test_task([&] { talk('c', *pairs[1].left, true); }),
        test_task([&] { talk('d', *pairs[1].right, false); }),
        test_task([&] { talk('e', *pairs[2].left, true); }),
        test_task([&] { talk('f', *pairs[2].right, false); }),
    };
    for (test_task& t : tasks) t.join();
  });
  return log;
}

TEST(sim, the_same_seed_gives_the_same_run_and_another_seed_another) {
  const std::string first = transcript(5);
  EXPECT_FALSE(first.empty());
  EXPECT_EQ(transcript(5), first);
  EXPECT_NE(transcript(9), first);
}

TEST(sim, a_connection_that_has_lived_long_enough_is_reset) {
  run({.seed = 3, .reset_after = 10'000}, [] {
    pair p;
    int received = 0;
    std::string got;
    test_task reader([&] { got = recv_all(*p.left, received); });
    const int sent = send_all(*p.right, as_bytes(std::string(100'000, 'x')));
    reader.join();
    EXPECT_EQ(sent, ECONNRESET);
    EXPECT_EQ(received, ECONNRESET);
    EXPECT_LT(got.size(), 100'000u);
  });
}

TEST(sim, the_reset_for_what_came_too_late_overtakes_nothing) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed)
    run({.seed = seed, .max_latency = 1s}, [seed] {
      pair p;
      EXPECT_EQ(send_all(*p.left, as_bytes("last words")), 0);
      EXPECT_EQ(send_all(*p.right, as_bytes("too late")), 0);
      p.left.reset();
      p.left_fd.reset();
      int code = 0;
      EXPECT_EQ(recv_all(*p.right, code), "last words") << seed;
    });
}

TEST(sim, the_chosen_call_fails_and_no_other) {
  run({.fail_call = 2, .fail_code = EMFILE}, [] {
    EXPECT_TRUE(tcp_socket());
    EXPECT_FALSE(tcp_socket());
    EXPECT_EQ(errno, EMFILE);
    EXPECT_TRUE(tcp_socket());
  });
}

TEST(sim, the_weather_can_change) {
  run({}, [] {
    EXPECT_TRUE(active());
    EXPECT_EQ(current().max_latency, 0s);
    configure({.min_latency = 1s, .max_latency = 1s});
    EXPECT_EQ(current().max_latency, 1s);
    pair p;
    const time_point start = now();
    EXPECT_EQ(send_all(*p.right, as_bytes("x")), 0);
    EXPECT_EQ(p.left->wait(direction::in, never, "test"), 0);
    EXPECT_EQ(now() - start, 1s);
  });
}

TEST(sim, what_the_function_throws_comes_out_of_run) {
  EXPECT_THROW(run({}, [] { throw std::runtime_error("no"); }), std::runtime_error);
}

TEST(sim, the_environment_chooses_a_seed_for_every_thread) {
  ::setenv("CARAWAY_SIM_SEED", "12", 1);
  options seen;
  std::thread([&] { seen = current(); }).join();
  ::unsetenv("CARAWAY_SIM_SEED");
  EXPECT_EQ(seen.seed, 12u);
  EXPECT_EQ(seen.max_read, stormy(12).max_read);
  std::thread([&] { seen = current(); }).join();
  EXPECT_EQ(seen.max_latency, 0s);
}

TEST(sim, a_real_descriptor_is_looked_at_before_time_jumps) {
  run({}, [] {
    int fds[2];
    ASSERT_EQ(::pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
    const unique_fd read_end(fds[0]), write_end(fds[1]);
    const auto reader = open(fds[0]);
    EXPECT_EQ(reader->wait(direction::in, 1h, "test"), ETIMEDOUT);
    int code = -1;
    test_task task([&] { code = reader->wait(direction::in, 1h, "test"); });
    lowlevel::yield();
    EXPECT_EQ(::write(fds[1], "x", 1), 1);
    const time_point start = now();
    task.join();
    EXPECT_EQ(code, 0);
    EXPECT_EQ(now(), start);
  });
}

TEST(sim, a_descriptor_closed_by_its_owner_is_closed_in_the_world) {
  run({}, [] {
    pair p;
    p.right.reset();
    p.right_fd.reset();
    std::byte byte[1];
    EXPECT_EQ(p.left->recv(byte, never), 0u);
  });
}

}  // namespace
}  // namespace caraway::sim
