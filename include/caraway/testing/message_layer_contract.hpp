// message_layer_contract.hpp - what every message_stream that is built on a byte_stream must do
// besides the contract of message_stream, as checks to be run on yours.
//
// The suite holds the streams below the layer: it cuts the input at every byte, stops it at every
// byte for a time-out or a cancellation, lets it come in pieces and breaks it at every operation.
// Needed: a function that puts a layer on each of two byte streams, without an exchange between
// the two. With GoogleTest:
//
//     CARAWAY_MESSAGE_LAYER_CONTRACT(my_layer, [](stream_ptr a, stream_ptr b) { return ...; })
//
// or with anything else:
//
//     for (const auto& check : message_layer_checks()) check.run(attach, report);
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <system_error>
#include <tuple>
#include <utility>
#include <vector>

#include "caraway/byte_stream.hpp"
#include "caraway/memory_pair.hpp"
#include "caraway/task_group.hpp"
#include "caraway/testing/contract_report.hpp"
#include "caraway/testing/message_stream_contract.hpp"
#include "caraway/this_task.hpp"

namespace caraway::testing {

using message_layers = std::function<message_pair(stream_ptr first, stream_ptr second)>;

struct message_layer_check {
  const char* name;
  void (*run)(const message_layers& attach, const contract_report& report);
};

namespace message_layer_contract {

using message_stream_contract::expect_message;
using message_stream_contract::letters;
using message_stream_contract::send;
using message_stream_contract::soon;
using std::chrono::milliseconds;

// Long enough for a head of more than the smallest size in most protocols.
constexpr std::size_t message_size = 130;

// A sender and a receiver whose bytes go on only when the suite passes them on.
class tapped {
 public:
  explicit tapped(const message_layers& attach) {
    auto [under_sender, from_sender] = memory_pair();
    auto [under_receiver, to_receiver] = memory_pair();
    from_sender_ = std::move(from_sender);
    to_receiver_ = std::move(to_receiver);
    std::tie(sender, receiver) = attach(std::move(under_sender), std::move(under_receiver));
  }

  // The bytes that the sender makes of `text`.
  std::vector<std::byte> bytes_of(const std::string& text, const contract_report& report) {
    report.expect_success(send(*sender, text, soon()), "send");
    report.expect_success(from_sender_->try_fill(text.size() + 1, soon()), "the message's bytes");
    while (from_sender_->try_fill(from_sender_->buffered().size() + 1, milliseconds(1))) {
    }
    const bytes all = from_sender_->buffered();
    const std::vector<std::byte> kept(all.begin(), all.end());
    from_sender_->consume(all.size());
    return kept;
  }

  void pass_on(bytes b) { to_receiver_->write(b); }

  std::unique_ptr<message_stream> sender;
  std::unique_ptr<message_stream> receiver;

 private:
  stream_ptr from_sender_;
  stream_ptr to_receiver_;
};

// Calls f(pair, first, rest) for each way to cut a message in two, then expects the message.
template <class F>
void for_each_cut(const message_layers& attach, const contract_report& report, F f) {
  tapped pair(attach);
  for (std::size_t cut = 0;; ++cut) {
    const std::string text = letters(message_size, static_cast<unsigned>(cut));
    const auto all = pair.bytes_of(text, report);
    if (cut == all.size()) return;
    pair.pass_on(bytes(all).first(cut));
    f(*pair.receiver);
    task_group group;
    group.go([&] { expect_message(*pair.receiver, text, report); });
    caraway::yield();
    pair.pass_on(bytes(all).subspan(cut));
    group.wait();
  }
}

inline void expect_timeout(message_stream& s, const contract_report& report) {
  report.expect_error(s.try_recv(milliseconds(1)), os_error(ETIMEDOUT), "receive");
}

inline void expect_cancellation(message_stream& s, const contract_report& report) {
  task_group group;
  group.go([&] { report.expect_error(s.try_recv(soon()), os_error(ECANCELED), "receive"); });
  caraway::yield();
  group.cancel();
}

inline void a_message_may_be_cut_anywhere(const message_layers& attach,
                                          const contract_report& report) {
  for_each_cut(attach, report, [](message_stream&) {});
}

inline void a_timeout_anywhere_in_a_message_loses_nothing(const message_layers& attach,
                                                          const contract_report& report) {
  for_each_cut(attach, report, [&](message_stream& s) { expect_timeout(s, report); });
}

inline void a_cancellation_anywhere_in_a_message_loses_nothing(const message_layers& attach,
                                                               const contract_report& report) {
  for_each_cut(attach, report, [&](message_stream& s) { expect_cancellation(s, report); });
}

inline void a_message_interrupted_at_every_byte_arrives_whole(const message_layers& attach,
                                                              const contract_report& report) {
  tapped pair(attach);
  const std::string text = letters(message_size);
  const auto all = pair.bytes_of(text, report);
  for (std::size_t n = 0; n < all.size(); ++n) {
    expect_timeout(*pair.receiver, report);
    expect_cancellation(*pair.receiver, report);
    pair.pass_on(bytes(all).subspan(n, 1));
  }
  expect_message(*pair.receiver, text, report);
}

// What every message_stream must do, when the streams below are `faults`.
inline void keep_the_contract(const message_layers& attach, const memory_faults& faults,
                              const contract_report& report) {
  const auto connect = [&] {
    auto [a, b] = memory_pair(faults, faults);
    return attach(std::move(a), std::move(b));
  };
  for (const auto& check : message_stream_checks())
    check.run(connect, contract_report([&](const std::string& what) {
                report.expect(false, std::string(check.name) + ": " + what);
              }));
}

inline void messages_may_come_byte_by_byte(const message_layers& attach,
                                           const contract_report& report) {
  auto [under_a, under_b] = memory_pair({}, {.chop = 1});
  auto [a, b] = attach(std::move(under_a), std::move(under_b));
  for (std::size_t n : {0, 1, 125, 126, 127, 3000}) {
    report.expect_success(send(*a, letters(n), soon()), "send");
    expect_message(*b, letters(n), report);
  }
}

inline void all_holds_when_the_bytes_come_in_pieces(const message_layers& attach,
                                                    const contract_report& report) {
  keep_the_contract(attach, {.chop = 997}, report);
}

inline void all_holds_when_little_fits_below(const message_layers& attach,
                                             const contract_report& report) {
  keep_the_contract(attach, {.capacity = 1000}, report);
}

inline result<void> hear(message_stream& s, const std::string& wanted,
                         const contract_report& report) {
  const auto got = s.try_recv(soon());
  if (!got) return fail(got.error());
  report.expect(as_text(*got) == wanted, "nothing but whole messages may arrive");
  return {};
}

// One end of a conversation: the first one speaks and closes, the other repeats until the end.
inline result<void> converse(message_stream& s, bool first, const contract_report& report) {
  for (unsigned round = 0; round < 3; ++round) {
    const std::string text = letters(message_size, round);
    if (!first)
      if (auto r = hear(s, text, report); !r) return r;
    if (auto r = send(s, text, soon()); !r) return r;
    if (first)
      if (auto r = hear(s, text, report); !r) return r;
  }
  if (!first)
    if (const auto end = s.try_recv(soon()); report.expect(!end, "nothing more was sent"))
      if (end.error() != errc::end_of_stream) return fail(end.error());
  return s.try_close(soon());
}

// True if the conversation ended well. If not, the stream is aborted.
inline bool converse_or_abort(message_stream& s, bool first, const contract_report& report) {
  const auto r = converse(s, first, report);
  if (r) return true;
  report.expect(r.error() != os_error(ETIMEDOUT), "nobody may be left waiting");
  s.abort();
  report.expect(!s.try_recv(soon()), "receive after abort must fail");
  report.expect(!send(s, "more", soon()), "send after abort must fail");
  return false;
}

inline void every_operation_below_may_fail(const message_layers& attach,
                                           const contract_report& report) {
  std::size_t failures = 0;
  std::size_t well = 0;
  for_each_failure([&](std::size_t n) {
    const memory_faults none{.chop = 23};
    const memory_faults some{.chop = 23, .fail_at = n / 2};
    auto under = n % 2 == 0 ? memory_pair(some, none) : memory_pair(none, some);
    auto [a, b] = attach(std::move(under.first), std::move(under.second));
    bool fine = true;
    task_group group;
    group.go([&, b = b.get()] { fine = converse_or_abort(*b, false, report) && fine; });
    fine = converse_or_abort(*a, true, report) && fine;
    group.wait();
    well = fine ? well + 1 : 0;
    failures += fine ? 0 : 1;
    return well == 8;
  });
  report.expect(failures > 0, "operations below must be met");
}

}  // namespace message_layer_contract

// All checks. Each makes its own streams and leaves nothing behind.
inline const std::vector<message_layer_check>& message_layer_checks() {
  namespace c = message_layer_contract;
#define CARAWAY_CHECK(name) {#name, c::name}
  static const std::vector<message_layer_check> all = {
      CARAWAY_CHECK(a_message_may_be_cut_anywhere),
      CARAWAY_CHECK(a_timeout_anywhere_in_a_message_loses_nothing),
      CARAWAY_CHECK(a_cancellation_anywhere_in_a_message_loses_nothing),
      CARAWAY_CHECK(a_message_interrupted_at_every_byte_arrives_whole),
      CARAWAY_CHECK(messages_may_come_byte_by_byte),
      CARAWAY_CHECK(all_holds_when_the_bytes_come_in_pieces),
      CARAWAY_CHECK(all_holds_when_little_fits_below),
      CARAWAY_CHECK(every_operation_below_may_fail),
  };
#undef CARAWAY_CHECK
  return all;
}

}  // namespace caraway::testing

// With GoogleTest: a test `suite`.keeps_the_contract_of_a_message_layer that runs every check on
// what the function, the rest of the arguments, makes.
#define CARAWAY_MESSAGE_LAYER_CONTRACT(suite, ...)                                         \
  TEST(suite, keeps_the_contract_of_a_message_layer) {                                     \
    const ::caraway::testing::message_layers attach = __VA_ARGS__;                         \
    for (const auto& check : ::caraway::testing::message_layer_checks())                   \
      check.run(attach, ::caraway::testing::contract_report([&](const std::string& what) { \
                  ADD_FAILURE() << check.name << ": " << what;                             \
                }));                                                                       \
  }
