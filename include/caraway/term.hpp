// term.hpp - a message that says that no more come, over any message stream.
//
// The terminator is an ordinary message of the stream below, agreed on beforehand; an empty one is as
// good as any. So a conversation can end, in both directions, without the connection.
//
//     auto s = term::attach(suffix::attach(...), as_bytes("STOP"));
//     s->send("Hello, world!");
//     s->done();                                   // "STOP\r\n" on the wire
//     while (auto m = s->try_recv(5s)) use(*m);    // until errc::end_of_stream
//     message_ptr below = s->detach();
//
// Errors, besides those of message_stream:
//   errc::end_of_stream  the peer's terminator has come; every receive says so again
//   errc::closed         this side has sent its terminator, or the socket was closed, aborted or
//                        detached
//   ECONNRESET           the stream below ended without a terminator
//   EINVAL               sending: the message is the terminator, which only done() sends
#pragma once

#include <memory>
#include <utility>

#include "caraway/bytes.hpp"
#include "caraway/error.hpp"
#include "caraway/message_stream.hpp"

namespace caraway::term {

class socket : public message_stream {
 public:
  // Sends the terminator; receiving goes on. Blocks. errc::closed the second time. ETIMEDOUT and
  // ECANCELED: it was not sent, call again.
  virtual result<void> try_done(deadline dl) = 0;

  // done() unless that has happened, then drops messages until the peer's terminator has come: the
  // stream below, behind it. Blocks; a peer that goes on sending does not extend the deadline.
  // After a failure the stream below is closed (aborted), save EBUSY: another coroutine is inside a
  // call, and all stays as it was.
  virtual result<message_ptr> try_detach(deadline dl) = 0;

  // The same calls, failing by exception.
  void done(deadline dl = never) { value_or_raise(try_done(dl), "finish sending"); }
  message_ptr detach(deadline dl = never) { return value_or_raise(try_detach(dl), "detach"); }
};

using socket_ptr = std::unique_ptr<socket>;

// Puts the protocol on `below`; nothing is exchanged with the peer. The terminator is copied. Does
// not block. close() of the socket is done(), if that was not yet, and the close() of `below`.
// ENOMEM: `below` is closed then.
result<socket_ptr> try_attach(message_ptr below, bytes terminator) noexcept;

inline socket_ptr attach(message_ptr below, bytes terminator) {
  return value_or_raise(try_attach(std::move(below), terminator), "attach");
}

}  // namespace caraway::term
