// receive_buffer.cpp - the buffer under fill and consume of a stream on a descriptor.
#include "io/receive_buffer.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>

#include "io/kept_block.hpp"
#include "io/overdue.hpp"
#include "runtime/scheduler.hpp"

namespace caraway::io {

using runtime::buffer_pool;
using runtime::direction;
using runtime::io_handle;
using runtime::lent_buffer;

namespace {

// From here on a destination is received into directly; below, reading ahead saves system calls.
constexpr std::size_t straight_size = 8 * 1024;
// At most so much moves into the smallest block for a wait.
constexpr std::size_t little = buffer_pool::smallest / 2;
// Nobody has more memory than this.
constexpr std::size_t largest_block = std::numeric_limits<std::ptrdiff_t>::max() / 4;
// After so many receives that may not have waited, everybody else gets a turn.
constexpr int receives_per_turn = 64;

buffer_pool& pool() noexcept {
  return runtime::scheduler::current().buffers();
}

}  // namespace

result<mutable_bytes> receive_buffer::fill(io_handle& from, std::size_t min, deadline dl) noexcept {
  if (min > largest_block) return fail(ENOMEM);
  while (view().size() < min) {
    if (const auto r = receive(from, min, dl); !r) return fail(r.error());
    if (view().size() >= min) break;
    if (const int code = overdue(dl); code != 0) return fail(code);
  }
  return view();
}

result<std::size_t> receive_buffer::read_into(io_handle& from, mutable_bytes into, std::size_t min,
                                              deadline dl, std::size_t* received) noexcept {
  min = std::min(min, into.size());
  std::size_t got = take(into);
  result<void> r;
  while (r && got < min) {
    const mutable_bytes rest = into.subspan(got);
    if (rest.size() >= straight_size || !reads_ahead_) {
      give_others_a_turn();
      const auto n = receive_straight(from, rest, dl);
      if (n)
        got += *n;
      else
        r = fail(n.error());
    } else {
      r = receive(from, 1, dl);
      got += take(rest);
    }
    if (const int code = r && got < min ? overdue(dl) : 0; code != 0) r = fail(code);
  }
  if (received != nullptr) *received = got;
  if (!r) return fail(r.error());
  return got;
}

std::unique_ptr<kept_memory> receive_buffer::consume_but_keep(std::size_t n) noexcept {
  return keep_block(block_, begin_, n);
}

// Moves what is buffered out into `into`, as far as it has room.
std::size_t receive_buffer::take(mutable_bytes into) noexcept {
  const bytes seen = view();
  const std::size_t n = std::min(seen.size(), into.size());
  if (n > 0) std::memcpy(into.data(), seen.data(), n);
  consume(n);
  return n;
}

// Receives at least one byte more; of the `min` that are wanted in all, if possible.
result<void> receive_buffer::receive(io_handle& from, std::size_t min, deadline dl) noexcept {
  give_others_a_turn();
  if (end_ != end::none) return at_end();
  if (!reads_ahead_) return receive_behind(from, min, dl);
  if (view().empty()) return receive_block(from, dl);
  if (view().size() > little || from.may_be_ready(direction::in))
    return receive_behind(from, min, dl);
  shrink();
  return receive_block(from, dl);
}

// Receives a block that is borrowed when there is something to receive.
result<void> receive_buffer::receive_block(io_handle& from, deadline dl) noexcept {
  auto block = from.recv_lent(dl);
  if (!block) return fail(note(block.error()));
  if (!*block) {
    end_ = end::finished;
    return at_end();
  }
  if (!join(std::move(*block))) {
    end_ = end::broken;
    return fail(ENOMEM);
  }
  return {};
}

// Receives behind what is buffered.
result<void> receive_buffer::receive_behind(io_handle& from, std::size_t min,
                                            deadline dl) noexcept {
  if (!block_ && !from.may_be_ready(direction::in)) {
    if (const int code = from.wait(direction::in, dl, "receive"); code != 0)
      return fail(note(os_error(code)));
  }
  if (!make_room(std::max(min, view().size() + 1))) return fail(ENOMEM);
  const std::size_t end = block_.size();
  const std::size_t limit = reads_ahead_ ? block_.capacity() : begin_ + min;
  const auto n = receive_straight(from, {block_.memory() + end, limit - end}, dl);
  if (!n) {
    if (view().empty()) drop();
    return fail(n.error());
  }
  block_.set_size(end + *n);
  return {};
}

result<std::size_t> receive_buffer::receive_straight(io_handle& from, mutable_bytes into,
                                                     deadline dl) noexcept {
  if (end_ != end::none) return fail(at_end().error());
  const auto n = from.recv(into, dl);
  if (!n) return fail(note(n.error()));
  if (*n == 0) {
    end_ = end::finished;
    return fail(errc::end_of_stream);
  }
  return n;
}

void receive_buffer::give_others_a_turn() noexcept {
  if (++receives_in_a_row_ < receives_per_turn) return;
  receives_in_a_row_ = 0;
  lowlevel::yield();
}

result<void> receive_buffer::at_end() const noexcept {
  if (end_ == end::finished) return fail(errc::end_of_stream);
  return fail(ECONNRESET);
}

// What the caller is told about `code`; whatever is not about this one call ends receiving.
std::error_code receive_buffer::note(std::error_code code) noexcept {
  for (int passing : {ETIMEDOUT, ECANCELED, EBUSY, ENOMEM, ENOBUFS})
    if (code == os_error(passing)) return code;
  end_ = end::broken;
  return os_error(ECONNRESET);
}

// Makes the block large enough for `wanted` bytes from begin_ on.
bool receive_buffer::make_room(std::size_t wanted) noexcept {
  if (begin_ + wanted <= block_.capacity()) return true;
  if (wanted > block_.capacity())
    return move_to(pool().borrow(std::max(wanted, reads_ahead_ ? 2 * block_.capacity() : 0)));
  const bytes held = view();
  std::memmove(block_.memory(), held.data(), held.size());
  block_.set_size(held.size());
  begin_ = 0;
  return true;
}

// Copies what is buffered to the front of `other`, which becomes the block.
bool receive_buffer::move_to(lent_buffer other) noexcept {
  if (!other) return false;
  const bytes held = view();
  if (!held.empty()) std::memcpy(other.memory(), held.data(), held.size());
  other.set_size(held.size());
  block_ = std::move(other);
  begin_ = 0;
  return true;
}

// Without memory for the small block, the large one has to do.
void receive_buffer::shrink() noexcept {
  if (block_.capacity() > buffer_pool::smallest) move_to(pool().borrow(buffer_pool::smallest));
}

// Puts `more` behind what is buffered.
bool receive_buffer::join(lent_buffer more) noexcept {
  const bytes held = view();
  if (held.empty()) {
    block_ = std::move(more);
    begin_ = 0;
    return true;
  }
  const std::size_t both = held.size() + more.size();
  if (both <= more.capacity() && both > block_.capacity()) {
    std::memmove(more.memory() + held.size(), more.memory(), more.size());
    std::memcpy(more.memory(), held.data(), held.size());
    more.set_size(both);
    block_ = std::move(more);
    begin_ = 0;
    return true;
  }
  if (!make_room(both)) return false;
  std::memcpy(block_.memory() + block_.size(), more.memory(), more.size());
  block_.set_size(block_.size() + more.size());
  return true;
}

}  // namespace caraway::io
