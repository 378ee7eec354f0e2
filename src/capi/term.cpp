// term.cpp - conversations that end with a message.
#include "caraway/term.hpp"

#include "capi/last_words.hpp"
#include "capi/messages.hpp"

namespace caraway::capi {
namespace {

const char term_type_id = 0;
const void* const term_type = &term_type_id;

int attach(int s, const void* buf, std::size_t len, dill_term_storage* mem) noexcept {
  if (buf == nullptr && len > 0) return refuse(s, EINVAL);
  const bytes terminator(static_cast<const std::byte*>(buf), len);
  return attach_messages<message_ptr>(s, term_type, mem, [terminator](message_ptr below) {
    return term::try_attach(std::move(below), terminator);
  });
}

term::socket& socket_of(const message_use& use) noexcept {
  return static_cast<term::socket&>(use.stream());
}

int done(message_state& s, deadline dl) noexcept {
  message_use use(s, &message_state::sending);
  if (use.code() != 0) return use.code();
  const last_words may_be;
  if (const int code = code_of(use.stream().try_flush(dl)); code != 0) return use.end(code);
  if (const int code = code_of(socket_of(use).try_done(dl)); code != 0) return use.end(code);
  return push_out(use, dl);
}

// The stream below to `stream`. EBUSY leaves all as it was. `gone`: the handle was closed meanwhile.
int detach(message_state& s, deadline dl, message_ptr& stream, bool& gone) noexcept {
  const message_use sending(s, &message_state::sending);
  const message_use receiving(s, &message_state::receiving);
  if (sending.code() != 0 || receiving.code() != 0) return EBUSY;
  if (s.broken) return ECONNRESET;
  const last_words may_be;
  auto r = socket_of(sending).try_detach(dl);
  gone = sending.gone();
  if (gone) return ECANCELED;
  if (!r) return to_errno(r.error());
  stream = std::move(*r);
  return 0;
}

int detach_handle(int h, deadline dl) noexcept {
  auto* o = own<message_object>(h, term_type);
  if (o == nullptr) return -1;
  message_ptr stream;
  bool gone = false;
  const int code = detach(o->state, dl, stream, gone);
  if (gone || code == EBUSY) return outcome(code);
  if (code != 0) {
    dill_hclose(h);
    return outcome(code);
  }
  const int below = o->state.below.give_back(std::move(stream));
  forget(h);
  destroy(*o);
  return outcome(0, below);
}

}  // namespace
}  // namespace caraway::capi

using namespace caraway;
using namespace caraway::capi;

int dill_term_attach(int s, const void* buf, std::size_t len) {
  return attach(s, buf, len, nullptr);
}

int dill_term_attach_mem(int s, const void* buf, std::size_t len, dill_term_storage* mem) {
  return mem == nullptr ? refuse(s, EINVAL) : attach(s, buf, len, mem);
}

int dill_term_done(int s, std::int64_t deadline) {
  auto* o = own<message_object>(s, term_type);
  return o == nullptr ? -1 : outcome(done(o->state, to_deadline(deadline)));
}

int dill_term_detach(int s, std::int64_t deadline) {
  return detach_handle(s, to_deadline(deadline));
}
