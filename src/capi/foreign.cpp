#include "capi/foreign.hpp"

#include <algorithm>
#include <cstring>
#include <vector>

namespace caraway::capi {
namespace {

// A deadline as C functions take it.
std::int64_t to_milliseconds(deadline dl) noexcept {
  if (dl.is_never()) return -1;
  if (dl.is_immediate()) return 0;
  const auto at = std::chrono::ceil<std::chrono::milliseconds>(dl.at().time_since_epoch());
  return std::max<std::int64_t>(at.count(), 1);
}

class foreign_stream final : public byte_stream {
 public:
  explicit foreign_stream(dill_bsock_vfs& vfs) noexcept : vfs_(vfs) {}

  result<mutable_bytes> try_fill(std::size_t min, deadline dl) override {
    if (buffered().size() >= min) return buffered();
    const int code = without_exceptions([&] { return receive(min - buffered().size(), dl); });
    if (code == 0) return buffered();
    if (code == EPIPE) return fail(errc::end_of_stream);
    return fail(code);
  }

  mutable_bytes buffered() noexcept override { return mutable_bytes(buffer_).subspan(consumed_); }

  void consume(std::size_t n) noexcept override {
    consumed_ += n;
    if (consumed_ != buffer_.size()) return;
    buffer_.clear();
    consumed_ = 0;
  }

  result<void> try_write(parts ps, deadline dl) override {
    const int code = without_exceptions([&] { return send(ps, dl); });
    if (code == 0) return {};
    healthy_ = false;
    if (code == EPIPE) return fail(errc::closed);
    return fail(code);
  }

  result<void> try_flush(deadline) override { return {}; }
  result<void> try_done(deadline) override { return fail(ENOTSUP); }
  result<void> try_close(deadline) override { return {}; }
  void abort() noexcept override { healthy_ = false; }
  bool healthy() const noexcept override { return healthy_; }

 private:
  int receive(std::size_t n, deadline dl) {
    buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(consumed_));
    consumed_ = 0;
    const std::size_t had = buffer_.size();
    buffer_.resize(had + n);
    dill_iolist into{buffer_.data() + had, n, nullptr, 0};
    if (vfs_.brecvl(&vfs_, &into, &into, to_milliseconds(dl)) == 0) return 0;
    const int code = errno;
    buffer_.resize(had);
    healthy_ = false;
    return code;
  }

  int send(parts ps, deadline dl) {
    std::vector<dill_iolist> list;
    list.reserve(ps.size());
    for (bytes p : ps) {
      if (p.empty()) continue;
      list.push_back({const_cast<std::byte*>(p.data()), p.size(), nullptr, 0});
      if (list.size() > 1) list[list.size() - 2].iol_next = &list.back();
    }
    if (list.empty()) return 0;
    return vfs_.bsendl(&vfs_, &list.front(), &list.back(), to_milliseconds(dl)) == 0 ? 0 : errno;
  }

  dill_bsock_vfs& vfs_;
  std::vector<std::byte> buffer_;
  std::size_t consumed_ = 0;
  bool healthy_ = true;
};

}  // namespace

stream_ptr make_foreign(dill_bsock_vfs& vfs) noexcept {
  return stream_ptr(new (std::nothrow) foreign_stream(vfs));
}

}  // namespace caraway::capi
