// sim_weather.hpp - chance, as the options of a simulated world allow it.
//
// The generator is our own (SplitMix64), since the distributions of the standard library differ
// between implementations and a seed must mean the same run everywhere.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "caraway/sim.hpp"

namespace caraway::sim {

class weather {
 public:
  explicit weather(const options& o) noexcept { change(o); }

  void change(const options& o) noexcept {
    options_ = o;
    state_ = o.seed;
    calls_ = 0;
  }
  const options& current() const noexcept { return options_; }

  // From 0 to n - 1.
  std::uint64_t below(std::uint64_t n) noexcept { return next() % n; }

  nanoseconds latency() noexcept {
    const auto span = (options_.max_latency - options_.min_latency).count();
    if (span <= 0) return options_.min_latency;
    return options_.min_latency + nanoseconds(below(static_cast<std::uint64_t>(span) + 1));
  }

  // How much of `n` bytes moves at once: all of them every fourth time, and never none.
  std::size_t part_of(std::size_t n, std::size_t limit) noexcept {
    if (limit == 0 || n <= 1 || below(4) == 0) return n;
    return std::min<std::size_t>(n, 1 + below(limit));
  }

  // After how many bytes a new connection breaks; 0 means never.
  std::uint64_t lifetime() noexcept {
    return options_.reset_after == 0 ? 0 : 1 + below(options_.reset_after);
  }

  // The errno with which the call that begins now fails, or 0.
  int fault() noexcept { return ++calls_ == options_.fail_call ? options_.fail_code : 0; }

 private:
  std::uint64_t next() noexcept {
    std::uint64_t z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }

  options options_;
  std::uint64_t state_ = 0;
  std::uint64_t calls_ = 0;
};

}  // namespace caraway::sim
