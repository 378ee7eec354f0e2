// context_smoke.cpp - the runtime on a processor this machine may not have: built for it, run under
// an emulator, without a test framework. Each question prints one line; the exit status is the
// number of wrong answers.
#include <unistd.h>

#include <cstdio>
#include <stdexcept>
#include <string>

#include "caraway/channel.hpp"
#include "caraway/fd_wait.hpp"
#include "caraway/task_group.hpp"
#include "caraway/this_task.hpp"

using namespace caraway;
using namespace std::chrono_literals;

namespace {

int wrong = 0;

void ask(const char* question, bool right) {
  std::printf("%s: %s\n", question, right ? "yes" : "NO");
  if (!right) ++wrong;
}

// Values that live in callee-saved registers, general and floating-point, on both sides of
// switches.
double busy_registers(int seed) {
  double d[10];
  long n[12];
  for (int i = 0; i < 10; ++i) d[i] = seed * 1.5 + i;
  for (int i = 0; i < 12; ++i) n[i] = seed * 100L + i;
  for (int round = 0; round < 50; ++round) {
    for (double& x : d) x = x * 1.0001 + 1;
    for (long& x : n) x = x * 31 + 7;
    yield();
  }
  double sum = 0;
  for (double x : d) sum += x;
  for (long x : n) sum += static_cast<double>(x % 1000);
  return sum;
}

double straight(int seed) {
  double alone = 0;
  task_group group;
  group.go([&] { alone = busy_registers(seed); });
  group.wait();
  return alone;
}

void registers_survive() {
  double expected[5], seen[5];
  for (int i = 0; i < 5; ++i) expected[i] = straight(i);
  task_group group;
  for (int i = 0; i < 5; ++i) group.go([&seen, i] { seen[i] = busy_registers(i); });
  group.wait();
  bool same = true;
  for (int i = 0; i < 5; ++i) same = same && expected[i] == seen[i];
  ask("do registers survive switches", same);
}

void exceptions_cross_yields() {
  task_group group;
  int caught = 0;
  for (int i = 0; i < 4; ++i) {
    group.go([&caught, i] {
      try {
        yield();
        throw std::runtime_error(std::to_string(i));
      } catch (const std::runtime_error& e) {
        yield();
        if (e.what() == std::to_string(i)) ++caught;
      }
    });
  }
  group.wait();
  ask("do exceptions survive switches", caught == 4);
}

void channels_carry() {
  channel<int> numbers;
  task_group group;
  group.go([&] {
    for (int i = 1; i <= 1000; ++i) numbers.send(i);
    numbers.close();
  });
  int sum = 0;
  while (auto n = numbers.next()) sum += *n;
  ask("does a channel carry everything", sum == 500500);
}

void many_coroutines() {
  task_group group;
  int count = 0;
  for (int i = 0; i < 5000; ++i) {
    group.go([&count] {
      sleep(1ms);
      ++count;
    });
  }
  group.wait();
  ask("do 5000 sleepers wake", count == 5000);
}

void cancellation_and_deadlines() {
  task_group group;
  auto sleeper = group.go([] { return try_sleep(never).error(); });
  yield();
  sleeper.cancel();
  ask("does a cancelled sleeper say so", sleeper.join() == std::errc::operation_canceled);
  channel<int> empty;
  ask("does a deadline end a receive", empty.try_recv(5ms).error() == std::errc::timed_out);
}

void descriptors_wake() {
  int ends[2];
  if (pipe(ends) != 0) return ask("is there a pipe", false);
  task_group group;
  auto reader = group.go([&] {
    wait_readable(ends[0], 10s);
    char c = 0;
    return read(ends[0], &c, 1) == 1 ? c : '?';
  });
  sleep(2ms);
  ask("is a byte written", write(ends[1], "!", 1) == 1);
  ask("does a pipe wake its reader", reader.join() == '!');
  close(ends[0]);
  close(ends[1]);
}

}  // namespace

int main() {
  registers_survive();
  exceptions_cross_yields();
  channels_carry();
  many_coroutines();
  cancellation_and_deadlines();
  descriptors_wake();
  return wrong;
}
