#include "proto/ws_liveness.hpp"

#include <algorithm>

namespace caraway::ws {
namespace {

using std::chrono::milliseconds;

// Longer waits are for ever.
constexpr std::chrono::hours longest{24 * 365 * 50};

time_point after(time_point from, milliseconds wait) noexcept {
  return wait > longest ? time_point::max() : from + wait;
}

milliseconds or_unlimited(milliseconds wait) noexcept {
  return wait > wait.zero() ? wait : unlimited;
}

keepalive sane(const keepalive& k) noexcept {
  if (k.ping_after <= milliseconds::zero()) return keepalive_off;
  return {k.ping_after, or_unlimited(k.answer_within)};
}

}  // namespace

liveness::liveness(const limits& l, time_point now) noexcept
    : settings_(sane(l.keepalive)),
      idle_(or_unlimited(l.idle)),
      heard_(now),
      pinged_(now),
      message_(now) {
  left(now);
  by(after(now, settings_.ping_after));
  by(after(now, idle_));
}

liveness::duties liveness::look(time_point now, const view& v) noexcept {
  duties due;
  late_ = !late_ && next_ != none && now >= next_ + grace;
  next_ = late_ ? now + grace : none;
  if (on()) {
    look_for_listeners(now, v, due);
    look_for_life(now, v, due);
  }
  look_for_messages(now, v, due);
  due.give_up = !late_ && lost(now, v);
  // In case it cannot be done.
  if (due.give_up) by(now + goodbye_patience);
  buffered_ = v.buffered;
  leaving_ = v.leaving;
  written_ = v.written;
  return due;
}

// If not, it is looked at then. Not on a late look.
bool liveness::has_come(time_point at, time_point now) noexcept {
  if (now < at) by(at);
  return now >= at && !late_;
}

void liveness::look_for_listeners(time_point now, const view& v, duties& due) noexcept {
  watching_ = !v.listening && now < left_ + grace;
  if (watching_) by(left_ + grace);
  due.listen = !v.listening && !watching_ && v.may_listen;
}

// Of the bytes that were waiting at the last look, the first are with the kernel now. More that were
// written since then say nothing.
bool liveness::output_moved(const view& v) const noexcept {
  const auto gone = static_cast<std::int64_t>(v.written - v.leaving);
  return leaving_ != 0 &&
         (v.leaving < leaving_ || gone > static_cast<std::int64_t>(written_ - leaving_));
}

// A part of a frame that is waited for, and output that the peer takes in, are signs of life that no
// receive has told of.
void liveness::look_for_life(time_point now, const view& v, duties& due) noexcept {
  if (v.buffered != buffered_ || output_moved(v)) heard_ = now;
  if (heard_ >= asked_ || deaf(v)) asked_ = none;
  if (heard_ >= stuck_ || !deaf(v) || v.leaving == 0) stuck_ = none;
  if (asked_ == none && has_come(after(std::max(heard_, pinged_), settings_.ping_after), now)) {
    ask(now, v);
    due.ping = v.open;
  }
  if (question(v) != none) has_come(after(question(v), settings_.answer_within), now);
}

void liveness::ask(time_point now, const view& v) noexcept {
  pinged_ = now;
  if (!deaf(v)) {
    asked_ = now;
    return;
  }
  by(after(now, settings_.ping_after));
  if (v.leaving != 0 && stuck_ == none) stuck_ = now;
}

void liveness::look_for_messages(time_point now, const view& v, duties& due) noexcept {
  // One is on its way out.
  if (v.leaving != 0 && (leaving_ == 0 || output_moved(v))) message_ = now;
  if (goodbye_ == none && has_come(after(message_, idle_), now)) {
    goodbye_ = now;
    due.close_idle = true;
  }
  if (goodbye_ != none) has_come(goodbye_ + goodbye_patience, now);
}

bool liveness::lost(time_point now, const view& v) const noexcept {
  if (goodbye_ != none && now >= goodbye_ + goodbye_patience) return true;
  const time_point asked = question(v);
  return on() && asked != none && heard_ < asked && !output_moved(v) &&
         now >= after(asked, settings_.answer_within);
}

bool liveness::revived() noexcept {
  if (message_ < goodbye_) return false;
  goodbye_ = none;
  return true;
}

}  // namespace caraway::ws
