// byte_stream_contract_test.cpp - the suite for byte streams holds for streams that deliver in
// pieces, and finds what is wrong with one that is not as it should be.
#include "caraway/testing/byte_stream_contract.hpp"

#include <gtest/gtest.h>

#include "caraway/memory_pair.hpp"

namespace caraway {
namespace {

void run_on(const memory_faults& faults) {
  for (const auto& check : testing::byte_stream_checks()) {
    check.run([&] { return memory_pair(faults, faults); },
              testing::contract_report(
                  [&](const std::string& what) { ADD_FAILURE() << check.name << ": " << what; }));
  }
}

TEST(byte_stream_contract, holds_when_bytes_come_in_pieces) {
  run_on({.chop = 997});
}

TEST(byte_stream_contract, holds_wherever_the_stream_is_cut) {
  for (std::size_t cut : {1, 2, 19, 20, 21, 4096}) run_on({.cut_at = cut});
}

TEST(byte_stream_contract, holds_when_little_fits_in) {
  run_on({.capacity = 1000});
}

// Shows what came and drops one byte too many with each consume.
class greedy final : public byte_stream {
 public:
  explicit greedy(stream_ptr under) : under_(std::move(under)) {}
  result<mutable_bytes> try_fill(std::size_t min, deadline dl) override {
    return under_->try_fill(min, earlier(dl, std::chrono::milliseconds(2)));
  }
  mutable_bytes buffered() noexcept override { return under_->buffered(); }
  void consume(std::size_t n) noexcept override {
    under_->consume(std::min(n + 1, under_->buffered().size()));
  }
  result<void> try_write(parts ps, deadline dl) override { return under_->try_write(ps, dl); }
  result<void> try_flush(deadline dl) override { return under_->try_flush(dl); }
  result<void> try_done(deadline dl) override { return under_->try_done(dl); }
  result<void> try_close(deadline dl) override { return under_->try_close(dl); }
  void abort() noexcept override { under_->abort(); }
  bool healthy() const noexcept override { return under_->healthy(); }

 private:
  stream_ptr under_;
};

TEST(byte_stream_contract, a_stream_that_consumes_too_much_is_found_out) {
  int found = 0;
  testing::byte_stream_contract::what_is_not_consumed_stays(
      []() -> testing::stream_pair {
        auto [a, b] = memory_pair();
        return {std::make_unique<greedy>(std::move(a)), std::make_unique<greedy>(std::move(b))};
      },
      testing::contract_report([&](const std::string&) { ++found; }));
  EXPECT_GT(found, 0);
}

}  // namespace
}  // namespace caraway
