#include "sync/fd_watch.hpp"

#include <cerrno>
#include <memory>
#include <new>
#include <unordered_map>

#include "runtime/scheduler.hpp"

namespace caraway::sync {
namespace {

struct watched {
  std::unique_ptr<runtime::io_handle> handle;
  int users = 0;
};

using table = std::unordered_map<int, watched>;

// Made after the thread's scheduler, so gone before it.
table& watched_fds() {
  runtime::scheduler::current();
  thread_local table t;
  return t;
}

result<runtime::io_handle*> add_user(int fd) {
  table& t = watched_fds();
  auto at = t.find(fd);
  if (at == t.end()) {
    auto handle = runtime::scheduler::current().poller().open(fd);
    if (!handle) return fail(handle.error());
    at = t.emplace(fd, watched{std::move(*handle), 0}).first;
  }
  ++at->second.users;
  return at->second.handle.get();
}

}  // namespace

result<fd_watch> fd_watch::open(int fd) noexcept {
  if (const int code = lowlevel::ready(); code != 0) return fail(code);
  try {
    auto handle = add_user(fd);
    if (!handle) return fail(handle.error());
    return fd_watch(**handle);
  } catch (const std::bad_alloc&) {
    return fail(ENOMEM);
  }
}

runtime::io_handle* fd_watch::find(int fd) noexcept {
  if (runtime::scheduler::existing() == nullptr) return nullptr;
  const auto at = watched_fds().find(fd);
  return at == watched_fds().end() ? nullptr : at->second.handle.get();
}

void fd_watch::close(int fd) noexcept {
  const auto at = watched_fds().find(fd);
  if (--at->second.users == 0) watched_fds().erase(at);
}

}  // namespace caraway::sync
