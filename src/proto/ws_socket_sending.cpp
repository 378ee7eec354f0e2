// ws_socket_sending.cpp - messages and pings of a ws::socket on their way into the stream.
#include "proto/ws_socket_impl.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <new>
#include <utility>

#include "base/random.hpp"
#include "caraway/this_task.hpp"
#include "codec/mask.hpp"
#include "codec/ws_connection_deflate.hpp"
#include "proto/ws_forgetter.hpp"
#include "sync/queue.hpp"

namespace caraway::ws {
namespace {

// Frames of a client up to this size are made on the stack.
constexpr std::size_t stack_frame = 1024;
// Parts of a message up to this number need no memory.
constexpr std::size_t few_parts = 7;

opcode opcode_of(message_type type) noexcept {
  return type == message_type::text ? opcode::text : opcode::binary;
}

}  // namespace

std::error_code socket::impl::cannot_send() const noexcept {
  const bool broken = transport_failure_ && conn.is_open() && !ended;
  if (broken || conn.state() == connection_state::failed) return failure();
  return is_open() ? std::error_code() : errc::closed;
}

// Once it is over nobody waits any more, least of all behind a message in pieces that has no end.
result<void> socket::impl::enter_send(deadline dl) noexcept {
  if (sending_.try_take()) [[likely]]
    return {};
  if (auto why = cannot_send()) return fail(why);
  if (in_pieces_ && sender_ == this_task::id()) return fail(EINVAL);
  return sending_.take(dl, "websocket send");
}

result<void> socket::impl::send(message_type type, parts ps, deadline dl) {
  if (auto entered = enter_send(dl); !entered) return entered;
  const std::size_t size = total_size(ps);
  const frame_kind first{opcode_of(type)};
  auto sent = size > fragment_ ? send_long(first, ps, dl) : send_short(first, ps, dl);
  if (sent) note_sent(type, size);
  return sent;
}

// The caller has the place of the sender, and gives it up by this.
result<void> socket::impl::send_short(frame_kind kind, parts ps, deadline dl) {
  const proto::turn_holder mine(sending_);
  return send_frame(kind, true, ps, dl);
}

result<void> socket::impl::send(const prepared& m, deadline dl) {
  if (auto entered = enter_send(dl); !entered) return entered;
  const auto made = made_ready(m);
  if (!made) {
    sending_.pass();
    return fail(made.error());
  }
  const auto& [kind, payload] = *made;
  const parts all(&payload, 1);
  auto sent = payload.size() > fragment_ ? send_long(kind, all, dl) : send_short(kind, all, dl);
  if (sent) note_sent(m.type(), m.payload().size());
  return sent;
}

// What is compressed next does not refer to anything before a message that was compressed elsewhere:
// the peer remembers that one too, and counts back over it.
result<socket::impl::ready> socket::impl::made_ready(const prepared& m) noexcept {
  const opcode op = opcode_of(m.type());
  const bool compress = conn.deflates(op, true, m.payload().size());
  const result<bytes> frame = compress ? m.deflated_frame(*deflate) : m.frame();
  if (!frame) return fail(frame.error());
  const parsed_header head = parse_header(*frame, role::client, deflated_bit);
  const bool compressed = head.header.reserved != 0;
  if (compressed) conn.forget_sent();
  return ready{{op, compressed ? framing::deflated : framing::plain}, frame->subspan(head.used)};
}

backlog socket::impl::pending() noexcept {
  if (ended) return {};
  return {under->pending() + rest_left_.size(), sending_.waiting() + (sending_.taken() ? 1 : 0)};
}

std::byte socket::impl::frame_kind::reserved() const noexcept {
  return static_cast<std::byte>(how == framing::deflated ? deflated_bit : 0);
}

result<void> socket::impl::send_frame(frame_kind kind, bool fin, parts ps, deadline dl) {
  if (ended || !conn.is_open()) return fail(cannot_send());
  life_.message(home_.turn());
  const bool compress = kind.how == framing::usual && conn.deflates(kind.op, fin, total_size(ps));
  if (compress) return send_deflated(kind.op, fin, ps, dl);
  if (conn.role() == ws::role::client) return send_masked(kind, fin, ps, dl);
  return send_plain(kind, fin, ps, dl);
}

// The payload goes from where it is into the stream.
result<void> socket::impl::send_plain(frame_kind kind, bool fin, parts ps, deadline dl) {
  auto header = conn.send_header(kind.op, fin, total_size(ps));
  if (!header) return fail(header.error());
  header->storage[0] |= kind.reserved();
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
  auto written = write(frame, dl);
  if (!written) conn.withdraw();
  return written;
}

// The payload is masked on its way into a frame of its own.
result<void> socket::impl::send_masked(frame_kind kind, bool fin, parts ps, deadline dl) {
  const std::size_t size = conn.frame_size(total_size(ps));
  std::array<std::byte, stack_frame> small;
  memory_block large;
  if (size > small.size()) large = allocate_block(size);
  if (size > small.size() && !large) return fail(ENOMEM);
  const mutable_bytes frame(large ? large.get() : small.data(), size);
  if (const auto made = conn.send_frame(frame, kind.op, fin, ps); !made) return fail(made.error());
  frame.front() |= kind.reserved();
  const bytes whole = frame;
  return put(parts(&whole, 1), dl);
}

// What is sent is in memory of its own before anybody waits.
result<void> socket::impl::send_deflated(opcode op, bool fin, parts ps, deadline dl) {
  const auto frame = conn.send_deflated(op, fin, ps);
  if (!frame) return fail(frame.error());
  start_forgetting();
  const bytes whole = frame->view();
  return put(parts(&whole, 1), dl);
}

// Without memory the compressor stays as long as the socket.
void socket::impl::start_forgetting() noexcept {
  if (!forgetter_) forgetter_.reset(new (std::nothrow) forgetter(home_, conn, deflate->idle));
  if (forgetter_) forgetter_->sent();
}

result<void> socket::impl::begin(message_type type, deadline dl) {
  if (auto entered = enter_send(dl); !entered) return entered;
  if (auto why = cannot_send()) {
    sending_.pass();
    return fail(why);
  }
  in_pieces_ = true;
  pieces_size_ = 0;
  pieces_type_ = type;
  sender_ = this_task::id();
  return {};
}

result<void> socket::impl::send_piece(bytes piece, bool last, deadline dl) {
  if (auto why = cannot_send()) return fail(why);
  if (!in_pieces_) return fail(EINVAL);
  auto sent = put_piece(piece, last, dl);
  if (sent)
    pieces_size_ += piece.size();
  else if (sent.error() != os_error(ETIMEDOUT))
    cut_off();
  return sent;
}

result<void> socket::impl::put_piece(bytes piece, bool last, deadline dl) {
  if (auto gone = await_rest(dl); !gone) return gone;
  const opcode op = conn.sending_message() ? opcode::continuation : opcode_of(pieces_type_);
  const parts all(&piece, 1);
  return piece.size() > fragment_ ? send_split({op}, last, all, dl)
                                  : send_frame({op}, last, all, dl);
}

result<void> socket::impl::send_part(bytes piece, deadline dl) {
  return send_piece(piece, false, dl);
}

result<void> socket::impl::end(deadline dl) {
  auto sent = send_piece({}, true, dl);
  if (!sent) return sent;
  note_sent(pieces_type_, pieces_size_);
  leave_pieces();
  return {};
}

// Half a message has no end, and must not pass for a whole one: then it is the conversation that ends.
void socket::impl::cut_off() noexcept {
  if (!in_pieces_) return;
  const bool begun = conn.sending_message() && is_open();
  if (begun && !queue_close(close_code::internal_error, "message cut off")) abort();
  leave_pieces();
  if (!ended) static_cast<void>(say_pending(immediately));
}

void socket::impl::leave_pieces() noexcept {
  if (!std::exchange(in_pieces_, false)) return;
  sync::wake_all(rest_gone_);
  sending_.pass();
}

result<void> socket::impl::ping(bytes payload, deadline dl) {
  const auto number = numbered_ping(payload, dl);
  if (!number) return fail(number.error());
  return {};
}

// The same, and waits for its pong. One without a payload gets one that nobody else's pong has.
result<nanoseconds> socket::impl::probe(bytes payload, deadline dl) {
  std::array<std::byte, 8> unique;
  if (payload.empty()) {
    base::random_bytes(unique);
    payload = unique;
  }
  const auto number = numbered_ping(payload, dl);
  if (!number) return fail(number.error());
  if (ended || over()) return fail(cannot_send());
  auto took = pings.wait(*number, dl);
  if (!took && took.error() == os_error(no_more_pongs)) return fail(why_no_pong());
  return took;
}

std::error_code socket::impl::why_no_pong() const noexcept {
  const std::error_code why = cannot_send();
  return why ? why : os_error(ECONNRESET);
}

result<std::uint64_t> socket::impl::numbered_ping(bytes payload, deadline dl) {
  if (payload.size() > max_control_payload) return fail(EINVAL);
  if (auto why = cannot_send()) return fail(why);
  const auto number = pings.sent(payload, caraway::now());
  if (number == 0) return fail(ENOMEM);
  if (auto written = write_ping(payload, dl); !written) {
    pings.forget(number);
    return fail(written.error());
  }
  return number;
}

// Made by hand and not by the connection, since it may pass a message that is withdrawn afterwards.
result<void> socket::impl::write_ping(bytes payload, deadline dl) {
  frame_header header{.op = opcode::ping, .fin = true, .size = payload.size()};
  header.masked = conn.role() == ws::role::client;
  if (header.masked) base::random_bytes(header.mask);
  std::array<std::byte, max_header_size + max_control_payload> frame;
  const std::size_t start = format_header(frame, header);
  codec::mask_copy(frame.data() + start, payload, header.mask, 0);
  const bytes whole = bytes(frame).first(start + payload.size());
  return write(parts(&whole, 1), dl);
}

result<void> socket::impl::flush(deadline dl) {
  if (ended || gone) return fail(errc::closed);
  if (auto said = say_all_pending(dl); !said) return said;
  if (ended) return fail(ECANCELED);
  auto flushed = under->try_flush(dl);
  if (!flushed) note_transport(flushed.error());
  return flushed;
}

}  // namespace caraway::ws
