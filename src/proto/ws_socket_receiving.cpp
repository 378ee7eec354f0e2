// ws_socket_receiving.cpp - from the stream to the receiver of a ws::socket.
#include "proto/ws_socket_impl.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "io/overdue.hpp"

namespace caraway::ws {
namespace {

// So many messages come out of the buffer before others have a turn.
constexpr std::uint16_t fair_share = 512;

bool is_normal(std::uint16_t code) noexcept {
  return code == close_code::normal || code == close_code::going_away ||
         code == close_code::no_status;
}

message_type type_of(opcode op) noexcept {
  return op == opcode::text ? message_type::text : message_type::binary;
}

}  // namespace

void socket::impl::wake_waiting_receivers(int code) noexcept {
  while (!receiver_left_.empty()) lowlevel::wake(receiver_left_.front(), code);
}

// Waits until the place of the receiver has become free once.
result<void> socket::impl::await_receiver(const char* what, deadline dl) noexcept {
  lowlevel::waiter w;
  lowlevel::operation op(what);
  op.add(w);
  receiver_left_.push_back(w);
  if (const int code = op.park(dl); code != 0) return fail(code);
  return {};
}

result<void> socket::impl::enter_receive(deadline dl) noexcept {
  if (lowlevel::cancel_pending()) return fail(ECANCELED);
  while (receiving()) [[unlikely]] {
    // Who only stands in leaves at once; if somebody closes, wait for how that ends.
    if (listener_ == listener::caller) return fail(EBUSY);
    if (listener_ == listener::stand_in) home_.cancel(*helpers_[stand_in]);
    if (auto left = await_receiver("websocket receive", dl); !left) return left;
  }
  return {};
}

// Memory of the caller's that messages may be put together in, for the time of a call. A message that
// has begun there or waits there when the call ends without it goes on elsewhere.
class socket::impl::loan {
 public:
  loan(impl& s, mutable_bytes memory) noexcept : socket_(s), memory_(memory) {
    if (!memory_.empty()) socket_.conn.lend(memory_);
  }
  loan(const loan&) = delete;
  loan& operator=(const loan&) = delete;
  ~loan() {
    if (memory_.empty()) return;
    const mutable_bytes moved = socket_.conn.take_back();
    if (!socket_.held || !holds(*socket_.held)) return;
    if (moved.empty())
      socket_.held.reset();  // no memory, as the connection will say
    else
      socket_.held->data = moved;
  }

  // The caller has `m` where it wanted it.
  void keep(const message& m) noexcept {
    if (holds(m)) socket_.conn.keep_message();
  }

 private:
  bool holds(const message& m) const noexcept {
    return m.size() > 0 && m.data.data() == memory_.data();
  }

  impl& socket_;
  mutable_bytes memory_;
};

result<std::optional<message>> socket::impl::receive(deadline dl, mutable_bytes into) {
  if (auto free = enter_receive(dl); !free) return fail(free.error());
  if (within_message_ && !over() && !ended) return fail(EINVAL);
  forget_shown();
  if (held) return take_held();
  if (over()) return verdict();
  if (ended) return fail(errc::closed);
  const receiver here(*this, listener::caller);
  loan memory(*this, into);
  auto got = next(dl);
  if (got && *got) memory.keep(**got);
  if (got && *got) note_shown(**got);
  return got;
}

result<std::optional<part>> socket::impl::receive_part(deadline dl) {
  if (auto free = enter_receive(dl); !free) return fail(free.error());
  forget_shown();
  if (held) return part_of(**take_held());
  const auto got = over() ? verdict() : ended ? fail(errc::closed) : next_part(dl);
  if (!got) return fail(got.error());
  if (!*got) return std::nullopt;
  note_shown(**got);
  return part_of(**got);
}

result<std::optional<message>> socket::impl::next_part(deadline dl) {
  const receiver here(*this, listener::caller);
  wants_parts_ = true;
  partial_ = false;
  auto got = next(dl);
  wants_parts_ = false;
  return got;
}

part socket::impl::part_of(const message& m) noexcept {
  const bool first = !within_message_;
  within_message_ = partial_;
  return {.type = m.type, .data = m.data, .first = first, .last = !partial_};
}

void socket::impl::note_shown(const message& m) noexcept {
  last_type = m.type;
  shown_ = true;
  life_.message(home_.turn());
}

result<std::optional<message>> socket::impl::take_held() noexcept {
  note_shown(*held);
  if (held_in_) {
    shown_in_ = std::exchange(held_in_, {});
    shown_ = false;
  }
  partial_ = false;
  look_again();
  return std::exchange(held, std::nullopt);
}

result<std::optional<message>> socket::impl::verdict() const noexcept {
  if (const auto why = failure()) return fail(why);
  if (!is_normal(conn.peer_close().code)) return fail(errc::peer_closed);
  return std::nullopt;
}

// Whatever the peer sends, others have their turn and the deadline is looked at. While others have it
// the socket may be aborted, which takes the memory of a message in place.
result<std::optional<message>> socket::impl::next(deadline dl) {
  for (bool waited = false;; waited = true) {
    event e = look();
    while (e.kind != event_kind::need_more) {
      const bool whole = e.kind == event_kind::message;
      if (!whole) {
        if (auto heard = hear(e); !heard) return fail(heard.error());
        if (over()) return verdict();
      }
      const auto turn = give_others_a_turn(e);
      if (ended) return fail(ECANCELED);
      if (whole) {
        const message got{type_of(e.op), e.payload};
        life_.message(home_.turn());
        note_received(got);
        if (turn) return got;
        held = got;
      }
      if (!turn) return fail(turn.error());
      if (e.kind == event_kind::progress) {
        if (wants_parts_) break;
        if (const int code = io::overdue(dl); code != 0) return fail(code);
      }
      e = look();
    }
    if (auto said = answer(); !said) return fail(said.error());
    note_progress(e, waited);
    if (wants_parts_) {
      const message m{type_of(conn.receiving()), conn.take_part()};
      note_part(m);
      partial_ = m.size() > 0;
      if (partial_) return m;
    }
    if (const int code = waited ? io::overdue(dl) : 0; code != 0) return fail(code);
    if (auto more = await_more(e.need, dl); !more) return fail(more.error());
    if (ended) return fail(ECANCELED);
  }
}

// Answers on the way of receiving, which does not wait for a peer that receives nothing before it has
// sent all: where there is no room, a helper waits for it. No more than one pong waits behind what is
// on its way.
result<void> socket::impl::answer() {
  static_cast<void>(say_pending(immediately));
  if (ended) return fail(ECANCELED);
  return {};
}

// The connection needs more. If it has had some of a message, there is one.
void socket::impl::note_progress(const event& e, bool more_came) noexcept {
  const bool within = more_came && !input_.empty() && conn.receiving() != opcode::continuation;
  if (within || e.consumed > 0) life_.message(home_.turn());
}

event socket::impl::look() noexcept {
  const event e = conn.receive(input_);
  input_ = input_.subspan(e.consumed);
  used_ += e.consumed;
  count(&traffic::wire_bytes_received, e.consumed);
  return e;
}

// What is no message, before anybody else has a turn: it is told of only once.
result<void> socket::impl::hear(const event& e) {
  if (e.op >= opcode::close) control_frame(e);
  return answer();
}

// A ping or pong. Too many of them in a second are an attack. The receive that finds a pong may have
// tried before anything was waited for, so the time of the turn may be older than the ping.
void socket::impl::control_frame(const event& e) noexcept {
  const time_point now = home_.turn();
  if (now - second_ >= std::chrono::seconds(1)) {
    second_ = now;
    control_frames_ = 0;
  }
  if (++control_frames_ > max_control_frames_)
    conn.fail(close_code::policy_violation, "too many control frames");
  if (e.kind == event_kind::pong && pings.out() > 0)
    note_pong(pings.answered(e.payload, caraway::now()));
}

void socket::impl::drop_used() noexcept {
  input_ = {};
  under->consume(std::exchange(used_, 0));
}

// Waits for input, the rest of a large frame straight in its place. Where none can come any more, the
// connection knows.
result<void> socket::impl::await_more(std::size_t need, deadline dl) {
  drop_used();
  std::error_code failure;
  if (const mutable_bytes place = conn.destination(); !place.empty()) {
    std::size_t got = 0;
    const auto n = under->try_read_into(place, 1, dl, &got);
    conn.received(n ? *n : got);
    count(&traffic::wire_bytes_received, n ? *n : got);
    if (n) life_.message(home_.turn());
    if (!n) failure = n.error();
  } else if (over()) {
    return {};  // no memory for it
  } else if (const auto seen = under->try_fill(need, dl); !seen) {
    failure = seen.error();
  }
  if (!failure) life_.heard(home_.turn());
  if (!ended) input_ = under->buffered();
  if (!failure) return {};
  if (ended || !is_broken(failure)) return fail(failure);
  note_transport(failure);
  conn.receive_eof();
  return {};
}

// Input that is there already must not keep everybody else waiting.
// What was inflated took as long as several messages.
result<void> socket::impl::give_others_a_turn(const event& e) noexcept {
  constexpr std::size_t as_long_as_one = 4096;
  if (!e.in_place)
    messages_in_a_row_ += static_cast<std::uint16_t>(
        std::min<std::size_t>(e.payload.size() / as_long_as_one, fair_share));
  if (++messages_in_a_row_ < fair_share && e.kind != event_kind::progress) return {};
  messages_in_a_row_ = 0;
  if (const int code = lowlevel::yield(); code != 0) return fail(code);
  return {};
}

}  // namespace caraway::ws
