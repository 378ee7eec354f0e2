// send_queue.hpp - the writing side of a stream on a descriptor.
//
// Small writes are gathered in `out_` and leave together: when the coroutine stops running, at 64
// KiB, or at flush(). They leave asynchronously, as `flight_`, while `out_` gathers what comes
// meanwhile. A large write goes straight from the writer's memory, behind what was gathered, and
// its coroutine waits until the kernel has all of it; so does one of middle size once enough has been
// gathered to go with it. If it may not wait so long, the rest is gathered, and the write has
// succeeded; so a write that fails with ETIMEDOUT or ECANCELED has sent nothing.
//
//     stream:  | with the kernel | flight_ or a large write | out_ | writers that wait, in order
//
// A writer waits while others wait, and while something is on its way and 1 MiB would be held back.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "caraway/bytes.hpp"
#include "caraway/deadline.hpp"
#include "caraway/error.hpp"
#include "caraway/wait.hpp"
#include "runtime/buffer_pool.hpp"
#include "runtime/io_handle.hpp"
#include "runtime/scheduler.hpp"

namespace caraway::io {

class outgoing;

// Copies `piece` to `to`, the few bytes of a header without a call.
inline void copy_piece(std::byte* to, bytes piece) noexcept {
  if (piece.size() == 2) {
    std::memcpy(to, piece.data(), 2);
  } else if (piece.size() == 4) {
    std::memcpy(to, piece.data(), 4);
  } else if (!piece.empty()) {
    std::memcpy(to, piece.data(), piece.size());
  }
}

class send_queue final : private runtime::deferred, private runtime::send_request {
 public:
  // At 64 KiB what was gathered leaves; a write of 16 KiB goes straight if that makes 64 KiB, and one
  // of 32 KiB always; more than 1 MiB is not held unless limit() says otherwise.
  static constexpr std::size_t gather_limit = 64 * 1024;
  static constexpr std::size_t middle_size = 16 * 1024;
  static constexpr std::size_t straight_size = 32 * 1024;
  static constexpr std::size_t high_water = 1024 * 1024;

  // `to` stays the caller's and outlives the queue.
  explicit send_queue(runtime::io_handle& to) noexcept : to_(to) {}
  // What is held back is dropped.
  ~send_queue();

  // More than `n` bytes are not held from now on.
  void limit(std::size_t n) noexcept {
    high_water_ = n;
    admit_next();
  }

  // As byte_stream::try_write and try_flush.
  result<void> write(parts ps, deadline dl) noexcept;
  // As write(), if `ps` can join what was gathered in this turn already. False: nothing happened.
  bool join_gathered(parts ps) noexcept;
  result<void> flush(deadline dl) noexcept;

  // Waits until the descriptor is the caller's alone and everything written before is with the
  // kernel; later writes wait, or are gathered, until release(). Fails as write.
  result<void> acquire(deadline dl) noexcept;
  void release() noexcept;

  // Hands what is held back to the kernel as far as it takes it now, and drops the rest. The end.
  void flush_now() noexcept;

  // Drops what is held back and fails later calls with `why`; those that wait get it too, or
  // `code`.
  void give_up(std::error_code why, int code = 0) noexcept;

  // What every call fails with, if something failed for good.
  std::error_code failure() const noexcept { return failure_; }
  // Nobody is in the middle of a write.
  bool idle() const noexcept { return !straight_ && !handed_ && writers_.empty(); }
  // Bytes that were written and are not with the kernel.
  std::size_t held() const noexcept { return out_.size() + remaining_in_flight(); }
  // The same with what a large write has not handed over yet.
  std::size_t pending() const noexcept { return held() + straight_left_; }

 private:
  struct writer : lowlevel::waiter {
    std::size_t size;
  };
  struct flusher : lowlevel::waiter {
    std::uint64_t target;
  };

  bool busy() const noexcept { return straight_ || in_flight_; }
  std::size_t remaining_in_flight() const noexcept { return in_flight_ ? remaining.size() : 0; }
  bool has_room(std::size_t n) const noexcept {
    return !busy() || (n <= high_water_ && held() + n <= high_water_);
  }
  bool goes_straight(std::size_t n) const noexcept {
    return n >= straight_size || (n >= middle_size && out_.size() + n >= gather_limit);
  }
  void append(parts ps, std::size_t n) noexcept;
  result<void> enter(std::size_t n, deadline dl) noexcept;
  int wait_turn(std::size_t n, deadline dl, bool first) noexcept;
  void admit_next() noexcept;
  result<void> gather(parts ps, std::size_t n) noexcept;
  result<void> send_straight(parts ps, deadline dl) noexcept;
  std::error_code push(outgoing& what, deadline dl) noexcept;
  result<void> give_back(outgoing& rest, runtime::lent_buffer head, std::error_code why) noexcept;
  bool put_in_front(outgoing& rest, bool begun) noexcept;
  bool reserve(std::size_t n) noexcept;
  void start() noexcept;
  void start_later() noexcept;
  void settle() noexcept;
  void wake_flushers() noexcept;
  void give_others_a_turn() noexcept;
  void finished(int code) noexcept override;
  void before_switch() noexcept override;

  runtime::io_handle& to_;
  runtime::lent_buffer out_;
  runtime::lent_buffer flight_;
  bool in_flight_ = false;
  bool straight_ = false;  // a large write is on its way, or somebody acquired the descriptor
  bool handed_ = false;    // a writer was let in and has not run yet
  unsigned char sends_in_a_row_ = 0;
  std::size_t high_water_ = high_water;
  std::size_t straight_left_ = 0;  // bytes of the large write that are not with the kernel
  std::uint64_t gathered_ = 0;     // bytes that ever came into out_
  std::uint64_t delivered_ = 0;    // how many of them left it for the kernel
  std::error_code failure_;
  lowlevel::wait_queue writers_;
  lowlevel::wait_queue flushers_;
};

// While the queue is linked, nothing is on its way and nothing has failed.
inline bool send_queue::join_gathered(parts ps) noexcept {
  if (!linked() || handed_ || !writers_.empty() || lowlevel::cancel_pending()) return false;
  const std::size_t n = total_size(ps);
  const std::size_t together = out_.size() + n;
  if (n >= straight_size || together >= gather_limit || together > out_.capacity()) return false;
  append(ps, n);
  return true;
}

// Copies `ps`, `n` bytes in all, behind what was gathered, where there is room.
inline void send_queue::append(parts ps, std::size_t n) noexcept {
  std::byte* at = out_.memory() + out_.size();
  for (bytes p : ps) {
    copy_piece(at, p);
    at += p.size();
  }
  out_.set_size(out_.size() + n);
  gathered_ += n;
}

}  // namespace caraway::io
