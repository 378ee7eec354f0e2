// describe.cpp - all coroutines of a thread, as text.
#include <cstdio>

#include "runtime/scheduler.hpp"

namespace caraway::runtime {
namespace {

const char* name_of(run_state s) noexcept {
  switch (s) {
    case run_state::fresh:
      return "fresh";
    case run_state::ready:
      return "ready";
    case run_state::running:
      return "running";
    case run_state::parked:
      return "parked";
    case run_state::ended:
      return "ended";
  }
  return "?";
}

double seconds(nanoseconds d) noexcept {
  return std::chrono::duration<double>(d).count();
}

void describe(const coroutine& c, time_point now, std::string& out) {
  char text[256];
  std::snprintf(text, sizeof text, "#%llu %-16s %s%s", static_cast<unsigned long long>(c.id),
                c.name[0] == '\0' ? "-" : c.name, name_of(c.state),
                c.cancelled ? " (cancelled)" : "");
  out += text;
  if (c.waiting != nullptr) {
    std::snprintf(text, sizeof text, " in %s for %.3f s", c.waiting->what(),
                  seconds(now - c.waiting->since()));
    out += text;
    if (!c.waiting->until().is_never()) {
      std::snprintf(
          text, sizeof text, ", deadline in %.3f s",
          c.waiting->until().is_immediate() ? 0.0 : seconds(c.waiting->until().at() - now));
      out += text;
    }
  }
  if (const std::size_t used = high_water(c.memory); used != 0) {
    std::snprintf(text, sizeof text, ", stack %zu of %zu KiB", used / 1024, c.memory.size() / 1024);
    out += text;
  }
  out += '\n';
}

}  // namespace

std::string describe_coroutines(scheduler& s) {
  std::string out;
  const time_point now = s.poller().now();
  s.for_each([&](const coroutine& c) { describe(c, now, out); });
  return out;
}

}  // namespace caraway::runtime
