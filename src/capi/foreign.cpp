#include "capi/foreign.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace caraway::capi {
namespace {

// The pieces that are not empty, as a list.
class list_of {
 public:
  explicit list_of(parts ps) {
    pieces_.reserve(ps.size());
    for (bytes p : ps) {
      if (p.empty()) continue;
      pieces_.push_back({const_cast<std::byte*>(p.data()), p.size(), nullptr, 0});
      if (pieces_.size() > 1) pieces_[pieces_.size() - 2].iol_next = &pieces_.back();
    }
  }
  bool empty() const noexcept { return pieces_.empty(); }
  dill_iolist* first() noexcept { return &pieces_.front(); }
  dill_iolist* last() noexcept { return &pieces_.back(); }

 private:
  std::vector<dill_iolist> pieces_;
};

class foreign_stream final : public byte_stream {
 public:
  explicit foreign_stream(dill_bsock_vfs& vfs) noexcept : vfs_(vfs) {}

  result<mutable_bytes> try_fill(std::size_t min, deadline dl) override {
    if (buffered().size() >= min) return buffered();
    const int code = without_exceptions([&] { return receive_more(min - buffered().size(), dl); });
    if (code == 0) return buffered();
    return receive_failure(code);
  }

  mutable_bytes buffered() noexcept override { return mutable_bytes(buffer_).subspan(consumed_); }

  void consume(std::size_t n) noexcept override {
    consumed_ += n;
    if (consumed_ != buffer_.size()) return;
    buffer_.clear();
    consumed_ = 0;
  }

  result<std::size_t> try_read_into(mutable_bytes into, std::size_t min, deadline dl,
                                    std::size_t* received) override {
    std::size_t got = std::min(buffered().size(), into.size());
    std::ranges::copy(buffered().first(got), into.begin());
    consume(got);
    min = std::min(min, into.size());
    const int code = got < min ? receive(into.subspan(got, min - got), dl) : 0;
    if (code == 0) got = std::max(got, min);
    if (received != nullptr) *received = got;
    if (code != 0) return receive_failure(code);
    return got;
  }

  result<void> try_write(parts ps, deadline dl) override {
    const int code = without_exceptions([&] { return send(ps, dl); });
    if (code == 0) return {};
    if (code == EPIPE) return fail(errc::closed);
    return fail(code);
  }

  result<void> try_flush(deadline) override { return {}; }
  result<void> try_done(deadline) override { return fail(ENOTSUP); }
  result<void> try_close(deadline) override { return {}; }
  void abort() noexcept override { ended_ = true; }
  bool healthy() const noexcept override {
    return !ended_ && in_ != ECONNRESET && out_ != ECONNRESET;
  }

 private:
  // What later calls get after one has failed with `code`; EBUSY and ENOMEM are about that one.
  static int code_after(int code) noexcept {
    if (code == EBUSY || code == ENOMEM) return 0;
    return code == EPIPE ? EPIPE : ECONNRESET;
  }

  static std::unexpected<std::error_code> receive_failure(int code) noexcept {
    return code == EPIPE ? fail(errc::end_of_stream) : fail(code);
  }

  int receive_more(std::size_t n, deadline dl) {
    buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(consumed_));
    consumed_ = 0;
    const std::size_t had = buffer_.size();
    buffer_.resize(had + n);
    const int code = receive(mutable_bytes(buffer_).subspan(had), dl);
    if (code != 0) buffer_.resize(had);
    return code;
  }

  // All of `into`, or a failure.
  int receive(mutable_bytes into, deadline dl) noexcept {
    if (ended_) return ECANCELED;
    if (in_ != 0) return in_;
    dill_iolist list{into.data(), into.size(), nullptr, 0};
    const int code = vfs_.brecvl(&vfs_, &list, &list, to_milliseconds(dl)) == 0 ? 0 : errno;
    if (ended_) return ECANCELED;
    if (code != 0) in_ = code_after(code);
    return code;
  }

  int send(parts ps, deadline dl) {
    if (ended_) return ECANCELED;
    if (out_ != 0) return out_;
    list_of list(ps);
    if (list.empty()) return 0;
    const int code =
        vfs_.bsendl(&vfs_, list.first(), list.last(), to_milliseconds(dl)) == 0 ? 0 : errno;
    if (ended_) return ECANCELED;
    if (code != 0) out_ = code_after(code);
    return code;
  }

  dill_bsock_vfs& vfs_;
  std::vector<std::byte> buffer_;
  std::size_t consumed_ = 0;
  int in_ = 0;  // what has become of each direction
  int out_ = 0;
  bool ended_ = false;
};

class foreign_messages final : public message_stream {
 public:
  foreign_messages(dill_msock_vfs& vfs, bool keeps) noexcept : vfs_(vfs), keeps_(keeps) {}

  result<void> try_send(parts ps, deadline dl) override {
    const int code = without_exceptions([&] { return send(ps, dl); });
    if (code == 0) return {};
    return code == EPIPE ? fail(errc::closed) : fail(code);
  }

  result<bytes> try_recv(deadline dl) override {
    if (auto kept = keep(dl); !kept) return fail(kept.error());
    is_kept_ = false;
    return bytes(memory_).first(size_);
  }

  result<std::size_t> try_recv_into(mutable_bytes into, deadline dl) override {
    if (!is_kept_ && into.size() >= memory_size) return receive(into, dl);
    if (auto kept = keep(dl); !kept) return fail(kept.error());
    if (size_ > into.size()) return fail(EMSGSIZE);
    is_kept_ = false;
    std::ranges::copy(bytes(memory_).first(size_), into.begin());
    return size_;
  }

  result<std::size_t> try_skip(deadline dl) override {
    if (std::exchange(is_kept_, false)) return size_;
    return receive(nullptr, dl);
  }

  bool keeps_what_did_not_fit() const noexcept override { return keeps_; }
  result<void> try_close(deadline) override { return {}; }
  void abort() noexcept override { ended_ = true; }

 private:
  static constexpr std::size_t memory_size = 64 * 1024;

  static std::unexpected<std::error_code> receive_failure(int code) noexcept {
    return code == EPIPE ? fail(errc::end_of_stream) : fail(code);
  }

  // Into one piece, or to nowhere.
  result<std::size_t> receive(dill_iolist* piece, deadline dl) noexcept {
    if (ended_) return fail(ECANCELED);
    const ssize_t n = vfs_.mrecvl(&vfs_, piece, piece, to_milliseconds(dl));
    if (ended_) return fail(ECANCELED);
    if (n < 0) return receive_failure(errno);
    return static_cast<std::size_t>(n);
  }

  result<std::size_t> receive(mutable_bytes into, deadline dl) noexcept {
    dill_iolist list{into.data(), into.size(), nullptr, 0};
    const auto n = receive(&list, dl);
    if (!n) return n;
    return std::min(*n, into.size());
  }

  // Makes sure that the next message is in the memory.
  result<void> keep(deadline dl) {
    if (is_kept_) return {};
    if (const int code = without_exceptions([&] { return memory_.resize(memory_size), 0; }))
      return fail(code);
    const auto n = receive(memory_, dl);
    if (!n) return fail(n.error());
    size_ = *n;
    is_kept_ = true;
    return {};
  }

  int send(parts ps, deadline dl) {
    if (ended_) return ECANCELED;
    list_of list(ps);
    dill_iolist nothing{nullptr, 0, nullptr, 0};
    dill_iolist* first = list.empty() ? &nothing : list.first();
    dill_iolist* last = list.empty() ? &nothing : list.last();
    const int code = vfs_.msendl(&vfs_, first, last, to_milliseconds(dl)) == 0 ? 0 : errno;
    return ended_ ? ECANCELED : code;
  }

  dill_msock_vfs& vfs_;
  std::vector<std::byte> memory_;
  std::size_t size_ = 0;
  bool is_kept_ = false;
  bool keeps_;
  bool ended_ = false;
};

const char keeping_type_id = 0;

}  // namespace

std::int64_t to_milliseconds(deadline dl) noexcept {
  if (dl.is_never()) return -1;
  if (dl.is_immediate()) return 0;
  const auto at = std::chrono::ceil<std::chrono::milliseconds>(dl.at().time_since_epoch());
  return std::max<std::int64_t>(at.count(), 1);
}

stream_ptr make_foreign(dill_bsock_vfs& vfs) noexcept {
  return stream_ptr(new (std::nothrow) foreign_stream(vfs));
}

const void* const keeping_type = &keeping_type_id;

message_ptr make_foreign(dill_msock_vfs& vfs, bool keeps) noexcept {
  return message_ptr(new (std::nothrow) foreign_messages(vfs, keeps));
}

}  // namespace caraway::capi
