#include "signals.hpp"

#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include <caraway/fd.hpp>
#include <caraway/fd_wait.hpp>

namespace tool {
namespace {

sigset_t ending_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  return set;
}

// Waits for one of the signals, which are blocked; its number.
int await(const sigset_t& set) {
  const caraway::unique_fd fd(signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC));
  if (!fd) throw caraway::error(caraway::os_error(errno), "signalfd");
  signalfd_siginfo info{};
  do {
    caraway::wait_readable(fd.get());
  } while (read(fd.get(), &info, sizeof info) != sizeof info);
  return static_cast<int>(info.ssi_signo);
}

}  // namespace

void take_signals() {
  const sigset_t set = ending_signals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
}

int await_signal() {
  const sigset_t set = ending_signals();
  const int signal = await(set);
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
  return signal;
}

// From the first call on the signal does nothing else.
void await_hangup() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGHUP);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  await(set);
}

}  // namespace tool
