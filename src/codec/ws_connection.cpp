// ws_connection.cpp - the conversation of RFC 6455 sections 5 to 7 as a state machine.
//
// A data frame takes one of two ways. Small, or already whole: it is waited for in the caller's
// buffer, opened there (unmasked, and checked if it is text) as its bytes come, and shown in place
// if it is a message by itself. Large and not whole: its bytes move into the connection's memory,
// where the caller may also put them itself. Fragments end up in that memory either way, and
// compressed messages, inflated piece by piece as they come (ws_connection_deflate.cpp).
//
// `frame_done_` counts the payload bytes that have been opened, so none is unmasked twice.
#include "caraway/ws_connection.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>
#include <utility>

#include "codec/mask.hpp"
#include "codec/utf8.hpp"
#include "codec/ws_connection_deflate.hpp"

namespace caraway::ws {
namespace {

constexpr std::size_t max_control_frame = 2 + 4 + max_control_payload;

constexpr char not_utf8[] = "text is not UTF-8";
constexpr char cut_short[] = "text ends within a character";
constexpr char too_big[] = "message too big";
constexpr char out_of_memory[] = "out of memory";

std::uint16_t read_16_bits(bytes in) {
  return static_cast<std::uint16_t>(std::to_integer<unsigned>(in[0]) << 8 |
                                    std::to_integer<unsigned>(in[1]));
}

mask_key read_mask(bytes in) {
  mask_key key;
  std::memcpy(key.data(), in.data(), key.size());
  return key;
}

struct common_header {
  opcode op;
  std::size_t used;
  std::size_t size;
};

// The header of a text or binary frame with FIN, without reserved bits, masked or not as it should
// be, with a length of 7 or 16 bits in its shortest form. All others: `used` is 0.
common_header read_common_header(bytes in, bool masked) {
  const std::size_t mask_size = masked ? 4 : 0;
  if (in.size() < 4 + mask_size) return {};
  const auto op = static_cast<opcode>(std::to_integer<unsigned>(in[0]) ^ 0x80);
  const std::size_t size = std::to_integer<unsigned>(in[1]) ^ (masked ? 0x80 : 0);
  if ((op != opcode::text && op != opcode::binary) || size > 126) return {};
  if (size < 126) return {op, 2 + mask_size, size};
  const std::size_t longer = read_16_bits(in.subspan(2));
  return {op, longer < 126 ? 0 : 4 + mask_size, longer};
}

}  // namespace

// What waits to be sent, and what the peer said last.
//
//     0          sent_        shown_               end_
//     | dropped  | on its way | not shown yet      |
//
// Bytes that pending() has shown stay where they are. Behind them at most one pong waits: a newer
// one takes its place (5.5.3). So there are never more than three frames: a pong on its way,
// another, and the one close frame.
struct connection::control_queue {
  void add(opcode op, bytes payload, ws::role role, random_source random) noexcept;
  void drop_waiting_pong() noexcept;
  bytes show() noexcept;
  void drop(std::size_t n) noexcept;
  bool empty() const noexcept { return end_ == 0; }

  std::array<std::byte, 3 * max_control_frame> frames_;
  std::size_t sent_ = 0;
  std::size_t shown_ = 0;
  std::size_t end_ = 0;
  std::size_t pong_ = 0;
  std::size_t pong_size_ = 0;
  std::array<char, max_close_reason> reason_;
  std::size_t reason_size_ = 0;
};

void connection::control_queue::add(opcode op, bytes payload, ws::role role,
                                    random_source random) noexcept {
  if (op == opcode::pong) drop_waiting_pong();
  frame_header h{.op = op, .masked = role == ws::role::client, .size = payload.size()};
  if (h.masked) random(h.mask);
  const mutable_bytes room = mutable_bytes(frames_).subspan(end_);
  const std::size_t head = format_header(room, h);
  codec::mask_copy(room.data() + head, payload, h.mask, 0);
  if (op == opcode::pong) {
    pong_ = end_;
    pong_size_ = head + payload.size();
  }
  end_ += head + payload.size();
}

void connection::control_queue::drop_waiting_pong() noexcept {
  if (pong_size_ == 0) return;
  std::byte* const pong = frames_.data() + pong_;
  std::memmove(pong, pong + pong_size_, end_ - pong_ - pong_size_);
  end_ -= pong_size_;
  pong_size_ = 0;
}

bytes connection::control_queue::show() noexcept {
  if (sent_ == shown_) {
    shown_ = end_;
    pong_size_ = 0;
  }
  return bytes(frames_).subspan(sent_, shown_ - sent_);
}

void connection::control_queue::drop(std::size_t n) noexcept {
  sent_ += std::min(n, shown_ - sent_);
  if (sent_ < shown_) return;
  std::memmove(frames_.data(), frames_.data() + shown_, end_ - shown_);
  end_ -= shown_;
  if (pong_size_ != 0) pong_ -= shown_;
  sent_ = shown_ = 0;
}

connection::connection(const connection_options& options) noexcept
    : max_message_(options.max_message),
      random_(options.random),
      max_fragments_(options.max_fragments),
      direct_threshold_(options.direct_threshold),
      role_(options.role) {
  if (!options.deflate || !can_deflate()) return;
  compression_.reset(new (std::nothrow) compression(*options.deflate));
  if (!compression_) broken(close_code::internal_error, out_of_memory);
}

connection::connection(connection&&) noexcept = default;
connection& connection::operator=(connection&&) noexcept = default;
connection::~connection() = default;

// Receiving

event connection::receive(mutable_bytes in) noexcept {
  if (delivered_) release_message();
  event e;
  if (over() || !whole_message(in, e)) [[unlikely]]
    step_on(in, e);
  return e;
}

// Goes on behind the `e.consumed` bytes that are done with, until there is something to tell.
void connection::step_on(mutable_bytes in, event& e) noexcept {
  // After the end every input is discarded (1.4, 7.1.7), but not what came along with it: behind
  // the close frame may be bytes of whatever speaks next.
  const bool discard = over() && e.consumed == 0;
  if (compression_) compression_->made = 0;
  mutable_bytes rest = discard ? in.last(0) : in.subspan(e.consumed);
  while (!step(rest, e)) {
  }
  e.consumed = in.size() - rest.size();
}

// The common case without ceremony: a message in one frame of less than 64 KiB that is all there.
// Everything else, and everything wrong, is left to step().
bool connection::whole_message(mutable_bytes in, event& e) noexcept {
  if (message_op_ != opcode::continuation) return false;
  const bool masked = role_ == ws::role::server;
  const common_header h = read_common_header(in, masked);
  if (in.size() < h.used + h.size || h.used == 0) return false;
  if (h.size > max_message_ || max_fragments_ == 0) return false;

  const mutable_bytes payload = in.subspan(h.used, h.size);
  e.consumed = h.used + h.size;
  const bool ascii = masked && codec::unmask(payload, read_mask(in.subspan(h.used - 4)));
  if (h.op == opcode::text && !ascii && !whole_text(payload)) return false;
  e.kind = event_kind::message;
  e.op = h.op;
  e.in_place = true;
  e.payload = payload;
  return true;
}

bool connection::whole_text(bytes payload) noexcept {
  const codec::utf8_state end = codec::utf8_advance(codec::utf8_complete, payload);
  if (end == codec::utf8_complete) return true;
  return broken(close_code::invalid_payload, end == codec::utf8_invalid ? not_utf8 : cut_short);
}

bool connection::step(mutable_bytes& in, event& e) noexcept {
  if (over()) return say_over(e);
  switch (phase_) {
    case phase::header:
      return begin_frame(in, e);
    case phase::buffered:
      return buffered_frame(in, e);
    case phase::direct:
      return direct_frame(in, e);
    case phase::inflating:
      return inflating_frame(in, e);
  }
  return true;
}

bool connection::say_over(event& e) const noexcept {
  e.kind = state_ == connection_state::closed ? event_kind::closed : event_kind::failed;
  e.need = 0;
  return true;
}

bool connection::begin_frame(mutable_bytes& in, event& e) noexcept {
  const std::uint8_t allowed = compression_ ? compression::allowed_reserved(in) : 0;
  const parsed_header p = parse_header(in, role_, allowed);
  if (p.fault != frame_fault::none) return broken(close_code::protocol_error, describe(p.fault));
  if (p.used == 0) {
    e.need = p.need;
    return true;
  }
  if (!admit(p.header)) return false;
  frame_ = p.header;
  frame_done_ = 0;
  header_size_ = p.used;
  phase_ = phase::buffered;
  if (is_deflated(frame_)) [[unlikely]] {
    in = in.subspan(p.used);
    phase_ = phase::inflating;
    return false;
  }
  const bool whole = in.size() - p.used >= frame_.size;
  if (!whole && !is_control(frame_.op) && frame_.size > direct_threshold_) {
    in = in.subspan(p.used);
    phase_ = phase::direct;
  }
  return false;
}

// The order of frames (5.4) and the limits, as soon as a header is known.
bool connection::admit(const frame_header& next) noexcept {
  if (is_control(next.op)) return true;
  const bool continues = next.op == opcode::continuation;
  const bool within = message_op_ != opcode::continuation;
  if (continues && !within) return broken(close_code::protocol_error, "continuation of no message");
  if (!continues && within)
    return broken(close_code::protocol_error, "new message within a fragmented one");
  if (is_deflated(next) ? !admit_deflated(next) : next.size > most_message() - message_size_)
    return broken(close_code::message_too_big, too_big);
  if (fragments_ >= max_fragments_)
    return broken(close_code::message_too_big, "too many fragments");
  ++fragments_;
  if (!continues) message_op_ = next.op;
  return true;
}

bool connection::buffered_frame(mutable_bytes& in, event& e) noexcept {
  const std::size_t there = in.size() - std::min<std::size_t>(in.size(), header_size_);
  if (there < frame_.size) {
    // Nothing is gained by opening a part, except that a text may be wrong already.
    e.need = text() ? in.size() + 1 : header_size_ + static_cast<std::size_t>(frame_.size);
    if (!text() || there <= frame_done_) return true;
    return open_payload(in.subspan(header_size_ + frame_done_, there - frame_done_));
  }
  const auto size = static_cast<std::size_t>(frame_.size);
  const mutable_bytes payload = in.subspan(header_size_, size);
  if (!open_payload(payload.subspan(frame_done_))) return false;
  in = in.subspan(header_size_ + size);
  phase_ = phase::header;
  return is_control(frame_.op) ? control_frame(payload, e) : data_frame(payload, e);
}

bool connection::data_frame(mutable_bytes payload, event& e) noexcept {
  if (frame_.fin && message_size_ == 0) {
    release_message();
    return deliver(payload, true, e);
  }
  if (!make_room(payload.size())) return false;
  std::ranges::copy(payload, message_.get() + message_size_);
  message_size_ += payload.size();
  return frame_.fin && deliver({message_.get(), message_size_}, false, e);
}

bool connection::deliver(mutable_bytes payload, bool in_place, event& e) noexcept {
  if (message_op_ == opcode::text && utf8_ != codec::utf8_complete)
    return broken(close_code::invalid_payload, cut_short);
  e.kind = event_kind::message;
  e.op = message_op_;
  e.in_place = in_place;
  e.payload = payload;
  message_op_ = opcode::continuation;
  fragments_ = 0;
  taken_ = 0;
  delivered_ = !in_place;
  return true;
}

// Unmasks and checks the next bytes of the frame's payload where they are.
bool connection::open_payload(mutable_bytes piece) noexcept {
  if (frame_.masked) codec::mask(piece, frame_.mask, frame_done_);
  frame_done_ += piece.size();
  return check_text(piece);
}

bool connection::check_text(bytes piece) noexcept {
  if (!text()) return true;
  utf8_ = codec::utf8_advance(utf8_, piece);
  return utf8_ != codec::utf8_invalid || broken(close_code::invalid_payload, not_utf8);
}

bool connection::direct_frame(mutable_bytes& in, event& e) noexcept {
  const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(in.size(), remaining()));
  if ((n != 0 || !message_) && !make_room(n)) return false;
  if (n != 0) {
    std::byte* const to = message_.get() + message_size_;
    codec::mask_copy(to, in.first(n), frame_.mask, frame_done_);
    in = in.subspan(n);
    message_size_ += n;
    frame_done_ += n;
    if (!check_text({to, n})) return false;
  }
  if (remaining() == 0) return end_direct(e);
  e.need = 1;
  return true;
}

bool connection::end_direct(event& e) noexcept {
  phase_ = phase::header;
  return frame_.fin && deliver({message_.get(), message_size_}, false, e);
}

bool connection::control_frame(mutable_bytes payload, event& e) noexcept {
  if (frame_.op == opcode::close) return close_frame(payload);
  if (frame_.op == opcode::ping) {
    if (!make_control()) return broken(close_code::internal_error, out_of_memory);
    control_->add(opcode::pong, payload, role_, random_);
  }
  e.kind = frame_.op == opcode::ping ? event_kind::ping : event_kind::pong;
  e.op = frame_.op;
  e.in_place = true;
  e.payload = payload;
  return true;
}

// 5.5.1, 7.4.
bool connection::close_frame(bytes payload) noexcept {
  if (payload.size() == 1) return broken(close_code::protocol_error, "close frame of one byte");
  std::uint16_t code = close_code::no_status;
  std::string_view reason;
  if (!payload.empty()) {
    code = read_16_bits(payload);
    reason = as_text(payload.subspan(2));
    if (!is_wire_close_code(code)) return broken(close_code::protocol_error, "invalid close code");
    if (!codec::is_utf8(as_bytes(reason)))
      return broken(close_code::invalid_payload, "close reason is not UTF-8");
  }
  if (!make_control()) return broken(close_code::internal_error, out_of_memory);
  std::ranges::copy(reason, control_->reason_.begin());
  control_->reason_size_ = reason.size();
  peer_code_ = code;
  if (!closing()) queue_close(code, {});
  state_ = connection_state::closed;
  release_message();
  compression_.reset();
  return false;
}

event connection::receive_eof() noexcept {
  if (!over()) {
    if (!delivered_) release_message();
    compression_.reset();
    state_ = connection_state::failed;
    failure_ = close_code::abnormal;
    why_ = "end of stream without a close frame";
  }
  event e;
  say_over(e);
  return e;
}

void connection::fail(std::uint16_t code, const char* why) noexcept {
  if (!over()) broken(code, why);
}

// 7.1.7.
bool connection::broken(std::uint16_t code, const char* why) noexcept {
  state_ = connection_state::failed;
  failure_ = code;
  why_ = why;
  release_message();
  compression_.reset();
  if (!closing() && make_control()) queue_close(code, why);
  return false;
}

// Sending

bool connection::make_control() noexcept {
  if (!control_) control_.reset(new (std::nothrow) control_queue);
  return control_ != nullptr;
}

void connection::queue_close(std::uint16_t code, std::string_view reason) noexcept {
  std::array<std::byte, max_control_payload> payload;
  std::size_t size = 0;
  if (code != close_code::no_status) {
    payload[0] = static_cast<std::byte>(code >> 8);
    payload[1] = static_cast<std::byte>(code);
    std::ranges::copy(as_bytes(reason), payload.begin() + 2);
    size = 2 + reason.size();
  }
  control_->add(opcode::close, {payload.data(), size}, role_, random_);
  own_code_ = code;
}

bytes connection::pending() noexcept {
  return control_ ? control_->show() : bytes();
}

void connection::sent(std::size_t n) noexcept {
  if (!control_) return;
  control_->drop(n);
  if (control_->empty() && control_->reason_size_ == 0) control_.reset();
}

result<void> connection::close(std::uint16_t code, std::string_view reason) noexcept {
  if (closing() || over()) return caraway::fail(errc::closed);
  if (!may_close_with(code, reason)) return caraway::fail(EINVAL);
  if (!make_control()) return caraway::fail(ENOMEM);
  queue_close(code, reason);
  state_ = connection_state::closing;
  return {};
}

// 5.5.1, 7.4.
bool connection::may_close_with(std::uint16_t code, std::string_view reason) noexcept {
  const bool sendable = code == close_code::no_status ? reason.empty() : is_wire_close_code(code);
  return sendable && reason.size() <= max_close_reason && codec::is_utf8(as_bytes(reason));
}

// 5.4, 5.5.
bool connection::in_order(opcode op, bool fin, std::uint64_t size) const noexcept {
  if (op <= opcode::binary)
    return sending_ != under_way::deflated && (op == opcode::continuation) == sending_message() &&
           size >> 63 == 0;
  return (op == opcode::ping || op == opcode::pong) && fin && size <= max_control_payload;
}

result<outgoing_header> connection::send_header(opcode op, bool fin, std::uint64_t size) noexcept {
  if (closing() || over()) return caraway::fail(errc::closed);
  if (!in_order(op, fin, size)) return caraway::fail(EINVAL);
  frame_header h{.op = op, .fin = fin, .masked = role_ == ws::role::client, .size = size};
  if (h.masked) random_(h.mask);
  result<outgoing_header> out(std::in_place);
  out->size = static_cast<std::uint8_t>(format_header(out->storage, h));
  out->mask = h.mask;
  sending_before_ = sending_;
  if (!is_control(op)) sending_ = fin ? under_way::nothing : under_way::plain;
  return out;
}

result<std::size_t> connection::send_frame(mutable_bytes out, opcode op, bool fin,
                                           parts ps) noexcept {
  const std::size_t size = total_size(ps);
  if (out.size() < frame_size(size)) return caraway::fail(ENOBUFS);
  const auto head = send_header(op, fin, size);
  if (!head) return caraway::fail(head.error());
  std::byte* to = std::ranges::copy(head->view(), out.data()).out;
  std::size_t offset = 0;
  for (bytes p : ps) {
    codec::mask_copy(to + offset, p, head->mask, offset);
    offset += p.size();
  }
  return head->size + size;
}

// State

close_status connection::peer_close() const noexcept {
  if (!control_) return {peer_code_, {}};  // it goes when there is no reason to keep
  return {peer_code_, {control_->reason_.data(), control_->reason_size_}};
}

std::error_code connection::error() const noexcept {
  switch (failure_) {
    case 0:
      return {};
    case close_code::message_too_big:
      return make_error_code(errc::message_too_big);
    case close_code::policy_violation:
      return make_error_code(errc::policy_violation);
    case close_code::abnormal:
      return make_error_code(errc::end_of_stream);
    case close_code::internal_error:
      return os_error(ENOMEM);
    default:
      return make_error_code(errc::protocol);
  }
}

std::size_t connection::memory() const noexcept {
  return (has_lent() ? 0 : message_capacity_) + (control_ ? sizeof(control_queue) : 0) +
         (compression_ ? compression_->memory() : 0);
}

}  // namespace caraway::ws
