// message_stream.hpp - a two-way stream of messages: WebSocket, length prefix, delimiter, UDP,
// yours.
//
// One coroutine at a time may receive (a second gets EBUSY); any number may send, first come, first
// served, each message whole. A receive that timed out or was cancelled has lost nothing: call
// again. A send that timed out or was cancelled has put nothing of its message into the stream.
#pragma once

#include <cstddef>
#include <memory>

#include "caraway/bytes.hpp"
#include "caraway/deadline.hpp"
#include "caraway/error.hpp"

namespace caraway {

class message_stream {
 public:
  virtual ~message_stream() = default;

  // Sends one message made of `ps`, in order. Blocks while too much is held back. All or nothing.
  virtual result<void> try_send(parts ps, deadline dl) = 0;

  // Blocks for the next message and shows it. The bytes stay in place until the next receive, the
  // close or the end of the object. errc::end_of_stream when the peer has finished;
  // errc::message_too_big when a limit was passed.
  virtual result<bytes> try_recv(deadline dl) = 0;

  // Blocks for the next message and copies it into `into`; its size. EMSGSIZE if `into` is too
  // small: the message stays and can be received with more room.
  virtual result<std::size_t> try_recv_into(mutable_bytes into, deadline dl) = 0;

  // Blocks for the next message and drops it, whatever room it would need; its size. It may have
  // stayed from a receive that failed for its size. ETIMEDOUT and ECANCELED: call again; if some of
  // it was dropped already, any other receive drops the rest first.
  virtual result<std::size_t> try_skip(deadline dl) {
    const auto message = try_recv(dl);
    if (!message) return fail(message.error());
    return message->size();
  }

  // False where a message that try_recv_into() had no room for is gone: an exception, for sockets that
  // are somebody else's. There try_skip() may fail with EMSGSIZE too, and the message is gone all the
  // same. Does not block.
  virtual bool keeps_what_did_not_fit() const noexcept { return true; }

  // Blocks until everything sent is with the kernel. ETIMEDOUT and ECANCELED: some of it is not
  // yet; it stays queued. Streams that hold nothing back have nothing to do.
  virtual result<void> try_flush(deadline dl) {
    static_cast<void>(dl);
    return {};
  }

  // Ends the conversation as the protocol has it, then closes what is below, in every case.
  virtual result<void> try_close(deadline dl) = 0;

  // The end without ceremony. Other coroutines blocked on the stream get ECANCELED. Does not block.
  virtual void abort() noexcept = 0;

  // The same calls, failing by exception.
  void send(parts ps, deadline dl = never) { value_or_raise(try_send(ps, dl), "send"); }
  void send(bytes b, deadline dl = never) { send(parts(&b, 1), dl); }
  void send(std::string_view text, deadline dl = never) { send(as_bytes(text), dl); }
  bytes recv(deadline dl = never) { return value_or_raise(try_recv(dl), "receive"); }
  std::size_t skip(deadline dl = never) { return value_or_raise(try_skip(dl), "receive"); }
  void flush(deadline dl = never) { value_or_raise(try_flush(dl), "flush"); }
  void close(deadline dl = never) { value_or_raise(try_close(dl), "close"); }
};

using message_ptr = std::unique_ptr<message_stream>;

}  // namespace caraway
