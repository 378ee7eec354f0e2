// ws_socket_watching.cpp - what happens in a conversation, as it is counted and told.
#include <atomic>

#include "proto/ws_socket_impl.hpp"

namespace caraway::ws {

void socket::impl::begin_watch(std::shared_ptr<ws::meter> meter,
                               std::shared_ptr<ws::observer> observer) noexcept {
  static std::atomic<std::uint64_t> conversations = 0;
  meter_ = std::move(meter);
  observer_ = std::move(observer);
  id_ = ++conversations;
  watched_ = true;
  if (meter_) ws::meter::add(meter_->numbers().opened);
  if (observer_) observer_->opened(about());
}

// What closes a message that was shown in parts is one too.
void socket::impl::tell_received(const message& m) noexcept {
  if (within_message_)
    observer_->received_part(about(), {.type = m.type, .data = m.data, .first = false});
  else
    observer_->received(about(), m.type, m.data);
}

void socket::impl::note_part(const message& m) noexcept {
  if (m.size() == 0) return;
  count(&traffic::bytes_received, m.size());
  if (observer_)
    observer_->received_part(
        about(), {.type = m.type, .data = m.data, .first = !within_message_, .last = false});
}

void socket::impl::drop_held() noexcept {
  if (held) note_dropped(held->size());
  held.reset();
}

void socket::impl::note_pong(std::optional<nanoseconds> took) noexcept {
  if (!took || !meter_) return;
  ws::meter::add(meter_->numbers().round_trips);
  ws::meter::add(meter_->numbers().round_trip_nanoseconds,
                 static_cast<std::uint64_t>(took->count()));
}

// Once. The code is the one this side failed with, else the peer's.
void socket::impl::note_end() noexcept {
  if (!std::exchange(watched_, false)) return;
  const close_status peer = conn.peer_close();
  const std::uint16_t code = conn.failure() != 0 ? conn.failure() : peer.code;
  if (meter_) {
    totals& n = meter_->numbers();
    ws::meter::add(n.ended);
    ws::meter::add(n.closes.of(code));
    if (why_ended_ == errc::keepalive) ws::meter::add(n.timed_out);
  }
  if (observer_) observer_->closed(about(), {code, peer.reason, failure()});
}

}  // namespace caraway::ws
