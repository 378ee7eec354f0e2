// byte_stream.hpp - a two-way stream of bytes: TCP, a Unix socket, TLS, a pair in memory, yours.
//
// The stream owns the receive buffer. `fill` waits until enough bytes are in it and shows them all,
// `consume` drops what was used. So a layer above parses in place, never reads past its own end,
// and a receive that timed out has changed nothing:
//
//     for (;;) {
//       bytes seen = stream.fill(wanted);
//       if (auto line = find_line(seen)) { use(*line); stream.consume(line->size()); break; }
//       wanted = seen.size() + 1;
//     }
//
// Writing is all or nothing: a write that fails with ETIMEDOUT or ECANCELED has put no byte into
// the stream, one that succeeds has put in all. What is written may be held back to leave in one
// system call with its neighbours; it is with the kernel at the latest when the coroutine next
// blocks or yields, when 64 KiB wait, or at flush(). A failure found then comes out of the next
// call.
//
// Layers stack by ownership: an upper stream takes the lower one as std::unique_ptr, closes it when
// it goes, and gives it back from its detach function.
//
// A stream belongs to the thread that made it and must go before that thread ends: not in a static
// variable, nor in a thread_local one that is older than the thread's first coroutine or wait.
//
// One coroutine at a time may receive (a second gets EBUSY); any number may write, first come,
// first served. Errors, unless said otherwise: ETIMEDOUT, ECANCELED, ECONNRESET (the connection
// broke; every later call says so again), errc::end_of_stream (the peer has finished), errc::closed
// (this side has).
#pragma once

#include <cstddef>
#include <memory>

#include "caraway/bytes.hpp"
#include "caraway/deadline.hpp"
#include "caraway/error.hpp"

namespace caraway {

// Memory of a stream that somebody holds on to. Goes on the thread of the stream.
class kept_memory {
 public:
  virtual ~kept_memory() = default;
};

class byte_stream {
 public:
  virtual ~byte_stream() = default;

  // Blocks until at least `min` bytes are buffered and shows all that are. The bytes stay in place
  // until consume() or the next fill(), and may be changed in place by the caller meanwhile. `min`
  // 0 shows what is there. ETIMEDOUT and ECANCELED: nothing was consumed, call again.
  // errc::end_of_stream if the peer finished before `min` bytes came; buffered() still shows the
  // rest. ENOMEM.
  virtual result<mutable_bytes> try_fill(std::size_t min, deadline dl) = 0;

  // What fill(0) would show. Does not block.
  virtual mutable_bytes buffered() noexcept = 0;

  // Drops the first `n` buffered bytes; `n` is at most buffered().size(). Does not block.
  virtual void consume(std::size_t n) noexcept = 0;

  // Consumes the first `n` buffered bytes, which stay in place all the same for as long as the caller
  // keeps what this returns. For those who still use bytes while more is received. nullptr: this
  // stream cannot, or there is no memory, and nothing has happened. Does not block.
  virtual std::unique_ptr<kept_memory> consume_but_keep(std::size_t n) noexcept;

  // Receives at least `min` bytes, at most into.size(), into `into`, and consumes them; buffered
  // ones first, the rest straight from the source where it can. Blocks. Returns how many.
  // `received`, if given, says after a failure how many bytes are in `into` already: those are
  // consumed.
  virtual result<std::size_t> try_read_into(mutable_bytes into, std::size_t min, deadline dl,
                                            std::size_t* received = nullptr);

  // Puts all of `ps` into the stream, in order and without anything between. Blocks while too much
  // is held back already (1 MiB). All or nothing, see above.
  virtual result<void> try_write(parts ps, deadline dl) = 0;

  // Blocks until everything written is with the kernel. ETIMEDOUT and ECANCELED: some of it is not
  // yet; it stays queued.
  virtual result<void> try_flush(deadline dl) = 0;

  // How many bytes were written and are not with the kernel yet; 0 where nothing is held back. Does
  // not block.
  virtual std::size_t pending() const noexcept { return 0; }

  // Writes wait while more than `n` bytes would be held back (1 MiB unless told), from now on; where
  // nothing is held back nothing happens. Does not block.
  virtual void limit_pending(std::size_t n) noexcept;

  // Flushes and tells the peer that nothing more comes; receiving goes on. errc::closed the second
  // time.
  virtual result<void> try_done(deadline dl) = 0;

  // The orderly end: done if it was not yet, then drops what the peer still sends until its end,
  // then closes. Blocks until then. The stream is closed in every case, also after an error:
  // ETIMEDOUT, ECANCELED and ECONNRESET say that the peer may not have got everything.
  virtual result<void> try_close(deadline dl) = 0;

  // The end without ceremony: what is held back is dropped, the connection reset. Other coroutines
  // blocked on the stream get ECANCELED, later calls errc::closed. Does not block.
  virtual void abort() noexcept = 0;

  // True if send and receive are free and nothing has failed; what detach functions look at.
  virtual bool healthy() const noexcept = 0;

  // The same calls, failing by exception.
  mutable_bytes fill(std::size_t min, deadline dl = never) {
    return value_or_raise(try_fill(min, dl), "receive");
  }
  std::size_t read_into(mutable_bytes into, std::size_t min, deadline dl = never) {
    return value_or_raise(try_read_into(into, min, dl), "receive");
  }
  void write(parts ps, deadline dl = never) { value_or_raise(try_write(ps, dl), "send"); }
  void write(bytes b, deadline dl = never) { write(parts(&b, 1), dl); }
  void write(std::string_view text, deadline dl = never) { write(as_bytes(text), dl); }
  void flush(deadline dl = never) { value_or_raise(try_flush(dl), "flush"); }
  void done(deadline dl = never) { value_or_raise(try_done(dl), "finish sending"); }
  void close(deadline dl = never) { value_or_raise(try_close(dl), "close"); }
};

using stream_ptr = std::unique_ptr<byte_stream>;

}  // namespace caraway
