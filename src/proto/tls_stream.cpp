#include "proto/tls_stream.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <limits>
#include <new>
#include <span>

#include "caraway/shield.hpp"
#include "io/kept_block.hpp"
#include "io/overdue.hpp"
#include "runtime/scheduler.hpp"

namespace caraway::tls {
namespace {

using runtime::lent_buffer;

constexpr std::size_t largest_record = 16 * 1024;
// So much is encrypted before it is written to the stream below, in records of the largest size.
constexpr std::size_t chunk = 8 * largest_record;
// What receiving makes others wait to be sent (answers to key updates); a peer that asks for more and
// reads nothing is not listened to.
constexpr std::size_t most_unsaid = 64 * 1024;
// Nobody has more memory than this.
constexpr std::size_t largest_block = std::numeric_limits<std::ptrdiff_t>::max() / 4;
// How often the rest of the thread gets a turn while a flood is dropped.
constexpr int receives_per_turn = 16;
// What a peer that was refused gets for reading why, if the caller's deadline leaves as much.
constexpr std::chrono::seconds last_words{1};

bool is_transient(std::error_code code) noexcept {
  return code == os_error(ETIMEDOUT) || code == os_error(ECANCELED);
}

lent_buffer borrow(std::size_t size) noexcept {
  return runtime::scheduler::current().buffers().borrow(size);
}

// Makes room for `wanted` bytes in all. False if there is no memory.
bool reserve(lent_buffer& b, std::size_t wanted) noexcept {
  if (wanted <= b.capacity()) return true;
  lent_buffer larger = borrow(std::max(wanted, 2 * b.capacity()));
  if (!larger) return false;
  if (b.size() > 0) std::memcpy(larger.memory(), b.memory(), b.size());
  larger.set_size(b.size());
  b = std::move(larger);
  return true;
}

}  // namespace

// --- places that one coroutine at a time occupies ---

class stream_impl::receiver {
 public:
  explicit receiver(stream_impl& s) noexcept : stream_(s) { s.receiving_ = true; }
  receiver(const receiver&) = delete;
  receiver& operator=(const receiver&) = delete;
  ~receiver() {
    stream_.receiving_ = false;
    if (stream_.closed_) stream_.drop_plain();
  }

 private:
  stream_impl& stream_;
};

class stream_impl::writer {
 public:
  explicit writer(stream_impl& s) noexcept : stream_(s) {}
  writer(const writer&) = delete;
  writer& operator=(const writer&) = delete;
  ~writer() {
    if (mine_) stream_.leave_turn();
  }

  // Waits for the turn, and looks whether writing still makes sense.
  result<void> enter(deadline dl) {
    if (lowlevel::cancel_pending()) return fail(ECANCELED);
    if (auto turn = stream_.writing_.take(dl, "tls send"); !turn) return turn;
    mine_ = true;
    if (stream_.closed_) return fail(ECANCELED);
    if (const auto code = stream_.cannot_write()) return fail(code);
    return {};
  }

 private:
  stream_impl& stream_;
  bool mine_ = false;
};

stream_impl::~stream_impl() {
  pushing_.reset();
  if (!closed_) say_goodbye();
}

// --- the handshake ---

result<void> stream_impl::shake(ssl_ctx_st& setup, const session_options& options, deadline dl) {
  if (auto opened = session_.open(setup, options); !opened) return opened;
  for (bool waited = false;; waited = true) {
    const bytes seen = under_->buffered();
    bytes in = seen;
    const auto done = session_.shake(in);
    under_->consume(seen.size() - in.size());
    const auto pushed = push(dl);
    if (!done) return fail(done.error());
    if (!pushed) return pushed;
    if (*done) break;
    if (const int code = waited ? io::overdue(dl) : 0; code != 0) return fail(code);
    if (auto more = pull(dl); !more)
      return more.error() == errc::truncated ? fail(caraway::errc::end_of_stream) : more;
  }
  established_ = true;
  return {};
}

// The alert is in the stream below; a connection that is reset at once would lose it.
void stream_impl::refuse(deadline dl) noexcept {
  if (under_->healthy()) static_cast<void>(under_->try_close(earlier(dl, last_words)));
}

// --- receiving ---

std::error_code stream_impl::cannot_receive() const noexcept {
  if (closed_) return make_error_code(caraway::errc::closed);
  if (receiving_) return os_error(EBUSY);
  if (read_failure_) return read_failure_;
  return ended_ ? make_error_code(caraway::errc::end_of_stream) : std::error_code();
}

result<mutable_bytes> stream_impl::try_fill(std::size_t min, deadline dl) {
  if (!closed_ && view().size() >= min) return view();
  if (const auto code = cannot_receive()) return fail(code);
  if (min > largest_block) return fail(ENOMEM);
  const receiver here(*this);
  while (view().size() < min)
    if (auto more = receive_more(min, dl); !more) return fail(more.error());
  return view();
}

mutable_bytes stream_impl::buffered() noexcept {
  return closed_ ? mutable_bytes() : view();
}

void stream_impl::consume(std::size_t n) noexcept {
  begin_ += n;
  if (begin_ == plain_.size()) drop_plain();
}

std::unique_ptr<kept_memory> stream_impl::consume_but_keep(std::size_t n) noexcept {
  return io::keep_block(plain_, begin_, n);
}

std::size_t stream_impl::pending() const noexcept {
  return closed_ ? 0 : flight_.size() + out_.size() + under_->pending();
}

void stream_impl::limit_pending(std::size_t n) noexcept {
  if (!closed_) under_->limit_pending(n);
}

void stream_impl::drop_plain() noexcept {
  plain_.reset();
  begin_ = 0;
}

result<std::size_t> stream_impl::try_read_into(mutable_bytes into, std::size_t min, deadline dl,
                                               std::size_t* received) {
  std::size_t got = 0;
  if (received != nullptr) *received = 0;
  if (closed_) return fail(caraway::errc::closed);
  if (receiving_) return fail(EBUSY);
  min = std::min(min, into.size());
  got = take(into);
  std::error_code failure = got < min ? cannot_receive() : std::error_code();
  const receiver here(*this);
  while (got < min && !failure) {
    const auto n = receive([&] { return into.subspan(got); }, dl);
    if (n)
      got += *n;
    else
      failure = n.error();
  }
  if (received != nullptr) *received = got;
  if (failure) return fail(failure);
  return got;
}

// Moves what is buffered out into `into`, as far as it has room.
std::size_t stream_impl::take(mutable_bytes into) noexcept {
  const bytes seen = view();
  const std::size_t n = std::min(seen.size(), into.size());
  if (n > 0) std::memcpy(into.data(), seen.data(), n);
  consume(n);
  return n;
}

// Makes room for `wanted` bytes in all, the buffered ones at the front.
bool stream_impl::make_room(std::size_t wanted) noexcept {
  if (begin_ + wanted <= plain_.capacity()) return true;
  const std::size_t n = view().size();
  if (begin_ > 0) std::memmove(plain_.memory(), plain_.memory() + begin_, n);
  plain_.set_size(n);
  begin_ = 0;
  return reserve(plain_, wanted);
}

// Receives behind what is buffered; `min` bytes are wanted in all. An idle stream has no buffer:
// that is only looked for once there is something to decrypt.
result<void> stream_impl::receive_more(std::size_t min, deadline dl) {
  const auto room = [&]() -> mutable_bytes {
    const std::size_t likely = session_.waiting() + under_->buffered().size();
    if (!make_room(std::max(min, view().size() + std::min(likely, largest_record)))) return {};
    return {plain_.memory() + plain_.size(), plain_.capacity() - plain_.size()};
  };
  const auto n = receive(room, dl);
  if (n) plain_.set_size(plain_.size() + *n);
  if (view().empty()) drop_plain();
  if (!n) return fail(n.error());
  return {};
}

// Receives at least one byte to where room() says.
template <class Room>
result<std::size_t> stream_impl::receive(Room room, deadline dl) {
  for (bool waited = false;; waited = true) {
    if (unsaid_ > most_unsaid)
      if (auto said = say_all(dl); !said) return fail(said.error());
    if (session_.waiting() > 0 || !under_->buffered().empty()) {
      const mutable_bytes into = room();
      if (into.empty()) return fail(ENOMEM);
      const auto n = decrypt(into);
      if (!n || *n > 0) return n;
      if (view().empty()) drop_plain();
    }
    if (const int code = waited ? io::overdue(dl) : 0; code != 0) return fail(code);
    if (auto more = pull(dl); !more) return fail(more.error());
  }
}

// What is there already; 0 if it is not a whole record.
result<std::size_t> stream_impl::decrypt(mutable_bytes into) {
  const bytes seen = under_->buffered();
  bytes in = seen;
  const std::size_t before = out_.size();
  auto n = session_.read(in, into);
  unsaid_ += out_.size() - before;
  under_->consume(seen.size() - in.size());
  say_what_receiving_made();
  if (closed_) return fail(ECANCELED);
  if (n) return n;
  if (n.error() == caraway::errc::end_of_stream)
    ended_ = true;
  else
    broken(n.error());
  return n;
}

// Waits until the stream below has what the record at hand still needs. Not a byte more is asked for:
// a stream that does not read ahead would wait for it.
result<void> stream_impl::pull(deadline dl) {
  const auto seen = under_->try_fill(session_.wanted(), dl);
  if (closed_) return fail(ECANCELED);
  if (seen) return {};
  std::error_code code = seen.error();
  if (code == caraway::errc::end_of_stream) {
    code = read_failure_ = errc::truncated;
  } else if (!is_transient(code)) {
    broken(code);
  }
  return fail(code);
}

// --- sending ---

std::error_code stream_impl::cannot_write() const noexcept {
  if (closed_ || done_) return make_error_code(caraway::errc::closed);
  return write_failure_;
}

bool stream_impl::put(bytes b) noexcept {
  if (!reserve(out_, out_.size() + b.size())) return false;
  std::memcpy(out_.memory() + out_.size(), b.data(), b.size());
  out_.set_size(out_.size() + b.size());
  return true;
}

result<void> stream_impl::try_write(parts ps, deadline dl) {
  if (const auto code = cannot_write()) return fail(code);
  io::outgoing what({}, ps);
  if (what.empty()) return {};
  writer here(*this);
  if (auto mine = here.enter(dl); !mine) return mine;
  return send(what, dl);
}

result<void> stream_impl::send(io::outgoing& what, deadline dl) {
  // What is left of others goes first; as long as it does not, nothing of this is encrypted.
  if (auto old = push(dl); !old) return old;
  while (!what.empty()) {
    if (auto made = encrypt(what); !made) return made;
    const auto pushed = push(dl);
    if (pushed) continue;
    if (closed_ || !is_transient(pushed.error())) return pushed;
    while (!what.empty())
      if (auto made = encrypt(what); !made) return made;
    return {};
  }
  return {};
}

result<void> stream_impl::encrypt(io::outgoing& what) {
  auto made = encrypt_next(what);
  if (!made) broken(made.error());
  return made;
}

// Encrypts what comes next: a long piece from where it is, short ones gathered to a record.
result<void> stream_impl::encrypt_next(io::outgoing& what) {
  bytes first;
  what.show(std::span(&first, 1));
  if (first.size() >= largest_record || first.size() == what.left()) {
    const bytes piece = first.first(std::min(first.size(), chunk));
    if (!reserve(out_, out_.size() + piece.size() + piece.size() / 64 + 512)) return fail(ENOMEM);
    what.advance(piece.size());
    return session_.write(piece);
  }
  const std::size_t n = std::min(what.left(), largest_record);
  const lent_buffer record = borrow(n);
  if (!record) return fail(ENOMEM);
  what.copy(record.memory(), n);
  return session_.write({record.memory(), n});
}

// Moves all ciphertext into the stream below. For whoever has the turn.
result<void> stream_impl::push(deadline dl) {
  while (has_pending()) {
    if (!flight_) {
      flight_ = std::move(out_);
      unsaid_ = 0;
    }
    const bytes all(flight_.memory(), flight_.size());
    const auto sent = under_->try_write(parts(&all, 1), dl);
    if (closed_) return fail(ECANCELED);
    if (!sent) return fail(note_write(sent.error()));
    flight_.reset();
  }
  return {};
}

// Does not wait: what the stream below does not take at once is pushed by a coroutine of our own.
void stream_impl::say_what_receiving_made() noexcept {
  if (out_.size() == 0 || !writing_.try_take()) return;
  if (!write_failure_) static_cast<void>(push(immediately));
  leave_turn();
}

result<void> stream_impl::say_all(deadline dl) {
  writer here(*this);
  if (auto mine = here.enter(dl); !mine) return mine;
  return push(dl);
}

// Whoever leaves something behind leaves the turn to a coroutine that pushes it.
void stream_impl::leave_turn() noexcept {
  if (!has_pending() || closed_ || write_failure_) return writing_.pass();
  const shield also_when_cancelled(never);
  try {
    if (pushing_ == nullptr) pushing_ = std::make_unique<task_group>(on_failure::collect);
    if (pushing_->try_go({.name = "tls push"}, [this] { push_to_the_end(); })) return;
  } catch (const std::bad_alloc&) {
    // As below.
  }
  // No memory for a coroutine: the next writer pushes.
  writing_.pass();
}

void stream_impl::push_to_the_end() noexcept {
  runtime::scheduler::current().running().ambient = never;
  static_cast<void>(push(never));
  writing_.pass();
}

result<void> stream_impl::try_flush(deadline dl) {
  if (closed_) return fail(caraway::errc::closed);
  if (write_failure_) return fail(write_failure_);
  if (!done_) {
    writer here(*this);
    if (auto mine = here.enter(dl); !mine && mine.error() != caraway::errc::closed) return mine;
    if (auto pushed = push(dl); !pushed) return pushed;
  }
  return flush_below(dl);
}

result<void> stream_impl::flush_below(deadline dl) {
  const auto flushed = under_->try_flush(dl);
  if (closed_) return fail(ECANCELED);
  if (!flushed) return fail(note_write(flushed.error()));
  return {};
}

result<void> stream_impl::try_done(deadline dl) {
  if (const auto code = cannot_write()) return fail(code);
  writer here(*this);
  if (auto mine = here.enter(dl); !mine) return mine;
  if (auto pushed = push(dl); !pushed) return pushed;
  if (auto flushed = flush_below(dl); !flushed) return flushed;
  if (auto made = session_.finish(); !made) {
    broken(made.error());
    return made;
  }
  done_ = true;
  auto out = push(dl);
  if (out) out = flush_below(dl);
  if (out || closed_) return out;
  // It will go out, if later than wished; or the peer has said its own and is gone.
  return is_transient(out.error()) || ended_ ? result<void>() : out;
}

// --- failures ---

std::error_code stream_impl::note_write(std::error_code code) noexcept {
  if (!is_transient(code) && !write_failure_) write_failure_ = code;
  return code;
}

// Nothing more can come or go.
void stream_impl::broken(std::error_code code) noexcept {
  if (!read_failure_) read_failure_ = code;
  if (!write_failure_) write_failure_ = code;
}

bool stream_impl::healthy() const noexcept {
  return !closed_ && !receiving_ && !writing_.taken() && !has_pending() && !read_failure_ &&
         !write_failure_ && under_->healthy();
}

// --- the end ---

result<void> stream_impl::try_close(deadline dl) {
  if (closed_) return fail(caraway::errc::closed);
  result<void> r;
  if (!done_) r = try_done(dl);
  if (r && !closed_ && !receiving_) {
    const receiver here(*this);
    r = drain(dl);
  }
  if (closed_) return fail(ECANCELED);
  if (!r && r.error() == errc::truncated) r = {};
  closed_ = true;
  writing_.break_off(ECANCELED);
  if (!receiving_) drop_plain();
  return close_below(r, dl);
}

// Once both sides have said close_notify nobody needs to wait for the end of the stream below.
result<void> stream_impl::close_below(result<void> so_far, deadline dl) {
  // Whoever still receives is sent away by the stream below.
  if (so_far && !ended_) return under_->try_close(dl);
  if (so_far) static_cast<void>(under_->try_done(dl));
  static_cast<void>(under_->try_close(immediately));
  return so_far;
}

// Drops what comes until the peer has said that nothing more does. For whoever receives.
result<void> stream_impl::drain(deadline dl) {
  drop_plain();
  if (ended_) return {};
  if (read_failure_) return fail(read_failure_);
  for (int n = 1;; ++n) {
    const auto more = receive_more(1, dl);
    if (!more && more.error() == caraway::errc::end_of_stream) return {};
    if (!more) return more;
    drop_plain();
    if (const int code = io::overdue(dl); code != 0) return fail(code);
    if (n % receives_per_turn == 0 && lowlevel::yield() != 0) return fail(ECANCELED);
    if (closed_) return fail(ECANCELED);
  }
}

result<caraway::stream_ptr> stream_impl::try_detach(deadline dl) {
  if (closed_) return fail(caraway::errc::closed);
  if (receiving_) return fail(EBUSY);
  const receiver here(*this);
  result<void> r;
  if (!done_) r = try_done(dl);
  if (r && !closed_) r = drain(dl);
  // Whoever still has the turn pushes the close_notify.
  if (r && !closed_) r = writing_.take(dl, "tls detach");
  if (r && !closed_) r = push(dl);
  if (closed_) return fail(ECANCELED);
  if (!r) {
    abort();
    return fail(r.error());
  }
  closed_ = true;
  writing_.break_off(ECANCELED);
  return std::move(under_);
}

void stream_impl::abort() noexcept {
  if (!closed_) {
    closed_ = true;
    writing_.break_off(ECANCELED);
    if (!receiving_) drop_plain();
  }
  if (under_ != nullptr) under_->abort();
}

// As far as the stream below takes it without waiting.
void stream_impl::say_goodbye() noexcept {
  if (!established_ || write_failure_) return;
  const shield without_waiting(immediately);
  if (push(immediately) && !done_ && session_.finish()) static_cast<void>(push(immediately));
  drop_below();
}

// Nobody reads the tickets that a server sends unasked, and a connection of TCP that goes with
// something unread is reset, which takes along what was written.
void stream_impl::drop_below() noexcept {
  for (int n = 0; n < receives_per_turn; ++n) {
    under_->consume(under_->buffered().size());
    if (!under_->try_fill(1, immediately)) return;
  }
}

}  // namespace caraway::tls
