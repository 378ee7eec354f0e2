// channel_bench.cpp - what does it cost to hand an item to another coroutine?
#include <benchmark/benchmark.h>

#include <caraway/channel.hpp>
#include <caraway/task_group.hpp>

namespace {

// There and back again: two messages.
void round_trip(benchmark::State& state) {
  const auto capacity = static_cast<std::size_t>(state.range(0));
  caraway::channel<long> there(capacity);
  caraway::channel<long> back(capacity);
  caraway::task_group group;
  group.go([&] {
    while (auto v = there.next()) back.send(*v + 1);
  });
  for (auto _ : state) {
    there.send(1);
    benchmark::DoNotOptimize(back.recv());
  }
  there.close();
  group.wait();
}
BENCHMARK(round_trip)->ArgName("capacity")->Arg(0)->Arg(1);

void one_way(benchmark::State& state) {
  caraway::channel<long> c(static_cast<std::size_t>(state.range(0)));
  caraway::task_group group;
  group.go([&] {
    while (c.next()) {
    }
  });
  for (auto _ : state) c.send(1);
  c.close();
  group.wait();
}
BENCHMARK(one_way)->ArgName("capacity")->Arg(0)->Arg(100);

}  // namespace
