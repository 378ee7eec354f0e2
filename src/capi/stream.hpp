// stream.hpp - a byte stream of the core behind a handle: what tcp and ipc connections have in
// common.
//
// Closing the handle wakes the coroutines that are inside a call on it; the stream is left to them, and
// nothing of the handle's own memory is touched afterwards (see guest.hpp).
//
// As libdill has it, a receive or send that fails leaves its direction broken, ECONNRESET from then
// on, whatever the core could still do; and one coroutine at a time may be in each direction.
#pragma once

#include <string>

#include "capi/guest.hpp"
#include "capi/handle.hpp"
#include "caraway/byte_stream.hpp"

namespace caraway::capi {

// One direction of a stream: whether somebody is in it, and what its next user gets.
struct lane {
  bool busy = false;
  int code = 0;
};

struct stream_state {
  caraway::stream_ptr stream;  // not here while a layer above owns it
  lane in;
  lane out;
  list<guest<stream_ptr>> inside;

  ~stream_state() { guest<stream_ptr>::leave_to(inside, std::move(stream)); }
};

// What a handle answers for `stream_type`.
extern const void* const stream_type;

struct stream_object;

struct stream_vfs : dill_bsock_vfs {
  stream_object* owner;
};

struct stream_object final : object {
  stream_object() noexcept;
  stream_object(const stream_object&) = delete;
  stream_object& operator=(const stream_object&) = delete;

  stream_vfs vfs;
  const void* kind = nullptr;  // tcp's or ipc's own type
  stream_state state;
  // Before a layer takes the stream, and after it gave it back; may be nullptr.
  void (*lend)(byte_stream& s, bool lent) = nullptr;
  // Of a layer: the handle of the stream below, which is closed with this one; else -1.
  int below = -1;
  // Whom the connection leads to, if the program said so by name and nothing has been said over it
  // since, which may have led it elsewhere; else nullptr.
  std::unique_ptr<const std::string> host;
};

// How a stream_object has a name or the literal of an address: without brackets and zone. Throws
// std::bad_alloc.
std::unique_ptr<const std::string> make_host(std::string_view name);

// Makes the handle of a stream, in `memory` unless that is nullptr; -1 and errno, then the stream
// is gone.
template <class Storage>
int make_stream(stream_ptr stream, const void* kind, Storage* memory,
                void (*lend)(byte_stream&, bool) = nullptr) noexcept;

// The parts of it that need no template.
int finish_stream(stream_object* made, stream_ptr stream, const void* kind,
                  void (*lend)(byte_stream&, bool)) noexcept;

template <class Storage>
int make_stream(stream_ptr stream, const void* kind, Storage* memory,
                void (*lend)(byte_stream&, bool)) noexcept {
  return finish_stream(create<stream_object>(memory), std::move(stream), kind, lend);
}

// A coroutine inside a call on one lane of a stream. `code` says why not.
class lane_use {
 public:
  lane_use(stream_state& s, lane stream_state::* which) noexcept;
  lane_use(const lane_use&) = delete;
  lane_use& operator=(const lane_use&) = delete;
  ~lane_use();

  int code() const noexcept { return code_; }
  byte_stream& stream() const noexcept { return *stream_; }
  // The result of the call is `code`, that of later ones `later`.
  int end(int code, int later) noexcept {
    if (!here_.gone()) lane_.code = later;
    return code;
  }

 private:
  lane& lane_;
  byte_stream* stream_;
  int code_;
  guest<stream_ptr> here_;
};

// *_done and *_close of a handle whose kind is `kind`.
int stream_done(int h, const void* kind, std::int64_t deadline) noexcept;
int stream_close(int h, const void* kind, std::int64_t deadline) noexcept;

}  // namespace caraway::capi
