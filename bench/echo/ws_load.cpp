// ws_load.cpp - what does a running echo server pay for a message? Drives any WebSocket server that
// answers in one frame (or, with --raw, one that gives the same bytes back) on this machine, compares
// every echo, and prints the processor time that the server's process spent on each, in microseconds:
// the median of the rounds.
//
//     ws_load PORT PID C D SIZE [ROUNDS] [--raw]     connections, in flight on each, bytes
//
// Runs on processor 1; start the server on processor 0 (taskset -c 0).
#include <sched.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "load.hpp"
#include "process.hpp"

namespace {

// So many that a round takes a fifth of a second or so.
long messages_in_a_round(const bench::shape& s) {
  const long cost_ns = 300 + 4000 / s.depth + static_cast<long>(s.size) / 4;
  return std::max(200'000'000 / cost_ns, 4L * s.connections * s.depth);
}

int usage() {
  std::fputs("usage: ws_load PORT PID C D SIZE [ROUNDS] [--raw]\n", stderr);
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  const bool raw = argc > 1 && std::strcmp(argv[argc - 1], "--raw") == 0;
  if (raw) --argc;
  if (argc < 6 || argc > 7) return usage();
  const auto port = static_cast<std::uint16_t>(std::atoi(argv[1]));
  const pid_t server = std::atoi(argv[2]);
  const bench::shape shape{std::atoi(argv[3]), std::atoi(argv[4]),
                           static_cast<std::size_t>(std::atol(argv[5]))};
  const int rounds = argc == 7 ? std::atoi(argv[6]) : 5;
  if (shape.connections < 1 || shape.depth < 1 || rounds < 1) return usage();
  bench::pin_to(1);
  bench::load load(port, shape, !raw);
  const long count = messages_in_a_round(shape);
  load.run(count / 4);
  std::vector<double> costs;
  for (int i = 0; i < rounds; ++i) {
    const double before = bench::cpu_time(server);
    load.run(count);
    costs.push_back((bench::cpu_time(server) - before) / 1000 / static_cast<double>(count));
  }
  std::ranges::sort(costs);
  std::printf("%.3f\n", costs[costs.size() / 2]);
}
