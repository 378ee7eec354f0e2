#include "proto/ws_socket_impl.hpp"

#include <array>
#include <cerrno>
#include <new>
#include <vector>

#include "base/random.hpp"
#include "caraway/this_task.hpp"
#include "codec/mask.hpp"
#include "io/overdue.hpp"

namespace caraway::ws {
namespace {

// Frames of a client up to this size are made on the stack.
constexpr std::size_t stack_frame = 1024;
// Parts of a message up to this number need no memory.
constexpr std::size_t few_parts = 7;
// So many messages come out of the buffer before others have a turn.
constexpr std::uint16_t fair_share = 512;
// A peer that broke the rules gets so long to read why.
constexpr std::chrono::seconds failure_patience{2};

bool is_normal(std::uint16_t code) noexcept {
  return code == close_code::normal || code == close_code::going_away ||
         code == close_code::no_status;
}

bool is_transient(std::error_code code) noexcept {
  return code == std::errc::timed_out || code == std::errc::operation_canceled;
}

opcode opcode_of(message_type type) noexcept {
  return type == message_type::text ? opcode::text : opcode::binary;
}

message_type type_of(opcode op) noexcept {
  return op == opcode::text ? message_type::text : message_type::binary;
}

connection_options options_for(role as, const limits& l) noexcept {
  connection_options o;
  o.role = as;
  o.max_message = l.message;
  o.max_fragments = l.fragments;
  o.random = [](mutable_bytes into) noexcept { base::random_bytes(into); };
  return o;
}

}  // namespace

socket::impl::impl(stream_ptr lower, ws::role as, const ws::limits& l) noexcept
    : under(std::move(lower)), conn(options_for(as, l)) {}

// Receiving

// Occupies the place of the receiver, and tells those who wait for it.
class socket::impl::receiver {
 public:
  explicit receiver(impl& s) noexcept : socket_(s) { s.receiving_ = true; }
  receiver(const receiver&) = delete;
  receiver& operator=(const receiver&) = delete;
  ~receiver() {
    socket_.receiving_ = socket_.draining_ = false;
    socket_.wake_waiting_receivers(0);
  }

 private:
  impl& socket_;
};

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
  while (receiving_) [[unlikely]] {
    // Somebody closes: wait for how that ends.
    if (!draining_) return fail(EBUSY);
    if (auto left = await_receiver("websocket receive", dl); !left) return left;
  }
  return {};
}

result<std::optional<message>> socket::impl::receive(deadline dl) {
  if (auto free = enter_receive(dl); !free) return fail(free.error());
  if (held) return take_held();
  if (over()) return verdict();
  if (ended) return fail(errc::closed);
  const receiver here(*this);
  auto got = next(dl);
  if (got && *got) last_type = (*got)->type;
  return got;
}

result<std::optional<message>> socket::impl::take_held() noexcept {
  last_type = held->type;
  return std::exchange(held, std::nullopt);
}

result<std::optional<message>> socket::impl::verdict() const noexcept {
  if (conn.state() == connection_state::failed) return fail(conn.error());
  if (!is_normal(conn.peer_close().code)) return fail(errc::peer_closed);
  return std::nullopt;
}

// Whatever the peer sends, others have their turn and the deadline is looked at. While others have it
// the socket may be aborted, which takes the memory of a message in place.
result<std::optional<message>> socket::impl::next(deadline dl) {
  for (bool waited = false;; waited = true) {
    event e = look();
    while (e.kind != event_kind::need_more) {
      const auto turn = give_others_a_turn();
      if (ended) return fail(ECANCELED);
      if (e.kind == event_kind::message) {
        const message got{type_of(e.op), e.payload};
        if (turn) return got;
        held = got;
      }
      if (!turn) return fail(turn.error());
      if (auto said = say_last_words(dl); !said) return fail(said.error());
      if (over()) return verdict();
      e = look();
    }
    if (auto said = say_last_words(dl); !said) return fail(said.error());
    if (waited && io::overdue(dl)) return fail(ETIMEDOUT);
    if (auto more = await_more(e.need, dl); !more) return fail(more.error());
    if (ended) return fail(ECANCELED);
  }
}

// Answers on the way of receiving. What cannot be said now is said by close().
result<void> socket::impl::say_last_words(deadline dl) {
  const auto said = say_pending(dl);
  if (ended) return fail(ECANCELED);
  if (!said && !over() && is_transient(said.error())) return said;
  return {};
}

event socket::impl::look() noexcept {
  const event e = conn.receive(input_);
  input_ = input_.subspan(e.consumed);
  used_ += e.consumed;
  return e;
}

void socket::impl::drop_used() noexcept {
  input_ = {};
  under->consume(std::exchange(used_, 0));
}

// Waits for input, the rest of a large frame straight in its place.
result<void> socket::impl::await_more(std::size_t need, deadline dl) {
  drop_used();
  std::error_code failure;
  if (const mutable_bytes place = conn.destination(); !place.empty()) {
    std::size_t got = 0;
    const auto n = under->try_read_into(place, 1, dl, &got);
    conn.received(n ? *n : got);
    if (!n) failure = n.error();
  } else if (const auto seen = under->try_fill(need, dl); !seen) {
    failure = seen.error();
  }
  if (!ended) input_ = under->buffered();
  if (failure == errc::end_of_stream) {
    conn.receive_eof();
    return {};
  }
  if (failure) return fail(failure);
  return {};
}

// Input that is there already must not keep everybody else waiting.
result<void> socket::impl::give_others_a_turn() noexcept {
  if (++messages_in_a_row_ < fair_share) return {};
  messages_in_a_row_ = 0;
  if (const int code = lowlevel::yield(); code != 0) return fail(code);
  return {};
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

result<void> socket::impl::write_pending(deadline dl) {
  while (!conn.pending().empty()) {
    const bytes frames = conn.pending();
    if (auto written = under->try_write(parts(&frames, 1), dl); !written) return written;
    conn.sent(frames.size());
  }
  return {};
}

// Sending

std::error_code socket::impl::cannot_send() const noexcept {
  if (conn.state() == connection_state::failed) return conn.error();
  if (ended || !conn.is_open()) return errc::closed;
  return {};
}

result<void> socket::impl::enter_send(deadline dl) noexcept {
  if (in_pieces_ && sender_ == this_task::id()) return fail(EINVAL);
  return sending_.take(dl, "websocket send");
}

result<void> socket::impl::send(message_type type, parts ps, deadline dl) {
  if (auto entered = enter_send(dl); !entered) return entered;
  const proto::turn_holder mine(sending_);
  return send_frame(opcode_of(type), true, ps, dl);
}

result<void> socket::impl::send_frame(opcode op, bool fin, parts ps, deadline dl) {
  if (ended || !conn.is_open()) return fail(cannot_send());
  if (conn.role() == ws::role::client) return send_masked(op, fin, ps, dl);
  return send_plain(op, fin, ps, dl);
}

// The payload goes from where it is into the stream.
result<void> socket::impl::send_plain(opcode op, bool fin, parts ps, deadline dl) {
  const auto header = conn.send_header(op, fin, total_size(ps));
  if (!header) return fail(header.error());
  if (ps.size() != 1) return send_pieces(header->view(), ps, dl);
  const std::array<bytes, 2> frame{header->view(), ps.front()};
  return put(frame, dl);
}

result<void> socket::impl::send_pieces(bytes header, parts ps, deadline dl) {
  std::array<bytes, few_parts + 1> few;
  std::unique_ptr<bytes[]> many;
  if (ps.size() > few_parts) many.reset(new (std::nothrow) bytes[ps.size() + 1]);
  if (ps.size() > few_parts && !many) {
    conn.withdraw();
    return fail(ENOMEM);
  }
  bytes* const all = many ? many.get() : few.data();
  all[0] = header;
  std::ranges::copy(ps, all + 1);
  return put(parts(all, ps.size() + 1), dl);
}

// Puts the frame that was made last into the stream, or takes it back.
result<void> socket::impl::put(parts frame, deadline dl) {
  auto written = under->try_write(frame, dl);
  if (!written) conn.withdraw();
  return written;
}

// The payload is masked on its way into a frame of its own.
result<void> socket::impl::send_masked(opcode op, bool fin, parts ps, deadline dl) {
  const std::size_t size = conn.frame_size(total_size(ps));
  std::array<std::byte, stack_frame> small;
  std::unique_ptr<std::byte[]> large;
  if (size > small.size()) large.reset(new (std::nothrow) std::byte[size]);
  if (size > small.size() && !large) return fail(ENOMEM);
  const mutable_bytes frame(large ? large.get() : small.data(), size);
  if (const auto made = conn.send_frame(frame, op, fin, ps); !made) return fail(made.error());
  const bytes whole = frame;
  return put(parts(&whole, 1), dl);
}

result<void> socket::impl::begin(message_type type, deadline dl) {
  if (auto entered = enter_send(dl); !entered) return entered;
  if (auto why = cannot_send()) {
    sending_.pass();
    return fail(why);
  }
  in_pieces_ = true;
  begun_ = false;
  pieces_type_ = type;
  sender_ = this_task::id();
  return {};
}

result<void> socket::impl::send_piece(bytes piece, bool last, deadline dl) {
  if (auto why = cannot_send()) return fail(why);
  if (!in_pieces_) return fail(EINVAL);
  const opcode op = begun_ ? opcode::continuation : opcode_of(pieces_type_);
  auto sent = send_frame(op, last, parts(&piece, 1), dl);
  begun_ = begun_ || sent;
  return sent;
}

result<void> socket::impl::send_part(bytes piece, deadline dl) {
  return send_piece(piece, false, dl);
}

result<void> socket::impl::end(deadline dl) {
  auto sent = send_piece({}, true, dl);
  if (sent || cannot_send()) leave_pieces();
  return sent;
}

void socket::impl::leave_pieces() noexcept {
  if (std::exchange(in_pieces_, false)) sending_.pass();
}

// Made by hand and not by the connection, since it may pass a message that is withdrawn afterwards.
result<void> socket::impl::ping(bytes payload, deadline dl) {
  if (payload.size() > max_control_payload) return fail(EINVAL);
  if (auto why = cannot_send()) return fail(why);
  frame_header header{.op = opcode::ping, .fin = true, .size = payload.size()};
  header.masked = conn.role() == ws::role::client;
  if (header.masked) base::random_bytes(header.mask);
  std::array<std::byte, max_header_size + max_control_payload> frame;
  const std::size_t start = format_header(frame, header);
  codec::mask_copy(frame.data() + start, payload, header.mask, 0);
  const bytes whole = bytes(frame).first(start + payload.size());
  return under->try_write(parts(&whole, 1), dl);
}

result<void> socket::impl::flush(deadline dl) {
  if (ended) return fail(errc::closed);
  if (auto said = say_pending(dl); !said) return said;
  return under->try_flush(dl);
}

// Ending

// After this nothing of a message can be sent, and a message in pieces has no end.
result<void> socket::impl::queue_close(std::uint16_t code, std::string_view reason) noexcept {
  auto queued = conn.close(code, reason);
  if (queued || queued.error() == errc::closed) leave_pieces();
  return queued;
}

result<void> socket::impl::done(std::uint16_t code, std::string_view reason, deadline dl) {
  if (auto why = cannot_send()) return fail(why);
  if (auto queued = queue_close(code, reason); !queued) return queued;
  return say_all_pending(dl);
}

result<void> socket::impl::close(std::uint16_t code, std::string_view reason, deadline dl) {
  if (auto drained = say_goodbye(code, reason, dl); !drained) return drained;
  if (ended) return {};  // somebody else has closed it meanwhile
  static_cast<void>(say_pending(dl));
  finish();
  // Both have said goodbye: how the connection goes does not matter any more.
  static_cast<void>(under->try_close(dl));
  return {};
}

result<stream_ptr> socket::impl::detach(std::uint16_t code, std::string_view reason, deadline dl) {
  if (receiving_ || sending_.taken() || controlling_.taken()) return fail(EBUSY);
  if (auto drained = say_goodbye(code, reason, dl); !drained) return fail(drained.error());
  if (auto flushed = flush(dl); !flushed) {
    abort();
    return fail(flushed.error());
  }
  drop_used();
  finish();
  return std::move(under);
}

// Sends the close frame unless that has happened, and waits for the peer's. After a failure the
// stream is closed, save EINVAL.
result<void> socket::impl::say_goodbye(std::uint16_t code, std::string_view reason, deadline dl) {
  if (ended) return fail(errc::closed);
  // Another close frame is on its way or was answered already: as good.
  if (auto queued = queue_close(code, reason); !queued && queued.error() != errc::closed)
    return queued;
  auto drained = drain(earlier(dl, this_task::ambient_deadline()));
  if (conn.state() == connection_state::failed) return close_after_failure(dl);
  if (!drained) abort();
  return drained;
}

// Waits for the peer's close frame; messages before it are dropped unless somebody else receives.
result<void> socket::impl::drain(deadline dl) {
  while (!over()) {
    if (ended) return fail(ECANCELED);
    if (auto said = say_pending(dl); !said) return said;
    auto step = receiving_ ? await_receiver("websocket close", dl) : drop_messages(dl);
    if (!step) return step;
  }
  return {};
}

// A peer that never stops sending does not move the deadline.
result<void> socket::impl::drop_messages(deadline dl) {
  const receiver here(*this);
  draining_ = true;
  held.reset();
  while (!over()) {
    const auto dropped = next(dl);
    if (!dropped && !over()) return fail(dropped.error());
    if (!over() && dl.passed()) return fail(ETIMEDOUT);
  }
  return {};
}

// The peer may still read why before the connection goes.
result<void> socket::impl::close_after_failure(deadline dl) {
  const deadline until = earlier(dl, failure_patience);
  static_cast<void>(say_pending(until));
  finish();
  static_cast<void>(under->try_close(until));
  return fail(conn.error());
}

void socket::impl::finish() noexcept {
  ended = true;
  held.reset();
  input_ = {};
}

void socket::impl::abort() noexcept {
  if (ended) return;
  finish();
  under->abort();
  sending_.break_off(ECANCELED);
  controlling_.break_off(ECANCELED);
  wake_waiting_receivers(ECANCELED);
}

}  // namespace caraway::ws
