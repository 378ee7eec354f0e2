#include "proto/record_socket.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <new>

#include "caraway/wait.hpp"

namespace caraway::proto {
namespace {

// Parts of a record up to this number need no memory.
constexpr std::size_t few_parts = 8;
// So many messages come out of the buffer before others have a turn.
constexpr std::uint16_t fair_share = 512;

class raised {
 public:
  explicit raised(bool& flag) noexcept : flag_(flag) { flag_ = true; }
  raised(const raised&) = delete;
  raised& operator=(const raised&) = delete;
  ~raised() { flag_ = false; }

 private:
  bool& flag_;
};

class counted {
 public:
  explicit counted(unsigned& count) noexcept : count_(count) { ++count_; }
  counted(const counted&) = delete;
  counted& operator=(const counted&) = delete;
  ~counted() { --count_; }

 private:
  unsigned& count_;
};

}  // namespace

// Receiving

result<void> record_socket::enter() noexcept {
  if (ended_) return fail(errc::closed);
  if (receiving_) return fail(EBUSY);
  if (lowlevel::cancel_pending()) return fail(ECANCELED);
  return {};
}

// Messages that are there already must not keep everybody else waiting.
result<void> record_socket::prepare() noexcept {
  if (++in_a_row_ >= fair_share) {
    in_a_row_ = 0;
    if (const int code = lowlevel::yield(); code != 0) return fail(code);
    if (ended_) return fail(ECANCELED);
  }
  below_->consume(std::exchange(shown_, 0));
  release();
  return {};
}

result<bytes> record_socket::try_recv(deadline dl) {
  if (auto entered = enter(); !entered) return fail(entered.error());
  const raised here(receiving_);
  if (auto ready = prepare(); !ready) return fail(ready.error());
  return receive(dl);
}

result<std::size_t> record_socket::try_recv_into(mutable_bytes into, deadline dl) {
  if (auto entered = enter(); !entered) return fail(entered.error());
  const raised here(receiving_);
  if (auto ready = prepare(); !ready) return fail(ready.error());
  return receive_into(into, dl);
}

result<std::size_t> record_socket::try_skip(deadline dl) {
  if (auto entered = enter(); !entered) return fail(entered.error());
  const raised here(receiving_);
  if (auto ready = prepare(); !ready) return fail(ready.error());
  return drop(dl);
}

result<mutable_bytes> record_socket::fill(std::size_t n, deadline dl) {
  auto seen = below_->try_fill(n, dl);
  if (seen) return seen;
  const bool between = !is_half_taken() && below_->buffered().empty();
  return fail(between ? seen.error() : inside(seen.error()));
}

std::error_code record_socket::inside(std::error_code why) noexcept {
  return why == errc::end_of_stream ? os_error(ECONNRESET) : why;
}

bytes record_socket::show(std::size_t front, std::size_t size, std::size_t back) noexcept {
  shown_ = front + size + back;
  return bytes(below_->buffered()).subspan(front, size);
}

// Sending

result<void> record_socket::put(parts before, parts message, parts after, deadline dl) {
  if (ended_) return fail(errc::closed);
  const counted here(senders_);
  const std::size_t n = before.size() + message.size() + after.size();
  std::array<bytes, few_parts> few;
  std::unique_ptr<bytes[]> many;
  if (n > few.size()) many.reset(new (std::nothrow) bytes[n]);
  if (n > few.size() && !many) return fail(ENOMEM);
  bytes* const all = many ? many.get() : few.data();
  std::ranges::copy(after, std::ranges::copy(message, std::ranges::copy(before, all).out).out);
  return below_->try_write(parts(all, n), dl);
}

result<void> record_socket::try_flush(deadline dl) {
  if (ended_) return fail(errc::closed);
  const counted here(senders_);
  return below_->try_flush(dl);
}

// The end

result<void> record_socket::try_done(deadline dl) {
  if (ended_) return fail(errc::closed);
  const counted here(senders_);
  return below_->try_done(dl);
}

result<void> record_socket::try_close(deadline dl) {
  if (ended_) return fail(errc::closed);
  ended_ = true;
  return below_->try_close(dl);
}

void record_socket::abort() noexcept {
  if (below_ == nullptr) return;
  ended_ = true;
  below_->abort();
}

result<stream_ptr> record_socket::try_detach() noexcept {
  if (ended_) return fail(errc::closed);
  if (receiving_ || senders_ > 0 || is_half_taken()) return fail(EBUSY);
  below_->consume(std::exchange(shown_, 0));
  ended_ = true;
  return std::move(below_);
}

}  // namespace caraway::proto
