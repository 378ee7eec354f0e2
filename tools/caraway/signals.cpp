#include "signals.hpp"

#include <sys/signalfd.h>
#include <unistd.h>

#include <caraway/fd_wait.hpp>
#include <cerrno>
#include <utility>

namespace tool {
namespace {

sigset_t set_of(std::initializer_list<int> which) {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : which) sigaddset(&set, signal);
  return set;
}

}  // namespace

void take_signals() {
  const sigset_t set = set_of(ending_signals);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
}

awaited_signals::awaited_signals(std::initializer_list<int> which) : set_(set_of(which)) {
  pthread_sigmask(SIG_BLOCK, &set_, nullptr);
  fd_.reset(signalfd(-1, &set_, SFD_NONBLOCK | SFD_CLOEXEC));
  if (!fd_) throw caraway::error(caraway::os_error(errno), "signalfd");
}

bool awaited_signals::wait(caraway::deadline dl) {
  signalfd_siginfo info{};
  do {
    auto ready = caraway::try_wait_readable(fd_.get(), dl);
    if (!ready && ready.error() == std::errc::timed_out) return false;
    caraway::value_or_raise(std::move(ready), "wait for signal");
  } while (read(fd_.get(), &info, sizeof info) != sizeof info);
  return true;
}

void awaited_signals::release() noexcept {
  pthread_sigmask(SIG_UNBLOCK, &set_, nullptr);
}

}  // namespace tool
