#include "caraway/deadline.hpp"

#include <utility>

#include "base/clock_source.hpp"

namespace caraway {
namespace {

thread_local const base::clock_source* source = nullptr;
thread_local bool started = false;
constinit base::clock_starter starter = nullptr;

void start() noexcept {
  if (starter != nullptr && !std::exchange(started, true)) starter();
}

}  // namespace

time_point now() noexcept {
  if (source == nullptr) start();
  return source == nullptr ? clock::now() : source->now();
}

const base::clock_source* base::set_clock_source(const clock_source* replacement) noexcept {
  return std::exchange(source, replacement);
}

void base::set_clock_starter(clock_starter s) noexcept {
  starter = s;
}

}  // namespace caraway
