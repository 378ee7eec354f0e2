// signals.hpp - Ctrl-C and the wish of others that the program ends (SIGINT, SIGTERM), and that it reads
// its files again (SIGHUP), to be waited for.
#pragma once

#include <caraway/deadline.hpp>
#include <caraway/fd.hpp>
#include <csignal>
#include <initializer_list>

namespace tool {

inline constexpr std::initializer_list<int> ending_signals{SIGINT, SIGTERM};

// From now on the ending signals are kept for whoever awaits them. Before any other thread is started.
// A write to a pipe that nobody reads fails instead of ending the program.
void take_signals();

// From its making on the signals do nothing but end wait(). The descriptor is opened once, so that a
// program that can open no other hears them too. Throws caraway::error.
class awaited_signals {
 public:
  explicit awaited_signals(std::initializer_list<int> which);
  // Blocks until one of them comes: true, or until `dl`: false.
  bool wait(caraway::deadline dl = caraway::never);
  // From now on they do what they usually do.
  void release() noexcept;

 private:
  sigset_t set_;
  caraway::unique_fd fd_;
};

}  // namespace tool
