// select.cpp - how one of several things is chosen.
//
// First every case is tried in order; the first that can be done at once wins. If none can, each
// puts a waiter of the same operation where it will be woken; the first wake ends the operation and
// takes the others out of their queues, so no two cases can happen. Timers are not tried but bound
// the wait: as everywhere, a deadline that has passed counts only when everything that is ready has
// had its turn. A timer that has passed also keeps the cases behind it out of the wait, since it
// comes first.
#include "caraway/select.hpp"

#include <cerrno>

#include "runtime/scheduler.hpp"
#include "sync/fd_watch.hpp"

namespace caraway {
namespace {

using case_list = std::span<select_case* const>;

// What the first look at the cases has found.
struct first_look {
  std::size_t to_wait_for;       // so many cases from the front
  select_case* ready = nullptr;  // the case that happened
  select_case* timer = nullptr;  // the first to expire
  deadline until;
};

first_look look_at(case_list cases, deadline dl) noexcept {
  first_look seen{cases.size(), nullptr, nullptr, dl};
  for (std::size_t i = 0; i < cases.size(); ++i) {
    select_case& c = *cases[i];
    if (c.attempt()) {
      seen.ready = &c;
      return seen;
    }
    if (c.due().is_never()) continue;
    if (seen.timer == nullptr ? c.due() <= seen.until : c.due() < seen.until) {
      seen.timer = &c;
      seen.until = c.due();
    }
    if (c.due().passed()) {
      seen.to_wait_for = i;
      return seen;
    }
  }
  return seen;
}

void leave(case_list cases) noexcept {
  for (select_case* c : cases) {
    if (c->place() != nullptr) c->place()->unlink();
    c->leave();
  }
}

int enlist(case_list cases, lowlevel::operation& op) noexcept {
  for (std::size_t i = 0; i < cases.size(); ++i) {
    if (cases[i]->place() != nullptr) op.add(*cases[i]->place());
    if (const int code = cases[i]->enlist(); code != 0) {
      leave(cases.first(i));
      return code;
    }
  }
  return 0;
}

std::size_t index_of(case_list cases, const select_case* wanted) noexcept {
  std::size_t i = 0;
  while (cases[i] != wanted) ++i;
  return i;
}

std::size_t index_of(case_list cases, const lowlevel::waiter* winner) noexcept {
  std::size_t i = 0;
  while (cases[i]->place() != winner) ++i;
  return i;
}

result<std::size_t> finish(case_list cases, std::size_t i, int code) {
  if (auto r = cases[i]->finish(code); !r) return fail(r.error());
  return i;
}

}  // namespace

result<std::size_t> try_select_from(case_list cases, deadline dl) {
  if (const int code = lowlevel::ready(); code != 0) return fail(code);
  if (lowlevel::cancel_pending()) return fail(ECANCELED);
  const first_look seen = look_at(cases, dl);
  if (seen.ready != nullptr) return finish(cases, index_of(cases, seen.ready), 0);
  const case_list waiting = cases.first(seen.to_wait_for);
  lowlevel::operation op("select");
  if (const int code = enlist(waiting, op); code != 0) return fail(code);
  const int code = op.park(seen.until);
  leave(waiting);
  if (op.winner() != nullptr) return finish(cases, index_of(cases, op.winner()), code);
  const deadline ambient = runtime::scheduler::current().running().ambient;
  if (code == ETIMEDOUT && seen.timer != nullptr && seen.timer->due() <= ambient)
    return finish(cases, index_of(cases, seen.timer), 0);
  return fail(code);
}

namespace lowlevel {
namespace {

runtime::direction side(bool for_writing) noexcept {
  return for_writing ? runtime::direction::out : runtime::direction::in;
}

}  // namespace

bool descriptor_case::attempt() noexcept {
  const short events = for_writing_ ? POLLOUT : POLLIN;
  const short holds = runtime::scheduler::current().system().poll(fd_, events);
  if ((holds & POLLNVAL) != 0) failure_ = EBADF;
  return holds != 0;
}

int descriptor_case::enlist() noexcept {
  auto watch = sync::fd_watch::open(fd_);
  if (!watch) return to_errno(watch.error());
  const int code = watch->handle().enlist(side(for_writing_), place_);
  if (code == 0) watch->keep();
  return code;
}

void descriptor_case::leave() noexcept {
  sync::fd_watch::find(fd_)->delist(side(for_writing_));
  sync::fd_watch::close(fd_);
}

}  // namespace lowlevel
}  // namespace caraway
