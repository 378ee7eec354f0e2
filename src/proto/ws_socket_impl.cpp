#include "proto/ws_socket_impl.hpp"

#include <algorithm>
#include <utility>

#include "base/random.hpp"
#include "caraway/tls_error.hpp"
#include "proto/ws_forgetter.hpp"

namespace caraway::ws {
namespace {

connection_options options_for(role as, const limits& l,
                               const std::optional<deflate_options>& agreed) noexcept {
  connection_options o;
  o.role = as;
  o.max_message = l.message;
  o.max_fragments = l.fragments;
  o.random = [](mutable_bytes into) noexcept { base::random_bytes(into); };
  o.deflate = agreed;
  return o;
}

}  // namespace

socket::impl::impl(stream_ptr lower, ws::role as, const ws::limits& l,
                   const std::optional<deflate_options>& agreed)
    : under(std::move(lower)),
      conn(options_for(as, l, agreed)),
      deflate(can_deflate() ? agreed : std::nullopt),
      fragment_(std::max<std::size_t>(l.fragment, 1)),
      home_(runtime::scheduler::current()),
      life_(l, caraway::now()),
      max_control_frames_(l.control_frames) {
  if (l.held_back != limits().held_back) under->limit_pending(l.held_back);
  if (life_.next_look() != time_point::max()) home_.set(*this, life_.next_look());
}

// From here on nobody who leaves sets the alarm again.
socket::impl::~impl() {
  if (!ended) count(&traffic::bytes_unsent, rest_left_.size());
  ended = true;
  home_.unset(*this);
  send_helpers_away();
  drop_held();
  note_end();
}

// Moves pongs and the close frame into the stream, unless somebody is about it.
result<void> socket::impl::say_pending(deadline dl) {
  if (conn.pending().empty() || !controlling_.try_take()) return {};
  const proto::turn_holder mine(controlling_);
  return write_pending(dl);
}

// The same, but waits for whoever is about it.
result<void> socket::impl::say_all_pending(deadline dl) {
  if (conn.pending().empty()) return {};
  if (auto entered = controlling_.take(dl, "websocket send"); !entered) return entered;
  const proto::turn_holder mine(controlling_);
  return write_pending(dl);
}

// Where the caller cannot wait for room, a helper does.
result<void> socket::impl::write_pending(deadline dl) {
  while (!conn.pending().empty()) {
    const bytes frames = conn.pending();
    auto written = write(parts(&frames, 1), dl);
    if (ended) return fail(ECANCELED);
    if (!written && is_transient(written.error()))
      start_helper(say_later, &impl::say_when_there_is_room);
    if (!written) return written;
    conn.sent(frames.size());
  }
  return {};
}

void socket::impl::say_when_there_is_room() noexcept {
  static_cast<void>(say_all_pending(never));
}

// All that goes into the stream.
result<void> socket::impl::write(parts frames, deadline dl) {
  auto written = under->try_write(frames, dl);
  if (written)
    count(&traffic::wire_bytes_sent, total_size(frames));
  else
    note_transport(written.error());
  return written;
}

// A call of the stream has failed. The peer's last words may still be there to be received, but
// nothing goes to it any more.
void socket::impl::note_transport(std::error_code code) noexcept {
  if (ended || over() || transport_failure_ || !is_broken(code)) return;
  if (code == errc::end_of_stream || code == tls::errc::truncated) return;
  transport_failure_ = code;
  leave_pieces();
}

// Why the conversation did not end as it should, or was ended.
std::error_code socket::impl::failure() const noexcept {
  if (why_ended_) return why_ended_;
  const bool cut_off = conn.failure() == close_code::abnormal || !over();
  return transport_failure_ && cut_off ? transport_failure_ : conn.error();
}

}  // namespace caraway::ws
