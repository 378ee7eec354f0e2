// message_stream_contract.hpp - what every message_stream must do, as checks to be run on yours.
//
// Needed: a function that makes two streams connected to each other, which take messages of
// letters, empty ones too, up to 300,000 of them. With GoogleTest:
//
//     CARAWAY_MESSAGE_STREAM_CONTRACT(my_protocol, [] { return my_protocol_pair(); })
//
// or with anything else:
//
//     for (const auto& check : message_stream_checks()) check.run(connect, report);
#pragma once

#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "caraway/message_stream.hpp"
#include "caraway/task_group.hpp"
#include "caraway/testing/contract_report.hpp"
#include "caraway/this_task.hpp"

namespace caraway::testing {

using message_pair = std::pair<std::unique_ptr<message_stream>, std::unique_ptr<message_stream>>;
using message_connector = std::function<message_pair()>;

struct message_stream_check {
  const char* name;
  void (*run)(const message_connector& connect, const contract_report& report);
};

namespace message_stream_contract {

using std::chrono::milliseconds;

// Long enough for everything that is expected to happen; nothing waits for it in vain.
inline deadline soon() {
  return std::chrono::seconds(20);
}

// A message of `n` letters; which ones, `seed` decides.
inline std::string letters(std::size_t n, unsigned seed = 0) {
  std::string text(n, ' ');
  for (std::size_t i = 0; i < n; ++i)
    text[i] = static_cast<char>('a' + (i * 7 + (i >> 8) + seed) % 26);
  return text;
}

inline result<void> send(message_stream& s, std::string_view text, deadline dl) {
  const bytes b = as_bytes(text);
  return s.try_send(parts(&b, 1), dl);
}

inline void expect_message(message_stream& s, const std::string& wanted,
                           const contract_report& report) {
  const auto got = s.try_recv(soon());
  if (report.expect_success(got, "receive"))
    report.expect(as_text(*got) == wanted, "the message must be the one that was sent");
}

inline void messages_arrive_whole_and_in_order(const message_connector& connect,
                                               const contract_report& report) {
  auto [a, b] = connect();
  const std::size_t sizes[] = {0, 1, 20, 125, 126, 4096, 16384, 65535, 65536, 300000};
  task_group group;
  group.go([&, a = a.get()] {
    for (std::size_t n : sizes) report.expect_success(send(*a, letters(n), soon()), "send");
  });
  for (std::size_t n : sizes) expect_message(*b, letters(n), report);
  group.wait();
}

inline void the_parts_of_a_message_follow_each_other(const message_connector& connect,
                                                     const contract_report& report) {
  auto [a, b] = connect();
  const std::array<bytes, 4> ps = {as_bytes("one,"), bytes(), as_bytes("two,"), as_bytes("three")};
  report.expect_success(a->try_send(ps, soon()), "send");
  expect_message(*b, "one,two,three", report);
}

inline void a_receive_that_timed_out_has_lost_nothing(const message_connector& connect,
                                                      const contract_report& report) {
  auto [a, b] = connect();
  report.expect_error(b->try_recv(immediately), os_error(ETIMEDOUT), "receive of nothing");
  const std::string text = letters(300000);
  task_group group;
  group.go([&, a = a.get()] { report.expect_success(send(*a, text, soon()), "send"); });
  for (;;) {
    const auto got = b->try_recv(immediately);
    if (got) {
      report.expect(as_text(*got) == text, "nothing of the message must be lost");
      break;
    }
    report.expect_error(got, os_error(ETIMEDOUT), "receive");
    caraway::sleep(milliseconds(1));
  }
  group.wait();
}

inline void a_receive_that_was_cancelled_has_lost_nothing(const message_connector& connect,
                                                          const contract_report& report) {
  auto [a, b] = connect();
  {
    task_group group;
    group.go([&, b = b.get()] {
      report.expect_error(b->try_recv(soon()), os_error(ECANCELED), "cancelled receive");
    });
    caraway::sleep(milliseconds(1));
    group.cancel();
  }
  report.expect_success(send(*a, "still here", soon()), "send");
  expect_message(*b, "still here", report);
}

inline void a_receive_that_was_cancelled_inside_a_message_has_lost_nothing(
    const message_connector& connect, const contract_report& report) {
  auto [a, b] = connect();
  const std::string text = letters(300000);
  task_group sender;
  sender.go([&, a = a.get()] { report.expect_success(send(*a, text, soon()), "send"); });
  for (bool over = false; !over;) {
    task_group group;
    group.go([&, b = b.get()] {
      const auto got = b->try_recv(soon());
      over = got.has_value();
      if (over) {
        report.expect(as_text(*got) == text, "nothing of the message must be lost");
        return;
      }
      report.expect_error(got, os_error(ECANCELED), "cancelled receive");
      over = got.error() != os_error(ECANCELED);
    });
    caraway::sleep(milliseconds(1));
    group.cancel();
  }
  sender.wait();
}

inline void a_message_too_large_for_the_memory_stays(const message_connector& connect,
                                                     const contract_report& report) {
  auto [a, b] = connect();
  report.expect_success(send(*a, letters(100), soon()), "send");
  std::array<std::byte, 100> memory;
  const mutable_bytes all(memory);
  report.expect_error(b->try_recv_into(all.first(99), soon()), os_error(EMSGSIZE), "receive");
  const auto n = b->try_recv_into(all, soon());
  report.expect(n && *n == 100, "with room the message must come");
  report.expect(as_text(all) == letters(100), "and be whole");
}

inline void a_message_may_be_dropped_whatever_its_size(const message_connector& connect,
                                                       const contract_report& report) {
  auto [a, b] = connect();
  task_group group;
  group.go([&, a = a.get()] {
    for (std::size_t n : {300000, 100, 0})
      report.expect_success(send(*a, letters(n), soon()), "send");
    report.expect_success(send(*a, "the one after", soon()), "send");
  });
  for (std::size_t size : {300000, 100, 0}) {
    std::array<std::byte, 50> memory;
    if (size > memory.size())
      report.expect_error(b->try_recv_into(memory, soon()), os_error(EMSGSIZE), "receive");
    const auto n = b->try_skip(soon());
    if (report.expect_success(n, "skip"))
      report.expect(*n == size, "the size of what was dropped must be told");
  }
  expect_message(*b, "the one after", report);
  group.wait();
}

inline void dropping_a_message_may_take_several_calls(const message_connector& connect,
                                                      const contract_report& report) {
  auto [a, b] = connect();
  task_group group;
  group.go([&, a = a.get()] {
    report.expect_success(send(*a, letters(300000), soon()), "send");
    report.expect_success(send(*a, "the one after", soon()), "send");
  });
  for (;;) {
    const auto n = b->try_skip(immediately);
    if (n) {
      report.expect(*n == 300000, "the size of what was dropped must be told");
      break;
    }
    report.expect_error(n, os_error(ETIMEDOUT), "skip");
    if (n.error() != os_error(ETIMEDOUT)) break;
    caraway::sleep(milliseconds(1));
  }
  expect_message(*b, "the one after", report);
  group.wait();
}

inline void a_second_receiver_is_sent_away(const message_connector& connect,
                                           const contract_report& report) {
  auto [a, b] = connect();
  task_group group;
  group.go([&, b = b.get()] { expect_message(*b, "first", report); });
  caraway::sleep(milliseconds(1));
  report.expect_error(b->try_recv(soon()), os_error(EBUSY), "a second receive");
  report.expect_success(send(*a, "first", soon()), "send");
  group.wait();
}

inline void senders_take_turns_in_order_and_never_mix(const message_connector& connect,
                                                      const contract_report& report) {
  constexpr unsigned senders = 12;
  auto [a, b] = connect();
  task_group group;
  for (unsigned i = 0; i < senders; ++i)
    group.go([&, i, a = a.get()] {
      report.expect_success(send(*a, letters(300000, i), soon()), "send");
    });
  caraway::sleep(milliseconds(1));
  for (unsigned i = 0; i < senders; ++i) expect_message(*b, letters(300000, i), report);
  group.wait();
}

inline void a_send_that_timed_out_has_sent_nothing(const message_connector& connect,
                                                   const contract_report& report) {
  auto [a, b] = connect();
  unsigned sent = 0;
  for (;; ++sent) {
    const auto r = send(*a, letters(100000, sent), milliseconds(20));
    if (r) continue;
    report.expect_error(r, os_error(ETIMEDOUT), "send");
    break;
  }
  task_group group;
  group.go([&, a = a.get()] {
    report.expect_success(send(*a, "the one after", soon()), "send after a time-out");
  });
  for (unsigned i = 0; i < sent; ++i) expect_message(*b, letters(100000, i), report);
  expect_message(*b, "the one after", report);
  group.wait();
}

inline void a_send_that_was_cancelled_has_sent_nothing(const message_connector& connect,
                                                       const contract_report& report) {
  auto [a, b] = connect();
  unsigned sent = 0;
  {
    task_group group;
    group.go([&, a = a.get()] {
      result<void> r;
      while ((r = send(*a, letters(100000, sent), never))) ++sent;
      report.expect_error(r, os_error(ECANCELED), "cancelled send");
    });
    caraway::sleep(milliseconds(20));
    group.cancel();
  }
  task_group group;
  group.go([&, a = a.get()] {
    report.expect_success(send(*a, "the one after", soon()), "send after a cancellation");
  });
  for (unsigned i = 0; i < sent; ++i) expect_message(*b, letters(100000, i), report);
  expect_message(*b, "the one after", report);
  group.wait();
}

inline void messages_go_both_ways_at_once(const message_connector& connect,
                                          const contract_report& report) {
  constexpr unsigned count = 40;
  auto [a, b] = connect();
  task_group group;
  const auto send_all = [&](message_stream& s) {
    for (unsigned i = 0; i < count; ++i)
      report.expect_success(send(s, letters(50000, i), soon()), "send");
  };
  const auto receive_all = [&](message_stream& s) {
    for (unsigned i = 0; i < count; ++i) expect_message(s, letters(50000, i), report);
  };
  group.go([&, s = a.get()] { send_all(*s); });
  group.go([&, s = b.get()] { send_all(*s); });
  group.go([&, s = a.get()] { receive_all(*s); });
  receive_all(*b);
  group.wait();
}

inline void what_was_sent_before_a_close_arrives(const message_connector& connect,
                                                 const contract_report& report) {
  auto [a, b] = connect();
  task_group group;
  group.go([&, a = a.get()] {
    report.expect_success(send(*a, letters(200000), soon()), "send");
    report.expect_success(a->try_close(soon()), "close");
    report.expect(!send(*a, "more", soon()), "send after close must fail");
    report.expect(!a->try_recv(soon()), "receive after close must fail");
  });
  expect_message(*b, letters(200000), report);
  report.expect(!b->try_recv(soon()), "after the last message comes the end");
  static_cast<void>(b->try_close(soon()));
  group.wait();
}

inline void aborting_wakes_who_receives(const message_connector& connect,
                                        const contract_report& report) {
  auto [a, b] = connect();
  task_group group;
  group.go([&, a = a.get()] {
    report.expect_error(a->try_recv(soon()), os_error(ECANCELED), "receive while aborted");
  });
  caraway::sleep(milliseconds(1));
  a->abort();
  group.wait();
  report.expect(!a->try_recv(soon()), "receive after abort must fail");
  report.expect(!send(*a, "more", soon()), "send after abort must fail");
  report.expect(!b->try_recv(soon()), "the other end must notice");
}

}  // namespace message_stream_contract

// All checks. Each makes its own streams, leaves nothing behind and takes milliseconds.
inline const std::vector<message_stream_check>& message_stream_checks() {
  namespace c = message_stream_contract;
#define CARAWAY_CHECK(name) {#name, c::name}
  static const std::vector<message_stream_check> all = {
      CARAWAY_CHECK(messages_arrive_whole_and_in_order),
      CARAWAY_CHECK(the_parts_of_a_message_follow_each_other),
      CARAWAY_CHECK(a_receive_that_timed_out_has_lost_nothing),
      CARAWAY_CHECK(a_receive_that_was_cancelled_has_lost_nothing),
      CARAWAY_CHECK(a_receive_that_was_cancelled_inside_a_message_has_lost_nothing),
      CARAWAY_CHECK(a_message_too_large_for_the_memory_stays),
      CARAWAY_CHECK(a_message_may_be_dropped_whatever_its_size),
      CARAWAY_CHECK(dropping_a_message_may_take_several_calls),
      CARAWAY_CHECK(a_second_receiver_is_sent_away),
      CARAWAY_CHECK(senders_take_turns_in_order_and_never_mix),
      CARAWAY_CHECK(a_send_that_timed_out_has_sent_nothing),
      CARAWAY_CHECK(a_send_that_was_cancelled_has_sent_nothing),
      CARAWAY_CHECK(messages_go_both_ways_at_once),
      CARAWAY_CHECK(what_was_sent_before_a_close_arrives),
      CARAWAY_CHECK(aborting_wakes_who_receives),
  };
#undef CARAWAY_CHECK
  return all;
}

}  // namespace caraway::testing

// With GoogleTest: a test `suite`.keeps_the_contract_of_a_message_stream that runs every check on
// what the connector, the rest of the arguments, makes.
#define CARAWAY_MESSAGE_STREAM_CONTRACT(suite, ...)                                         \
  TEST(suite, keeps_the_contract_of_a_message_stream) {                                     \
    const ::caraway::testing::message_connector connect = __VA_ARGS__;                      \
    for (const auto& check : ::caraway::testing::message_stream_checks())                   \
      check.run(connect, ::caraway::testing::contract_report([&](const std::string& what) { \
                  ADD_FAILURE() << check.name << ": " << what;                              \
                }));                                                                        \
  }
