// ws_socket_fragments.cpp - messages that are too long for one frame.
//
// A long message goes out in frames between which control frames pass: while one frame is on its way
// to a slow peer, a pong waits behind it and before the next. To its sender the message is one: it
// is sent whole or not at all. So when the deadline comes in the middle, what is left is copied, the
// send has succeeded, and a helper brings the rest out, keeping the place of the sender until then.
// A long piece of a message in pieces goes in the same way, and the next piece waits for its rest.
// Whoever closes meanwhile has the close frame wait until the message is out.
#include <algorithm>
#include <array>
#include <cerrno>
#include <new>
#include <utility>

#include "proto/ws_socket_impl.hpp"
#include "sync/queue.hpp"

namespace caraway::ws {
namespace {

constexpr std::size_t few_parts = 16;

// The first `n` bytes of `ps`, whose last part may become shorter.
parts first_bytes(std::span<bytes> ps, std::size_t n) noexcept {
  std::size_t count = 0;
  while (count < ps.size() && n > 0) {
    bytes& p = ps[count++];
    p = p.first(std::min(p.size(), n));
    n -= p.size();
  }
  return ps.first(count);
}

}  // namespace

// The caller has the place of the sender, and gives it up by this.
result<void> socket::impl::send_long(frame_kind first, parts ps, deadline dl) {
  long_ = true;
  auto sent = send_split(first, true, ps, dl);
  if (!rest_) leave_long();
  return sent;
}

// Frames of the limit, the last of them with `fin`. Once the first is out the others will be.
result<void> socket::impl::send_split(frame_kind first, bool fin, parts ps, deadline dl) {
  std::array<bytes, few_parts> few;
  std::unique_ptr<bytes[]> many;
  if (ps.size() > few_parts) many.reset(new (std::nothrow) bytes[ps.size()]);
  if (ps.size() > few_parts && !many) return fail(ENOMEM);
  const std::span<bytes> room(many ? many.get() : few.data(), many ? ps.size() : few_parts);
  io::outgoing rest({}, ps);
  auto sent = send_fragments(rest, room, first, fin, dl);
  if (!sent && rest.sent() > 0 && is_transient(sent.error()) && !ended) sent = finish_later(rest);
  return sent;
}

result<void> socket::impl::send_fragments(io::outgoing& rest, std::span<bytes> room,
                                          frame_kind kind, bool fin, deadline dl) {
  while (!rest.empty()) {
    const parts shown = rest.show(room);
    const parts piece = first_bytes(room.first(shown.size()), fragment_);
    const std::size_t size = total_size(piece);
    const bool last = fin && size == rest.left();
    if (auto sent = send_frame(kind, last, piece, dl); !sent) return sent;
    rest.advance(size);
    kind = {opcode::continuation};
  }
  return {};
}

// Without memory the message cannot be finished, and so neither can the conversation.
result<void> socket::impl::finish_later(io::outgoing& rest) noexcept {
  const std::size_t size = rest.left();
  rest_.reset(new (std::nothrow) std::byte[size]);
  if (rest_) {
    rest.copy(rest_.get(), size);
    rest_left_ = {rest_.get(), size};
    start_helper(finish_message, &impl::send_rest);
    if (helpers_[finish_message] != nullptr) return {};
  }
  forget_rest();
  abort();
  return fail(ENOMEM);
}

// Of a message, or of one piece of a message in pieces.
void socket::impl::send_rest() noexcept {
  result<void> sent;
  while (sent && !rest_left_.empty()) {
    const bytes piece = rest_left_.first(std::min(rest_left_.size(), fragment_));
    const bool last = long_ && piece.size() == rest_left_.size();
    sent = send_frame({opcode::continuation}, last, parts(&piece, 1), never);
    if (sent) rest_left_ = rest_left_.subspan(piece.size());
  }
  forget_rest();
  if (long_) return leave_long();
  sync::wake_all(rest_gone_);
  if (!sent) cut_off();
}

void socket::impl::forget_rest() noexcept {
  rest_.reset();
  rest_left_ = {};
}

// Until the rest of the piece before is out.
result<void> socket::impl::await_rest(deadline dl) noexcept {
  if (!rest_) return {};
  return sync::outcome(sync::wait_in(rest_gone_, "websocket send", dl));
}

// The message is out or will never be: what has waited for it is said before anything else is sent.
void socket::impl::leave_long() noexcept {
  long_ = false;
  if (const auto last = std::exchange(farewell_, nullptr)) {
    static_cast<void>(queue_close(last->code, {last->reason.data(), last->size}));
    if (!ended) static_cast<void>(say_pending(immediately));
  }
  sending_.pass();
}

result<void> socket::impl::close_after_long(std::uint16_t code, std::string_view reason) noexcept {
  if (!connection::may_close_with(code, reason)) return fail(EINVAL);
  farewell_.reset(new (std::nothrow) farewell{code, static_cast<std::uint8_t>(reason.size()), {}});
  if (!farewell_) return fail(ENOMEM);
  std::ranges::copy(reason, farewell_->reason.begin());
  return {};
}

// Until no message of several frames is on its way.
result<void> socket::impl::await_long(deadline dl) noexcept {
  if (!long_) return {};
  if (auto entered = sending_.take(dl, "websocket send"); !entered) return entered;
  sending_.pass();
  return {};
}

}  // namespace caraway::ws
