// messages.hpp - a message stream of the core behind a handle: what prefix, suffix and term have in
// common.
//
// As with streams, what the coroutines inside a call are blocked in is left to them when the handle is
// closed.
//
// A send is with the operating system when it returns, as far as that took it within the deadline:
// before anything is sent, what an earlier call left behind must have gone out. So ETIMEDOUT always
// means that nothing of this message was sent.
#pragma once

#include "capi/guest.hpp"
#include "capi/handle.hpp"
#include "capi/lower.hpp"
#include "caraway/message_stream.hpp"

namespace caraway::capi {

struct message_state {
  caraway::message_ptr stream;  // not here while a layer above owns it
  lower below;
  bool sending = false;
  bool receiving = false;
  bool broken = false;  // a call has failed for good
  list<guest<message_ptr>> inside;

  ~message_state() { guest<message_ptr>::leave_to(inside, std::move(stream)); }
};

// What a handle answers for `message_type`.
extern const void* const message_type;

struct message_object;

struct message_vfs : dill_msock_vfs {
  message_object* owner;
};

struct message_object final : object {
  message_object() noexcept;
  message_object(const message_object&) = delete;
  message_object& operator=(const message_object&) = delete;

  message_vfs vfs;
  const void* kind = nullptr;  // prefix's, suffix's or term's own type
  message_state state;
};

// A coroutine inside a call, in one direction. `code` says why not: EBUSY.
class message_use {
 public:
  message_use(message_state& s, bool message_state::* which) noexcept;
  message_use(const message_use&) = delete;
  message_use& operator=(const message_use&) = delete;
  ~message_use();

  int code() const noexcept { return entered_ ? 0 : EBUSY; }
  message_stream& stream() const noexcept { return *stream_; }
  // The handle was closed meanwhile.
  bool gone() const noexcept { return here_.gone(); }
  // `code`, the result of the call, after taking note of it.
  int end(int code) noexcept;

 private:
  message_state& state_;
  bool message_state::* which_;
  message_stream* stream_;
  bool entered_;
  guest<message_ptr> here_;
};

// Waits until what was sent is with the kernel. Giving up on that is no failure: it will go out.
int push_out(message_use& use, deadline dl) noexcept;

// Makes the handle of what was attached to `below`, which is closed on failure; -1 and errno.
int finish_messages(message_object* made, result<message_ptr> stream, lower below,
                    const void* kind) noexcept;

// Takes the socket `s` and puts attach(its stream) on it. EPROTO if it is not of the right kind.
template <class Below, class Storage, class Attach>
int attach_messages(int s, const void* kind, Storage* mem, Attach attach) noexcept {
  lower below;
  Below stream;
  if (const int code = below.take(s, stream); code != 0)
    return outcome(code == ENOTSUP ? EPROTO : code);
  result<message_ptr> made = attach(std::move(stream));
  return finish_messages(create<message_object>(mem), std::move(made), below, kind);
}

// The handle below one whose stream is a record_stream; EBUSY leaves all as it was, after any other
// failure all of it is closed.
int detach_records(int h, const void* kind) noexcept;

}  // namespace caraway::capi
