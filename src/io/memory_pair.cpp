// memory_pair.cpp - two byte streams connected to each other in memory, with chosen faults.
//
// A pipe leads towards each end. The writer appends to the pipe of the other end and wakes it; the
// reader takes bytes from there into its own buffer, so that what it was shown stays in place.
#include "caraway/memory_pair.hpp"

#include <algorithm>
#include <cstring>
#include <memory>
#include <mutex>
#include <new>
#include <utility>
#include <vector>

#include "caraway/mutex.hpp"
#include "caraway/wait.hpp"

namespace caraway {

namespace {

// Bytes in a row, taken from the front.
class byte_queue {
 public:
  std::size_t size() const noexcept { return memory_.size() - begin_; }
  mutable_bytes view() noexcept { return mutable_bytes(memory_).subspan(begin_); }
  void append(bytes b) {
    if (begin_ > size()) {
      memory_.erase(memory_.begin(), memory_.end() - static_cast<std::ptrdiff_t>(size()));
      begin_ = 0;
    }
    memory_.insert(memory_.end(), b.begin(), b.end());
  }
  void reserve(std::size_t n) {
    const std::size_t wanted = memory_.size() + n;
    if (wanted > memory_.capacity()) memory_.reserve(std::max(wanted, 2 * memory_.capacity()));
  }
  void drop(std::size_t n) noexcept { begin_ += n; }
  // Drops the first `n` bytes as well, but gives the memory with them away.
  std::vector<std::byte> give_away(std::size_t n) {
    std::vector<std::byte> rest(memory_.begin() + static_cast<std::ptrdiff_t>(begin_ + n),
                                memory_.end());
    begin_ = 0;
    return std::exchange(memory_, std::move(rest));
  }

 private:
  std::vector<std::byte> memory_;
  std::size_t begin_ = 0;
};

// What leads towards one end.
struct pipe {
  byte_queue waiting;
  std::size_t capacity = 0;
  bool finished = false;     // the writer is done
  bool reader_gone = false;  // nobody will read any more
  lowlevel::wait_queue reader;
  lowlevel::wait_queue writer;
};

void wake_all(lowlevel::wait_queue& q, int code) noexcept {
  while (!q.empty()) lowlevel::wake(q.front(), code);
}

struct connection {
  pipe towards[2];
  bool broken = false;
};

int wait_in(lowlevel::wait_queue& q, const char* what, deadline dl) noexcept {
  lowlevel::waiter w;
  lowlevel::operation op(what);
  op.add(w);
  q.push_back(w);
  return op.park(dl);
}

class memory_stream final : public byte_stream {
 public:
  memory_stream(std::shared_ptr<connection> c, int side, const memory_faults& faults) noexcept
      : connection_(std::move(c)),
        in_(connection_->towards[side]),
        out_(connection_->towards[1 - side]),
        faults_(faults) {
    in_.capacity = faults.capacity;
  }
  ~memory_stream() override { leave(); }

  result<mutable_bytes> try_fill(std::size_t min, deadline dl) override;
  mutable_bytes buffered() noexcept override { return buffer_.view(); }
  void consume(std::size_t n) noexcept override { buffer_.drop(n); }
  std::unique_ptr<kept_memory> consume_but_keep(std::size_t n) noexcept override;
  result<void> try_write(parts ps, deadline dl) override;
  result<void> try_flush(deadline dl) override;
  result<void> try_done(deadline dl) override;
  result<void> try_close(deadline dl) override;
  void abort() noexcept override;
  bool healthy() const noexcept override {
    return !closed_ && !receiving_ && !writing_ && !connection_->broken;
  }

 private:
  std::error_code begin_operation();
  result<void> receive(deadline dl);
  result<void> take_chunk();
  bool must_wait(std::size_t n) noexcept;
  result<void> append(parts ps, std::size_t n);
  void break_connection() noexcept;
  void wake_everybody(int code) noexcept;
  result<void> drain(deadline dl);
  void leave() noexcept;

  std::shared_ptr<connection> connection_;
  pipe& in_;
  pipe& out_;
  memory_faults faults_;
  byte_queue buffer_;
  std::size_t position_ = 0;  // in the stream, of the end of the buffer
  std::size_t operations_ = 0;
  mutex writers_;
  bool receiving_ = false;
  bool writing_ = false;
  bool done_ = false;
  bool closed_ = false;
};

// Sets a flag for the time of a call.
class raised {
 public:
  explicit raised(bool& flag) noexcept : flag_(flag) { flag_ = true; }
  ~raised() { flag_ = false; }

 private:
  bool& flag_;
};

// Counts an operation; the code it fails with, if it is the one that was chosen or the end has
// come.
std::error_code memory_stream::begin_operation() {
  if (closed_) return make_error_code(errc::closed);
  if (operations_++ == faults_.fail_at) {
    break_connection();
    return faults_.failure;
  }
  return {};
}

void memory_stream::break_connection() noexcept {
  connection_->broken = true;
  wake_everybody(0);
}

// Wakes both ends; those of this end with `code`.
void memory_stream::wake_everybody(int code) noexcept {
  wake_all(in_.reader, code);
  wake_all(out_.writer, code);
  wake_all(out_.reader, 0);
  wake_all(in_.writer, 0);
}

// --- receiving ---

result<mutable_bytes> memory_stream::try_fill(std::size_t min, deadline dl) {
  if (buffer_.size() >= min) return buffered();
  if (closed_) return fail(errc::closed);
  if (receiving_) return fail(EBUSY);
  const raised in_progress(receiving_);
  while (buffer_.size() < min)
    if (auto r = receive(dl); !r) return fail(r.error());
  return buffered();
}

// Receives the next bytes that wait, as many as come at a time.
result<void> memory_stream::receive(deadline dl) {
  if (const auto code = begin_operation()) return fail(code);
  while (in_.waiting.size() == 0) {
    if (connection_->broken) return fail(ECONNRESET);
    if (in_.finished) return fail(errc::end_of_stream);
    if (const int code = wait_in(in_.reader, "receive", dl); code != 0) return fail(code);
    if (closed_) return fail(ECANCELED);
  }
  return take_chunk();
}

result<void> memory_stream::take_chunk() try {
  std::size_t n = std::min(in_.waiting.size(), std::max<std::size_t>(faults_.chop, 1));
  if (position_ < faults_.cut_at) n = std::min(n, faults_.cut_at - position_);
  buffer_.append(in_.waiting.view().first(n));
  in_.waiting.drop(n);
  position_ += n;
  wake_all(in_.writer, 0);
  return {};
} catch (const std::bad_alloc&) {
  return fail(ENOMEM);
}

std::unique_ptr<kept_memory> memory_stream::consume_but_keep(std::size_t n) noexcept try {
  struct kept_bytes final : kept_memory {
    std::vector<std::byte> memory;
  };
  auto kept = std::make_unique<kept_bytes>();
  kept->memory = buffer_.give_away(n);
  return kept;
} catch (const std::bad_alloc&) {
  return nullptr;
}

// --- sending ---

result<void> memory_stream::try_write(parts ps, deadline dl) {
  if (closed_ || done_) return fail(errc::closed);
  if (auto turn = writers_.try_lock(dl); !turn) return turn;
  const std::lock_guard unlock(writers_, std::adopt_lock);
  if (closed_) return fail(ECANCELED);
  const raised in_progress(writing_);
  if (const auto code = begin_operation()) return fail(code);
  const std::size_t n = total_size(ps);
  while (must_wait(n)) {
    if (const int code = wait_in(out_.writer, "send", dl); code != 0) return fail(code);
    if (closed_) return fail(ECANCELED);
  }
  if (done_) return fail(errc::closed);
  if (out_.reader_gone) break_connection();
  if (connection_->broken) return fail(ECONNRESET);
  return append(ps, n);
}

bool memory_stream::must_wait(std::size_t n) noexcept {
  if (n == 0 || connection_->broken || out_.reader_gone || done_) return false;
  const std::size_t waiting = out_.waiting.size();
  return waiting > 0 && waiting + n > out_.capacity;
}

result<void> memory_stream::append(parts ps, std::size_t n) try {
  out_.waiting.reserve(n);
  for (bytes p : ps) out_.waiting.append(p);
  wake_all(out_.reader, 0);
  return {};
} catch (const std::bad_alloc&) {
  return fail(ENOMEM);
}

result<void> memory_stream::try_flush(deadline) {
  if (const auto code = begin_operation()) return fail(code);
  if (connection_->broken) return fail(ECONNRESET);
  return {};
}

result<void> memory_stream::try_done(deadline dl) {
  if (closed_ || done_) return fail(errc::closed);
  if (auto turn = writers_.try_lock(dl); !turn) return turn;
  const std::lock_guard unlock(writers_, std::adopt_lock);
  if (closed_) return fail(ECANCELED);
  if (const auto code = begin_operation()) return fail(code);
  if (connection_->broken) return fail(ECONNRESET);
  done_ = true;
  out_.finished = true;
  wake_all(out_.reader, 0);
  return {};
}

// --- the end ---

result<void> memory_stream::try_close(deadline dl) {
  if (closed_) return fail(errc::closed);
  result<void> r;
  if (!done_) r = try_done(dl);
  if (r && receiving_) {
    wake_all(in_.reader, ECANCELED);
    lowlevel::yield();
  }
  if (r && !closed_) r = drain(dl);
  if (closed_) return fail(ECANCELED);
  leave();
  return r;
}

result<void> memory_stream::drain(deadline dl) {
  if (receiving_) return fail(EBUSY);
  const raised in_progress(receiving_);
  for (;;) {
    buffer_.drop(buffer_.size());
    const auto r = receive(dl);
    if (!r && r.error() == errc::end_of_stream) return {};
    if (!r) return r;
    if (dl.passed()) return fail(ETIMEDOUT);
  }
}

void memory_stream::abort() noexcept {
  if (closed_) return;
  connection_->broken = true;
  leave();
}

// This end is gone: the other one finds the end, or a broken connection if bytes were left unread.
void memory_stream::leave() noexcept {
  if (closed_) return;
  closed_ = true;
  if (buffer_.size() + in_.waiting.size() > 0) connection_->broken = true;
  buffer_.drop(buffer_.size());
  in_.reader_gone = true;
  out_.finished = true;
  wake_everybody(ECANCELED);
}

}  // namespace

result<std::pair<stream_ptr, stream_ptr>> try_memory_pair(const memory_faults& first,
                                                          const memory_faults& second) try {
  const auto c = std::make_shared<connection>();
  return std::pair<stream_ptr, stream_ptr>(std::make_unique<memory_stream>(c, 0, first),
                                           std::make_unique<memory_stream>(c, 1, second));
} catch (const std::bad_alloc&) {
  return fail(ENOMEM);
}

}  // namespace caraway
