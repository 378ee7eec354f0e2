// record_stream.hpp - messages as records in a byte stream: what prefix.hpp and suffix.hpp make.
//
// A message_stream (see there for sending and receiving) that owns the byte stream below it and can
// give it back, exactly behind the last message received. A received message stays in place until
// the next receive, and a send is one write, so it is whole or nothing.
//
// Errors of receiving, besides those of message_stream and of the stream below: ECONNRESET if the
// peer finishes inside a record, so that errc::end_of_stream always means behind a whole one.
#pragma once

#include <memory>

#include "caraway/byte_stream.hpp"
#include "caraway/deadline.hpp"
#include "caraway/error.hpp"
#include "caraway/message_stream.hpp"

namespace caraway {

class record_stream : public message_stream {
 public:
  // Flushes and tells the peer that nothing more comes, as byte_stream::try_done; receiving goes on.
  // Blocks.
  virtual result<void> try_done(deadline dl) = 0;

  // The stream below, which is not closed, behind the last message received; what is held back to
  // be sent goes with it. Nothing is exchanged with the peer. Does not block. EBUSY: another
  // coroutine is inside a call, or a part of a large message was taken already by a receive that
  // timed out or was cancelled; all stays as it was, receive (or skip) that message first.
  // errc::closed after close, abort and detach.
  virtual result<stream_ptr> try_detach() noexcept = 0;

  // The same calls, failing by exception.
  void done(deadline dl = never) { value_or_raise(try_done(dl), "finish sending"); }
  stream_ptr detach() { return value_or_raise(try_detach(), "detach"); }
};

using record_ptr = std::unique_ptr<record_stream>;

}  // namespace caraway
