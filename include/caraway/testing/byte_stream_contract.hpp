// byte_stream_contract.hpp - what every byte_stream must do, as checks to be run on yours.
//
// Needed: a function that makes two streams connected to each other. With GoogleTest:
//
//     CARAWAY_BYTE_STREAM_CONTRACT(my_stream, [] { return my_stream::pair(); })
//
// or with anything else:
//
//     for (const auto& check : byte_stream_checks()) check.run(connect, report);
//
// And, with a function that makes two streams of which the n-th operation, or the n-th call to what
// is below them, breaks the connection (a failing_stream_connector):
//
//     CARAWAY_BYTE_STREAM_FAILURE_CONTRACT(my_stream, [](std::size_t n) { return ...; })
#pragma once

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "caraway/byte_stream.hpp"
#include "caraway/task_group.hpp"
#include "caraway/testing/contract_report.hpp"
#include "caraway/this_task.hpp"

namespace caraway::testing {

using stream_pair = std::pair<stream_ptr, stream_ptr>;
using stream_connector = std::function<stream_pair()>;
// Counted from 0, and from when both streams are there; the failure is ECONNRESET.
using failing_stream_connector = std::function<stream_pair(std::size_t n)>;

struct byte_stream_check {
  const char* name;
  void (*run)(const stream_connector& connect, const contract_report& report);
};

namespace byte_stream_contract {

using std::chrono::milliseconds;

// Long enough for everything that is expected to happen; nothing waits for it in vain.
inline deadline soon() {
  return std::chrono::seconds(20);
}

// `n` bytes that show where they are from: `seed` and their position.
inline std::vector<std::byte> pattern(std::size_t n, unsigned seed = 0) {
  std::vector<std::byte> all(n);
  for (std::size_t i = 0; i < n; ++i)
    all[i] = static_cast<std::byte>((i * 31 + (i >> 8) * 7 + seed * 101) & 0xFF);
  return all;
}

inline result<void> write(byte_stream& s, bytes b, deadline dl) {
  return s.try_write(parts(&b, 1), dl);
}

// Receives until the end or a failure, `step` bytes at least at a time.
inline std::vector<std::byte> read_all(byte_stream& s, std::error_code& why, std::size_t step = 1) {
  std::vector<std::byte> all;
  for (;;) {
    const auto seen = s.try_fill(step, soon());
    const bytes now = s.buffered();
    all.insert(all.end(), now.begin(), now.end());
    s.consume(now.size());
    if (!seen) {
      why = seen.error();
      return all;
    }
  }
}

inline void bytes_arrive_in_order_whatever_their_number(const stream_connector& connect,
                                                        const contract_report& report) {
  auto [a, b] = connect();
  for (std::size_t n : {1, 2, 20, 4095, 4096, 4097, 16383, 16384, 65536, 100000}) {
    const auto sent = pattern(n, static_cast<unsigned>(n));
    task_group group;
    group.go([&] { report.expect_success(write(*a, sent, soon()), "write"); });
    const auto seen = b->try_fill(n, soon());
    if (!report.expect_success(seen, "fill")) return;
    report.expect(seen->size() == n && std::ranges::equal(*seen, sent), "bytes must arrive whole");
    b->consume(seen->size());
    report.expect(b->buffered().empty(), "nothing must be left behind what was consumed");
    group.wait();
  }
}

inline void the_parts_of_a_write_follow_each_other(const stream_connector& connect,
                                                   const contract_report& report) {
  auto [a, b] = connect();
  const auto sent = pattern(50000);
  const bytes whole = sent;
  const std::array<bytes, 6> ps = {whole.first(1),           bytes(), whole.subspan(1, 19),
                                   whole.subspan(20, 30000), bytes(), whole.subspan(30020)};
  task_group group;
  group.go([&] { report.expect_success(a->try_write(ps, soon()), "write"); });
  const auto seen = b->try_fill(sent.size(), soon());
  if (report.expect_success(seen, "fill"))
    report.expect(std::ranges::equal(*seen, sent), "parts must arrive in order");
}

inline void a_message_may_be_cut_anywhere(const stream_connector& connect,
                                          const contract_report& report) {
  auto [a, b] = connect();
  const auto sent = pattern(40);
  const bytes whole = sent;
  for (std::size_t cut = 0; cut <= whole.size(); ++cut) {
    task_group group;
    group.go([&, cut] {
      report.expect_success(write(*a, whole.first(cut), soon()), "write");
      report.expect_success(a->try_flush(soon()), "flush");
      caraway::sleep(milliseconds(0));
      report.expect_success(write(*a, whole.subspan(cut), soon()), "write");
    });
    const auto seen = b->try_fill(whole.size(), soon());
    if (!report.expect_success(seen, "fill")) return;
    report.expect(std::ranges::equal(*seen, whole), "pieces must come together");
    b->consume(whole.size());
    group.wait();
  }
}

inline void what_is_not_consumed_stays(const stream_connector& connect,
                                       const contract_report& report) {
  auto [a, b] = connect();
  const auto sent = pattern(100);
  report.expect_success(write(*a, sent, soon()), "write");
  for (std::size_t used = 0; used < sent.size(); ++used) {
    const auto seen = b->try_fill(sent.size() - used, soon());
    if (!report.expect_success(seen, "fill")) return;
    report.expect(std::ranges::equal(*seen, bytes(sent).subspan(used)), "consume must be exact");
    report.expect(std::ranges::equal(b->buffered(), *seen), "buffered must show the same");
    b->consume(1);
  }
  report.expect(b->buffered().empty(), "all was consumed");
}

inline void filling_with_nothing_wanted_does_not_wait(const stream_connector& connect,
                                                      const contract_report& report) {
  auto [a, b] = connect();
  const auto seen = b->try_fill(0, immediately);
  report.expect(seen && seen->empty(), "fill(0) shows what is there, which is nothing");
}

inline void a_receive_that_timed_out_has_lost_nothing(const stream_connector& connect,
                                                      const contract_report& report) {
  auto [a, b] = connect();
  const auto sent = pattern(10);
  const bytes whole = sent;
  report.expect_error(b->try_fill(1, immediately), os_error(ETIMEDOUT), "fill of nothing");
  for (std::size_t n = 0; n < whole.size(); ++n) {
    report.expect_error(b->try_fill(whole.size(), milliseconds(1)), os_error(ETIMEDOUT), "fill");
    report.expect(std::ranges::equal(b->buffered(), whole.first(b->buffered().size())),
                  "what came must be shown");
    report.expect_success(write(*a, whole.subspan(n, 1), soon()), "write");
  }
  const auto seen = b->try_fill(whole.size(), soon());
  if (report.expect_success(seen, "fill after time-outs"))
    report.expect(std::ranges::equal(*seen, whole), "nothing must be lost");
}

inline void a_receive_that_was_cancelled_has_lost_nothing(const stream_connector& connect,
                                                          const contract_report& report) {
  auto [a, b] = connect();
  const auto sent = pattern(10);
  for (std::size_t n = 0; n + 1 < sent.size(); ++n) {
    task_group group;
    group.go([&] {
      report.expect_error(b->try_fill(sent.size(), soon()), os_error(ECANCELED), "cancelled fill");
    });
    report.expect_success(write(*a, bytes(sent).subspan(n, 1), soon()), "write");
    caraway::sleep(milliseconds(1));
    group.cancel();
  }
  report.expect_success(write(*a, bytes(sent).last(1), soon()), "write");
  const auto seen = b->try_fill(sent.size(), soon());
  if (report.expect_success(seen, "fill after cancellations"))
    report.expect(std::ranges::equal(*seen, sent), "nothing must be lost");
}

inline void a_second_receiver_is_sent_away(const stream_connector& connect,
                                           const contract_report& report) {
  auto [a, b] = connect();
  task_group group;
  group.go([&] { report.expect_success(b->try_fill(1, soon()), "the first receiver"); });
  caraway::sleep(milliseconds(0));
  report.expect_error(b->try_fill(1, soon()), os_error(EBUSY), "a second fill");
  std::byte one;
  report.expect_error(b->try_read_into({&one, 1}, 1, soon()), os_error(EBUSY), "a second read");
  report.expect(!b->healthy(), "a stream that is received from is not free");
  report.expect_success(write(*a, pattern(1), soon()), "write");
  group.wait();
  report.expect(b->healthy(), "a stream that nobody uses is healthy");
}

inline void reading_into_memory_takes_at_least_what_was_asked_for(const stream_connector& connect,
                                                                  const contract_report& report) {
  auto [a, b] = connect();
  const auto sent = pattern(70000);
  task_group group;
  group.go([&] { report.expect_success(write(*a, sent, soon()), "write"); });
  std::vector<std::byte> got(sent.size());
  std::size_t at = 0;
  for (std::size_t wanted : {1, 7, 4096, 20000, 0, 45896}) {
    const auto n = b->try_read_into(mutable_bytes(got).subspan(at, wanted), wanted, soon());
    if (!report.expect_success(n, "read_into")) return;
    report.expect(*n == wanted, "as much as there is room for must come");
    at += *n;
  }
  report.expect(got == sent, "bytes must arrive in order, buffered or not");
}

inline void a_read_that_timed_out_says_how_much_it_took(const stream_connector& connect,
                                                        const contract_report& report) {
  auto [a, b] = connect();
  const auto sent = pattern(5);
  std::array<std::byte, 9> got;
  std::size_t received = 77;
  report.expect_success(write(*a, sent, soon()), "write");
  report.expect_success(a->try_flush(soon()), "flush");
  report.expect_success(b->try_fill(5, soon()), "fill");
  report.expect_error(b->try_read_into(got, got.size(), milliseconds(1), &received),
                      os_error(ETIMEDOUT), "read_into");
  report.expect(received == 5 && std::equal(sent.begin(), sent.end(), got.begin()),
                "what was consumed must be in the memory");
  report.expect(b->buffered().empty(), "it was consumed");
}

inline void the_end_comes_behind_the_last_byte(const stream_connector& connect,
                                               const contract_report& report) {
  auto [a, b] = connect();
  report.expect_success(write(*a, pattern(3), soon()), "write");
  report.expect_success(a->try_done(soon()), "done");
  report.expect_error(b->try_fill(4, soon()), errc::end_of_stream, "fill beyond the end");
  report.expect(b->buffered().size() == 3, "the rest must still be shown");
  report.expect_success(b->try_fill(3, soon()), "fill of the rest");
  b->consume(3);
  report.expect_error(b->try_fill(1, soon()), errc::end_of_stream, "fill at the end");
}

inline void one_direction_may_end_before_the_other(const stream_connector& connect,
                                                   const contract_report& report) {
  auto [a, b] = connect();
  report.expect_success(a->try_done(soon()), "done");
  report.expect_error(a->try_done(soon()), errc::closed, "the second done");
  report.expect_error(write(*a, pattern(1), soon()), errc::closed, "write after done");
  report.expect_success(write(*b, pattern(9), soon()), "write in the other direction");
  report.expect_success(b->try_flush(soon()), "flush");
  const auto seen = a->try_fill(9, soon());
  report.expect(seen && std::ranges::equal(*seen, pattern(9)), "receiving goes on after done");
}

// Writes as much as goes in at once; how much that was.
inline std::size_t stuff(byte_stream& s, std::size_t step, std::error_code& why, deadline dl) {
  std::size_t taken = 0;
  for (;;) {
    const auto piece = pattern(step, static_cast<unsigned>(taken / step));
    const auto r = write(s, piece, dl);
    if (!r) {
      why = r.error();
      return taken;
    }
    taken += step;
  }
}

// What stuff() wrote, no byte more and no byte less.
inline void expect_stuffed(const std::vector<std::byte>& got, std::size_t taken, std::size_t step,
                           const contract_report& report) {
  if (!report.expect(got.size() == taken, "all that was taken must arrive, and nothing else: " +
                                              std::to_string(got.size()) + " of " +
                                              std::to_string(taken)))
    return;
  for (std::size_t at = 0; at < taken; at += step) {
    const auto piece = pattern(step, static_cast<unsigned>(at / step));
    if (!report.expect(std::equal(piece.begin(), piece.end(), got.begin() + static_cast<long>(at)),
                       "each write must arrive whole"))
      return;
  }
}

inline void a_write_that_timed_out_is_all_or_nothing(const stream_connector& connect,
                                                     const contract_report& report) {
  for (std::size_t step : {1000, 15000, 200000}) {
    auto [a, b] = connect();
    std::error_code why;
    const std::size_t taken = stuff(*a, step, why, milliseconds(20));
    report.expect(why == os_error(ETIMEDOUT), "a write must time out once nothing more goes in");
    task_group group;
    group.go([&] { report.expect_success(a->try_done(soon()), "done"); });
    const auto got = read_all(*b, why);
    report.expect(why == errc::end_of_stream, "the end must come");
    expect_stuffed(got, taken, step, report);
  }
}

inline void a_write_that_was_cancelled_is_all_or_nothing(const stream_connector& connect,
                                                         const contract_report& report) {
  for (std::size_t step : {1000, 200000}) {
    auto [a, b] = connect();
    std::size_t taken = 0;
    std::error_code why;
    {
      task_group group;
      group.go([&] { taken = stuff(*a, step, why, never); });
      caraway::sleep(milliseconds(20));
      group.cancel();
    }
    report.expect(why == os_error(ECANCELED), "a blocked write must be cancelled");
    task_group group;
    group.go([&] { report.expect_success(a->try_done(soon()), "done"); });
    const auto got = read_all(*b, why);
    expect_stuffed(got, taken, step, report);
  }
}

inline void writers_take_turns_in_order_and_never_mix(const stream_connector& connect,
                                                      const contract_report& report) {
  constexpr std::size_t writers = 12;
  constexpr std::size_t size = 300000;
  auto [a, b] = connect();
  task_group group;
  for (unsigned i = 0; i < writers; ++i)
    group.go([&, i] { report.expect_success(write(*a, pattern(size, i), soon()), "write"); });
  caraway::sleep(milliseconds(1));
  std::vector<std::byte> got(size);
  for (unsigned i = 0; i < writers; ++i) {
    if (!report.expect_success(b->try_read_into(got, size, soon()), "read_into")) return;
    if (!report.expect(got == pattern(size, i), "writers must go first come, first served")) return;
  }
}

inline void both_directions_work_at_once(const stream_connector& connect,
                                         const contract_report& report) {
  constexpr std::size_t size = 3000000;
  auto [a, b] = connect();
  const auto there = pattern(size, 1);
  const auto back = pattern(size, 2);
  task_group group;
  const auto send = [&](byte_stream& s, bytes all) {
    report.expect_success(write(s, all, soon()), "write");
    report.expect_success(s.try_done(soon()), "done");
  };
  const auto receive = [&](byte_stream& s, const std::vector<std::byte>& wanted) {
    std::error_code why;
    report.expect(read_all(s, why) == wanted, "a large transfer must arrive whole");
    report.expect(why == errc::end_of_stream, "and end");
  };
  group.go([&, a = a.get()] { send(*a, there); });
  group.go([&, b = b.get()] { send(*b, back); });
  group.go([&, a = a.get()] { receive(*a, back); });
  receive(*b, there);
  group.wait();
}

inline void closing_loses_nothing(const stream_connector& connect, const contract_report& report) {
  auto [a, b] = connect();
  const auto sent = pattern(300000);
  task_group group;
  group.go([&, a = a.get()] {
    report.expect_success(write(*a, sent, soon()), "write");
    report.expect_success(a->try_close(soon()), "close");
    report.expect_error(a->try_fill(1, soon()), errc::closed, "fill after close");
    report.expect_error(write(*a, sent, soon()), errc::closed, "write after close");
    report.expect_error(a->try_close(soon()), errc::closed, "the second close");
    report.expect(!a->healthy(), "a closed stream is not healthy");
  });
  std::error_code why;
  report.expect(read_all(*b, why) == sent, "everything written before a close must arrive");
  report.expect(why == errc::end_of_stream, "then the end");
  report.expect_success(b->try_close(soon()), "close of the other end");
  group.wait();
}

inline void closing_drops_what_the_peer_still_sends(const stream_connector& connect,
                                                    const contract_report& report) {
  auto [a, b] = connect();
  task_group group;
  group.go([&, b = b.get()] {
    for (int i = 0; i < 50; ++i)
      report.expect_success(write(*b, pattern(50000), soon()), "write while the peer closes");
    report.expect_success(b->try_done(soon()), "done");
  });
  report.expect_success(a->try_close(soon()), "close");
  group.wait();
}

inline void a_flood_does_not_extend_the_deadline_of_close(const stream_connector& connect,
                                                          const contract_report& report) {
  auto [a, b] = connect();
  task_group group;
  group.go([b = b.get()] {
    while (write(*b, pattern(100000), soon())) caraway::sleep(milliseconds(1));
  });
  caraway::sleep(milliseconds(1));
  report.expect_error(a->try_close(milliseconds(30)), os_error(ETIMEDOUT), "close under a flood");
  report.expect_error(a->try_fill(1, soon()), errc::closed, "a stream whose close timed out");
  group.wait();
}

inline void closing_a_stream_whose_peer_is_silent_times_out(const stream_connector& connect,
                                                            const contract_report& report) {
  auto [a, b] = connect();
  report.expect_error(a->try_close(milliseconds(5)), os_error(ETIMEDOUT), "close");
  report.expect_error(a->try_close(soon()), errc::closed, "the second close");
  report.expect_error(b->try_fill(1, soon()), errc::end_of_stream, "fill of the other end");
}

inline void aborting_wakes_who_receives(const stream_connector& connect,
                                        const contract_report& report) {
  auto [a, b] = connect();
  task_group group;
  group.go([&, a = a.get()] {
    report.expect_error(a->try_fill(1, soon()), os_error(ECANCELED), "fill while aborted");
  });
  caraway::sleep(milliseconds(1));
  a->abort();
  a->abort();
  group.wait();
  report.expect_error(a->try_fill(1, soon()), errc::closed, "fill after abort");
  report.expect_error(write(*a, pattern(1), soon()), errc::closed, "write after abort");
  report.expect_error(a->try_flush(soon()), errc::closed, "flush after abort");
  report.expect_error(a->try_done(soon()), errc::closed, "done after abort");
  report.expect_error(a->try_close(soon()), errc::closed, "close after abort");
  report.expect(!b->try_fill(1, soon()), "the other end must notice");
}

inline void aborting_wakes_those_who_write(const stream_connector& connect,
                                           const contract_report& report) {
  auto [a, b] = connect();
  task_group group;
  for (int i = 0; i < 3; ++i)
    group.go([&, a = a.get()] {
      std::error_code why;
      stuff(*a, 100000, why, soon());
      report.expect(why == os_error(ECANCELED), "blocked writers must be told");
    });
  caraway::sleep(milliseconds(20));
  a->abort();
  group.wait();
}

inline void a_peer_that_is_gone_breaks_the_stream_for_good(const stream_connector& connect,
                                                           const contract_report& report) {
  auto [a, b] = connect();
  b.reset();
  std::error_code why;
  stuff(*a, 10000, why, soon());
  report.expect(why == os_error(ECONNRESET), "writing must end with ECONNRESET");
  report.expect_error(write(*a, pattern(1), soon()), os_error(ECONNRESET), "every later write");
  report.expect_error(a->try_flush(soon()), os_error(ECONNRESET), "flush");
  report.expect_error(a->try_done(soon()), os_error(ECONNRESET), "done");
  report.expect(!a->healthy(), "a broken stream is not healthy");
  report.expect(!a->try_fill(1, soon()), "nothing can be received");
}

inline void a_stream_that_is_dropped_has_sent_what_was_written(const stream_connector& connect,
                                                               const contract_report& report) {
  auto [a, b] = connect();
  report.expect_success(write(*a, pattern(100), soon()), "write");
  a.reset();
  std::error_code why;
  report.expect(read_all(*b, why) == pattern(100), "a small write must survive the stream");
  report.expect(why == errc::end_of_stream, "then the end");
}

// Receives `wanted`, or what is there instead is reported.
inline result<void> hear(byte_stream& s, const std::vector<std::byte>& wanted,
                         const contract_report& report) {
  const auto seen = s.try_fill(wanted.size(), soon());
  if (!seen) return fail(seen.error());
  report.expect(std::ranges::equal(seen->first(wanted.size()), wanted), "nothing wrong may arrive");
  s.consume(wanted.size());
  return {};
}

// One end of a conversation that ends well on both sides: the first one speaks, the other repeats.
inline result<void> converse(byte_stream& s, bool first, const contract_report& report) {
  for (unsigned round = 0; round < 3; ++round) {
    const auto text = pattern(20000, round);
    if (!first)
      if (auto r = hear(s, text, report); !r) return r;
    if (auto r = write(s, text, soon()); !r) return r;
    if (auto r = s.try_flush(soon()); !r) return r;
    if (first)
      if (auto r = hear(s, text, report); !r) return r;
  }
  if (auto r = s.try_done(soon()); !r) return r;
  const auto end = s.try_fill(1, soon());
  if (report.expect(!end, "nothing may come that was not sent"); !end)
    if (end.error() != errc::end_of_stream) return fail(end.error());
  return s.try_close(soon());
}

// True if the conversation ended well. If not, the stream is broken for good, and aborted.
inline bool converse_or_abort(byte_stream& s, bool first, const contract_report& report) {
  const auto r = converse(s, first, report);
  if (r) return true;
  report.expect(r.error() != os_error(ETIMEDOUT), "nobody may be left waiting");
  if (r.error() == os_error(ECONNRESET)) {
    report.expect(!write(s, pattern(1), soon()), "a write to a broken stream must fail");
    report.expect(!s.try_done(soon()), "done on a broken stream must fail");
    report.expect(!s.healthy(), "a broken stream is not healthy");
  }
  s.abort();
  report.expect(!s.healthy(), "an aborted stream is not healthy");
  report.expect_error(s.try_fill(1, soon()), errc::closed, "fill after abort");
  report.expect_error(s.try_close(soon()), errc::closed, "close after abort");
  return false;
}

// Fails operation 0, 1, 2, ... until there are so many conversations in a row that end well that
// the failures must lie behind their end: some, such as those while closing, change nothing.
inline void every_operation_may_fail(const failing_stream_connector& connect,
                                     const contract_report& report) {
  std::size_t failures = 0;
  std::size_t well = 0;
  for_each_failure([&](std::size_t n) {
    auto [a, b] = connect(n);
    bool fine = true;
    task_group group;
    group.go([&, b = b.get()] { fine = converse_or_abort(*b, false, report) && fine; });
    fine = converse_or_abort(*a, true, report) && fine;
    group.wait();
    well = fine ? well + 1 : 0;
    failures += fine ? 0 : 1;
    return well == 8;
  });
  report.expect(failures > 0, "the connector must make operations fail");
}

}  // namespace byte_stream_contract

// All checks. Each makes its own streams, leaves nothing behind and takes milliseconds.
inline const std::vector<byte_stream_check>& byte_stream_checks() {
  namespace c = byte_stream_contract;
#define CARAWAY_CHECK(name) {#name, c::name}
  static const std::vector<byte_stream_check> all = {
      CARAWAY_CHECK(bytes_arrive_in_order_whatever_their_number),
      CARAWAY_CHECK(the_parts_of_a_write_follow_each_other),
      CARAWAY_CHECK(a_message_may_be_cut_anywhere),
      CARAWAY_CHECK(what_is_not_consumed_stays),
      CARAWAY_CHECK(filling_with_nothing_wanted_does_not_wait),
      CARAWAY_CHECK(a_receive_that_timed_out_has_lost_nothing),
      CARAWAY_CHECK(a_receive_that_was_cancelled_has_lost_nothing),
      CARAWAY_CHECK(a_second_receiver_is_sent_away),
      CARAWAY_CHECK(reading_into_memory_takes_at_least_what_was_asked_for),
      CARAWAY_CHECK(a_read_that_timed_out_says_how_much_it_took),
      CARAWAY_CHECK(the_end_comes_behind_the_last_byte),
      CARAWAY_CHECK(one_direction_may_end_before_the_other),
      CARAWAY_CHECK(a_write_that_timed_out_is_all_or_nothing),
      CARAWAY_CHECK(a_write_that_was_cancelled_is_all_or_nothing),
      CARAWAY_CHECK(writers_take_turns_in_order_and_never_mix),
      CARAWAY_CHECK(both_directions_work_at_once),
      CARAWAY_CHECK(closing_loses_nothing),
      CARAWAY_CHECK(closing_drops_what_the_peer_still_sends),
      CARAWAY_CHECK(a_flood_does_not_extend_the_deadline_of_close),
      CARAWAY_CHECK(closing_a_stream_whose_peer_is_silent_times_out),
      CARAWAY_CHECK(aborting_wakes_who_receives),
      CARAWAY_CHECK(aborting_wakes_those_who_write),
      CARAWAY_CHECK(a_peer_that_is_gone_breaks_the_stream_for_good),
      CARAWAY_CHECK(a_stream_that_is_dropped_has_sent_what_was_written),
  };
#undef CARAWAY_CHECK
  return all;
}

}  // namespace caraway::testing

// With GoogleTest: a test `suite`.keeps_the_contract_of_a_byte_stream that runs every check on what
// the connector, the rest of the arguments, makes.
#define CARAWAY_BYTE_STREAM_CONTRACT(suite, ...)                                            \
  TEST(suite, keeps_the_contract_of_a_byte_stream) {                                        \
    const ::caraway::testing::stream_connector connect = __VA_ARGS__;                       \
    for (const auto& check : ::caraway::testing::byte_stream_checks())                      \
      check.run(connect, ::caraway::testing::contract_report([&](const std::string& what) { \
                  ADD_FAILURE() << check.name << ": " << what;                              \
                }));                                                                        \
  }

// The same for failures: a test `suite`.keeps_the_contract_when_any_operation_fails.
#define CARAWAY_BYTE_STREAM_FAILURE_CONTRACT(suite, ...)                           \
  TEST(suite, keeps_the_contract_when_any_operation_fails) {                       \
    ::caraway::testing::byte_stream_contract::every_operation_may_fail(            \
        __VA_ARGS__, ::caraway::testing::contract_report(                          \
                         [](const std::string& what) { ADD_FAILURE() << what; })); \
  }
