// sim.cpp - making worlds and changing their weather.
#include "caraway/sim.hpp"

#include <cstdlib>
#include <exception>
#include <thread>
#include <utility>

#include "poller/sim_world.hpp"
#include "runtime/poller.hpp"
#include "runtime/scheduler.hpp"

namespace caraway::sim {
namespace {

options from_environment() noexcept {
  const char* seed = std::getenv("CARAWAY_SIM_SEED");
  return seed == nullptr ? options{} : stormy(std::strtoull(seed, nullptr, 10));
}

// Of the world that the thread has or will get.
thread_local options wanted = from_environment();
thread_local network* here = nullptr;

}  // namespace

enrolment::enrolment(network& n) noexcept
    : outer_network_(std::exchange(here, &n)), outer_closer_(base::set_fd_closer(&n)) {}

enrolment::~enrolment() {
  here = outer_network_;
  base::set_fd_closer(outer_closer_);
}

options stormy(std::uint64_t seed) noexcept {
  constexpr std::size_t sizes[] = {1, 7, 100, 1500};
  options o;
  o.seed = seed;
  o.max_latency = std::chrono::milliseconds(2);
  o.max_read = sizes[seed % 4];
  o.max_write = sizes[seed / 4 % 4];
  o.shuffle = true;
  return o;
}

void configure(const options& o) noexcept {
  wanted = o;
  if (here != nullptr) here->sky().change(o);
}

const options& current() noexcept {
  return wanted;
}

bool active() noexcept {
  return here != nullptr;
}

void run(const options& o, std::move_only_function<void()> f) {
  std::exception_ptr thrown;
  std::thread world([&] {
    configure(o);
    try {
      runtime::scheduler s(runtime::make_poller("sim"));
      f();
    } catch (...) {
      thrown = std::current_exception();
    }
  });
  world.join();
  if (thrown) std::rethrow_exception(thrown);
}

}  // namespace caraway::sim
