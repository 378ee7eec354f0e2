// ws_socket_keeping.cpp - what a ws::socket does when nobody is in a call on it.
//
// An idle conversation costs no coroutine. Each socket has an alarm in the scheduler's timer wheel
// and asks its liveness, when that rings, what is due. A helper then does it: a coroutine that
// lasts as long as a write; or, where nobody receives, as long as nobody wants to.
//
// The stand-in receives in the receiver's place. It answers pings, hears pongs and the peer's close
// frame, and stops at the first message, which it leaves in `held`: one message is read ahead, no
// more. A caller who wants to receive sends it away, which loses nothing, since a cancelled receive
// never does. The message a caller was shown last may still be in use: the memory it lies in is kept
// apart before the stand-in receives, and where that is not possible, nobody stands in.
//
// A helper acts on what its alarm has found, but others may have run in between, and those who receive
// run before it: so it looks whether that still holds before it ends anything.
#include "proto/ws_socket_impl.hpp"

#include <array>
#include <cerrno>
#include <new>
#include <utility>

#include "base/random.hpp"
#include "caraway/shield.hpp"

namespace caraway::ws {

using runtime::coroutine;

struct socket::impl::helper {
  impl* socket;
  errand what;
  void (impl::*job)() noexcept;
};

void socket::impl::rang() noexcept {
  if (ended || gone) return;
  if (over()) {
    // Without memory it is tried again.
    home_.set(*this, home_.turn() + liveness::after_the_end);
    return start_helper(leaving, &impl::leave);
  }
  // Nothing that could be done; whoever takes what is there to be received finds the end of it.
  if (transport_failure_ && deaf()) return life_.rest();
  const auto due = life_.look(home_.turn(), view());
  if (life_.next_look() != time_point::max()) home_.set(*this, life_.next_look());
  if (due.give_up)
    start_helper(end_it, &impl::give_up);
  else if (due.close_idle)
    start_helper(end_it, &impl::close_idle);
  else if (due.ping)
    start_helper(ask_for_life, &impl::send_keeping_ping);
  if (due.listen && !due.give_up) start_helper(stand_in, &impl::listen);
}

liveness::view socket::impl::view() const noexcept {
  return {.listening = receiving(),
          .may_listen = !held && !within_message_,
          .open = is_open(),
          .buffered = under->buffered().size(),
          .leaving = under->pending(),
          .written = carried.wire_bytes_sent};
}

void socket::impl::look_at_once() noexcept {
  home_.set(*this, home_.turn());
}

// Nobody receives from now on.
void socket::impl::look_again() noexcept {
  if (life_.left(home_.turn()) && !ended) home_.set(*this, life_.next_look());
}

// The conversation has come to its end. The caller has some time to see to the stream; whoever began a
// message in pieces may never come back to it.
void socket::impl::note_over() noexcept {
  pings.break_off(no_more_pongs);
  leave_pieces();
  if (ended || gone) return;
  home_.unset(*this);
  if (life_.on()) home_.set(*this, home_.turn() + liveness::after_the_end);
}

// Without memory nothing happens; it is due again when the alarm rings next.
void socket::impl::start_helper(errand what, void (impl::*job)() noexcept) noexcept {
  constexpr const char* names[] = {"websocket ping",   "websocket stand-in",
                                   "websocket end",    "websocket rest of a message",
                                   "websocket answer", "websocket leaving"};
  if (helpers_[what] != nullptr) return;
  const auto made = home_.create(&impl::run_helper, sizeof(helper), {.name = names[what]});
  if (!made) return;
  coroutine& c = **made;
  c.ambient = never;
  ::new (c.extra) helper{this, what, job};
  helpers_[what] = &c;
  home_.start(c);
}

void socket::impl::run_helper(coroutine& self) {
  const auto [s, what, job] = *static_cast<helper*>(self.extra);
  (s->*job)();
  s->helpers_[what] = nullptr;
  if (s->has_helpers()) return;
  while (!s->helpers_left_.empty()) lowlevel::wake(s->helpers_left_.front());
}

bool socket::impl::has_helpers() const noexcept {
  return helpers_ != decltype(helpers_){};
}

// Waits until none is in the middle of anything; cancelled, they do not wait for anything.
void socket::impl::send_helpers_away() noexcept {
  while (has_helpers()) {
    for (coroutine* c : helpers_)
      if (c != nullptr) home_.cancel(*c);
    const shield until_gone(never);
    await_helpers(never);
  }
}

// 0 once none was left.
int socket::impl::await_helpers(deadline dl) noexcept {
  lowlevel::waiter w;
  lowlevel::operation op("websocket helper");
  op.add(w);
  helpers_left_.push_back(w);
  return op.park(dl);
}

// Waits for room, and for the frame that is on its way. How long a pong took says nothing when
// nobody hears it.
void socket::impl::send_keeping_ping() noexcept {
  if (!is_open()) return;
  std::array<std::byte, 8> payload;
  base::random_bytes(payload);
  if (deaf())
    static_cast<void>(write_ping(payload, life_.patience()));
  else
    static_cast<void>(ping(payload, life_.patience()));
}

// In place of a receiver, up to the first message.
void socket::impl::listen() noexcept {
  if (receiving() || ended || over() || held || !keep_shown()) return;
  const receiver here(*this, listener::stand_in);
  const auto got = next(never);
  if (got && *got) held = *got;
}

// Sees to it that the message shown last stays where it is while more is received.
bool socket::impl::keep_shown() noexcept {
  if (shown_ && !keep(shown_in_)) return false;
  shown_ = false;
  return true;
}

// Puts what the last message lies in into `where`.
bool socket::impl::keep(keepsake& where) noexcept {
  where.of_connection = conn.keep_message();
  if (where.of_connection) return true;
  where.of_stream = under->consume_but_keep(used_);
  if (!where.of_stream) return false;
  used_ = 0;
  input_ = under->buffered();
  return true;
}

// Sees to it that what was received stays where it is while the stream goes.
bool socket::impl::keep_received() noexcept {
  return held && !held_in_ ? keep(held_in_) : keep_shown();
}

void socket::impl::close_idle() noexcept {
  if (!is_open()) return;
  if (life_.revived()) return look_at_once();
  why_ended_ = errc::idle;
  if (queue_close(close_code::going_away, "idle"))
    static_cast<void>(say_all_pending(liveness::goodbye_patience));
}

// The peer is not there any more, or acts like it: unless it was heard since that was found.
void socket::impl::give_up() noexcept {
  if (ended || over()) return;
  if (!life_.lost(home_.turn(), view())) return look_at_once();
  if (!keep_received()) return;  // tried again
  if (!why_ended_) why_ended_ = errc::keepalive;
  break_off();
}

// Nobody has ended what is over, and the peer waits for it (5.5.1). How the conversation ended can be
// asked as before.
void socket::impl::leave() noexcept {
  const deadline until = liveness::goodbye_patience;
  static_cast<void>(say_all_pending(until));
  if (ended || lowlevel::cancel_pending()) return;
  note_end();
  gone = true;
  home_.unset(*this);
  end_stream(until);
}

// Whose coroutine was cancelled hears of that.
std::error_code socket::impl::reason_for(std::error_code code) const noexcept {
  const bool broken_off = code == os_error(ECANCELED);
  if (lowlevel::cancel_pending() || (!broken_off && code != errc::closed)) return code;
  if (why_ended_) return why_ended_;
  return broken_off && gone ? cannot_send() : code;
}

}  // namespace caraway::ws
