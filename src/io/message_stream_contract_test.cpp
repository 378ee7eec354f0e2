// message_stream_contract_test.cpp - the suite for message streams finds nothing wrong with a
// stream that is right, and something with one that is not.
#include "caraway/testing/message_stream_contract.hpp"

#include <gtest/gtest.h>

#include "caraway/memory_pair.hpp"
#include "io/sized_messages.hpp"

namespace caraway {
namespace {

testing::message_pair sized_pair(const memory_faults& faults) {
  auto [a, b] = memory_pair(faults, faults);
  return {std::make_unique<sized_messages>(std::move(a)),
          std::make_unique<sized_messages>(std::move(b))};
}

CARAWAY_MESSAGE_STREAM_CONTRACT(message_stream_contract, [] { return sized_pair({}); })

TEST(message_stream_contract, holds_also_when_the_bytes_come_in_pieces) {
  for (const auto& check : testing::message_stream_checks())
    check.run([] { return sized_pair({.chop = 1001}); },
              testing::contract_report(
                  [&](const std::string& what) { ADD_FAILURE() << check.name << ": " << what; }));
}

// Forgets the first message of each.
class forgetful final : public message_stream {
 public:
  explicit forgetful(std::unique_ptr<message_stream> under) : under_(std::move(under)) {}
  result<void> try_send(parts ps, deadline dl) override {
    return sent_++ == 0 ? result<void>() : under_->try_send(ps, dl);
  }
  result<bytes> try_recv(deadline dl) override { return under_->try_recv(earlier(dl, limit())); }
  result<std::size_t> try_recv_into(mutable_bytes into, deadline dl) override {
    return under_->try_recv_into(into, earlier(dl, limit()));
  }
  result<void> try_close(deadline dl) override { return under_->try_close(earlier(dl, limit())); }
  void abort() noexcept override { under_->abort(); }

 private:
  static deadline limit() { return std::chrono::milliseconds(2); }
  std::unique_ptr<message_stream> under_;
  int sent_ = 0;
};

TEST(message_stream_contract, a_stream_that_loses_messages_is_found_out) {
  int found = 0;
  const auto connect = []() -> testing::message_pair {
    auto [a, b] = sized_pair({});
    return {std::make_unique<forgetful>(std::move(a)), std::make_unique<forgetful>(std::move(b))};
  };
  testing::message_stream_contract::messages_arrive_whole_and_in_order(
      connect, testing::contract_report([&](const std::string&) { ++found; }));
  EXPECT_GT(found, 0);
}

}  // namespace
}  // namespace caraway
