// record_socket.hpp - what the protocols that put records into a byte stream have in common: who may
// receive, what is shown, how a record goes out, and how all of it ends.
//
// A protocol says how a record looks: it implements try_send() on put(), and three hooks that
// receive. They are called by one coroutine at a time, when nothing is shown any more.
#pragma once

#include <cstdint>
#include <utility>

#include "caraway/record_stream.hpp"

namespace caraway::proto {

class record_socket : public record_stream {
 public:
  record_socket(const record_socket&) = delete;
  record_socket& operator=(const record_socket&) = delete;

  result<bytes> try_recv(deadline dl) final;
  result<std::size_t> try_recv_into(mutable_bytes into, deadline dl) final;
  result<std::size_t> try_skip(deadline dl) final;
  result<void> try_flush(deadline dl) final;
  result<void> try_done(deadline dl) final;
  result<void> try_close(deadline dl) final;
  void abort() noexcept final;
  result<stream_ptr> try_detach() noexcept final;

 protected:
  explicit record_socket(stream_ptr below) noexcept : below_(std::move(below)) {}

  byte_stream& below() const noexcept { return *below_; }

  // The hooks. ETIMEDOUT and ECANCELED must lose nothing.
  virtual result<bytes> receive(deadline dl) = 0;
  virtual result<std::size_t> receive_into(mutable_bytes into, deadline dl) = 0;
  virtual result<std::size_t> drop(deadline dl) = 0;
  // True while a part of a message was consumed, but not all of it.
  virtual bool is_half_taken() const noexcept = 0;
  // What receive() showed last may go; called before the next hook.
  virtual void release() noexcept {}

  // As fill of the stream below, but errc::end_of_stream only between two records.
  result<mutable_bytes> fill(std::size_t n, deadline dl);
  // What a failure means when it comes inside a record.
  static std::error_code inside(std::error_code why) noexcept;
  // The message of `size` bytes behind `front` others at the beginning of what is buffered, shown in
  // place. It and `back` bytes behind it are consumed at the next receive.
  bytes show(std::size_t front, std::size_t size, std::size_t back) noexcept;

  // Sends `before`, the message and `after` as one write.
  result<void> put(parts before, parts message, parts after, deadline dl);

 private:
  result<void> enter() noexcept;
  result<void> prepare() noexcept;

  stream_ptr below_;
  std::size_t shown_ = 0;  // bytes to be consumed before the next receive
  bool receiving_ = false;
  bool ended_ = false;
  std::uint16_t in_a_row_ = 0;
  unsigned senders_ = 0;
};

}  // namespace caraway::proto
