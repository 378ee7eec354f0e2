#include "caraway/fd_wait.hpp"

#include <cerrno>

#include "runtime/scheduler.hpp"
#include "sync/fd_watch.hpp"
#include "sync/queue.hpp"

namespace caraway {
namespace {

// Descriptors that are always ready must not keep everybody else waiting.
constexpr int waits_per_turn = 64;
thread_local int waits_in_a_row = 0;

void give_others_a_turn() noexcept {
  if (++waits_in_a_row < waits_per_turn) return;
  waits_in_a_row = 0;
  lowlevel::yield();
}

result<void> wait_for(int fd, runtime::direction d, deadline dl, const char* what) noexcept {
  give_others_a_turn();
  if (lowlevel::cancel_pending()) return fail(ECANCELED);
  auto watch = sync::fd_watch::open(fd);
  if (!watch) return fail(watch.error());
  return sync::outcome(watch->handle().wait(d, dl, what));
}

}  // namespace

result<void> try_wait_readable(int fd, deadline dl) noexcept {
  return wait_for(fd, runtime::direction::in, dl, "descriptor readable");
}

result<void> try_wait_writable(int fd, deadline dl) noexcept {
  return wait_for(fd, runtime::direction::out, dl, "descriptor writable");
}

}  // namespace caraway
