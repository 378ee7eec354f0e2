// message_layer_contract_test.cpp - the suite for layers finds nothing wrong with one that is right,
// and something with one that forgets what it has begun to receive.
#include "caraway/testing/message_layer_contract.hpp"

#include <gtest/gtest.h>

#include "io/sized_messages.hpp"

namespace caraway {
namespace {

template <class L>
testing::message_pair layers(stream_ptr a, stream_ptr b) {
  return {std::make_unique<L>(std::move(a)), std::make_unique<L>(std::move(b))};
}

CARAWAY_MESSAGE_LAYER_CONTRACT(message_layer_contract, layers<sized_messages>)

// Consumes what has come of a message when the rest does not come in time.
class impatient final : public message_stream {
 public:
  explicit impatient(stream_ptr under) : under_(under.get()), messages_(std::move(under)) {}
  result<void> try_send(parts ps, deadline dl) override { return messages_.try_send(ps, dl); }
  result<bytes> try_recv(deadline dl) override {
    auto r = messages_.try_recv(earlier(dl, std::chrono::milliseconds(2)));
    if (!r) under_->consume(under_->buffered().size());
    return r;
  }
  result<std::size_t> try_recv_into(mutable_bytes into, deadline dl) override {
    return messages_.try_recv_into(into, dl);
  }
  result<void> try_close(deadline dl) override { return messages_.try_close(dl); }
  void abort() noexcept override { messages_.abort(); }

 private:
  byte_stream* under_;
  sized_messages messages_;
};

TEST(message_layer_contract, a_layer_that_forgets_what_has_begun_is_found_out) {
  int found = 0;
  const testing::contract_report report([&](const std::string&) { ++found; });
  testing::message_layer_contract::a_message_interrupted_at_every_byte_arrives_whole(
      layers<impatient>, report);
  EXPECT_GT(found, 0);
}

}  // namespace
}  // namespace caraway
