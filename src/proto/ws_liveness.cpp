#include "proto/ws_liveness.hpp"

namespace caraway::ws {
namespace {

// Longer waits are for ever.
constexpr std::chrono::hours longest{24 * 365 * 50};

time_point after(time_point from, std::chrono::milliseconds wait) noexcept {
  return wait > longest ? time_point::max() : from + wait;
}

}  // namespace

liveness::liveness(const limits& l, time_point now) noexcept
    : settings_(l.keepalive), idle_(l.idle), heard_(now), message_(now) {
  left(now);
  by(after(now, settings_.ping_after));
  by(after(now, idle_));
}

liveness::duties liveness::look(time_point now, const view& v) noexcept {
  duties due;
  next_ = none;
  if (alive()) {
    look_for_listeners(now, v, due);
    look_for_life(now, v, due);
  }
  look_for_messages(now, due);
  return due;
}

void liveness::look_for_listeners(time_point now, const view& v, duties& due) noexcept {
  watching_ = !v.listening && now < left_ + grace;
  if (watching_) by(left_ + grace);
  due.listen = !v.listening && !watching_ && v.may_listen;
}

// A part of a frame that is waited for, and output that the peer takes in, are signs of life that no
// receive has told of.
void liveness::look_for_life(time_point now, const view& v, duties& due) noexcept {
  const bool moved = v.buffered != buffered_ || (leaving_ != 0 && v.leaving != leaving_);
  const bool unheard = !v.listening && !watching_;
  if (moved || unheard) heard_ = now;
  buffered_ = v.buffered;
  leaving_ = v.leaving;
  if (heard_ >= asked_) asked_ = none;
  if (asked_ == none && now >= after(heard_, settings_.ping_after)) {
    asked_ = now;
    due.ping = v.open;
  }
  if (asked_ == none) {
    by(after(heard_, settings_.ping_after));
  } else if (now >= after(asked_, settings_.answer_within)) {
    due.give_up = true;
  } else {
    by(after(asked_, settings_.answer_within));
  }
}

void liveness::look_for_messages(time_point now, duties& due) noexcept {
  if (goodbye_ == none && now >= after(message_, idle_)) {
    goodbye_ = now;
    due.close_idle = true;
  }
  if (goodbye_ == none) {
    by(after(message_, idle_));
  } else if (now >= goodbye_ + goodbye_patience) {
    due.give_up = true;
  } else {
    by(goodbye_ + goodbye_patience);
  }
}

}  // namespace caraway::ws
