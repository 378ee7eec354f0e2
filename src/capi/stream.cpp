// stream.cpp - bsendl, brecvl, done and close of a byte stream of the core.
#include "capi/stream.hpp"

#include <algorithm>

#include "capi/iolist.hpp"
#include "capi/last_words.hpp"

namespace caraway::capi {

namespace {

const char stream_type_id = 0;

// What later calls get after one has failed with `code`.
int code_after(int code) noexcept {
  return code == EPIPE ? EPIPE : ECONNRESET;
}

// Everything of the message, and of those before it, is with the kernel.
int send(byte_stream& s, parts ps, deadline dl) noexcept {
  const last_words may_be;
  if (const int code = code_of(s.try_write(ps, dl)); code != 0) return code;
  return code_of(s.try_flush(dl));
}

int send_list(stream_state& s, const dill_iolist* first, const dill_iolist* last,
              deadline dl) noexcept {
  if (const int code = check_list(first, last); code != 0) return code;
  list_parts list;
  if (const int code = list.set(first); code != 0) return code;
  lane_use use(s, &stream_state::out);
  if (use.code() != 0) return use.code();
  const int code = send(use.stream(), list.get(), dl);
  return code == 0 ? 0 : use.end(code, code_after(code));
}

// Receives and drops `n` bytes. A stream that reads nothing ahead receives no more than it is asked for.
int skip(byte_stream& s, std::size_t n, deadline dl) noexcept {
  constexpr std::size_t at_once = 4096;
  while (n > 0) {
    const auto seen = s.try_fill(std::min(n, at_once), dl);
    if (!seen) return to_errno(seen.error());
    const std::size_t taken = std::min(n, seen->size());
    s.consume(taken);
    n -= taken;
  }
  return 0;
}

int receive(byte_stream& s, const dill_iolist& into, deadline dl) noexcept {
  if (into.iol_len == 0) return 0;
  if (into.iol_base == nullptr) return skip(s, into.iol_len, dl);
  const mutable_bytes piece(static_cast<std::byte*>(into.iol_base), into.iol_len);
  return code_of(s.try_read_into(piece, piece.size(), dl));
}

int receive_list(stream_state& s, const dill_iolist* first, const dill_iolist* last,
                 deadline dl) noexcept {
  if (const int code = check_list(first, last); code != 0) return code;
  lane_use use(s, &stream_state::in);
  if (use.code() != 0) return use.code();
  const last_words may_be;
  for (const dill_iolist* at = first; at != nullptr; at = at->iol_next)
    if (const int code = receive(use.stream(), *at, dl); code != 0)
      return use.end(code, code_after(code));
  return 0;
}

// The state, for something to be said over it.
stream_state& state_of(dill_bsock_vfs* vfs) noexcept {
  stream_object& o = *static_cast<stream_vfs*>(vfs)->owner;
  o.host.reset();
  return o.state;
}

int bsendl(dill_bsock_vfs* vfs, dill_iolist* first, dill_iolist* last, std::int64_t deadline) {
  return outcome(send_list(state_of(vfs), first, last, to_deadline(deadline)));
}

int brecvl(dill_bsock_vfs* vfs, dill_iolist* first, dill_iolist* last, std::int64_t deadline) {
  return outcome(receive_list(state_of(vfs), first, last, to_deadline(deadline)));
}

void* answer(dill_hvfs* vfs, const void* type) {
  auto* o = static_cast<stream_object*>(vfs);
  if (type == dill_bsock_type) return &o->vfs;
  if (type == stream_type || type == o->kind) return o;
  errno = ENOTSUP;
  return nullptr;
}

// hclose: a connection that has said its last word is closed, any other is reset.
void close_object(dill_hvfs* vfs) {
  auto& o = *static_cast<stream_object*>(vfs);
  stream_state& s = o.state;
  const bool said_all = s.out.code == EPIPE && !s.in.busy && !s.out.busy;
  if (s.stream != nullptr && !said_all) s.stream->abort();
  const int below = o.below;
  destroy(o);
  if (below >= 0) dill_hclose(below);
}

// The orderly end; the stream is closed whatever comes out.
int close_stream(stream_state& s, deadline dl) noexcept {
  const bool broken = s.in.code == ECONNRESET || s.out.code == ECONNRESET;
  if (s.in.busy || s.out.busy || broken) {
    s.stream->abort();
    return ECONNRESET;
  }
  const last_words may_be;
  const int code = code_of(s.stream->try_close(dl));
  return code == EPIPE ? 0 : code;
}

}  // namespace

const void* const stream_type = &stream_type_id;

stream_object::stream_object() noexcept : vfs{{bsendl, brecvl}, this} {
  query = answer;
  close = close_object;
}

std::unique_ptr<const std::string> make_host(std::string_view name) {
  if (name.starts_with('[') && name.ends_with(']')) name = name.substr(1, name.size() - 2);
  if (name.contains(':')) name = name.substr(0, name.find('%'));
  return std::make_unique<const std::string>(name);
}

lane_use::lane_use(stream_state& s, lane stream_state::* which) noexcept
    : lane_(s.*which), stream_(s.stream.get()), code_(lane_.busy ? EBUSY : lane_.code) {
  if (stream_ == nullptr) code_ = EBUSY;
  if (code_ != 0) return;
  lane_.busy = true;
  here_.enter(s.inside);
}

lane_use::~lane_use() {
  if (code_ == 0 && !here_.gone()) lane_.busy = false;
}

int finish_stream(stream_object* made, stream_ptr stream, const void* kind,
                  void (*lend)(byte_stream&, bool)) noexcept {
  int h = outcome(ENOMEM);
  if (made != nullptr) {
    made->kind = kind;
    made->lend = lend;
    h = make_handle(*made);
  }
  if (h >= 0) {
    made->state.stream = std::move(stream);
    return h;
  }
  // The end of a connection may change errno.
  const int code = errno;
  if (made != nullptr) destroy(*made);
  stream.reset();
  return outcome(code);
}

int stream_done(int h, const void* kind, std::int64_t deadline) noexcept {
  auto* o = own<stream_object>(h, kind);
  if (o == nullptr) return -1;
  lane_use use(o->state, &stream_state::out);
  if (use.code() != 0) return outcome(use.code());
  const last_words may_be;
  const int code = code_of(use.stream().try_done(to_deadline(deadline)));
  return outcome(use.end(code, code == 0 ? EPIPE : code_after(code)));
}

int stream_close(int h, const void* kind, std::int64_t deadline) noexcept {
  auto* o = own<stream_object>(h, kind);
  if (o == nullptr) return -1;
  forget(h);
  const int code = close_stream(o->state, to_deadline(deadline));
  destroy(*o);
  return outcome(code);
}

}  // namespace caraway::capi
