// go_bench.cpp - what does it cost to start a task and wait for its end?
#include <benchmark/benchmark.h>

#include <caraway/task_group.hpp>

namespace {

void go_and_join(benchmark::State& state) {
  caraway::task_group group;
  for (auto _ : state) group.go([] {}).join();
}
BENCHMARK(go_and_join);

void go_and_join_with_result(benchmark::State& state) {
  caraway::task_group group;
  for (auto _ : state) benchmark::DoNotOptimize(group.go([] { return 1L; }).join());
}
BENCHMARK(go_and_join_with_result);

void group_of_one(benchmark::State& state) {
  for (auto _ : state) {
    caraway::task_group group;
    group.go([] {});
    group.wait();
  }
}
BENCHMARK(group_of_one);

void group_of_many(benchmark::State& state) {
  for (auto _ : state) {
    caraway::task_group group;
    for (long i = 0; i < state.range(0); ++i) group.go([] {});
    group.wait();
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(group_of_many)->Arg(100);

}  // namespace
