// ws_echo.cpp - what does a server pay for an echoed message? Processor time, system calls and
// allocations of this library, beside the bare kernel and Boost.Beast, interleaved in one run.
//
//     ws_echo [ROUNDS]            all shapes
//     ws_echo ROUNDS C D SIZE     one: connections, messages in flight on each, bytes
//
// The server runs on processor 0, the clients on processor 1. The first table is server processor time
// in microseconds a message, the median of the rounds, and in brackets its ratio to the floor. The floor
// gives back the same bytes without looking at them. System calls are counted one by one in a run of
// its own.
#include <fcntl.h>
#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <caraway/ws.hpp>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "echo/floor.hpp"
#include "echo/load.hpp"
#include "echo/process.hpp"

namespace {

// Allocations of the whole process, in memory that parent and child share.
std::atomic<long>* allocations = nullptr;

}  // namespace

extern "C" void* __libc_malloc(std::size_t n);
extern "C" void* malloc(std::size_t n) {
  if (allocations != nullptr) allocations->fetch_add(1, std::memory_order_relaxed);
  return __libc_malloc(n);
}

namespace {

struct contender {
  std::string name;
  bool web_socket;
  std::function<void(int tell)> serve;
};

void tell_port(int tell, std::uint16_t port) {
  ::dprintf(tell, "%u\n", port);
}

void floor_epoll(int tell) {
  std::uint16_t port = 0;
  const int listener = bench::listen_anywhere(port);
  tell_port(tell, port);
  bench::echo_with_epoll(listener);
}

void floor_uring(int tell) {
  std::uint16_t port = 0;
  const int listener = bench::listen_anywhere(port);
  bench::uring_echo echo(listener);
  tell_port(tell, port);
  echo.run();
}

void ours(int tell, const char* poller) {
  ::setenv("CARAWAY_POLLER", poller, 1);
  caraway::ws::serve_options options;
  options.limits.message = std::size_t{16} << 20;
  options.limits.fragment = options.limits.message;  // the clients compare frames
  caraway::ws::server server(
      "127.0.0.1:0",
      [](caraway::ws::socket& ws) {
        while (auto m = ws.recv()) ws.send(*m);
      },
      options);
  tell_port(tell, server.port());
  server.wait();
}

// The peer is a program in a folder beside this one, if it was built.
void beast(int tell) {
  const auto path =
      std::filesystem::read_symlink("/proc/self/exe").parent_path() / "echo" / "beast_echo_server";
  ::dup2(tell, STDOUT_FILENO);
  ::execl(path.c_str(), path.c_str(), nullptr);
  ::_exit(1);
}

std::vector<contender> contenders() {
  return {{"floor epoll", false, floor_epoll},
          {"floor io_uring", false, floor_uring},
          {"caraway epoll", true, [](int t) { ours(t, "epoll"); }},
          {"caraway io_uring", true, [](int t) { ours(t, "io_uring"); }},
          {"Boost.Beast", true, beast}};
}

// As many messages as take about a tenth of a second.
long messages_for(const bench::shape& s) {
  const double each = 3.7 / std::min(s.depth, 16) + static_cast<double>(s.size) / 3000.0;
  return std::max<long>(static_cast<long>(100'000 / each), 4L * s.connections * s.depth);
}

struct measured {
  double microseconds = 0;
  double allocations = 0;
};

std::optional<measured> measure(const contender& who, const bench::shape& s) {
  const bench::process server(who.serve);
  if (server.port() == 0) return std::nullopt;
  bench::load clients(server.port(), s, who.web_socket);
  const long n = messages_for(s);
  clients.run(n / 4);
  allocations->store(0);
  const double before = server.cpu_time();
  clients.run(n);
  const double used = server.cpu_time() - before;
  return measured{used / 1000 / static_cast<double>(n),
                  static_cast<double>(allocations->load()) / static_cast<double>(n)};
}

// System calls a message.
double count_calls(const contender& who, const bench::shape& s) {
  const bench::process server(who.serve);
  if (server.port() == 0) return -1;
  bench::load clients(server.port(), s, who.web_socket);
  const long n = std::max(20L * s.connections * s.depth, 2000L);
  clients.run(n);
  const long calls = server.system_calls_during([&] { clients.run(n); });
  return static_cast<double>(calls) / static_cast<double>(n);
}

double median(std::vector<double> v) {
  std::ranges::sort(v);
  return v.empty() ? 0 : v[v.size() / 2];
}

std::string name(const bench::shape& s) {
  char text[64];
  std::snprintf(text, sizeof text, "c%d d%d %zuB", s.connections, s.depth, s.size);
  return text;
}

void compare(const bench::shape& s, int rounds) {
  const std::vector<contender> all = contenders();
  std::vector<std::vector<double>> times(all.size());
  std::vector<double> allocated(all.size());
  for (int round = 0; round < rounds; ++round)
    for (std::size_t i = 0; i < all.size(); ++i) {
      const auto m = measure(all[i], s);
      if (!m) continue;
      times[i].push_back(m->microseconds);
      allocated[i] = m->allocations;
    }
  std::printf("%s\n", name(s).c_str());
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (times[i].empty()) {
      std::printf("  %-18s not here\n", all[i].name.c_str());
      continue;
    }
    const bool counted = all[i].name != "Boost.Beast";
    std::printf("  %-18s %9.3f us (%.2f)   %6.3f system calls", all[i].name.c_str(),
                median(times[i]), median(times[i]) / median(times[0]), count_calls(all[i], s));
    if (counted) std::printf("   %6.4f allocations", allocated[i]);
    std::printf("\n");
  }
  std::fflush(stdout);
}

}  // namespace

int main(int count, char** arguments) {
  allocations =
      new (::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0))
          std::atomic<long>(0);
  bench::pin_to(1);
  const int rounds = count > 1 ? std::atoi(arguments[1]) : 5;
  if (count == 5) {
    compare({std::atoi(arguments[2]), std::atoi(arguments[3]),
             std::strtoull(arguments[4], nullptr, 10)},
            rounds);
    return 0;
  }
  for (const bench::shape& s : {bench::shape{1, 1, 20},
                                {32, 1, 20},
                                {512, 1, 20},
                                {32, 16, 20},
                                {32, 16, 1024},
                                {512, 1, 1024},
                                {32, 4, 16384},
                                {8, 1, 1 << 20}})
    compare(s, rounds);
}
