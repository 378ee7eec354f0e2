#include "caraway/ws_meter.hpp"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <new>
#include <vector>

namespace caraway::ws {
namespace {

// Every number of `a` with the same of `b`; the ends of conversations before their beginnings.
template <class A, class B, class F>
void for_each(A& a, B& b, F f) {
  constexpr std::uint64_t totals::* own[] = {&totals::ended,
                                             &totals::opened,
                                             &totals::refused,
                                             &totals::failed,
                                             &totals::timed_out,
                                             &totals::round_trips,
                                             &totals::round_trip_nanoseconds};
  for (const auto member : own) f(a.*member, b.*member);
  constexpr std::uint64_t traffic::* carried[] = {
      &traffic::messages_received, &traffic::messages_sent,       &traffic::bytes_received,
      &traffic::bytes_sent,        &traffic::messages_dropped,    &traffic::bytes_dropped,
      &traffic::bytes_unsent,      &traffic::wire_bytes_received, &traffic::wire_bytes_sent};
  for (const auto member : carried) f(a.traffic.*member, b.traffic.*member);
  for (std::size_t i = 0; i < a.closes.standard.size(); ++i)
    f(a.closes.standard[i], b.closes.standard[i]);
  f(a.closes.registered, b.closes.registered);
  f(a.closes.own, b.closes.own);
}

// Outlives every thread.
struct registry {
  std::mutex lock;
  std::vector<const meter*> meters;
  totals gone;
};

registry& everybody() {
  static registry& r = *new registry;
  return r;
}

}  // namespace

totals& totals::operator+=(const totals& other) noexcept {
  for_each(*this, other, [](std::uint64_t& to, std::uint64_t n) { to += n; });
  return *this;
}

meter::meter() {
  registry& r = everybody();
  const std::lock_guard guard(r.lock);
  r.meters.push_back(this);
}

meter::~meter() {
  registry& r = everybody();
  const std::lock_guard guard(r.lock);
  std::erase(r.meters, this);
  r.gone += read();
}

totals meter::read() const noexcept {
  totals copy;
  for_each(numbers_, copy, [](std::uint64_t& from, std::uint64_t& to) {
    to = std::atomic_ref(from).load(std::memory_order_acquire);
  });
  return copy;
}

totals process_totals() {
  registry& r = everybody();
  const std::lock_guard guard(r.lock);
  totals sum = r.gone;
  for (const meter* m : r.meters) sum += m->read();
  return sum;
}

std::shared_ptr<meter> thread_meter() noexcept try {
  static thread_local const std::shared_ptr<meter> mine = std::make_shared<meter>();
  return mine;
} catch (const std::bad_alloc&) {
  return nullptr;
}

}  // namespace caraway::ws
