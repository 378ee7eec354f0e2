#include "caraway/deadline.hpp"

#include <utility>

#include "base/clock_source.hpp"

namespace caraway {
namespace {
thread_local const base::clock_source* source = nullptr;
}

time_point now() noexcept {
  return source == nullptr ? clock::now() : source->now();
}

const base::clock_source* base::set_clock_source(const clock_source* replacement) noexcept {
  return std::exchange(source, replacement);
}

}  // namespace caraway
