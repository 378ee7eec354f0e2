// ws_socket_ending.cpp - the ways a ws::socket comes to its end.
#include "proto/ws_socket_impl.hpp"

#include <cerrno>
#include <utility>

#include "caraway/this_task.hpp"
#include "io/overdue.hpp"
#include "sync/queue.hpp"

namespace caraway::ws {
namespace {

// A peer that broke the rules gets so long to read why.
constexpr std::chrono::seconds failure_patience{2};
// So long a client waits for the server to end the transport.
constexpr std::chrono::seconds server_patience{1};

}  // namespace

// After this no message begins, and one in pieces has no end. One of several frames is sent whole
// before.
result<void> socket::impl::queue_close(std::uint16_t code, std::string_view reason) noexcept {
  if (farewell_) return fail(errc::closed);
  if (long_ && is_open()) return close_after_long(code, reason);
  auto queued = conn.close(code, reason);
  if (queued || queued.error() == errc::closed) leave_pieces();
  return queued;
}

result<void> socket::impl::done(std::uint16_t code, std::string_view reason, deadline dl) {
  if (auto why = cannot_send()) return fail(why);
  if (auto queued = queue_close(code, reason); !queued) return queued;
  if (auto gone = await_long(dl); !gone) return gone;
  return say_all_pending(dl);
}

result<void> socket::impl::close(std::uint16_t code, std::string_view reason, deadline dl) {
  if (gone && !ended) return close_gone(dl);
  if (auto drained = say_goodbye(code, reason, dl); !drained) return drained;
  if (!ended) static_cast<void>(flush(dl));
  if (ended) return {};  // somebody else has closed it meanwhile
  note_unsent();
  finish();
  // Both have said goodbye: how the connection goes does not matter any more.
  end_stream(dl);
  return {};
}

// A helper is about it, or was.
result<void> socket::impl::close_gone(deadline dl) noexcept {
  finish();
  if (has_helpers()) await_helpers(dl);
  if (conn.state() == connection_state::failed) return fail(failure());
  return {};
}

// The server goes first (7.1.1): who does has to remember the connection for a while, and the client
// its port.
void socket::impl::end_stream(deadline dl) noexcept {
  if (conn.role() == ws::role::client && conn.state() == connection_state::closed)
    await_end(earlier(dl, server_patience));
  static_cast<void>(under->try_close(dl));
}

// Drops what still comes.
void socket::impl::await_end(deadline dl) noexcept {
  input_ = {};
  used_ = 0;
  do under->consume(under->buffered().size());
  while (under->try_fill(1, dl) && io::overdue(dl) == 0);
}

result<stream_ptr> socket::impl::detach(std::uint16_t code, std::string_view reason, deadline dl) {
  if (gone && !ended) {
    finish();
    return fail(cannot_send());
  }
  if (sending_.taken()) return fail(EBUSY);
  send_helpers_away();
  if (receiving() || sending_.taken() || controlling_.taken()) return fail(EBUSY);
  if (auto drained = say_goodbye(code, reason, dl); !drained) return fail(drained.error());
  if (auto flushed = flush(dl); !flushed) {
    abort();
    return fail(flushed.error());
  }
  send_helpers_away();
  drop_used();
  finish();
  return std::move(under);
}

// Sends the close frame unless that has happened, and waits for the peer's. After a failure the
// stream is closed, save EINVAL.
result<void> socket::impl::say_goodbye(std::uint16_t code, std::string_view reason, deadline dl) {
  if (ended) return fail(errc::closed);
  // Another close frame is on its way or was answered already: as good.
  if (auto queued = queue_close(code, reason); !queued && queued.error() != errc::closed) {
    if (queued.error() != os_error(EINVAL)) abort();
    return queued;
  }
  auto drained = drain(earlier(dl, this_task::ambient_deadline()));
  if (conn.state() == connection_state::failed) return close_after_failure(dl);
  if (!drained) abort();
  home_.unset(*this);  // the caller sees to the stream
  return drained;
}

// Waits for the peer's close frame; messages before it are dropped unless somebody else receives.
result<void> socket::impl::drain(deadline dl) {
  while (!over()) {
    if (ended) return fail(ECANCELED);
    if (auto said = say_pending(dl); !said) return said;
    auto step = receiving() ? await_receiver("websocket close", dl) : drop_messages(dl);
    if (!step) return step;
  }
  return {};
}

// A peer that never stops sending does not move the deadline.
result<void> socket::impl::drop_messages(deadline dl) {
  const receiver here(*this, listener::closing);
  drop_held();
  while (!over()) {
    const auto dropped = next(dl);
    if (dropped && *dropped) note_dropped((*dropped)->size());
    if (!dropped && !over()) return fail(dropped.error());
    if (!over() && dl.passed()) return fail(ETIMEDOUT);
  }
  return {};
}

// The peer may still read why before the connection goes.
result<void> socket::impl::close_after_failure(deadline dl) {
  const deadline until = earlier(dl, failure_patience);
  static_cast<void>(flush(until));
  if (ended) return fail(failure());
  note_unsent();
  finish();
  static_cast<void>(under->try_close(until));
  return fail(failure());
}

void socket::impl::finish() noexcept {
  drop_held();
  stop();
  drop_received();
}

void socket::impl::stop() noexcept {
  note_end();
  ended = true;
  pings.break_off(no_more_pongs);
  farewell_.reset();
  input_ = {};
  home_.unset(*this);
}

void socket::impl::drop_received() noexcept {
  drop_held();
  held_in_ = {};
  forget_shown();
}

void socket::impl::abort() noexcept {
  if (!ended) {
    drop_held();
    break_off();
    drop_received();
  } else if (under) {
    under->abort();  // which somebody may be closing
  }
}

void socket::impl::break_off() noexcept {
  pings.break_off(ECANCELED);
  note_unsent();
  stop();
  under->abort();
  sending_.break_off(ECANCELED);
  sync::wake_all(rest_gone_, ECANCELED);
  controlling_.break_off(ECANCELED);
  wake_waiting_receivers(ECANCELED);
}

}  // namespace caraway::ws
