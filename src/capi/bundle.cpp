// bundle.cpp - coroutines that C programs start, and the bundles that hold them.
//
// Each coroutine has a `member` at coroutine::extra, linked in its bundle in the order of starting.
// Closing a bundle goes through them one after another: cancels the first, waits until it has
// ended, goes on with the next; it blocks to its end also in a cancelled coroutine. Until then those
// that have not been cancelled yet may start more in it, which are closed in their turn; for every
// other call the number is gone.
//
// Who closes a bundle waits for its members, and these may close bundles in their turn. When that
// comes round to the first, nobody would ever end. The one that closes what it has made itself is in
// the right (it waits for the coroutines that it started), and the other one's close fails with
// EDEADLK.
//
// go() in C is half a macro (see libdill.h): dill_prologue() makes the coroutine the running one
// and shows where the macro finds the registers of its caller and the new stack. In C++ the macro
// makes a lambda expression, and dill_start_call_() runs it like any other coroutine.
#include "capi/bundle.hpp"

#include <utility>

#include "base/sanitizer.hpp"
#include "capi/handle.hpp"
#include "caraway/list.hpp"
#include "caraway/wait.hpp"
#include "runtime/scheduler.hpp"
#include "sync/uninterruptible.hpp"

// The registers of the caller of go() where the scheduler keeps them, as libdill.h declares it in
// C.
struct dill_registers_ {
  void* sp;
  void* fp;
  void* pc;
  void* saved[12];
  void* top;
};

namespace caraway::capi {
namespace {

using runtime::coroutine;
using runtime::scheduler;

static_assert(sizeof(dill_registers_) <= sizeof(runtime::context) &&
              offsetof(dill_registers_, pc) == offsetof(runtime::context, pc) &&
              offsetof(dill_registers_, saved) == offsetof(runtime::context, extra));

// Programs written for libdill expect so much.
constexpr std::size_t stack_size = 256 * 1024;

struct bundle;

struct member : list_node {
  bundle* home = nullptr;
  coroutine* self = nullptr;
  void (*call)(void*) = nullptr;
  void* closure = nullptr;
  bundle* closing = nullptr;  // the one that it waits for in hclose
};

const char bundle_type_id = 0;
const void* const bundle_type = &bundle_type_id;

struct bundle final : object {
  list<member> members;
  std::uint64_t maker;  // the id of the coroutine that made it
  bool closing = false;
  bool gives_way = false;        // its closing does, to another one
  lowlevel::wait_queue waiting;  // in bundle_wait
  lowlevel::wait_queue closer;   // in hclose, for the first of the members

  bundle() noexcept : maker(scheduler::current().running().id) {
    dill_hvfs::query = answer;
    dill_hvfs::close = nullptr;  // see close_bundle()
  }

  static void* answer(dill_hvfs* vfs, const void* type) {
    if (type == bundle_type) return static_cast<bundle*>(vfs);
    errno = ENOTSUP;
    return nullptr;
  }

  // Cancels the members and waits for their ends. 0, or EDEADLK: it had to give way.
  int end() noexcept {
    while (!waiting.empty()) lowlevel::wake(waiting.front(), ECANCELED);
    scheduler& s = scheduler::current();
    const sync::uninterruptible to_the_end(s.running());
    while (!members.empty()) {
      if (std::exchange(gives_way, false)) return EDEADLK;
      member& m = members.front();
      s.cancel(*m.self);
      lowlevel::waiter w;
      lowlevel::operation op("bundle close");
      op.add(w);
      closer.push_back(w);
      op.park(never);
    }
    gives_way = false;
    return 0;
  }

  void give_way() noexcept {
    gives_way = true;
    if (!closer.empty()) lowlevel::wake(closer.front());
  }

  // What a member closes that waits for the end of `m`: has it among its members, or waits for one that
  // closes such a bundle. nullptr if nobody does.
  bundle* closed_around(const member& m) noexcept {
    bundle* found = nullptr;
    members.for_each([&](const member& x) {
      if (found != nullptr || x.closing == nullptr || x.closing->gives_way) return;
      if (x.closing == m.home || x.closing->closed_around(m) != nullptr) found = x.closing;
    });
    return found;
  }

  // The last thing a member does.
  void leave(member& m) noexcept {
    const bool first = &members.front() == &m;
    m.unlink();
    if (first && !closer.empty()) lowlevel::wake(closer.front());
    if (!members.empty()) return;
    while (!waiting.empty()) lowlevel::wake(waiting.front());
  }
};

// The entry function of all members; also how they are known from other coroutines.
void enter(coroutine& c) noexcept;

member* member_of(const coroutine& c) noexcept {
  return c.entry == enter ? static_cast<member*>(c.extra) : nullptr;
}

void finish(coroutine& c) noexcept {
  member& m = *member_of(c);
  m.home->leave(m);
}

void enter(coroutine& c) noexcept {
  const member& m = *member_of(c);
  try {
    m.call(m.closure);
  } catch (const cancelled&) {
    // It has ended, as it was asked to.
  }
  finish(c);
}

// Memory for a coroutine, and for its bundle if that is new, as the macros pass it on.
struct memory {
  void* at;
  std::size_t size;

  bool from_pool() const noexcept { return at == nullptr && size == DILL_POOL_; }

  // Cuts off what a bundle needs; nullptr if there is not enough.
  dill_bundle_storage* take_bundle() noexcept {
    if (size < sizeof(dill_bundle_storage)) return nullptr;
    auto* storage = static_cast<dill_bundle_storage*>(at);
    at = storage + 1;
    size -= sizeof(dill_bundle_storage);
    return storage;
  }
};

// A coroutine with a member, not started and in no bundle; nullptr and ENOMEM.
member* create_member(memory m, const char* where) noexcept {
  runtime::spawn_options options{.name = where, .stack_size = stack_size};
  if (!m.from_pool()) {
    options.memory = static_cast<std::byte*>(m.at);
    options.memory_size = m.size;
  }
  const auto made = scheduler::current().create(enter, sizeof(member), options);
  if (!made) {
    errno = to_errno(made.error());
    return nullptr;
  }
  auto* created = new ((*made)->extra) member;
  created->self = *made;
  return created;
}

// A bundle of its own for go(); nullptr and errno.
bundle* create_bundle(memory& m, int& h) noexcept {
  dill_bundle_storage* storage = nullptr;
  if (!m.from_pool() && (storage = m.take_bundle()) == nullptr) return errno = ENOMEM, nullptr;
  bundle* made = create<bundle>(storage);
  if (made == nullptr) return errno = ENOMEM, nullptr;
  h = make_handle(*made);
  if (h >= 0) return made;
  destroy(*made);
  return nullptr;
}

// Everything that comes before the start of a coroutine; its result goes to `value`.
member* prepare(bool fresh, int h, memory m, const char* where, int& value) noexcept {
  value = -1;
  if (const int code = cannot_begin(); code != 0) return errno = code, nullptr;
  if (m.at == nullptr && !m.from_pool()) return errno = EINVAL, nullptr;
  bundle* home = fresh ? create_bundle(m, h) : own<bundle>(h, bundle_type);
  if (home == nullptr) return nullptr;
  member* made = create_member(m, where);
  if (made == nullptr) {
    const int code = errno;
    if (fresh) dill_hclose(h);
    return errno = code, nullptr;
  }
  made->home = home;
  home->members.push_back(*made);
  value = fresh ? h : 0;
  return made;
}

// Closes `b` in the member `m`.
int close_in(member& m, bundle& b) noexcept {
  if (m.home == &b) return EDEADLK;
  if (bundle* other = b.closed_around(m); other != nullptr) {
    if (b.maker != m.self->id) return EDEADLK;
    other->give_way();
  }
  m.closing = &b;
  const int code = b.end();
  m.closing = nullptr;
  return code;
}

}  // namespace

bool is_bundle(const dill_hvfs* vfs) noexcept {
  return vfs->query == bundle::answer;
}

bool is_closing(const dill_hvfs* vfs) noexcept {
  return is_bundle(vfs) && static_cast<const bundle*>(vfs)->closing;
}

int close_bundle(int h, dill_hvfs* vfs) noexcept {
  auto& b = *static_cast<bundle*>(vfs);
  member* m = member_of(scheduler::current().running());
  b.closing = true;
  const int code = m == nullptr ? b.end() : close_in(*m, b);
  b.closing = false;
  if (code != 0) return code;
  forget(h);
  destroy(b);
  return 0;
}

}  // namespace caraway::capi

using namespace caraway;
using namespace caraway::capi;

volatile void* dill_unoptimisable = nullptr;

extern "C" {
DILL_EXPORT dill_registers_* dill_prologue(int fresh, int bndl, void* mem, std::size_t len,
                                           const char* where, int* value);
DILL_EXPORT void dill_arrived();
DILL_EXPORT void dill_epilogue();
}

CARAWAY_UNINSTRUMENTED dill_registers_* dill_prologue(int fresh, int bndl, void* mem,
                                                      std::size_t len, const char* where,
                                                      int* value) {
  const member* m = prepare(fresh != 0, bndl, {mem, len}, where, *value);
  if (m == nullptr) return nullptr;
  scheduler& s = scheduler::current();
  auto* registers = reinterpret_cast<dill_registers_*>(&s.running().registers);
  registers->top = m->self->registers.sp;
  s.adopt(*m->self);
  return registers;
}

// Below the caller's frame the macro has left what AddressSanitizer put around its alloca.
CARAWAY_OPAQUE void dill_arrived() {
  scheduler::current().resumed();
  base::clean_stack_below(__builtin_frame_address(0));
}

CARAWAY_OPAQUE void dill_epilogue() {
  scheduler& s = scheduler::current();
  finish(s.running());
  s.exit();
}

int dill_start_call_(int fresh, int bndl, void* mem, std::size_t len, const char* where,
                     void (*call)(void*), void* closure) {
  int value = -1;
  member* m = prepare(fresh != 0, bndl, {mem, len}, where, value);
  if (m == nullptr) return -1;
  m->call = call;
  m->closure = closure;
  scheduler::current().start_now(*m->self);
  return value;
}

int dill_bundle() {
  if (const int code = cannot_begin(); code != 0) return outcome(code);
  bundle* made = create<bundle>(static_cast<dill_bundle_storage*>(nullptr));
  if (made == nullptr) return outcome(ENOMEM);
  const int h = make_handle(*made);
  if (h < 0) destroy(*made);
  return h;
}

int dill_bundle_mem(dill_bundle_storage* mem) {
  if (mem == nullptr) return outcome(EINVAL);
  if (const int code = cannot_begin(); code != 0) return outcome(code);
  bundle* made = create<bundle>(mem);
  const int h = make_handle(*made);
  if (h < 0) destroy(*made);
  return h;
}

int dill_bundle_wait(int h, std::int64_t deadline) {
  if (lowlevel::cancel_pending()) return outcome(ECANCELED);
  auto* b = own<bundle>(h, bundle_type);
  if (b == nullptr) return -1;
  if (b->closing) return outcome(EBADF);
  if (b->members.empty()) return outcome(0);
  lowlevel::waiter w;
  lowlevel::operation op("bundle wait");
  op.add(w);
  b->waiting.push_back(w);
  return outcome(op.park(to_deadline(deadline)));
}

int dill_yield() {
  return outcome(lowlevel::yield());
}
