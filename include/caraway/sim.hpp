// sim.hpp - run a network program in a simulated world: virtual time, a network in memory, chosen
// weather, and a seed that replays a run exactly.
//
// CARAWAY_POLLER=sim puts every thread of a program into a world of its own; run() makes a fresh
// one for one function. Time stands still while something can run and jumps to the next deadline
// when nothing can, so that a test of a one-hour timeout takes microseconds. Sockets (TCP, UDP,
// Unix) made in a world exist only there; their descriptors are numbers from 1'000'000 up. Other
// descriptors, pipes say, are real. The same program with the same options does the same things in
// the same order, as long as it does not ask the real world for input.
//
//     sim::run({.seed = 7, .max_latency = 30ms, .max_read = 3}, [] {
//       auto listener = tcp::listen(address::loopback(0));
//       ...
//     });
//
// CARAWAY_SIM_SEED=n in the environment gives the worlds of all threads stormy(n) weather instead
// of none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

#include "caraway/deadline.hpp"

namespace caraway::sim {

// The weather of a world. The default is none: no latency, no partial reads and writes, no
// failures.
struct options {
  // Where the random numbers start that decide everything below.
  std::uint64_t seed = 0;
  // How long what is sent travels, one way; between the two at random. Nothing overtakes.
  nanoseconds min_latency{0};
  nanoseconds max_latency{0};
  // A receive (send) that asks for more moves between one and this many bytes; 0 means no limit.
  std::size_t max_read = 0;
  std::size_t max_write = 0;
  // How many bytes of a stream may be under way and unread; SO_SNDBUF changes it for one socket.
  std::size_t send_buffer = 64 * 1024;
  // Each connection is reset after at most this many bytes in both directions; 0 means never.
  std::uint64_t reset_after = 0;
  // Descriptors that become ready at the same time are served in random order.
  bool shuffle = false;
  // The call of this number to a simulated socket, counted from configure(), fails with
  // `fail_code`; 0 means none.
  std::uint64_t fail_call = 0;
  int fail_code = 0;
};

// Weather to test in: latency up to 2 ms, partial reads and writes of a size that the seed decides,
// random order; nothing fails.
options stormy(std::uint64_t seed) noexcept;

// Changes the weather of the calling thread's world from now on, and the random numbers start anew.
// On a thread without a world yet: of the one it will get.
void configure(const options& o) noexcept;

// The calling thread's weather.
const options& current() noexcept;

// True if the calling thread lives in a simulated world.
bool active() noexcept;

// Runs `f` in a fresh world on a thread of its own, waits for it, and throws what it threw. Stops
// the calling thread meanwhile.
void run(const options& o, std::move_only_function<void()> f);

}  // namespace caraway::sim
