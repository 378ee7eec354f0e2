// socket_core.cpp - a connected stream socket: what TCP and Unix connections have in common.
#include "net/socket_core.hpp"

#include <cerrno>

#include "io/overdue.hpp"
#include "net/fd_passing.hpp"
#include "runtime/scheduler.hpp"

namespace caraway::net {

using runtime::direction;

namespace {
// How often the rest of the thread gets a turn while a flood is dropped.
constexpr int receives_per_turn = 16;
}  // namespace

// A coroutine is in the middle of a call. The last one to leave a closed socket closes the
// descriptor.
class socket_core::use {
 public:
  explicit use(socket_core& s) noexcept : socket_(s) { ++socket_.users_; }
  ~use() {
    if (--socket_.users_ == 0 && socket_.closed_) socket_.close_descriptor();
  }
  use(const use&) = delete;
  use& operator=(const use&) = delete;

 private:
  socket_core& socket_;
};

// The same for the one that receives.
class socket_core::receiving : use {
 public:
  explicit receiving(socket_core& s) noexcept : use(s), socket_(s) { socket_.receiving_ = true; }
  ~receiving() {
    socket_.receiving_ = false;
    if (socket_.closed_) socket_.in_.drop();
  }

 private:
  socket_core& socket_;
};

socket_core::~socket_core() {
  if (!closed_) out_.flush_now();
  close_descriptor();
}

// --- receiving ---

result<mutable_bytes> socket_core::fill_slowly(std::size_t min, deadline dl) noexcept {
  if (closed_) return fail(errc::closed);
  if (receiving_) return fail(EBUSY);
  const receiving in_progress(*this);
  auto seen = in_.fill(*handle_, min, dl);
  if (!seen) return fail(receive_failure(seen.error()));
  if (closed_) return fail(ECANCELED);
  return seen;
}

result<std::size_t> socket_core::read_into(mutable_bytes into, std::size_t min, deadline dl,
                                           std::size_t* received) noexcept {
  if (received != nullptr) *received = 0;
  if (closed_) return fail(errc::closed);
  if (receiving_) return fail(EBUSY);
  const receiving in_progress(*this);
  auto n = in_.read_into(*handle_, into, min, dl, received);
  if (!n) return fail(receive_failure(n.error()));
  if (closed_) return fail(ECANCELED);
  return n;
}

// What the caller is told. When a send has met a reset, the kernel has reported it there and calls
// it an end here.
std::error_code socket_core::receive_failure(std::error_code code) noexcept {
  if (closed_) return os_error(ECANCELED);
  const bool hidden_reset = ending_ == ending::may_reset && in_.finished() && !done_ &&
                            out_.failure() == os_error(ECONNRESET);
  if (hidden_reset) in_.set_broken();
  if (!in_.broken()) return code;
  if (!done_) out_.give_up(os_error(ECONNRESET));
  return os_error(ECONNRESET);
}

// --- sending ---

// Whoever was in the middle of a call when another coroutine ended the connection was cancelled.
result<void> socket_core::unless_closed(result<void> r) const noexcept {
  if (!r && closed_) return fail(ECANCELED);
  return r;
}

result<void> socket_core::write_slowly(parts ps, deadline dl) noexcept {
  if (closed_ || done_) return fail(errc::closed);
  const use in_progress(*this);
  return unless_closed(out_.write(ps, dl));
}

result<void> socket_core::flush(deadline dl) noexcept {
  if (closed_) return fail(errc::closed);
  if (done_) return {};
  const use in_progress(*this);
  return unless_closed(out_.flush(dl));
}

result<void> socket_core::done(deadline dl) noexcept {
  if (closed_ || done_) return fail(errc::closed);
  const use in_progress(*this);
  return unless_closed(finish_sending(dl));
}

result<void> socket_core::finish_sending(deadline dl) noexcept {
  if (auto alone = out_.acquire(dl); !alone) return alone;
  const int code = system().shutdown(fd(), SHUT_WR) == 0 ? 0 : ECONNRESET;
  done_ = true;
  out_.give_up(code == 0 ? make_error_code(errc::closed) : os_error(code));
  out_.release();
  if (code != 0) return fail(code);
  return {};
}

// --- descriptors ---

void socket_core::set_read_ahead(bool on) noexcept {
  in_.set_read_ahead(on);
  if (!on && !closed_) handle_->stop_receiving();
}

result<void> socket_core::send_fd(int fd, deadline dl) noexcept {
  if (closed_ || done_) return fail(errc::closed);
  const use in_progress(*this);
  if (auto alone = out_.acquire(dl); !alone) return alone;
  auto sent = net::send_fd(*handle_, fd, dl);
  if (!sent && sent.error() == os_error(ECONNRESET)) out_.give_up(sent.error());
  out_.release();
  if (closed_) return fail(ECANCELED);
  return sent;
}

result<unique_fd> socket_core::recv_fd(deadline dl) noexcept {
  if (closed_) return fail(errc::closed);
  if (in_.reads_ahead()) return fail(EINVAL);
  if (receiving_) return fail(EBUSY);
  if (!in_.view().empty()) {
    in_.consume(1);
    return fail(EPROTO);
  }
  if (in_.finished()) return fail(errc::end_of_stream);
  if (in_.broken()) return fail(ECONNRESET);
  const receiving in_progress(*this);
  auto fd = net::recv_fd(*handle_, dl);
  if (!fd && fd.error() == errc::end_of_stream) in_.set_finished();
  if (!fd && fd.error() == os_error(ECONNRESET)) in_.set_broken();
  if (!fd) return fail(receive_failure(fd.error()));
  if (closed_) return fail(ECANCELED);
  return fd;
}

// --- the end ---

result<void> socket_core::close(deadline dl) noexcept {
  if (closed_) return fail(errc::closed);
  const use in_progress(*this);
  result<void> r;
  if (!done_) r = finish_sending(dl);
  if (!r && done_ && r.error() == errc::closed) r = {};
  if (r && !closed_) r = drain(dl);
  if (closed_) return fail(ECANCELED);
  if (!r) out_.flush_now();
  end();
  return r;
}

// Drops what comes until the peer has finished. Looks at the deadline itself, now and then: while bytes
// keep coming, no receive ever waits. What is there already is dropped also at a deadline that has come.
result<void> socket_core::drain(deadline dl) noexcept {
  if (in_.broken()) return fail(ECONNRESET);
  if (in_.finished()) return {};
  if (!make_receiver_leave()) return fail(EBUSY);
  if (closed_) return fail(ECANCELED);
  const receiving in_progress(*this);
  in_.drop();
  for (int n = 1;; ++n) {
    auto block = handle_->recv_lent(dl);
    if (closed_) return fail(ECANCELED);
    if (!block) {
      const auto code = block.error();
      const bool waiting = code == os_error(ETIMEDOUT) || code == os_error(ECANCELED);
      return fail(waiting ? code : os_error(ECONNRESET));
    }
    if (!*block) return {};
    if (n % receives_per_turn != 0) continue;
    if (const int code = io::overdue(dl); code != 0) return fail(code);
    if (lowlevel::yield() != 0) return fail(ECANCELED);
    if (closed_) return fail(ECANCELED);
  }
}

// Sends the coroutine that receives away with ECANCELED. False if it cannot be made to leave.
bool socket_core::make_receiver_leave() noexcept {
  if (!receiving_) return true;
  in_.set_finished();
  handle_->interrupt(ECANCELED);
  lowlevel::yield();
  return !receiving_;
}

void socket_core::abort() noexcept {
  if (closed_) return;
  const use in_progress(*this);
  const linger reset{1, 0};
  system().setsockopt(fd(), SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  end();
}

// Nothing works from now on. The descriptor goes with the last coroutine that uses it.
void socket_core::end() noexcept {
  closed_ = true;
  out_.give_up(make_error_code(errc::closed), ECANCELED);
  in_.set_broken();
  if (!receiving_) in_.drop();
  if (users_ > 1) handle_->end_waiting();
}

void socket_core::close_descriptor() noexcept {
  handle_.reset();
  fd_.reset();
}

bool socket_core::healthy() const noexcept {
  const bool sends =
      done_ ? out_.failure() == make_error_code(errc::closed) : !out_.failure() && out_.idle();
  return !closed_ && !receiving_ && !in_.broken() && sends;
}

result<std::unique_ptr<runtime::io_handle>> watch(int fd) {
  return runtime::scheduler::current().poller().open(fd);
}

}  // namespace caraway::net
