// datagram_contract.hpp - what a message_stream over a network that may lose messages must do, as
// checks to be run on yours: UDP, and what is built on it.
//
// It is the contract of message_stream as far as there is no flow control and no end to be
// received. Needed: a function that makes two streams connected to each other, over a way on which
// nothing is lost and which holds 100 KB; they take messages of up to `largest` letters, empty ones
// too. With GoogleTest:
//
//     CARAWAY_DATAGRAM_CONTRACT(udp, 65507, [] { return udp_pair(); })
//
// or with anything else:
//
//     for (const auto& check : datagram_checks()) check.run(connect, largest, report);
#pragma once

#include "caraway/testing/message_stream_contract.hpp"

namespace caraway::testing {

struct datagram_check {
  const char* name;
  void (*run)(const message_connector& connect, std::size_t largest, const contract_report& report);
};

namespace datagram_contract {

using message_stream_contract::expect_message;
using message_stream_contract::letters;
using message_stream_contract::send;
using message_stream_contract::soon;
using std::chrono::milliseconds;

// A check of message_stream's own suite.
template <auto Check>
void as_any_message_stream(const message_connector& connect, std::size_t,
                           const contract_report& report) {
  Check(connect, report);
}

inline void messages_of_any_size_arrive_whole(const message_connector& connect, std::size_t largest,
                                              const contract_report& report) {
  auto [a, b] = connect();
  for (std::size_t n : {std::size_t{0}, std::size_t{1}, std::size_t{20}, std::size_t{1472},
                        std::size_t{1473}, largest}) {
    report.expect_success(send(*a, letters(n), soon()), "send");
    expect_message(*b, letters(n), report);
  }
}

inline void a_message_of_many_parts_is_one_message(const message_connector& connect, std::size_t,
                                                   const contract_report& report) {
  auto [a, b] = connect();
  const std::string text = letters(1200);
  std::vector<bytes> pieces;
  for (std::size_t i = 0; i < text.size(); ++i) pieces.push_back(as_bytes(text).subspan(i, 1));
  report.expect_success(a->try_send(pieces, soon()), "send");
  expect_message(*b, text, report);
}

inline void a_message_that_is_too_large_is_refused_and_no_other(const message_connector& connect,
                                                                std::size_t largest,
                                                                const contract_report& report) {
  auto [a, b] = connect();
  report.expect_error(send(*a, letters(largest + 1), soon()), os_error(EMSGSIZE), "send");
  report.expect_error(send(*a, letters(300000), soon()), os_error(EMSGSIZE), "send");
  report.expect_success(send(*a, "the one after", soon()), "send");
  expect_message(*b, "the one after", report);
}

inline void a_receive_that_timed_out_has_lost_nothing(const message_connector& connect,
                                                      std::size_t largest,
                                                      const contract_report& report) {
  auto [a, b] = connect();
  report.expect_error(b->try_recv(immediately), os_error(ETIMEDOUT), "receive of nothing");
  report.expect_error(b->try_recv(milliseconds(1)), os_error(ETIMEDOUT), "receive of nothing");
  report.expect_success(send(*a, letters(largest), soon()), "send");
  expect_message(*b, letters(largest), report);
}

inline void messages_go_both_ways_at_once(const message_connector& connect, std::size_t,
                                          const contract_report& report) {
  constexpr unsigned count = 20;
  auto [a, b] = connect();
  task_group group;
  const auto send_all = [&](message_stream& s) {
    for (unsigned i = 0; i < count; ++i)
      report.expect_success(send(s, letters(500, i), soon()), "send");
  };
  const auto receive_all = [&](message_stream& s) {
    for (unsigned i = 0; i < count; ++i) expect_message(s, letters(500, i), report);
  };
  group.go([&, s = a.get()] { receive_all(*s); });
  group.go([&, s = b.get()] { receive_all(*s); });
  group.go([&, s = a.get()] { send_all(*s); });
  send_all(*b);
  group.wait();
}

inline void a_cancelled_coroutine_neither_sends_nor_receives(const message_connector& connect,
                                                             std::size_t,
                                                             const contract_report& report) {
  auto [a, b] = connect();
  task_group group;
  group.go([&, a = a.get()] {
    report.expect(!try_sleep(never), "a sleep for ever ends by cancellation");
    report.expect_error(send(*a, "x", soon()), os_error(ECANCELED), "send");
    report.expect_error(a->try_recv(soon()), os_error(ECANCELED), "receive");
  });
  caraway::yield();
  group.cancel();
}

inline void the_end_of_the_stream_wakes_who_receives(const message_connector& connect, std::size_t,
                                                     const contract_report& report) {
  for (const bool politely : {true, false}) {
    auto [a, b] = connect();
    task_group group;
    group.go([&, a = a.get()] {
      report.expect_error(a->try_recv(soon()), os_error(ECANCELED), "receive while closed");
    });
    caraway::sleep(milliseconds(1));
    if (politely)
      report.expect_success(a->try_close(soon()), "close");
    else
      a->abort();
    group.wait();
    report.expect_error(a->try_recv(soon()), errc::closed, "receive after the end");
    report.expect_error(send(*a, "more", soon()), errc::closed, "send after the end");
    report.expect_error(a->try_close(soon()), errc::closed, "a second close");
    a->abort();
  }
}

}  // namespace datagram_contract

// All checks. Each makes its own streams, leaves nothing behind and takes milliseconds.
inline const std::vector<datagram_check>& datagram_checks() {
  namespace c = datagram_contract;
  namespace m = message_stream_contract;
#define CARAWAY_CHECK(name) {#name, c::name}
#define CARAWAY_COMMON_CHECK(name) {#name, c::as_any_message_stream<m::name>}
  static const std::vector<datagram_check> all = {
      CARAWAY_CHECK(messages_of_any_size_arrive_whole),
      CARAWAY_COMMON_CHECK(the_parts_of_a_message_follow_each_other),
      CARAWAY_CHECK(a_message_of_many_parts_is_one_message),
      CARAWAY_CHECK(a_message_that_is_too_large_is_refused_and_no_other),
      CARAWAY_CHECK(a_receive_that_timed_out_has_lost_nothing),
      CARAWAY_COMMON_CHECK(a_receive_that_was_cancelled_has_lost_nothing),
      CARAWAY_COMMON_CHECK(a_message_too_large_for_the_memory_stays),
      CARAWAY_COMMON_CHECK(a_second_receiver_is_sent_away),
      CARAWAY_CHECK(messages_go_both_ways_at_once),
      CARAWAY_CHECK(a_cancelled_coroutine_neither_sends_nor_receives),
      CARAWAY_CHECK(the_end_of_the_stream_wakes_who_receives),
  };
#undef CARAWAY_COMMON_CHECK
#undef CARAWAY_CHECK
  return all;
}

}  // namespace caraway::testing

// With GoogleTest: a test `suite`.keeps_the_contract_of_datagrams that runs every check on what the
// connector, the rest of the arguments, makes.
#define CARAWAY_DATAGRAM_CONTRACT(suite, largest, ...)                             \
  TEST(suite, keeps_the_contract_of_datagrams) {                                   \
    const ::caraway::testing::message_connector connect = __VA_ARGS__;             \
    for (const auto& check : ::caraway::testing::datagram_checks())                \
      check.run(connect, largest,                                                  \
                ::caraway::testing::contract_report([&](const std::string& what) { \
                  ADD_FAILURE() << check.name << ": " << what;                     \
                }));                                                               \
  }
