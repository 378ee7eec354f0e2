// ws_connection_memory.cpp - where a connection puts a message together: in memory of its own that grows
// as the message does, or in memory that was lent to it, as long as that is enough.
#include <algorithm>
#include <utility>

#include "caraway/ws_connection.hpp"

namespace caraway::ws {
namespace {

// The first piece of memory for a message; more only as data arrives.
constexpr std::size_t first_memory = std::size_t{256} << 10;
constexpr std::size_t least_memory = 512;

}  // namespace

// More room is made only now: a part that was taken meanwhile has left some.
mutable_bytes connection::destination() noexcept {
  if (over() || phase_ != phase::direct || !make_room(0)) return {};
  const std::size_t room = message_capacity_ - message_size_;
  return {message_.get() + message_size_,
          static_cast<std::size_t>(std::min<std::uint64_t>(room, remaining()))};
}

void connection::received(std::size_t n) noexcept {
  const mutable_bytes piece = destination();
  n = std::min(n, piece.size());
  if (n == 0 || !open_payload(piece.first(n))) return;
  message_size_ += n;
}

// Room for `arriving` more bytes and, if the frame goes on behind them, for some of that too. What
// a header announces is believed only in proportion to what has really come.
bool connection::make_room(std::size_t arriving) noexcept {
  const std::uint64_t arrived = message_size_ + arriving;
  const std::uint64_t announced = std::max(arrived, message_size_ + remaining());
  // Lent memory that will not do is not filled in vain.
  if (message_capacity_ >= announced || (message_capacity_ > arrived && !has_lent())) return true;
  std::uint64_t wanted = std::min(announced, std::max<std::uint64_t>(first_memory, 4 * arrived));
  if (!frame_.fin) {
    const std::uint64_t more = std::max<std::uint64_t>(least_memory, 2 * message_capacity_);
    wanted = std::max(wanted, std::min(max_message_, more));
  }
  return enlarge(wanted);
}

bool connection::enlarge(std::uint64_t wanted) noexcept {
  auto larger = allocate_block(static_cast<std::size_t>(wanted));
  if (!larger) return broken(close_code::internal_error, "out of memory");
  std::copy_n(message_.get(), message_size_, larger.get());
  message_ = message_memory(larger.release());
  message_capacity_ = static_cast<std::size_t>(wanted);
  return true;
}

void connection::release_message() noexcept {
  message_ = message_memory();
  message_size_ = message_capacity_ = 0;
  delivered_ = false;
}

mutable_bytes connection::take_part() noexcept {
  if (over() || delivered_) return {};
  const mutable_bytes part(message_.get(), message_size_);
  taken_ += std::exchange(message_size_, 0);
  return part;
}

memory_block connection::keep_message() noexcept {
  if (!delivered_) return nullptr;
  memory_block kept(has_lent() ? nullptr : message_.release());
  release_message();
  return kept;
}

void connection::lend(mutable_bytes memory) noexcept {
  if (over() || message_op_ != opcode::continuation) return;
  release_message();
  const auto usable =
      static_cast<std::size_t>(std::min<std::uint64_t>(memory.size(), max_message_));
  if (usable == 0) return;
  message_ = message_memory(memory.data(), giver(true));
  message_capacity_ = usable;
}

mutable_bytes connection::take_back() noexcept {
  if (!has_lent()) return {};
  if (message_size_ == 0 || !enlarge(message_size_)) {
    release_message();
    return {};
  }
  return delivered_ ? mutable_bytes(message_.get(), message_size_) : mutable_bytes();
}

}  // namespace caraway::ws
