// datagram_contract_test.cpp - the suite for datagrams finds nothing wrong with a stream that is right,
// and something with one that is not.
#include "caraway/testing/datagram_contract.hpp"

#include <gtest/gtest.h>

#include "caraway/memory_pair.hpp"
#include "io/sized_messages.hpp"

namespace caraway {
namespace {

constexpr std::size_t largest = 1500;

// Messages of a size that a datagram can carry, and a close that waits for nobody.
class short_messages : public message_stream {
 public:
  explicit short_messages(stream_ptr under) : under_(std::move(under)) {}

  result<void> try_send(parts ps, deadline dl) override {
    if (total_size(ps) > largest) return fail(EMSGSIZE);
    return under_.try_send(ps, dl);
  }
  result<bytes> try_recv(deadline dl) override { return under_.try_recv(dl); }
  result<std::size_t> try_recv_into(mutable_bytes into, deadline dl) override {
    return under_.try_recv_into(into, dl);
  }
  result<void> try_close(deadline) override {
    if (std::exchange(closed_, true)) return fail(errc::closed);
    under_.abort();
    return {};
  }
  void abort() noexcept override {
    closed_ = true;
    under_.abort();
  }

 private:
  sized_messages under_;
  bool closed_ = false;
};

template <class Stream>
testing::message_pair pair_of() {
  auto [a, b] = memory_pair();
  return {std::make_unique<Stream>(std::move(a)), std::make_unique<Stream>(std::move(b))};
}

CARAWAY_DATAGRAM_CONTRACT(datagram_contract, largest, [] { return pair_of<short_messages>(); })

// Cuts off what is too large instead of refusing it.
class cutting final : public short_messages {
 public:
  using short_messages::short_messages;
  result<void> try_send(parts ps, deadline dl) override {
    const bytes cut = ps.front().first(std::min(ps.front().size(), largest));
    return short_messages::try_send(parts(&cut, 1), dl);
  }
};

TEST(datagram_contract, a_stream_that_cuts_messages_off_is_found_out) {
  int found = 0;
  testing::datagram_contract::a_message_that_is_too_large_is_refused_and_no_other(
      pair_of<cutting>, largest, testing::contract_report([&](const std::string&) { ++found; }));
  EXPECT_GT(found, 0);
}

}  // namespace
}  // namespace caraway
