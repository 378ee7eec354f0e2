// parked_memory.cpp - how much memory does a coroutine take that waits?
//
// Starts a million of them (or as many as the argument says), lets each park, and looks at the
// resident memory of the process.
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include <caraway/event.hpp>
#include <caraway/task_group.hpp>
#include <caraway/this_task.hpp>

namespace {

long resident_bytes() {
  long pages = 0;
  std::FILE* f = std::fopen("/proc/self/statm", "r");
  if (f == nullptr) return 0;
  if (std::fscanf(f, "%*s %ld", &pages) != 1) pages = 0;
  std::fclose(f);
  return pages * sysconf(_SC_PAGESIZE);
}

}  // namespace

int main(int argc, char** argv) {
  const long count = argc > 1 ? std::atol(argv[1]) : 1'000'000;
  caraway::event end;
  caraway::task_group group;
  caraway::yield();
  const long before = resident_bytes();
  for (long i = 0; i < count; ++i) group.go([&] { end.wait(); });
  caraway::yield();
  const long after = resident_bytes();
  std::printf("{\"name\": \"parked coroutine\", \"count\": %ld, \"bytes\": %.0f}\n", count,
              static_cast<double>(after - before) / static_cast<double>(count));
  end.set();
  group.wait();
}
