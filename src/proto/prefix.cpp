// prefix.cpp - messages behind their length.
//
// A message is in one of three states. As long as it lies in the stream below, nothing is known of it
// here, and everything can be asked again. A large one is taken: its length is consumed, and what
// came of it so far is kept here when a receive was interrupted. One that is dropped is taken as
// well, but nothing of it is kept.
#include "caraway/prefix.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <new>

#include "caraway/memory_block.hpp"
#include "codec/prefix_length.hpp"
#include "io/overdue.hpp"
#include "proto/record_socket.hpp"

namespace caraway::prefix {
namespace {

using codec::prefix_length;

// Messages up to this size are waited for in the buffer of the stream below.
constexpr std::size_t in_place_size = 64 * 1024;
// From here on they are received straight into the caller's memory.
constexpr std::size_t straight_size = 16 * 1024;
// So much is dropped at a time.
constexpr std::size_t drop_size = 16 * 1024;
// The first memory for a message that is put together here.
constexpr std::size_t first_size = 256 * 1024;
// Nothing is larger than this.
constexpr std::uint64_t largest = std::numeric_limits<std::ptrdiff_t>::max();

// Bytes that grow as they come.
class collected {
 public:
  std::size_t size() const noexcept { return size_; }
  bytes view() const noexcept { return {memory_.get(), size_}; }

  // Room behind what is there, of the `all` bytes there will be; nothing if there is no memory.
  mutable_bytes room(std::size_t all) noexcept {
    if (size_ == capacity_ && !grow(std::min(all, std::max(first_size, 2 * capacity_)))) return {};
    return {memory_.get() + size_, capacity_ - size_};
  }
  void received(std::size_t n) noexcept { size_ += n; }

  // false if there is no memory.
  bool append(bytes more) noexcept {
    if (more.size() > capacity_ - size_ && !grow(size_ + more.size())) return false;
    std::ranges::copy(more, memory_.get() + size_);
    size_ += more.size();
    return true;
  }

  void clear() noexcept {
    memory_.reset();
    size_ = capacity_ = 0;
  }

 private:
  bool grow(std::size_t capacity) noexcept {
    memory_block larger = allocate_block(capacity);
    if (larger == nullptr) return false;
    if (size_ > 0) std::memcpy(larger.get(), memory_.get(), size_);
    memory_ = std::move(larger);
    capacity_ = capacity;
    return true;
  }

  memory_block memory_;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

class socket final : public proto::record_socket {
 public:
  socket(stream_ptr below, const options& o) noexcept
      : record_socket(std::move(below)),
        length_(o.width, o.order == byte_order::little),
        limit_(std::min<std::uint64_t>(o.limit, largest)) {}

  result<void> try_send(parts ps, deadline dl) override;

 protected:
  result<bytes> receive(deadline dl) override;
  result<std::size_t> receive_into(mutable_bytes into, deadline dl) override;
  result<std::size_t> drop(deadline dl) override;
  bool is_half_taken() const noexcept override { return state_ != state::below; }
  void release() noexcept override {
    if (state_ == state::below) kept_.clear();
  }

 private:
  enum class state : unsigned char { below, taken, dropped };

  result<std::uint64_t> await_length(deadline dl);
  result<std::size_t> await_size(deadline dl);
  bool is_all_there(std::size_t size) const noexcept;
  void take(std::size_t size) noexcept;
  result<bytes> collect(deadline dl);
  result<std::size_t> read_rest(mutable_bytes into, deadline dl);
  result<void> drop_rest(deadline dl);

  const prefix_length length_;
  const std::uint64_t limit_;
  state state_ = state::below;
  std::size_t size_ = 0;  // of the message that is taken or dropped
  std::size_t rest_ = 0;  // what is still to be dropped of it
  collected kept_;        // what came of the one that is taken, and the last one that was shown
};

result<void> socket::try_send(parts ps, deadline dl) {
  const std::size_t size = total_size(ps);
  if (!length_.holds(size)) return fail(EMSGSIZE);
  prefix_length::written w;
  length_.write(size, w);
  return put(parts(w.pieces).first(w.count), ps, {}, dl);
}

// The length of the message that lies below.
result<std::uint64_t> socket::await_length(deadline dl) {
  const auto seen = fill(length_.width(), dl);
  if (!seen) return fail(seen.error());
  return length_.read(*seen);
}

// The size of the next message that is not dropped.
result<std::size_t> socket::await_size(deadline dl) {
  if (state_ == state::dropped)
    if (auto dropped = drop_rest(dl); !dropped) return fail(dropped.error());
  if (state_ == state::taken) return size_;
  const auto length = await_length(dl);
  if (!length) return fail(length.error());
  if (*length > limit_) return fail(errc::message_too_big);
  return static_cast<std::size_t>(*length);
}

bool socket::is_all_there(std::size_t size) const noexcept {
  const std::size_t n = below().buffered().size();
  return n >= length_.width() && n - length_.width() >= size;
}

void socket::take(std::size_t size) noexcept {
  below().consume(length_.width());
  state_ = state::taken;
  size_ = size;
}

result<bytes> socket::receive(deadline dl) {
  const auto size = await_size(dl);
  if (!size) return fail(size.error());
  if (state_ == state::below && *size > in_place_size && !is_all_there(*size)) take(*size);
  if (state_ == state::taken) return collect(dl);
  if (const auto whole = fill(length_.width() + *size, dl); !whole) return fail(whole.error());
  return show(length_.width(), *size, 0);
}

result<bytes> socket::collect(deadline dl) {
  while (kept_.size() < size_) {
    const mutable_bytes room = kept_.room(size_);
    if (room.empty()) return fail(ENOMEM);
    std::size_t got = 0;
    const auto n = below().try_read_into(room, room.size(), dl, &got);
    kept_.received(n ? *n : got);
    if (!n) return fail(inside(n.error()));
  }
  state_ = state::below;
  return kept_.view();
}

result<std::size_t> socket::receive_into(mutable_bytes into, deadline dl) {
  const auto size = await_size(dl);
  if (!size) return fail(size.error());
  if (*size > into.size()) return fail(EMSGSIZE);
  if (state_ == state::below && *size >= straight_size && !is_all_there(*size)) take(*size);
  if (state_ == state::taken) return read_rest(into.first(*size), dl);
  const auto whole = fill(length_.width() + *size, dl);
  if (!whole) return fail(whole.error());
  std::ranges::copy(whole->subspan(length_.width(), *size), into.begin());
  below().consume(length_.width() + *size);
  return *size;
}

// What is kept, and the rest straight from the stream; if that is interrupted, it is kept as well.
result<std::size_t> socket::read_rest(mutable_bytes into, deadline dl) {
  std::ranges::copy(kept_.view(), into.begin());
  const mutable_bytes rest = into.subspan(kept_.size());
  std::size_t got = 0;
  const auto n = below().try_read_into(rest, rest.size(), dl, &got);
  if (!n) {
    if (kept_.append(rest.first(got))) return fail(inside(n.error()));
    abort();  // what came can neither be kept nor given back
    return fail(ENOMEM);
  }
  state_ = state::below;
  kept_.clear();
  return into.size();
}

result<std::size_t> socket::drop(deadline dl) {
  if (state_ == state::below) {
    const auto length = await_length(dl);
    if (!length) return fail(length.error());
    if (*length > largest) return fail(errc::message_too_big);
    take(static_cast<std::size_t>(*length));
  }
  if (state_ == state::taken) {
    rest_ = size_ - kept_.size();
    kept_.clear();
    state_ = state::dropped;
  }
  if (auto dropped = drop_rest(dl); !dropped) return fail(dropped.error());
  return size_;
}

// A peer that never stops sending does not move the deadline.
result<void> socket::drop_rest(deadline dl) {
  for (bool waited = false; rest_ > 0; waited = true) {
    if (waited && io::overdue(dl)) return fail(ETIMEDOUT);
    const auto seen = fill(std::min(rest_, drop_size), dl);
    if (!seen) return fail(seen.error());
    const std::size_t n = std::min(rest_, seen->size());
    below().consume(n);
    rest_ -= n;
  }
  state_ = state::below;
  return {};
}

}  // namespace

result<record_ptr> try_attach(stream_ptr below, const options& o) noexcept {
  if (o.width == 0 || o.width > prefix_length::max_width) return fail(EINVAL);
  record_ptr made(new (std::nothrow) socket(std::move(below), o));
  if (made == nullptr) return fail(ENOMEM);
  return made;
}

}  // namespace caraway::prefix
