// lower.hpp - the bytestream or message handle that a layer stands on.
//
// A layer takes the stream out of its handle, which stays in the table under a number that the
// program does not know, and puts it back when it is detached.
#pragma once

#include "capi/stream.hpp"
#include "caraway/message_stream.hpp"

namespace caraway::capi {

struct message_object;

class lower {
 public:
  // Takes `s`, whatever kind of bytestream it is, and its stream. An errno value; then `s` is
  // closed. EBADF, ENOTSUP, ECANCELED, ENOMEM; EBUSY if somebody is blocked on it, ECONNRESET if one of
  // its directions is broken. One that is over is not: what the layer does in the other one is its own
  // affair.
  int take(int s, stream_ptr& stream) noexcept;
  // The same for whatever kind of message socket it is.
  int take(int s, message_ptr& stream) noexcept;

  // Whether the bytestream may be given back, as an errno value. One that the program made may not be
  // once it has failed, ECONNRESET, and while the layer has seen bytes of it that belong to a
  // message it has not taken, EBUSY, since it takes nothing back.
  int may_give_back() const noexcept;
  // Puts the stream back: the handle, which is the program's again.
  int give_back(stream_ptr stream) noexcept;
  int give_back(message_ptr stream) noexcept;
  // Nothing more is sent below, since the program said so before it attached the layer: then closing the
  // whole need not reset the connection.
  bool said_all() const noexcept;
  // Closes the handle.
  void close() noexcept;

  // The handle, to be kept elsewhere; and again this, of what was kept.
  int handle() const noexcept { return handle_; }
  static lower of(int kept) noexcept;

 private:
  int take_own(stream_object& o, stream_ptr& stream) noexcept;
  int take_own(message_object& o, message_ptr& stream) noexcept;
  int take_handle(int s) noexcept;
  int close_after(int code) noexcept;

  int handle_ = -1;
  // The object, if it is one of the library.
  stream_object* own_ = nullptr;
  message_object* own_messages_ = nullptr;
  // The stream, if the program made the socket.
  byte_stream* foreign_ = nullptr;
};

// What a refused argument does to the socket of an attach function: it is consumed in every case.
int refuse(int s, int code) noexcept;

}  // namespace caraway::capi
