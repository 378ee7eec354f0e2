#include "proto/ws_round_trips.hpp"

#include <algorithm>
#include <new>
#include <utility>

namespace caraway::ws {

// Newest first.
struct round_trips::ping {
  std::uint64_t number;
  time_point at;
  std::size_t size;
  std::array<std::byte, max_control_payload> payload;
  std::unique_ptr<ping> older;

  bool carries(bytes p) const noexcept { return std::ranges::equal(p, bytes(payload).first(size)); }
};

round_trips::round_trips() noexcept = default;
round_trips::~round_trips() = default;

std::uint64_t round_trips::sent(bytes payload, time_point now) noexcept {
  std::unique_ptr<ping> p(new (std::nothrow) ping);
  if (!p) return 0;
  p->number = ++numbers_;
  p->at = now;
  p->size = payload.size();
  std::ranges::copy(payload, p->payload.begin());
  p->older = std::move(newest_);
  newest_ = std::move(p);
  if (++count_ <= most) return numbers_;
  std::unique_ptr<ping>* at = &newest_;
  for (std::size_t n = 0; n < most; ++n) at = &(*at)->older;
  drop_from(*at);
  return numbers_;
}

void round_trips::forget(std::uint64_t number) noexcept {
  std::unique_ptr<ping>* at = &newest_;
  while (*at && (*at)->number != number) at = &(*at)->older;
  if (!*at) return;
  *at = std::exchange((*at)->older, nullptr);
  --count_;
}

// Whichever is at `at`, and all older ones.
void round_trips::drop_from(std::unique_ptr<ping>& at) noexcept {
  while (at) {
    at = std::exchange(at->older, nullptr);
    --count_;
  }
}

std::optional<nanoseconds> round_trips::answered(bytes payload, time_point now) noexcept {
  std::unique_ptr<ping>* at = &newest_;
  while (*at && !(*at)->carries(payload)) at = &(*at)->older;
  if (!*at) return std::nullopt;
  const nanoseconds took = now - (*at)->at;
  note(took);
  answered_ = (*at)->number;
  waiting_.for_each([&](lowlevel::waiter& w) {
    auto& one = static_cast<waiting&>(w);
    if (one.number > answered_) return;
    one.took = now - one.asked;
    lowlevel::wake(one);
  });
  drop_from(*at);
  return took;
}

// As TCP smooths its own (RFC 6298).
void round_trips::note(nanoseconds took) noexcept {
  if (!measured_)
    measured_ = {took, took};
  else
    measured_ = {took, measured_->smoothed + (took - measured_->smoothed) / 8};
}

// The pong of a ping may be there before its sender gets to wait for it; and a ping that newer ones
// have pushed out is still answered by theirs.
result<nanoseconds> round_trips::wait(std::uint64_t number, deadline dl) noexcept {
  if (number <= answered_) return measured_->last;
  const ping* sent = newest_.get();
  while (sent != nullptr && sent->number != number) sent = sent->older.get();
  waiting w;
  w.number = number;
  w.asked = sent != nullptr ? sent->at : caraway::now();
  lowlevel::operation op("websocket pong");
  op.add(w);
  waiting_.push_back(w);
  if (const int code = op.park(dl); code != 0) return fail(code);
  return w.took;
}

void round_trips::break_off(int code) noexcept {
  while (!waiting_.empty()) lowlevel::wake(waiting_.front(), code);
}

}  // namespace caraway::ws
