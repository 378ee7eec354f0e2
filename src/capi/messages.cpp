// messages.cpp - msendl, mrecvl and the end of a message stream of the core.
#include "capi/messages.hpp"

#include <algorithm>

#include "capi/iolist.hpp"
#include "capi/last_words.hpp"
#include "caraway/record_stream.hpp"

namespace caraway::capi {
namespace {

const char message_type_id = 0;

constexpr std::size_t largest = std::numeric_limits<std::ptrdiff_t>::max();

int send(message_state& s, const dill_iolist* first, const dill_iolist* last,
         deadline dl) noexcept {
  if (const int code = check_list(first, last); code != 0) return code;
  list_parts list;
  if (const int code = list.set(first); code != 0) return code;
  message_use use(s, &message_state::sending);
  if (use.code() != 0) return use.code();
  const last_words may_be;
  if (const int code = code_of(use.stream().try_flush(dl)); code != 0) return use.end(code);
  if (const int code = code_of(use.stream().try_send(list.get(), dl)); code != 0)
    return use.end(code);
  return push_out(use, dl);
}

// By way of memory of our own, which grows as messages demand and not as the list allows, if a message
// that does not fit stays. Where it does not there is one try, with as much as anybody needs.
result<std::size_t> receive_scattered(message_stream& s, const dill_iolist* first,
                                      deadline dl) noexcept {
  constexpr std::size_t usual = 64 << 10;
  constexpr std::size_t most = 64 << 20;
  const std::size_t room = list_size(first);
  const bool again = s.keeps_what_did_not_fit();
  for (std::size_t size = std::min(room, again ? usual : most);;
       size = size > room / 4 ? room : 4 * size) {
    const std::unique_ptr<std::byte[]> memory(new (std::nothrow) std::byte[size]);
    if (memory == nullptr) return fail(ENOMEM);
    const auto n = s.try_recv_into({memory.get(), size}, dl);
    if (n) scatter({memory.get(), *n}, first);
    if (n || n.error() != std::errc::message_size || size == room || !again) return n;
  }
}

// Into a checked list, or to nowhere if `first` is nullptr or takes everything.
result<std::size_t> receive(message_stream& s, const dill_iolist* first, deadline dl) noexcept {
  const bool one_piece = first != nullptr && first->iol_next == nullptr;
  if (one_piece && first->iol_base != nullptr)
    return s.try_recv_into(
        {static_cast<std::byte*>(first->iol_base), std::min(first->iol_len, largest)}, dl);
  if (first == nullptr || (one_piece && first->iol_len > largest)) return s.try_skip(dl);
  return receive_scattered(s, first, dl);
}

int receive_list(message_state& s, const dill_iolist* first, const dill_iolist* last,
                 std::size_t& size, deadline dl) noexcept {
  const bool drop = first == nullptr && last == nullptr;
  if (const int code = drop ? 0 : check_list(first, last); code != 0) return code;
  message_use use(s, &message_state::receiving);
  if (use.code() != 0) return use.code();
  const auto n = receive(use.stream(), first, dl);
  if (n) size = *n;
  return use.end(code_of(n));
}

message_state& state_of(dill_msock_vfs* vfs) noexcept {
  return static_cast<message_vfs*>(vfs)->owner->state;
}

int msendl(dill_msock_vfs* vfs, dill_iolist* first, dill_iolist* last, std::int64_t deadline) {
  return outcome(send(state_of(vfs), first, last, to_deadline(deadline)));
}

ssize_t mrecvl(dill_msock_vfs* vfs, dill_iolist* first, dill_iolist* last, std::int64_t deadline) {
  std::size_t size = 0;
  const int code = receive_list(state_of(vfs), first, last, size, to_deadline(deadline));
  return outcome(code) == 0 ? static_cast<ssize_t>(size) : -1;
}

void* answer(dill_hvfs* vfs, const void* type) {
  auto* o = static_cast<message_object*>(vfs);
  if (type == dill_msock_type) return &o->vfs;
  if (type == message_type || type == o->kind) return o;
  errno = ENOTSUP;
  return nullptr;
}

void close_object(dill_hvfs* vfs) {
  auto& o = *static_cast<message_object*>(vfs);
  message_state& s = o.state;
  const bool said_all = s.below.said_all() && !s.sending && !s.receiving;
  if (s.stream != nullptr && !said_all) s.stream->abort();
  s.below.close();
  destroy(o);
}

// The stream below to `stream`, an errno value.
int detach(message_state& s, stream_ptr& stream) noexcept {
  if (s.sending || s.receiving) return EBUSY;
  if (s.broken) return ECONNRESET;
  if (const int code = s.below.may_give_back(); code != 0) return code;
  auto r = static_cast<record_stream&>(*s.stream).try_detach();
  if (!r) return to_errno(r.error());
  stream = std::move(*r);
  return 0;
}

}  // namespace

const void* const message_type = &message_type_id;

message_object::message_object() noexcept : vfs{{msendl, mrecvl}, this} {
  query = answer;
  close = close_object;
}

message_use::message_use(message_state& s, bool message_state::* which) noexcept
    : state_(s),
      which_(which),
      stream_(s.stream.get()),
      entered_(!(s.*which) && stream_ != nullptr) {
  if (!entered_) return;
  state_.*which_ = true;
  here_.enter(s.inside);
}

message_use::~message_use() {
  if (entered_ && !gone()) state_.*which_ = false;
}

int message_use::end(int code) noexcept {
  for (int passing : {0, EPIPE, ETIMEDOUT, ECANCELED, EBUSY, EINVAL, EMSGSIZE, ENOMEM})
    if (code == passing) return code;
  if (!gone()) state_.broken = true;
  return code;
}

int push_out(message_use& use, deadline dl) noexcept {
  const int code = code_of(use.stream().try_flush(dl));
  if (use.gone()) return ECANCELED;
  return code == ETIMEDOUT || code == ECANCELED ? 0 : use.end(code);
}

int finish_messages(message_object* made, result<message_ptr> stream, lower below,
                    const void* kind) noexcept {
  int code = made == nullptr ? ENOMEM : code_of(stream);
  if (code == 0) {
    made->kind = kind;
    made->state.stream = std::move(*stream);
    made->state.below = below;
  }
  const int h = code == 0 ? make_handle(*made) : outcome(code);
  if (h >= 0) return h;
  code = errno;
  if (made != nullptr) destroy(*made);
  stream = message_ptr();
  below.close();
  return outcome(code);
}

int detach_records(int h, const void* kind) noexcept {
  auto* o = own<message_object>(h, kind);
  if (o == nullptr) return -1;
  stream_ptr stream;
  const int code = detach(o->state, stream);
  if (code == EBUSY) return outcome(EBUSY);
  if (code != 0) {
    dill_hclose(h);
    return outcome(code);
  }
  const int below = o->state.below.give_back(std::move(stream));
  forget(h);
  destroy(*o);
  return outcome(0, below);
}

}  // namespace caraway::capi
