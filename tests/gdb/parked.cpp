// parked.cpp - a program with coroutines in several places, for a debugger to look at.
#include <csignal>

#include <caraway/channel.hpp>
#include <caraway/task_group.hpp>
#include <caraway/this_task.hpp>

namespace {

using namespace std::chrono_literals;

// Not inlined, so that the backtrace has its frame.
[[gnu::noinline]] int wait_deep_inside(caraway::channel<int>& c, int depth) {
  if (depth == 0) return c.recv(1h) + 1;
  const int received = wait_deep_inside(c, depth - 1);
  return received + 1;
}

[[gnu::noinline]] void nap() {
  caraway::sleep(caraway::never);
  std::raise(SIGABRT);
}

}  // namespace

int main() {
  caraway::channel<int> c;
  caraway::task_group group;
  group.go("consumer", [&] { wait_deep_inside(c, 3); });
  group.go("sleeper", [] { nap(); });
  caraway::yield();
  group.go("newcomer", [] {});
  std::raise(SIGTRAP);
  c.send(1);
}
