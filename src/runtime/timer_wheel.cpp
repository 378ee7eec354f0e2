#include "runtime/timer_wheel.hpp"

#include <bit>

namespace caraway::runtime {
namespace {

constexpr int bits_per_level = 6;
constexpr long long slot_mask = 63;

int slot_at(long long tick, int level) noexcept {
  return static_cast<int>((tick >> (bits_per_level * level)) & slot_mask);
}

}  // namespace

timer_wheel::timer_wheel(time_point now) noexcept : start_(now) {}

timer_wheel::tick_count timer_wheel::ticks_until(time_point at) const noexcept {
  if (at <= start_) return 0;
  const nanoseconds::rep ns = nanoseconds(at - start_).count();
  return ns / tick.count() + (ns % tick.count() != 0);
}

void timer_wheel::arm(timer& t, time_point at) noexcept {
  t.due = ticks_until(at);
  ++armed_;
  place(t);
}

// On the wheel of the highest group of bits in which due and current tick differ.
void timer_wheel::place(timer& t) noexcept {
  if (t.due <= now_) {
    overdue_.push_back(t);
    return;
  }
  const auto difference = static_cast<unsigned long long>(t.due ^ now_);
  const int level = (std::bit_width(difference) - 1) / bits_per_level;
  if (level >= levels) {
    far_.push_back(t);
    return;
  }
  const int slot = slot_at(t.due, level);
  used_[level] |= std::uint64_t{1} << slot;
  slots_[level][slot].push_back(t);
}

void timer_wheel::disarm(timer& t) noexcept {
  if (!t.linked()) return;
  t.unlink();
  --armed_;
}

// Time has entered a new slot of `level`: what is in it moves down.
void timer_wheel::cascade(int level) noexcept {
  list<timer> moving;
  if (level >= levels) {
    moving.splice_back(far_);
  } else {
    const int slot = slot_at(now_, level);
    used_[level] &= ~(std::uint64_t{1} << slot);
    moving.splice_back(slots_[level][slot]);
  }
  while (!moving.empty()) place(moving.pop_front());
}

void timer_wheel::advance(time_point now, list<timer>& due) noexcept {
  const nanoseconds::rep ns = now <= start_ ? 0 : nanoseconds(now - start_).count();
  const tick_count target = ns / tick.count();
  const auto take = [&](list<timer>& from) {
    while (!from.empty()) {
      due.push_back(from.pop_front());
      --armed_;
    }
  };
  take(overdue_);
  while (armed_ != 0) {
    const tick_count stop = next_stop();
    if (stop > target) break;
    now_ = stop;
    int level = 1;
    while (level < levels && slot_at(now_, level - 1) == 0) ++level;
    if (level == levels && slot_at(now_, level - 1) == 0) cascade(levels);
    for (int l = level - 1; l >= 1; --l) cascade(l);
    const int slot = slot_at(now_, 0);
    used_[0] &= ~(std::uint64_t{1} << slot);
    take(slots_[0][slot]);
    take(overdue_);
  }
  if (now_ < target) now_ = target;
}

// The next tick at which a slot that may hold something is entered, on whichever wheel. All slots
// before it are empty, so time can leap there.
timer_wheel::tick_count timer_wheel::next_stop() const noexcept {
  for (int level = 0; level < levels; ++level) {
    const int here = slot_at(now_, level);
    const std::uint64_t ahead = here == slot_mask ? 0 : used_[level] >> (here + 1) << (here + 1);
    if (ahead == 0) continue;
    const int shift = bits_per_level * level;
    const tick_count base = now_ >> (shift + bits_per_level) << (shift + bits_per_level);
    return base + (tick_count{std::countr_zero(ahead)} << shift);
  }
  constexpr int shift = bits_per_level * levels;
  return ((now_ >> shift) + 1) << shift;
}

time_point timer_wheel::next() const noexcept {
  if (armed_ == 0) return time_point::max();
  if (!overdue_.empty()) return start_;
  return start_ + tick * next_stop();
}

void timer_wheel::abandon() noexcept {
  for (auto& level : slots_)
    for (list<timer>& slot : level) slot.abandon();
  overdue_.abandon();
  far_.abandon();
  armed_ = 0;
}

}  // namespace caraway::runtime
