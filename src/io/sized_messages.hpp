// sized_messages.hpp - for tests: the smallest message_stream, messages behind their size.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

#include "caraway/byte_stream.hpp"
#include "caraway/message_stream.hpp"

namespace caraway {

// Messages behind their size in four bytes, on any byte_stream.
class sized_messages final : public message_stream {
 public:
  explicit sized_messages(stream_ptr under) : under_(std::move(under)) {}

  result<void> try_send(parts ps, deadline dl) override {
    const auto size = static_cast<std::uint32_t>(total_size(ps));
    std::vector<bytes> all = {std::as_bytes(std::span(&size, 1))};
    all.insert(all.end(), ps.begin(), ps.end());
    return under_->try_write(all, dl);
  }

  result<bytes> try_recv(deadline dl) override {
    under_->consume(std::exchange(shown_, 0));
    const auto whole = fill_message(dl);
    if (!whole) return fail(whole.error());
    shown_ = whole->size();
    return whole->subspan(sizeof(std::uint32_t));
  }

  result<std::size_t> try_recv_into(mutable_bytes into, deadline dl) override {
    under_->consume(std::exchange(shown_, 0));
    const auto whole = fill_message(dl);
    if (!whole) return fail(whole.error());
    const bytes message = whole->subspan(sizeof(std::uint32_t));
    if (message.size() > into.size()) return fail(EMSGSIZE);
    std::ranges::copy(message, into.begin());
    under_->consume(whole->size());
    return message.size();
  }

  result<void> try_close(deadline dl) override {
    shown_ = 0;
    return under_->try_close(dl);
  }
  void abort() noexcept override {
    shown_ = 0;
    under_->abort();
  }

 private:
  result<bytes> fill_message(deadline dl) {
    std::uint32_t size = 0;
    const auto head = under_->try_fill(sizeof size, dl);
    if (!head) return fail(head.error());
    std::memcpy(&size, head->data(), sizeof size);
    const auto whole = under_->try_fill(sizeof size + size, dl);
    if (!whole) return fail(whole.error());
    return whole->first(sizeof size + size);
  }

  stream_ptr under_;
  std::size_t shown_ = 0;
};

}  // namespace caraway
