// send_queue.cpp - the writing side of a stream on a descriptor.
#include "io/send_queue.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <span>
#include <utility>

#include "io/outgoing.hpp"
#include "io/overdue.hpp"

namespace caraway::io {

using runtime::lent_buffer;
using runtime::scheduler;

namespace {

// The size of a write that nothing may be on its way beside.
constexpr std::size_t alone = std::numeric_limits<std::size_t>::max();
constexpr std::size_t pieces_at_once = 32;
// After so many sends that may not have waited, everybody else gets a turn.
constexpr int sends_per_turn = 16;

// What a failed send means to those who write: the connection is gone, whatever the kernel calls
// it.
std::error_code for_writers(std::error_code code) noexcept {
  for (int passing : {ETIMEDOUT, ECANCELED, EBUSY})
    if (code == os_error(passing)) return code;
  return os_error(ECONNRESET);
}

bool gave_up_waiting(std::error_code code) noexcept {
  return code != os_error(ECONNRESET);
}

}  // namespace

send_queue::~send_queue() {
  if (in_flight_) to_.cancel_send(*this);
}

result<void> send_queue::write(parts ps, deadline dl) noexcept {
  if (failure_) return fail(failure_);
  const std::size_t n = total_size(ps);
  if (n == 0) return {};
  if (lowlevel::cancel_pending()) return fail(ECANCELED);
  if (const auto turn = enter(n, dl); !turn) return turn;
  if (!goes_straight(n) || busy()) {
    const auto r = gather(ps, n);
    admit_next();
    return r;
  }
  const auto r = send_straight(ps, dl);
  if (r) release();
  give_others_a_turn();
  return r;
}

// --- who may write ---

// Waits for the turn of a write of `n` bytes. The first of those who wait stays the first if there
// is still no room when it runs.
result<void> send_queue::enter(std::size_t n, deadline dl) noexcept {
  if (!handed_ && writers_.empty() && has_room(n)) [[likely]]
    return {};
  bool first = false;
  do {
    const int code = wait_turn(n, dl, first);
    if (code != 0) {
      admit_next();
      return fail(code);
    }
    first = true;
    if (failure_) return fail(failure_);
  } while (!has_room(n));
  return {};
}

int send_queue::wait_turn(std::size_t n, deadline dl, bool first) noexcept {
  writer w;
  w.size = n;
  lowlevel::operation op("send");
  op.add(w);
  if (first)
    writers_.push_front(w);
  else
    writers_.push_back(w);
  const int code = op.park(dl);
  if (code == 0) handed_ = false;
  return code;
}

// Wakes the first of those who wait if it could write now.
void send_queue::admit_next() noexcept {
  if (handed_ || writers_.empty()) return;
  auto& next = static_cast<writer&>(writers_.front());
  if (!has_room(next.size)) return;
  handed_ = true;
  lowlevel::wake(next);
}

// --- small writes ---

result<void> send_queue::gather(parts ps, std::size_t n) noexcept {
  if (!reserve(n)) return fail(ENOMEM);
  append(ps, n);
  if (busy()) return {};
  if (out_.size() < gather_limit) {
    start_later();
    return {};
  }
  start();
  give_others_a_turn();
  return {};
}

// Makes room for `n` bytes more in out_.
bool send_queue::reserve(std::size_t n) noexcept {
  const std::size_t wanted = out_.size() + n;
  if (wanted <= out_.capacity()) return true;
  const std::size_t size = std::max({wanted, 2 * out_.capacity(), runtime::buffer_pool::smallest});
  lent_buffer larger = scheduler::current().buffers().borrow(size);
  if (!larger) return false;
  if (out_.size() > 0) std::memcpy(larger.memory(), out_.memory(), out_.size());
  larger.set_size(out_.size());
  out_ = std::move(larger);
  return true;
}

void send_queue::start_later() noexcept {
  if (!linked()) scheduler::current().defer(*this);
}

void send_queue::before_switch() noexcept {
  if (!busy() && out_.size() > 0) start();
}

// Sends what was gathered without waiting for it.
void send_queue::start() noexcept {
  unlink();
  flight_ = std::move(out_);
  remaining = {flight_.memory(), flight_.size()};
  in_flight_ = true;
  to_.start_send(*this);
}

void send_queue::finished(int code) noexcept {
  in_flight_ = false;
  delivered_ += flight_.size();
  flight_.reset();
  if (code != 0)
    give_up(os_error(ECONNRESET));
  else
    settle();
}

// Something has left: goes on with what was gathered meanwhile and with those who wait.
void send_queue::settle() noexcept {
  if (!busy() && out_.size() > 0) start();
  wake_flushers();
  admit_next();
}

// --- large writes ---

// Sends what was gathered and `ps`, waiting for room; has the descriptor alone from then on.
result<void> send_queue::send_straight(parts ps, deadline dl) noexcept {
  straight_ = true;
  unlink();
  lent_buffer head = std::move(out_);
  outgoing what({head.memory(), head.size()}, ps);
  const std::error_code code = push(what, dl);
  straight_left_ = 0;
  if (failure_) {
    straight_ = false;
    return fail(code ? code : failure_);
  }
  delivered_ += std::min(what.sent(), head.size());
  if (!code) return {};
  straight_ = false;
  return give_back(what, std::move(head), code);
}

// Sends all of `what`, waiting for room as long as need be.
std::error_code send_queue::push(outgoing& what, deadline dl) noexcept {
  bytes pieces[pieces_at_once];
  while (!what.empty()) {
    if (failure_) return failure_;
    straight_left_ = what.left();
    const auto n = to_.send(what.show(pieces), dl);
    if (!n) return for_writers(n.error());
    what.advance(*n);
    if (const int code = what.empty() ? 0 : overdue(dl); code != 0) return os_error(code);
  }
  return {};
}

// A large write ended early because of `why`: queues what must still go out. `head` is the memory
// of what had been gathered before.
result<void> send_queue::give_back(outgoing& rest, lent_buffer head, std::error_code why) noexcept {
  if (!gave_up_waiting(why)) {
    give_up(why);
    return fail(why);
  }
  const bool begun = rest.sent() > head.size();
  if (!put_in_front(rest, begun)) {
    give_up(os_error(ECONNRESET));
    return fail(ENOMEM);
  }
  settle();
  if (begun) return {};
  return fail(why);
}

// Puts what is left of `rest` before what was gathered meanwhile: all of it if the write has begun,
// else only what had been gathered before it.
bool send_queue::put_in_front(outgoing& rest, bool begun) noexcept {
  const std::size_t n = begun ? rest.left() : rest.left_of_head();
  if (n == 0) return true;
  lent_buffer behind = std::move(out_);
  if (!reserve(n + behind.size())) return false;
  rest.copy(out_.memory(), n);
  if (behind.size() > 0) std::memcpy(out_.memory() + n, behind.memory(), behind.size());
  out_.set_size(n + behind.size());
  if (!begun) return true;
  gathered_ += n;
  flushers_.for_each([n](lowlevel::waiter& w) { static_cast<flusher&>(w).target += n; });
  return true;
}

// --- flush, and having the descriptor alone ---

result<void> send_queue::flush(deadline dl) noexcept {
  if (failure_) return fail(failure_);
  if (!busy() && out_.size() > 0) start();
  if (failure_) return fail(failure_);
  if (delivered_ == gathered_) return {};
  flusher f;
  f.target = gathered_;
  lowlevel::operation op("flush");
  op.add(f);
  flushers_.push_back(f);
  if (const int code = op.park(dl); code != 0) return fail(code);
  if (failure_) return fail(failure_);
  return {};
}

void send_queue::wake_flushers() noexcept {
  flushers_.for_each([this](lowlevel::waiter& w) {
    if (static_cast<flusher&>(w).target <= delivered_) lowlevel::wake(w);
  });
}

result<void> send_queue::acquire(deadline dl) noexcept {
  if (failure_) return fail(failure_);
  if (const auto turn = enter(alone, dl); !turn) return turn;
  return send_straight({}, dl);
}

void send_queue::release() noexcept {
  straight_ = false;
  if (!failure_) settle();
}

void send_queue::give_others_a_turn() noexcept {
  if (++sends_in_a_row_ < sends_per_turn) return;
  sends_in_a_row_ = 0;
  lowlevel::yield();
}

// --- the end ---

void send_queue::flush_now() noexcept {
  unlink();
  if (failure_ || straight_) return;
  if (in_flight_) to_.cancel_send(*this);
  const bytes waiting[] = {in_flight_ ? remaining : bytes{}, {out_.memory(), out_.size()}};
  in_flight_ = false;
  for (bytes b : waiting) {
    while (!b.empty()) {
      const ssize_t n = to_.system().send(to_.fd(), b.data(), b.size(), 0);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return;
      b = b.subspan(static_cast<std::size_t>(n));
    }
  }
}

void send_queue::give_up(std::error_code why, int code) noexcept {
  if (!failure_) failure_ = why;
  unlink();
  if (in_flight_) to_.cancel_send(*this);
  in_flight_ = false;
  flight_.reset();
  out_.reset();
  delivered_ = gathered_;
  while (!writers_.empty()) lowlevel::wake(writers_.front(), code);
  while (!flushers_.empty()) lowlevel::wake(flushers_.front(), code);
}

}  // namespace caraway::io
