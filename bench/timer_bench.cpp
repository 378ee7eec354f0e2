// timer_bench.cpp - what does a deadline cost that never comes, and one that does?
#include <benchmark/benchmark.h>

#include <cstdint>
#include <memory>

#include <caraway/channel.hpp>
#include <caraway/task_group.hpp>
#include <caraway/this_task.hpp>

#include "runtime/timer_wheel.hpp"

namespace {

using namespace std::chrono_literals;
using caraway::nanoseconds;
using caraway::time_point;
using caraway::runtime::timer_wheel;
using timer = timer_wheel::timer;

void channel_round_trip(benchmark::State& state, caraway::deadline dl) {
  caraway::channel<long> there;
  caraway::channel<long> back;
  caraway::task_group group;
  group.go([&] {
    for (;;) back.send(there.recv(dl), dl);
  });
  for (auto _ : state) {
    there.send(1, dl);
    benchmark::DoNotOptimize(back.recv(dl));
  }
}
BENCHMARK_CAPTURE(channel_round_trip, without_deadlines, caraway::never);
BENCHMARK_CAPTURE(channel_round_trip, with_a_deadline_each, 1h);

// Sleepers that wake up spread over a tenth of a second.
void go_sleep_and_end(benchmark::State& state) {
  for (auto _ : state) {
    caraway::task_group group;
    for (long i = 0; i < state.range(0); ++i)
      group.go([i] { caraway::sleep(std::chrono::microseconds(i % 1000 * 100)); });
    group.wait();
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(go_sleep_and_end)->Arg(10000)->Unit(benchmark::kMillisecond);

// A wheel with so many deadlines pending, spread over a minute without order.
class crowd {
 public:
  explicit crowd(long count)
      : count_(count), timers_(std::make_unique<timer[]>(static_cast<std::size_t>(count))) {
    for (long i = 0; i < count; ++i) wheel.arm(timers_[i], somewhere());
  }

  // A point within the minute from now on.
  time_point somewhere() {
    seed_ = seed_ * 6364136223846793005U + 1442695040888963407U;
    return now + nanoseconds(static_cast<long>((seed_ >> 33) % 60'000) * 1'000'000);
  }
  timer& any() {
    somewhere();
    return timers_[static_cast<long>((seed_ >> 20) % static_cast<std::uint64_t>(count_))];
  }

  time_point now{};
  timer_wheel wheel{now};

 private:
  long count_;
  std::uint64_t seed_ = 1;
  std::unique_ptr<timer[]> timers_;
};

void set_and_cancel_one_more(benchmark::State& state) {
  crowd c(state.range(0));
  timer t;
  for (auto _ : state) {
    c.wheel.arm(t, c.somewhere());
    c.wheel.disarm(t);
  }
}
BENCHMARK(set_and_cancel_one_more)->Arg(0)->Arg(1'000'000);

void set_one_of_them_anew(benchmark::State& state) {
  crowd c(state.range(0));
  for (auto _ : state) {
    timer& t = c.any();
    c.wheel.disarm(t);
    c.wheel.arm(t, c.somewhere());
  }
}
BENCHMARK(set_one_of_them_anew)->Arg(1000)->Arg(1'000'000);

// Millisecond by millisecond; what fires is set again, so that as many stay pending. Per deadline
// that expired.
void expire_and_set_again(benchmark::State& state) {
  crowd c(state.range(0));
  caraway::list<timer> due;
  long fired = 0;
  for (auto _ : state) {
    c.now += timer_wheel::tick;
    c.wheel.advance(c.now, due);
    for (; !due.empty(); ++fired) c.wheel.arm(due.pop_front(), c.somewhere());
  }
  state.SetItemsProcessed(fired);
}
BENCHMARK(expire_and_set_again)->Arg(1000)->Arg(1'000'000);

}  // namespace
