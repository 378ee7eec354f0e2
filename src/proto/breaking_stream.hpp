// breaking_stream.hpp - a stream that breaks at the n-th call, for tests of layers that shake hands.
#pragma once

#include <cerrno>
#include <cstddef>
#include <limits>
#include <memory>
#include <utility>

#include "caraway/byte_stream.hpp"

namespace caraway {

// Shared by the ends of a connection: which call breaks it.
struct breaking_point {
  // Counts from now on.
  void arm(std::size_t n) noexcept { left = n; }
  bool reached() noexcept { return left == 0 || left-- == 0; }

  std::size_t left = std::numeric_limits<std::size_t>::max();
};

// Passes every call on until the point is reached; from then on the connection is reset.
class breaking_stream final : public byte_stream {
 public:
  breaking_stream(stream_ptr below, std::shared_ptr<breaking_point> at) noexcept
      : below_(std::move(below)), at_(std::move(at)) {}

  result<mutable_bytes> try_fill(std::size_t min, deadline dl) override {
    if (below_->buffered().size() < min && breaks()) return fail(ECONNRESET);
    return told(below_->try_fill(min, dl));
  }
  mutable_bytes buffered() noexcept override { return below_->buffered(); }
  void consume(std::size_t n) noexcept override { below_->consume(n); }
  result<void> try_write(parts ps, deadline dl) override {
    if (breaks()) return fail(ECONNRESET);
    return told(below_->try_write(ps, dl));
  }
  result<void> try_flush(deadline dl) override {
    if (breaks()) return fail(ECONNRESET);
    return told(below_->try_flush(dl));
  }
  result<void> try_done(deadline dl) override {
    if (breaks()) return fail(ECONNRESET);
    return told(below_->try_done(dl));
  }
  result<void> try_close(deadline dl) override {
    if (breaks()) return fail(ECONNRESET);
    return told(below_->try_close(dl));
  }
  void abort() noexcept override { below_->abort(); }
  bool healthy() const noexcept override { return !broken_ && below_->healthy(); }

 private:
  bool breaks() noexcept {
    if (!broken_ && at_->reached()) {
      broken_ = true;
      below_->abort();
    }
    return broken_;
  }
  // Who was inside when it broke was not cancelled.
  template <class T>
  result<T> told(result<T> r) noexcept {
    if (!r && broken_) return fail(ECONNRESET);
    return r;
  }

  stream_ptr below_;
  std::shared_ptr<breaking_point> at_;
  bool broken_ = false;
};

// Both ends of a connection that breaks at `at`.
inline std::pair<stream_ptr, stream_ptr> breaking(std::pair<stream_ptr, stream_ptr> ends,
                                                  const std::shared_ptr<breaking_point>& at) {
  return {std::make_unique<breaking_stream>(std::move(ends.first), at),
          std::make_unique<breaking_stream>(std::move(ends.second), at)};
}

}  // namespace caraway
