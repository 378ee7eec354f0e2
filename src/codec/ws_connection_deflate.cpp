// ws_connection_deflate.cpp - compressed messages of a connection (RFC 7692 sections 6 and 7.2).
//
// What arrives of a compressed message is inflated at once into the message's memory, which grows as
// the message does: nothing compressed is kept, and no more than a message may have is inflated. A
// few bytes can become a thousand times as many, so one call of receive() stops when enough has come
// out; what it has unmasked of the input and not used waits there, `opened` bytes of it.
//
// What is sent refers to what was sent before, if that was agreed on. A frame that was made and
// never sent must not be referred to: the compressor begins anew after it, and the peer, whose
// memory goes further back than that, does not notice.
#include "codec/ws_connection_deflate.hpp"

#include <algorithm>
#include <cerrno>
#include <limits>
#include <utility>

#include "codec/mask.hpp"

namespace caraway::ws {
namespace {

constexpr int least_own_window = 9;

// The first memory for a message is so many times what has come of it.
constexpr std::size_t usual_ratio = 4;
constexpr std::size_t least_memory = 512;

// So much comes out in one call of receive().
constexpr std::size_t most_at_once = std::size_t{256} << 10;

constexpr char not_deflated[] = "compressed message is malformed";

// How many bytes may come for a message of `size` bytes: each of them in a block of its own and some
// empty blocks. Blocks that hold nothing must not go on for ever.
constexpr std::uint64_t most_compressed(std::uint64_t size) {
  constexpr std::uint64_t slack = 65536, worst_ratio = 8;
  constexpr std::uint64_t unlimited = std::numeric_limits<std::uint64_t>::max();
  return size > (unlimited - slack) / worst_ratio ? unlimited : slack + worst_ratio * size;
}

}  // namespace

std::uint8_t connection::compression::allowed_reserved(bytes in) noexcept {
  if (in.empty()) return 0;
  const auto op = static_cast<opcode>(in[0] & std::byte{0x0f});
  return op == opcode::text || op == opcode::binary ? deflated_bit : 0;
}

bool connection::compression::deflate(parts ps, bool last, codec::growing_bytes& out) noexcept {
  const codec::deflate_setting setting{.level = agreed.level,
                                       .window_bits = agreed.window_bits,
                                       .memory_level = agreed.memory_level};
  if (!deflater)
    deflater = agreed.takeover ? codec::deflater::make(setting) : codec::borrow_deflater(setting);
  if (!deflater) return false;
  const bool done = deflater->add(ps, last, out) && !out.room(1).empty();
  if (!done) deflater->reset();
  if (!agreed.takeover && last) drop_deflater();
  return done;
}

bool connection::compression::need_inflater() noexcept {
  // A peer that was asked for a window of 8 bits may take 9, as zlib does.
  const int window = std::max(agreed.peer_window_bits, least_own_window);
  if (!inflater)
    inflater = agreed.peer_takeover ? codec::inflater::make(window) : codec::borrow_inflater();
  return inflater != nullptr;
}

void connection::compression::drop_deflater() noexcept {
  if (agreed.takeover)
    deflater.reset();
  else
    codec::give_back(std::move(deflater));
}

void connection::compression::drop_inflater() noexcept {
  if (agreed.peer_takeover)
    inflater.reset();
  else
    codec::give_back(std::move(inflater));
}

std::size_t connection::compression::memory() const noexcept {
  return sizeof(*this) + (deflater ? deflater->memory() : 0) + (inflater ? inflater->memory() : 0);
}

// Receiving

bool connection::is_deflated(const frame_header& next) const noexcept {
  if (!compression_) return false;
  return next.reserved != 0 || (next.op == opcode::continuation && compression_->receiving);
}

// False if more has come than a message can need.
bool connection::admit_deflated(const frame_header& next) noexcept {
  compression& c = *compression_;
  if (!std::exchange(c.receiving, true)) c.arrived = 0;
  if (next.size > most_compressed(max_message_) - c.arrived) return false;
  c.arrived += next.size;
  return true;
}

bool connection::inflating_frame(mutable_bytes& in, event& e) noexcept {
  compression& c = *compression_;
  const auto n =
      static_cast<std::size_t>(std::min<std::uint64_t>(in.size(), c.opened + remaining()));
  if (n > c.opened) {
    const mutable_bytes piece = in.subspan(c.opened, n - c.opened);
    if (frame_.masked) codec::mask(piece, frame_.mask, frame_done_);
    frame_done_ += piece.size();
    c.opened = n;
  }
  bytes rest = in.first(n);
  if ((n != 0 || c.full) && !inflate(rest)) return false;
  c.opened -= n - rest.size();
  in = in.subspan(n - rest.size());
  if (c.full) {
    e.kind = event_kind::progress;
    return true;
  }
  if (remaining() == 0 && c.opened == 0) return end_inflated(e);
  e.need = 1;
  return true;
}

// Stops before the end of `in`, or of what comes out of it, only if the connection has failed or
// enough has come out for now.
bool connection::inflate(bytes& in) noexcept {
  compression& c = *compression_;
  if (!c.need_inflater()) return broken(close_code::internal_error, "out of memory");
  for (;;) {
    c.full = c.made >= most_at_once;
    if (c.full) return true;
    // One byte more than a message may have is enough to see that it has too many.
    std::byte beyond;
    mutable_bytes room(&beyond, 1);
    if (message_size_ < most_message() && !room_to_inflate(in.size(), room)) return false;
    const mutable_bytes all = room;
    const codec::inflate_state state = c.inflater->go_on(in, room);
    if (!take_inflated(all.first(all.size() - room.size()))) return false;
    if (state == codec::inflate_state::hungry) return true;
    if (state == codec::inflate_state::wrong)
      return broken(close_code::invalid_payload, not_deflated);
    if (state == codec::inflate_state::no_memory)
      return broken(close_code::internal_error, "out of memory");
  }
}

// Where what `arrived` bytes make goes, as much of it as may come out now.
bool connection::room_to_inflate(std::size_t arrived, mutable_bytes& room) noexcept {
  if (message_size_ == message_capacity_) {
    const std::size_t usual = std::min(usual_ratio * arrived, most_at_once);
    const std::uint64_t wanted = std::max({least_memory, usual, 2 * message_capacity_});
    if (!enlarge(std::min(most_message(), wanted))) return false;
  }
  room = {message_.get() + message_size_,
          std::min(message_capacity_ - message_size_, most_at_once - compression_->made)};
  return true;
}

// These bytes have come out behind the others of the message.
bool connection::take_inflated(bytes piece) noexcept {
  if (piece.size() > most_message() - message_size_)
    return broken(close_code::message_too_big, "message too big");
  message_size_ += piece.size();
  compression_->made += piece.size();
  return check_text(piece);
}

bool connection::end_inflated(event& e) noexcept {
  phase_ = phase::header;
  if (!frame_.fin) return false;
  compression& c = *compression_;
  if (c.inflater && !c.inflater->at_end()) {
    // Next to nothing comes of it.
    c.made = 0;
    bytes tail = codec::inflater::message_tail();
    if (!inflate(tail)) return false;
    if (!c.inflater->at_end()) return broken(close_code::invalid_payload, not_deflated);
  }
  c.receiving = false;
  if (!c.agreed.peer_takeover) c.drop_inflater();
  return deliver({message_.get(), message_size_}, false, e);
}

// Sending

bool connection::wants_deflated(opcode op, bool fin, std::uint64_t size) const noexcept {
  if (op == opcode::continuation) return sending_ == under_way::deflated;
  const deflate_options& agreed = compression_->agreed;
  return !is_control(op) && agreed.window_bits >= least_own_window &&
         (!fin || size >= agreed.threshold);
}

result<outgoing_frame> connection::send_deflated(opcode op, bool fin, parts ps) noexcept {
  if (closing() || over()) return caraway::fail(errc::closed);
  const bool begins = op != opcode::continuation;
  if (!compression_ || is_control(op) || begins == sending_message()) return caraway::fail(EINVAL);
  if (begins ? compression_->agreed.window_bits < least_own_window
             : sending_ != under_way::deflated)
    return caraway::fail(EINVAL);

  codec::growing_bytes out(max_header_size);
  if (!compression_->deflate(ps, fin, out)) return caraway::fail(ENOMEM);
  frame_header h{.op = op, .fin = fin, .masked = role_ == ws::role::client, .size = out.size()};
  h.reserved = begins ? deflated_bit : 0;
  if (h.masked) random_(h.mask);
  if (h.masked) codec::mask(out.all(), h.mask, 0);
  format_header(out.prepend(header_size(h.size, h.masked)), h);
  sending_before_ = sending_;
  sending_ = fin ? under_way::nothing : under_way::deflated;
  const std::size_t size = out.size();
  auto [storage, begin] = std::move(out).take();
  return outgoing_frame{std::move(storage), begin, size};
}

void connection::forget_sent() noexcept {
  if (!compression_ || !compression_->deflater) return;
  if (sending_ == under_way::deflated)
    compression_->deflater->reset();
  else
    compression_->drop_deflater();
}

bool connection::remembers_sent() const noexcept {
  return compression_ && compression_->deflater && sending_ != under_way::deflated;
}

}  // namespace caraway::ws
