// channel.cpp - channels: two ends, a rendezvous in each direction.
//
// Nothing is buffered. A direction is a queue of coroutines that want to send and one of coroutines
// that want to receive; one of the two is always empty. Who comes second moves the message and
// wakes the first without switching to it. A direction is over after chdone() at its sending end,
// and both are after hclose() of either end: then everybody in them gets EPIPE.
#include <cstring>

#include "capi/handle.hpp"
#include "caraway/wait.hpp"

namespace caraway::capi {
namespace {

// One clause of a coroutine that waits.
struct clause : lowlevel::waiter {
  void* val = nullptr;
  std::size_t len = 0;
};

struct direction {
  lowlevel::wait_queue senders;
  lowlevel::wait_queue receivers;
  bool over = false;

  void end() noexcept {
    over = true;
    while (!senders.empty()) lowlevel::wake(senders.front(), EPIPE);
    while (!receivers.empty()) lowlevel::wake(receivers.front(), EPIPE);
  }
};

const char channel_type_id = 0;
const void* const channel_type = &channel_type_id;

struct channel;

struct channel_end final : object {
  channel* whole = nullptr;
  int side = 0;
};

struct channel : object {
  channel_end ends[2];
  direction from[2];  // what is sent at ends[i]
  bool closed[2] = {};

  channel() noexcept {
    for (int side = 0; side < 2; ++side) {
      ends[side].whole = this;
      ends[side].side = side;
      ends[side].query = [](dill_hvfs* vfs, const void* type) -> void* {
        if (type == channel_type) return static_cast<channel_end*>(vfs);
        errno = ENOTSUP;
        return nullptr;
      };
      ends[side].close = [](dill_hvfs* vfs) {
        auto* e = static_cast<channel_end*>(vfs);
        e->whole->close_end(e->side);
      };
    }
  }

  void close_end(int side) noexcept {
    closed[side] = true;
    for (direction& d : from) d.end();
    if (closed[1 - side]) destroy(*this);
  }
};

// What a clause is about: its direction, and the queue to wait in. `code` if that is an error.
struct target {
  direction* way = nullptr;
  bool sends = false;
  int code = 0;

  lowlevel::wait_queue& own_queue() const noexcept { return sends ? way->senders : way->receivers; }
  lowlevel::wait_queue& peers() const noexcept { return sends ? way->receivers : way->senders; }
};

target look_up(int op, int ch, const void* val, std::size_t len) noexcept {
  auto* e = own<channel_end>(ch, channel_type);
  if (e == nullptr) return {.code = errno};
  if (op != DILL_CHSEND && op != DILL_CHRECV) return {.code = EINVAL};
  if (val == nullptr && len > 0) return {.code = EINVAL};
  const bool sends = op == DILL_CHSEND;
  return {.way = &e->whole->from[sends ? e->side : 1 - e->side], .sends = sends};
}

// Does the operation if it need not wait: 0, EPIPE or EMSGSIZE, else EAGAIN.
int try_now(const target& t, void* val, std::size_t len) noexcept {
  if (t.way->over) return EPIPE;
  if (t.peers().empty()) return EAGAIN;
  auto& peer = static_cast<clause&>(t.peers().front());
  const int code = peer.len == len ? 0 : EMSGSIZE;
  if (code == 0 && len > 0) {
    if (t.sends)
      std::memcpy(peer.val, val, len);
    else
      std::memcpy(val, peer.val, len);
  }
  lowlevel::wake(peer, code);
  return code;
}

int transfer(int op, int ch, void* val, std::size_t len, std::int64_t deadline) noexcept {
  if (lowlevel::cancel_pending()) return ECANCELED;
  const target t = look_up(op, ch, val, len);
  if (t.code != 0) return t.code;
  if (const int code = try_now(t, val, len); code != EAGAIN) return code;
  if (deadline == 0) return ETIMEDOUT;
  clause mine;
  mine.val = val;
  mine.len = len;
  lowlevel::operation waiting(t.sends ? "channel send" : "channel receive");
  waiting.add(mine);
  t.own_queue().push_back(mine);
  return waiting.park(to_deadline(deadline));
}

// The first clause that can be done or is wrong; -1 if none. Its code goes to `code`.
int first_now(const dill_chclause* clauses, int n, int& code) noexcept {
  for (int i = 0; i < n; ++i) {
    const dill_chclause& c = clauses[i];
    const target t = look_up(c.op, c.ch, c.val, c.len);
    code = t.code != 0 ? t.code : try_now(t, c.val, c.len);
    if (code != EAGAIN) return i;
  }
  return -1;
}

int wait_for_any(const dill_chclause* clauses, int n, clause* mine, deadline dl) noexcept {
  lowlevel::operation waiting("choose");
  for (int i = 0; i < n; ++i) {
    mine[i].val = clauses[i].val;
    mine[i].len = clauses[i].len;
    waiting.add(mine[i]);
    look_up(clauses[i].op, clauses[i].ch, clauses[i].val, clauses[i].len)
        .own_queue()
        .push_back(mine[i]);
  }
  const int code = waiting.park(dl);
  if (waiting.winner() == nullptr) return outcome(code);
  errno = code;
  return static_cast<int>(static_cast<clause*>(waiting.winner()) - mine);
}

int make(dill_chstorage* mem, int chv[2]) noexcept {
  channel* made = create<channel>(mem);
  if (made == nullptr) return outcome(ENOMEM);
  const int first = make_handle(made->ends[0]);
  const int second = first < 0 ? -1 : make_handle(made->ends[1]);
  if (second < 0) {
    const int code = errno;
    forget(first);
    destroy(*made);
    return outcome(code);
  }
  chv[0] = first;
  chv[1] = second;
  return outcome(0);
}

}  // namespace
}  // namespace caraway::capi

using namespace caraway;
using namespace caraway::capi;

int dill_chmake(int chv[2]) {
  return chv == nullptr ? outcome(EINVAL) : make(nullptr, chv);
}

int dill_chmake_mem(dill_chstorage* mem, int chv[2]) {
  return mem == nullptr || chv == nullptr ? outcome(EINVAL) : make(mem, chv);
}

int dill_chsend(int ch, const void* val, std::size_t len, std::int64_t deadline) {
  return outcome(transfer(DILL_CHSEND, ch, const_cast<void*>(val), len, deadline));
}

int dill_chrecv(int ch, void* val, std::size_t len, std::int64_t deadline) {
  return outcome(transfer(DILL_CHRECV, ch, val, len, deadline));
}

int dill_chdone(int ch) {
  auto* e = own<channel_end>(ch, channel_type);
  if (e == nullptr) return -1;
  direction& d = e->whole->from[e->side];
  if (d.over) return outcome(EPIPE);
  d.end();
  return outcome(0);
}

int dill_choose(dill_chclause* clauses, int nclauses, std::int64_t deadline) {
  if (nclauses < 0 || (nclauses > 0 && clauses == nullptr)) return outcome(EINVAL);
  if (lowlevel::cancel_pending()) return outcome(ECANCELED);
  int code = 0;
  if (const int now = first_now(clauses, nclauses, code); now >= 0) return errno = code, now;
  if (deadline == 0) return outcome(ETIMEDOUT);
  constexpr int usual = 8;
  clause few[usual];
  if (nclauses <= usual) return wait_for_any(clauses, nclauses, few, to_deadline(deadline));
  const std::unique_ptr<clause[]> many(new (std::nothrow) clause[nclauses]);
  if (many == nullptr) return outcome(ENOMEM);
  return wait_for_any(clauses, nclauses, many.get(), to_deadline(deadline));
}
