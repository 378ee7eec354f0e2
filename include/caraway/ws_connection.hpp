// ws_connection.hpp - one side of a WebSocket conversation after its handshake (RFC 6455), without
// I/O.
//
// You own the transport and its buffer. Show the connection what is buffered; it says what that
// means and how much of it to drop. Send what it has pending. It never blocks, reads no clock, and
// an idle one owns no memory besides itself.
//
//     ws::connection c({.role = ws::role::server});
//     for (;;) {
//       ws::event e = c.receive(buffer.shown());  // unmasks in place; e.payload may lie in it
//       if (e.kind == ws::event_kind::message) use(e.payload);
//       buffer.drop(e.consumed);                  // only now is e.payload gone
//       send_all(c.pending());                    // pongs, the close frame
//       c.sent(...);
//       if (e.kind == ws::event_kind::closed || e.kind == ws::event_kind::failed) break;
//       if (e.kind != ws::event_kind::need_more) continue;
//       if (auto into = c.destination(); !into.empty())
//         c.received(read(into));                 // a large message, straight into its place
//       else
//         buffer.read_until(e.need);              // at least so many bytes in all
//     }
//
// A frame that is whole in the buffer comes out where it lies: nothing is copied or allocated.
// Large frames and fragmented messages are put together in a buffer of the connection's own, which
// grows as data really arrives and goes when the message was used.
//
// The transport's bytes must reach receive() or received() each exactly once, in order. Bytes shown
// but not consumed are shown again, in the state receive() left them in (it may have unmasked
// some), with more behind them.
//
// With permessage-deflate (RFC 7692) compressed messages come out inflated, in the connection's own
// memory, and go in through send_deflated(). Whoever does not agree on it pays nothing for it. No
// more than 256 KiB are inflated in one call of receive(): `progress` comes between, to give others
// a turn, or to take a part.
//
// One thread at a time. What a function shows stays valid as long as its declaration says.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "caraway/bytes.hpp"
#include "caraway/error.hpp"
#include "caraway/memory_block.hpp"
#include "caraway/ws_deflate.hpp"
#include "caraway/ws_frame.hpp"

namespace caraway::ws {

// Fills `into` with bytes that the peer cannot predict (5.3).
using random_source = void (*)(mutable_bytes into) noexcept;

struct connection_options {
  ws::role role = role::server;
  // The largest message accepted, in bytes, all fragments together and inflated; one more fails
  // with 1009.
  std::uint64_t max_message = std::uint64_t{1} << 20;
  // The largest number of frames a message may come in; one more fails with 1009.
  std::uint32_t max_fragments = 131072;
  // Frames up to this size are waited for in the caller's buffer; larger ones that are not whole
  // yet go to destination().
  std::uint32_t direct_threshold = 16384;
  // Where masks come from. A client must have one.
  random_source random = nullptr;
  // What the handshake has agreed on; nothing, or a build without zlib: compressed messages are
  // refused with 1002.
  std::optional<deflate_options> deflate = std::nullopt;
};

enum class event_kind : std::uint8_t {
  need_more,  // nothing until more has arrived
  progress,   // some of a compressed message has been inflated, there is more: call again
  message,    // a whole message
  ping,       // its pong is pending already, nothing to do
  pong,       // an answer to a ping, or unsolicited
  closed,     // the peer has sent its close frame; the answer, if one is due, is pending
  failed,     // the conversation is broken; a close frame that says why may be pending
};

struct event {
  event_kind kind = event_kind::need_more;
  // Of a message (text or binary), ping or pong.
  opcode op = opcode::binary;
  // True if `payload` lies in the input shown to receive(): it is gone when that is dropped or read
  // over. Otherwise it stays until the next receive(), whatever happens to the input.
  bool in_place = false;
  // How many bytes of the input are done with: drop them after the use of `payload` and before the
  // next receive().
  std::size_t consumed = 0;
  // With need_more: how many bytes, counted behind the consumed ones, make another call worth
  // while; one that has fewer changes nothing.
  std::size_t need = 0;
  // Of a message, ping or pong.
  mutable_bytes payload;
};

enum class connection_state : std::uint8_t {
  open,     // messages go both ways
  closing,  // this side has queued its close frame, the peer's has not come
  closed,   // the peer's close frame has come
  failed,   // broken rules, a limit, invalid UTF-8, no memory, or the end without a close frame
};

// What a close frame said.
struct close_status {
  // close_code::no_status if the frame had none, close_code::abnormal if there was no frame.
  std::uint16_t code = close_code::abnormal;
  // Valid UTF-8; stays as long as the connection.
  std::string_view reason;
};

// The header of a frame to be sent, in its bytes.
struct outgoing_header {
  std::array<std::byte, max_header_size> storage;
  std::uint8_t size = 0;
  // All zero from a server.
  mask_key mask{};

  bytes view() const noexcept { return {storage.data(), size}; }
};

// A whole frame to be sent, in memory of its own.
struct outgoing_frame {
  memory_block storage;
  std::size_t begin = 0;
  std::size_t size = 0;

  bytes view() const noexcept { return {storage.get() + begin, size}; }
};

class connection {
 public:
  // Without memory for what `options.deflate` needs the connection has failed from the beginning.
  explicit connection(const connection_options& options) noexcept;
  connection(connection&&) noexcept;
  connection& operator=(connection&&) noexcept;
  ~connection();

  // Receiving

  // Looks at the input from its first unconsumed byte on. Steps over what makes no event by itself
  // (fragments), so that need_more means need more. `closed` consumes the close frame and nothing
  // behind it; from then on, and after a failure, it says the same every time and consumes everything
  // (1.4, 7.1.7). What an earlier event showed from the connection's own memory goes.
  event receive(mutable_bytes in) noexcept;

  // Where the rest of the frame that is being received belongs: not empty only in the middle of a
  // large frame, and empty if there is no memory for it: then the connection has failed. The caller
  // may read from its transport straight into it, never more than its size, and then says how much
  // with received(); or ignore it and keep calling receive(). Stays until the next call of receive()
  // or received().
  mutable_bytes destination() noexcept;

  // The first `n` bytes of destination() are from the transport now. What that leads to comes out
  // of the next receive(), which may well be given no input; invalid UTF-8 at once.
  void received(std::size_t n) noexcept;

  // For those who take a message in parts: what has come of it so far and lies in the connection's
  // own memory, which is not kept any longer; empty if nothing does. Call it when receive() needs
  // more or has made progress. The message that receive() shows in the end is what came behind the
  // last part. Stays until the next call of receive(), received() or destination(). All parts
  // together are limited as the message is; each is valid UTF-8 but for a character that is cut at
  // its ends.
  mutable_bytes take_part() noexcept;

  // The type of the message that is being received; continuation if none has begun.
  opcode receiving() const noexcept { return message_op_; }

  // The memory of the message that receive() has shown last, if it lay in the connection's own: the
  // payload stays in place as long as that. nullptr if it did not, also if it was lent, or is gone.
  memory_block keep_message() noexcept;

  // For those who have memory of their own: the next message is put together in `memory` if it has to
  // be put together at all, and as long as it fits. A message that has begun is not affected. The
  // memory must stay until take_back(), or until the message was shown and keep_message() called.
  void lend(mutable_bytes memory) noexcept;

  // Nothing is received into lent memory any more. What has come of a message there moves to memory
  // of the connection's own; if receive() has shown it, to the place returned, where it stays as
  // other messages do. Without memory for that the conversation has failed.
  mutable_bytes take_back() noexcept;

  // Breaks the conversation off because of something the connection does not know of: a close frame
  // with `code` and `why`, which outlives the connection, is queued, and it says `failed` from now
  // on. Nothing happens once it is over.
  void fail(std::uint16_t code, const char* why) noexcept;

  // The transport has ended. `closed` if the peer's close frame had come, else `failed` with 1006.
  event receive_eof() noexcept;

  // Sending: what the connection itself has to say

  // Whole frames that are ready to go, between two frames of the caller's: pongs and the close
  // frame. The bytes stay in place until sent() has dropped all of them, whatever arrives
  // meanwhile; more shows afterwards.
  bytes pending() noexcept;

  // Drops the first `n` of the pending bytes.
  void sent(std::size_t n) noexcept;

  // Queues the close frame. The peer's answer comes out of receive() as `closed`. `code`
  // close_code::no_status sends a frame without code, then `reason` must be empty. EINVAL: a code
  // that may not be sent, a reason of more than 123 bytes or not UTF-8. errc::closed: a close frame
  // was queued before, also by the connection itself. ENOMEM.
  result<void> close(std::uint16_t code = close_code::normal,
                     std::string_view reason = {}) noexcept;

  // Whether close() takes `code` and `reason`, or fails with EINVAL.
  static bool may_close_with(std::uint16_t code, std::string_view reason) noexcept;

  // Sending: the caller's frames
  //
  // All check the order of frames (5.4) and remember it: a message is one frame (text or binary,
  // fin) or starts without fin and goes on with continuation until fin; pings and pongs may stand
  // between. EINVAL: a continuation without a start, a start within a message, a control frame that
  // is too long or not fin, opcode::close (that is close()). errc::closed: a close frame was
  // queued, or the conversation is over. Text is taken as it comes: sending valid UTF-8 is the
  // caller's duty (5.6).

  // The header of a frame whose `size` bytes of payload the caller sends behind it: as they are
  // from a server, from a client masked with `mask` from phase 0.
  result<outgoing_header> send_header(opcode op, bool fin, std::uint64_t size) noexcept;

  // How many bytes send_frame() needs for `size` bytes of payload.
  std::size_t frame_size(std::uint64_t size) const noexcept {
    return header_size(size, role_ == ws::role::client) + static_cast<std::size_t>(size);
  }

  // Writes a whole frame to `out`, the payload made of `ps` and masked on the way if this is a
  // client; returns its size. ENOBUFS: `out` has fewer than frame_size(total_size(ps)) bytes.
  result<std::size_t> send_frame(mutable_bytes out, opcode op, bool fin, parts ps) noexcept;

  // Takes back the frame last made by send_header(), send_frame() or send_deflated(), because it
  // never went out: the order of frames is as it was before, and what is compressed next refers to
  // nothing that the peer has not seen.
  void withdraw() noexcept {
    sending_ = sending_before_;
    if (compression_) forget_sent();
  }

  // Sending compressed

  // Whether a frame with `size` bytes of payload is for send_deflated(): it begins a message that is
  // large enough or in pieces, or continues a compressed one. All others are for send_header() or
  // send_frame(), which fail with EINVAL in the middle of a compressed message.
  bool deflates(opcode op, bool fin, std::uint64_t size) const noexcept {
    return compression_ && wants_deflated(op, fin, size);
  }

  // A whole frame with the compressed payload made of `ps`, masked if this is a client. EINVAL,
  // errc::closed: as above; EINVAL: nothing was agreed on, or the message has begun uncompressed.
  // ENOMEM.
  result<outgoing_frame> send_deflated(opcode op, bool fin, parts ps) noexcept;

  // Makes the next compressed message refer to nothing before it: for those who have sent one that
  // was compressed elsewhere, or who want the memory back. Does nothing in the middle of a
  // compressed message.
  void forget_sent() noexcept;

  // True if there is memory that forget_sent() gives back.
  bool remembers_sent() const noexcept;

  // State

  connection_state state() const noexcept { return state_; }
  bool is_open() const noexcept { return state_ == connection_state::open; }
  ws::role role() const noexcept { return role_; }
  // True between the first frame of a fragmented message that is being sent and its last.
  bool sending_message() const noexcept { return sending_ != under_way::nothing; }

  // How the conversation ended for this side (7.1.5, 7.1.6): what the peer's close frame said, or
  // close_code::abnormal and no reason as long as none has come.
  close_status peer_close() const noexcept;

  // The code this side has queued in its close frame: no_status for one without code, abnormal if
  // none was queued.
  std::uint16_t own_close() const noexcept { return own_code_; }

  // Why the state is `failed`: errc::protocol (broken rules, invalid UTF-8), errc::message_too_big
  // (a limit), errc::policy_violation (fail() with 1008), errc::end_of_stream (the end without a
  // close frame), ENOMEM; no error otherwise.
  std::error_code error() const noexcept;

  // The same as a close code: 1002, 1007, 1009, 1006, 1011 or that of fail(); 0 unless failed.
  std::uint16_t failure() const noexcept { return failure_; }

  // The same in a few words; empty unless failed.
  std::string_view failure_reason() const noexcept { return why_; }

  // Bytes of own memory held right now, for those who count.
  std::size_t memory() const noexcept;

 private:
  struct control_queue;
  struct compression;

  // Where the frame being received is: not begun, waited for in the caller's buffer, or on its way
  // into the connection's, as it is or inflated.
  enum class phase : std::uint8_t { header, buffered, direct, inflating };

  // Does not delete what was lent.
  struct giver {
    giver() noexcept : lent(false) {}
    explicit giver(bool was_lent) noexcept : lent(was_lent) {}
    bool lent;
    void operator()(std::byte* memory) const noexcept {
      if (!lent) memory_block_deleter()(memory);
    }
  };
  using message_memory = std::unique_ptr<std::byte[], giver>;

  // The fragmented message that is being sent.
  enum class under_way : std::uint8_t { nothing, plain, deflated };

  bool over() const noexcept { return state_ >= connection_state::closed; }
  bool has_lent() const noexcept { return message_.get_deleter().lent; }
  bool closing() const noexcept { return own_code_ != close_code::abnormal; }
  bool text() const noexcept { return message_op_ == opcode::text && !is_control(frame_.op); }
  std::uint64_t remaining() const noexcept { return frame_.size - frame_done_; }

  void step_on(mutable_bytes in, event& e) noexcept;

  // Each returns true if `e` is what to tell the caller; those below the first advance `in`.
  bool whole_message(mutable_bytes in, event& e) noexcept;
  bool step(mutable_bytes& in, event& e) noexcept;
  bool begin_frame(mutable_bytes& in, event& e) noexcept;
  bool buffered_frame(mutable_bytes& in, event& e) noexcept;
  bool direct_frame(mutable_bytes& in, event& e) noexcept;
  bool data_frame(mutable_bytes payload, event& e) noexcept;
  bool control_frame(mutable_bytes payload, event& e) noexcept;
  bool close_frame(bytes payload) noexcept;
  bool say_over(event& e) const noexcept;
  bool end_direct(event& e) noexcept;
  bool inflating_frame(mutable_bytes& in, event& e) noexcept;
  bool end_inflated(event& e) noexcept;
  bool deliver(mutable_bytes payload, bool in_place, event& e) noexcept;

  // The rest return false if the connection has failed of it.
  bool admit(const frame_header& next) noexcept;
  bool open_payload(mutable_bytes piece) noexcept;
  bool check_text(bytes piece) noexcept;
  bool whole_text(bytes payload) noexcept;
  bool make_room(std::size_t arriving) noexcept;
  bool enlarge(std::uint64_t wanted) noexcept;
  bool admit_deflated(const frame_header& next) noexcept;
  bool inflate(bytes& in) noexcept;
  bool room_to_inflate(std::size_t arrived, mutable_bytes& room) noexcept;
  bool take_inflated(bytes piece) noexcept;
  bool make_control() noexcept;
  bool broken(std::uint16_t code, const char* why) noexcept;

  void queue_close(std::uint16_t code, std::string_view reason) noexcept;
  void release_message() noexcept;
  bool in_order(opcode op, bool fin, std::uint64_t size) const noexcept;
  // What a message may have in the connection's memory, besides the parts that were taken.
  std::uint64_t most_message() const noexcept { return max_message_ - taken_; }
  bool is_deflated(const frame_header& next) const noexcept;
  bool wants_deflated(opcode op, bool fin, std::uint64_t size) const noexcept;

  std::uint64_t max_message_;
  random_source random_;
  std::uint32_t max_fragments_;
  std::uint32_t direct_threshold_;

  // The frame being received; `frame_done_` bytes of its payload are unmasked and checked.
  frame_header frame_;
  std::uint64_t frame_done_ = 0;
  // The message it belongs to, as far as it lies in the connection's own memory, or in lent memory.
  message_memory message_;
  std::size_t message_size_ = 0;
  std::size_t message_capacity_ = 0;
  std::uint64_t taken_ = 0;  // bytes of it that were taken in parts
  std::uint32_t fragments_ = 0;
  // Made when there is something to answer, gone when it has been sent.
  std::unique_ptr<control_queue> control_;
  // Where compression was agreed on, as long as the conversation lasts.
  std::unique_ptr<compression> compression_;
  const char* why_ = "";

  ws::role role_;
  connection_state state_ = connection_state::open;
  phase phase_ = phase::header;
  std::uint8_t header_size_ = 0;
  std::uint8_t utf8_ = 0;  // of the text so far; complete again with every message
  // continuation: no message has begun.
  opcode message_op_ = opcode::continuation;
  bool delivered_ = false;
  under_way sending_ = under_way::nothing;
  under_way sending_before_ = under_way::nothing;
  std::uint16_t failure_ = 0;
  std::uint16_t own_code_ = close_code::abnormal;
  std::uint16_t peer_code_ = close_code::abnormal;
};

}  // namespace caraway::ws
