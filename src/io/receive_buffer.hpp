// receive_buffer.hpp - the buffer under fill and consume of a stream on a descriptor.
//
// It borrows memory only while there is something in it:
//
//     | consumed | buffered | room |
//     0        begin_    block_.size()   block_.capacity()
//
// Nothing buffered: the poller lends a block with bytes in it when some have come. More wanted:
// they are received behind what is there, after a move to the front or into a larger block where
// they would not fit. Little buffered and nothing to be had without waiting: what is there waits in
// the smallest block, so that a thousand half messages do not hold a thousand large blocks.
#pragma once

#include <cstddef>
#include <memory>

#include "caraway/byte_stream.hpp"
#include "caraway/bytes.hpp"
#include "caraway/deadline.hpp"
#include "caraway/error.hpp"
#include "runtime/buffer_pool.hpp"
#include "runtime/io_handle.hpp"

namespace caraway::io {

class receive_buffer {
 public:
  mutable_bytes view() const noexcept { return {block_.memory() + begin_, block_.size() - begin_}; }

  // Drops the first `n` bytes, which must be there; the block goes back with the last one.
  void consume(std::size_t n) noexcept {
    begin_ += n;
    if (begin_ == block_.size()) drop();
  }

  // As byte_stream has it.
  std::unique_ptr<kept_memory> consume_but_keep(std::size_t n) noexcept;

  // As byte_stream::try_fill and try_read_into, but for EBUSY: the owner sees to it that there is
  // one caller at a time.
  result<mutable_bytes> fill(runtime::io_handle& from, std::size_t min, deadline dl) noexcept;
  result<std::size_t> read_into(runtime::io_handle& from, mutable_bytes into, std::size_t min,
                                deadline dl, std::size_t* received) noexcept;

  // Off: never receives more than was asked for.
  void set_read_ahead(bool on) noexcept { reads_ahead_ = on; }
  bool reads_ahead() const noexcept { return reads_ahead_; }

  // Drops everything buffered.
  void drop() noexcept {
    block_.reset();
    begin_ = 0;
  }

  // The size of the block that is borrowed; 0 if none is.
  std::size_t capacity() const noexcept { return block_.capacity(); }

  // The peer has finished: nothing more will come.
  bool finished() const noexcept { return end_ == end::finished; }
  // Receiving has failed for good.
  bool broken() const noexcept { return end_ == end::broken; }
  // Takes note that the connection broke, or that the peer has finished, as seen by others.
  void set_broken() noexcept { end_ = end::broken; }
  void set_finished() noexcept { end_ = end::finished; }

 private:
  enum class end : unsigned char { none, finished, broken };

  result<void> receive(runtime::io_handle& from, std::size_t min, deadline dl) noexcept;
  result<void> receive_block(runtime::io_handle& from, deadline dl) noexcept;
  result<void> receive_behind(runtime::io_handle& from, std::size_t min, deadline dl) noexcept;
  result<std::size_t> receive_straight(runtime::io_handle& from, mutable_bytes into,
                                       deadline dl) noexcept;
  void give_others_a_turn() noexcept;
  result<void> at_end() const noexcept;
  std::error_code note(std::error_code code) noexcept;
  bool make_room(std::size_t wanted) noexcept;
  bool move_to(runtime::lent_buffer other) noexcept;
  void shrink() noexcept;
  bool join(runtime::lent_buffer more) noexcept;
  std::size_t take(mutable_bytes into) noexcept;

  runtime::lent_buffer block_;
  std::size_t begin_ = 0;
  end end_ = end::none;
  bool reads_ahead_ = true;
  unsigned char receives_in_a_row_ = 0;
};

}  // namespace caraway::io
