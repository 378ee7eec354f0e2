// lower.hpp - the bytestream handle that a layer stands on.
//
// A layer takes the stream out of its handle, which stays in the table under a number that the
// program does not know, and puts it back when it is detached.
#pragma once

#include "capi/stream.hpp"

namespace caraway::capi {

class lower {
 public:
  // Takes `s`, whatever kind of bytestream it is, and its stream. An errno value; then `s` is
  // closed. EBADF, ENOTSUP, ECANCELED, ENOMEM; EBUSY if somebody is blocked on it, ECONNRESET or
  // EPIPE if one of its directions is broken or over.
  int take(int s, stream_ptr& stream) noexcept;
  // Puts the stream back: the handle, which is the program's again.
  int give_back(stream_ptr stream) noexcept;
  // Closes the handle.
  void close() noexcept;

 private:
  int take_own(stream_object& o, stream_ptr& stream) noexcept;

  int handle_ = -1;
  stream_object* own_ = nullptr;  // nullptr if the program made the socket
};

}  // namespace caraway::capi
