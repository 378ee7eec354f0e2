// switch_bench.cpp - what does it cost to let another coroutine run?
#include <benchmark/benchmark.h>

#include <caraway/task_group.hpp>
#include <caraway/this_task.hpp>

namespace {

// One of so many coroutines in a ring yields; an iteration is one switch to another.
void yield(benchmark::State& state) {
  const long others = state.range(0) - 1;
  bool stop = false;
  caraway::task_group group;
  for (long i = 0; i < others; ++i) {
    group.go([&] {
      while (!stop) caraway::yield();
    });
  }
  caraway::yield();
  for (auto _ : state) caraway::yield();
  state.counters["per switch"] =
      benchmark::Counter(static_cast<double>(state.iterations() * state.range(0)),
                         benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
  stop = true;
  group.wait();
}
BENCHMARK(yield)->Arg(2)->Arg(100)->Arg(1000)->Arg(10000);

}  // namespace
