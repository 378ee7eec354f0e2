// handle.cpp - the table of handles.
//
// A number is a slot of the table and how often the slot has been used: a number that was closed
// stays EBADF for the next 511 uses of its slot. Free slots wait in line, so that a slot rests as
// long as possible. Slot 0 is never used, so no handle is 0. Leftover objects are not touched at
// the end of the thread: programs may have freed them without the table's knowledge.
#include "capi/handle.hpp"

#include <vector>

#include "capi/bundle.hpp"
#include "runtime/scheduler.hpp"

namespace caraway::capi {
namespace {

constexpr unsigned slot_bits = 22;
constexpr unsigned slot_mask = (1u << slot_bits) - 1;
constexpr unsigned uses_mask = (1u << (31 - slot_bits)) - 1;
constexpr std::size_t free_at_least = 256;

struct slot {
  dill_hvfs* vfs = nullptr;
  // The last answer to hquery.
  const void* type = nullptr;
  void* answer = nullptr;
  bool own = false;  // made by the library
  unsigned uses = 0;
  unsigned next_free = 0;
};

class table {
 public:
  // -1 if there is no memory, or no number left.
  int add(dill_hvfs& vfs, bool own) noexcept {
    if (free_count_ < free_at_least && slots_.size() <= slot_mask) grow();
    if (free_count_ == 0) return -1;
    const unsigned at = first_free_;
    slot& s = slots_[at];
    first_free_ = s.next_free;
    --free_count_;
    s.vfs = &vfs;
    s.own = own;
    s.type = s.answer = nullptr;
    return static_cast<int>((s.uses & uses_mask) << slot_bits | at);
  }

  slot* find(int h) noexcept {
    const unsigned number = static_cast<unsigned>(h);
    const unsigned at = number & slot_mask;
    if (h < 0 || at >= slots_.size()) return nullptr;
    slot& s = slots_[at];
    return s.vfs != nullptr && (s.uses & uses_mask) == number >> slot_bits ? &s : nullptr;
  }

  void remove(slot& s) noexcept {
    s.vfs = nullptr;
    ++s.uses;
    append_free(static_cast<unsigned>(&s - slots_.data()));
  }

 private:
  void grow() noexcept try {
    const std::size_t size = std::max<std::size_t>(2 * free_at_least, 2 * slots_.size());
    std::size_t at = std::max<std::size_t>(slots_.size(), 1);
    slots_.resize(std::min<std::size_t>(size, slot_mask + 1));
    for (; at < slots_.size(); ++at) append_free(static_cast<unsigned>(at));
  } catch (const std::bad_alloc&) {
    // What is free still serves.
  }

  void append_free(unsigned at) noexcept {
    if (free_count_++ == 0)
      first_free_ = at;
    else
      slots_[last_free_].next_free = at;
    last_free_ = at;
  }

  std::vector<slot> slots_;
  unsigned first_free_ = 0;
  unsigned last_free_ = 0;
  std::size_t free_count_ = 0;
};

table& handles() noexcept {
  thread_local table own;
  return own;
}

// Inside: blocking calls fail with ECANCELED, for the close function of somebody else's object.
class no_blocking {
 public:
  explicit no_blocking(runtime::coroutine& c) noexcept
      : coroutine_(c), before_(c.no_waiting), shielded_(c.shielded) {
    c.no_waiting = true;
    c.shielded = false;
  }
  no_blocking(const no_blocking&) = delete;
  no_blocking& operator=(const no_blocking&) = delete;
  ~no_blocking() {
    coroutine_.no_waiting = before_;
    coroutine_.shielded = shielded_;
  }

 private:
  runtime::coroutine& coroutine_;
  bool before_;
  bool shielded_;
};

int add(dill_hvfs& vfs, bool own) noexcept {
  if (const int code = cannot_begin(); code != 0) return outcome(code);
  const int h = handles().add(vfs, own);
  return h < 0 ? outcome(ENOMEM) : outcome(0, h);
}

}  // namespace

int cannot_begin() noexcept {
  return lowlevel::cancel_pending() ? ECANCELED : lowlevel::ready();
}

int make_handle(object& o) noexcept {
  return add(o, true);
}

dill_hvfs* find(int h) noexcept {
  const slot* s = handles().find(h);
  if (s != nullptr) return s->vfs;
  errno = EBADF;
  return nullptr;
}

void* query_own(int h, const void* type) noexcept {
  const slot* s = handles().find(h);
  if (s != nullptr && s->own) return dill_hquery(h, type);
  errno = s == nullptr ? EBADF : ENOTSUP;
  return nullptr;
}

void forget(int h) noexcept {
  if (slot* s = handles().find(h); s != nullptr) handles().remove(*s);
}

}  // namespace caraway::capi

using namespace caraway;
using namespace caraway::capi;

int dill_hmake(dill_hvfs* vfs) {
  if (vfs == nullptr || vfs->query == nullptr || vfs->close == nullptr) return outcome(EINVAL);
  return add(*vfs, false);
}

void* dill_hquery(int h, const void* type) {
  const slot* s = handles().find(h);
  if (s == nullptr) {
    errno = EBADF;
    return nullptr;
  }
  if (s->answer != nullptr && s->type == type) return s->answer;
  void* answer = s->vfs->query(s->vfs, type);
  slot* again = handles().find(h);  // the table may have grown meanwhile
  if (answer != nullptr && again != nullptr) {
    again->type = type;
    again->answer = answer;
  }
  return answer;
}

int dill_hown(int h) {
  const slot* s = handles().find(h);
  if (s == nullptr || is_closing(s->vfs)) return outcome(EBADF);
  const int moved = add(*s->vfs, s->own);
  if (moved < 0) {
    const int code = errno;
    dill_hclose(h);
    return outcome(code);
  }
  forget(h);
  return moved;
}

int dill_hclose(int h) {
  dill_hvfs* vfs = find(h);
  if (vfs == nullptr) return -1;
  if (is_closing(vfs)) return outcome(EBADF);
  if (is_bundle(vfs)) return outcome(close_bundle(h, vfs));
  forget(h);
  const no_blocking guard(runtime::scheduler::current().running());
  vfs->close(vfs);
  return outcome(0);
}
