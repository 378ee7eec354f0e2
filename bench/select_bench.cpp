// select_bench.cpp - what does it cost to wait for the first of several channels?
#include <benchmark/benchmark.h>

#include <caraway/channel.hpp>
#include <caraway/select.hpp>
#include <caraway/task_group.hpp>

namespace {

using caraway::channel;
using caraway::on_recv;

// An item to one of two channels, received in a select, and an answer back.
void round_trip_through_two(benchmark::State& state) {
  channel<long> left;
  channel<long> right;
  channel<long> back;
  caraway::task_group group;
  group.go([&] {
    for (;;) {
      long got = 0;
      const auto keep = [&](long v) { got = v; };
      caraway::select(on_recv(left, keep), on_recv(right, keep));
      back.send(got);
    }
  });
  long i = 0;
  for (auto _ : state) {
    (++i % 2 == 0 ? left : right).send(i);
    benchmark::DoNotOptimize(back.recv());
  }
}
BENCHMARK(round_trip_through_two);

// The same with one channel and a time limit on every choice.
void round_trip_with_timer(benchmark::State& state) {
  channel<long> there;
  channel<long> back;
  const caraway::deadline late(std::chrono::hours(1));
  caraway::task_group group;
  group.go([&] {
    for (;;) {
      caraway::select(on_recv(there, [](long) {}), caraway::on_timer(late));
      back.send(1);
    }
  });
  for (auto _ : state) {
    there.send(1);
    benchmark::DoNotOptimize(back.recv());
  }
}
BENCHMARK(round_trip_with_timer);

}  // namespace
