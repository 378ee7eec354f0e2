// uring_handle.cpp - what a descriptor has with the kernel, and what it does with the answers.
#include "poller/uring_handle.hpp"

#include <sys/epoll.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>
#include <utility>

namespace caraway::runtime {
namespace {

// Larger requests are sent by a system call at once: the copy is most of the work, and it is done
// while the bytes are warm.
constexpr std::size_t largest_batched_send = 16 * 1024;

// A connection that fills this many buffers in a row has much to say and is read directly from then
// on, until it has sent little this many times in a row.
constexpr unsigned full_buffers_for_bulk = 2;
constexpr unsigned short_reads_for_messages = 16;
constexpr std::size_t short_read = 2048;

// What may wait in a handle before the kernel is told to stop receiving or accepting for it.
constexpr unsigned most_filled = 8;
constexpr std::size_t most_accepted = 64;

}  // namespace

// Coroutines that wait are told first: what the kernel still answers must not wake them with
// success.
uring_handle::~uring_handle() {
  interrupt(ECANCELED);
  if (driver_ != nullptr) withdraw();
  for (int fd : accepted_) unique_fd{fd};
}

void uring_handle::withdraw() noexcept {
  taking_back_ = true;
  somebody_wants_in_ = false;
  for (unsigned k = 0; k < uring_driver::numbers; ++k) stop(static_cast<operation_kind>(k));
  settle(in_flight_);
  while (first_ != uring_buffers::none) {
    const uring_buffers::id n = first_;
    pop_buffer();
    driver_->buffers()->provide(n);
  }
}

void uring_handle::driver_gone() noexcept {
  driver_ = nullptr;
  in_flight_ = 0;
  first_ = uring_buffers::none;
}

io_uring_sqe& uring_handle::prepare(operation_kind kind, int opcode) noexcept {
  begin(kind);
  return driver_->prepare(*this, kind, opcode, fd());
}

void uring_handle::prepare_receive() noexcept {
  io_uring_sqe& sqe = prepare(receive, IORING_OP_RECV);
  sqe.ioprio = IORING_RECV_MULTISHOT;
  sqe.flags = IOSQE_BUFFER_SELECT;
  sqe.buf_group = uring_buffers::group;
}

void uring_handle::prepare_accept() noexcept {
  begin(take_connections);
  driver_->prepare_accept(*this, fd());
}

void uring_handle::prepare_poll(operation_kind kind, std::uint32_t events) noexcept {
  begin(kind);
  driver_->prepare_poll(*this, kind, fd(), events, 0);
}

void uring_handle::prepare_send() noexcept {
  io_uring_sqe& sqe = prepare(transmit, IORING_OP_SEND);
  sqe.addr = reinterpret_cast<std::uint64_t>(sending_->remaining.data());
  sqe.len = static_cast<std::uint32_t>(sending_->remaining.size());
  sqe.msg_flags = MSG_NOSIGNAL | MSG_WAITALL;
}

void uring_handle::stop(operation_kind kind) noexcept {
  const auto bit = static_cast<unsigned char>(1U << kind);
  if ((in_flight_ & ~stopping_ & bit) == 0) return;
  stopping_ |= bit;
  driver_->prepare_cancel(*this, kind);
}

// Waits for the end of operations that were told to stop. That does not depend on anybody else: the
// kernel ends them in the same enter() that brings the cancellation. In the child of a fork there
// is nothing to wait for: they are the parent's.
void uring_handle::settle(unsigned kinds_mask) noexcept {
  for (unsigned at_least = 0; (in_flight_ & kinds_mask) != 0; at_least = 1)
    if (!driver_->try_work(at_least)) in_flight_ = 0;
}

void uring_handle::answered(unsigned number, int outcome, unsigned flags) noexcept {
  const auto kind = static_cast<operation_kind>(number);
  if ((flags & IORING_CQE_F_MORE) == 0) {
    in_flight_ &= static_cast<unsigned char>(~(1U << kind));
    stopping_ &= static_cast<unsigned char>(~(1U << kind));
  }
  switch (kind) {
    case receive:
      return received(outcome, flags);
    case take_connections:
      return connected(outcome);
    case transmit:
      return sent(outcome);
    default:
      return polled(kind, outcome);
  }
}

// --- readiness ---

int uring_handle::find_sort() noexcept {
  if (sort_ != sort::unknown) return sort_ == sort::never_waits ? ENOTSUP : 0;
  int type = 0;
  socklen_t n = sizeof type;
  if (system().getsockopt(fd(), SOL_SOCKET, SO_TYPE, &type, &n) == 0) {
    sort_ = type == SOCK_STREAM ? sort::stream : sort::other;
    return 0;
  }
  struct stat about;
  if (errno != ENOTSOCK || ::fstat(fd(), &about) != 0) return errno;
  const bool waits = !S_ISREG(about.st_mode) && !S_ISDIR(about.st_mode);
  sort_ = waits ? sort::other : sort::never_waits;
  return waits ? 0 : ENOTSUP;
}

int uring_handle::arm(direction d) noexcept {
  if (driver_ == nullptr) return EBADF;
  if (const int code = find_sort(); code != 0) return code;
  if (d == direction::in) {
    somebody_wants_in_ = true;
    arm_in();
  } else if (!in_flight(poll_out)) {
    prepare_poll(poll_out, EPOLLOUT);
  }
  return 0;
}

void uring_handle::disarm(direction d) noexcept {
  if (d == direction::out) return;
  somebody_wants_in_ = false;
  want_ = want::readiness;
}

bool uring_handle::holds(direction d) const noexcept {
  if (d == direction::out) return false;
  return first_ != uring_buffers::none || ended_ || input_error_ != 0 || !accepted_.empty();
}

// An operation that was told to stop goes first; its end comes back here.
void uring_handle::arm_in() noexcept {
  if (in_flight(receive) || in_flight(take_connections)) return;
  if (want_ == want::bytes && !bulk_) return prepare_receive();
  if (want_ == want::connection) return prepare_accept();
  if (!in_flight(poll_in)) prepare_poll(poll_in, EPOLLIN | EPOLLRDHUP);
}

void uring_handle::polled(operation_kind kind, int outcome) noexcept {
  if (outcome == -ECANCELED) return;
  const auto events = static_cast<unsigned>(outcome);
  const bool broken = outcome < 0 || (events & (EPOLLHUP | EPOLLERR)) != 0;
  const bool ended = broken || (events & EPOLLRDHUP) != 0;
  if (kind == poll_in) somebody_wants_in_ = false;
  on_ready(kind == poll_in || ended, kind == poll_out || broken, ended);
}

void uring_handle::input_came() noexcept {
  if (holds(direction::in)) {
    somebody_wants_in_ = false;
    on_ready(true, false, false);
  } else if (somebody_wants_in_) {
    arm_in();
  }
}

// --- receiving ---

// Bytes that nobody has asked for, the end, an error: what there is to tell without waiting.
bool uring_handle::kernel_received() noexcept {
  return holds(direction::in) && accepted_.empty();
}

// The kernel receives no more for this handle; what it has received is in the queue.
void uring_handle::stop_receiving() noexcept {
  if (!in_flight(receive)) return;
  stop(receive);
  settle(1U << receive);
  on_ready(true, false, false);
}

// Receives no more than it is asked for: somebody may want the bytes behind for himself, or the
// descriptors that come with them.
result<std::size_t> uring_handle::recv(mutable_bytes into, deadline dl) noexcept {
  if (lowlevel::cancel_pending()) return fail(ECANCELED);
  if (into.empty()) return std::size_t{0};
  if (in_flight(receive) && !kernel_received()) {
    bulk_ = true;
    stop_receiving();
  }
  if (first_ != uring_buffers::none) return take(into);
  if (input_error_ != 0) return fail(std::exchange(input_error_, 0));
  if (ended_) return std::size_t{0};
  want_ = want::readiness;  // an interrupted receive may have left something else
  auto n = io_handle::recv(into, dl);
  if (n) note_direct_read(*n);
  return n;
}

result<lent_buffer> uring_handle::recv_lent(deadline dl) noexcept {
  if (lowlevel::cancel_pending()) return fail(ECANCELED);
  while (!reads_directly()) {
    if (first_ != uring_buffers::none) return take_buffer();
    if (input_error_ != 0) return fail(std::exchange(input_error_, 0));
    if (ended_) return lent_buffer{};
    want_ = want::bytes;
    // After a failure the handle may be gone.
    if (const int code = park(direction::in, dl, "receive"); code != 0) return fail(code);
    want_ = want::readiness;
  }
  auto b = io_handle::recv_lent(dl);
  if (b) note_direct_read(b->size());
  return b;
}

bool uring_handle::reads_directly() noexcept {
  if (driver_ == nullptr || find_sort() != 0 || sort_ != sort::stream) return true;
  if (!bulk_ && driver_->buffers() == nullptr) bulk_ = true;
  if (bulk_) stop_receiving();
  return bulk_ && !kernel_received();
}

void uring_handle::note_direct_read(std::size_t n) noexcept {
  if (n > short_read) {
    short_in_a_row_ = 0;
  } else if (++short_in_a_row_ == short_reads_for_messages) {
    bulk_ = false;
    short_in_a_row_ = full_in_a_row_ = 0;
  }
}

void uring_handle::received(int outcome, unsigned flags) noexcept {
  uring_buffers& buffers = *driver_->buffers();
  if ((flags & IORING_CQE_F_BUFFER) != 0) {
    const auto n = static_cast<uring_buffers::id>(flags >> IORING_CQE_BUFFER_SHIFT);
    buffers.taken();
    if (outcome > 0)
      push_buffer(n, static_cast<std::size_t>(outcome));
    else
      buffers.provide(n);
  }
  if (outcome == 0) {
    ended_ = true;
  } else if (outcome == -ENOBUFS || outcome == -EINVAL || outcome == -EOPNOTSUPP) {
    bulk_ = outcome != -ENOBUFS || !buffers.refill();
    if (bulk_) want_ = want::readiness;
  } else if (outcome < 0 && outcome != -ECANCELED && outcome != -EINTR && outcome != -EAGAIN) {
    // The kernel's own ETIMEDOUT must not look like the caller's.
    input_error_ = outcome == -ETIMEDOUT ? ECONNRESET : -outcome;
  }
  input_came();
}

void uring_handle::push_buffer(uring_buffers::id n, std::size_t filled) noexcept {
  uring_buffers& buffers = *driver_->buffers();
  buffers.note_of(n) = {static_cast<std::uint32_t>(filled), uring_buffers::none};
  (first_ == uring_buffers::none ? first_ : buffers.note_of(last_).next) = n;
  last_ = n;
  full_in_a_row_ = filled == uring_buffers::size ? full_in_a_row_ + 1 : 0;
  if (full_in_a_row_ == full_buffers_for_bulk) bulk_ = true;
  if (++filled_count_ == most_filled || bulk_) stop(receive);
}

void uring_handle::pop_buffer() noexcept {
  first_ = driver_->buffers()->note_of(first_).next;
  offset_ = 0;
  --filled_count_;
  if (first_ == uring_buffers::none) not_ready(direction::in);
}

lent_buffer uring_handle::take_buffer() noexcept {
  uring_buffers& buffers = *driver_->buffers();
  const uring_buffers::id n = first_;
  lent_buffer b(buffers, buffers.memory(n) + offset_, uring_buffers::size - offset_, n);
  b.set_size(buffers.note_of(n).filled - offset_);
  pop_buffer();
  return b;
}

std::size_t uring_handle::take(mutable_bytes into) noexcept {
  uring_buffers& buffers = *driver_->buffers();
  std::size_t done = 0;
  while (first_ != uring_buffers::none && done < into.size()) {
    const uring_buffers::id n = first_;
    const std::size_t there = buffers.note_of(n).filled - offset_;
    const std::size_t some = std::min(there, into.size() - done);
    std::memcpy(into.data() + done, buffers.memory(n) + offset_, some);
    done += some;
    offset_ += static_cast<std::uint16_t>(some);
    if (some < there) break;
    pop_buffer();
    buffers.provide(n);
  }
  return done;
}

// --- sending ---

void uring_handle::start_send(send_request& r) noexcept {
  if (driver_ == nullptr || r.remaining.size() > largest_batched_send)
    return io_handle::start_send(r);
  sending_ = &r;
  prepare_send();
}

void uring_handle::cancel_send(send_request& r) noexcept {
  if (sending_ != &r) return io_handle::cancel_send(r);
  taking_back_ = true;
  stop(transmit);
  settle(1U << transmit);
  taking_back_ = false;
  sending_ = nullptr;
}

void uring_handle::sent(int outcome) noexcept {
  send_request& r = *sending_;
  if (outcome > 0) r.remaining = r.remaining.subspan(static_cast<std::size_t>(outcome));
  if (taking_back_) return;
  if (outcome > 0 && !r.remaining.empty()) return prepare_send();
  sending_ = nullptr;
  if (r.remaining.empty()) return r.finished(0);
  const bool again = outcome == 0 || outcome == -EAGAIN || outcome == -EINTR;
  if (again) return io_handle::start_send(r);
  r.finished(-outcome);
}

// --- accepting ---

result<unique_fd> uring_handle::accept(sockaddr_storage* address, socklen_t* length,
                                       deadline dl) noexcept {
  if (driver_ == nullptr) return io_handle::accept(address, length, dl);
  if (lowlevel::cancel_pending()) return fail(ECANCELED);
  for (;;) {
    while (!accepted_.empty()) {
      auto c = take_connection(address, length);
      if (c || c.error() != std::errc::not_connected) return c;
    }
    if (input_error_ != 0) return fail(std::exchange(input_error_, 0));
    want_ = want::connection;
    if (const int code = park(direction::in, dl, "accept"); code != 0) return fail(code);
  }
}

result<unique_fd> uring_handle::take_connection(sockaddr_storage* address,
                                                socklen_t* length) noexcept {
  unique_fd fd(accepted_.front());
  accepted_.erase(accepted_.begin());
  if (address == nullptr) return fd;
  socklen_t n = sizeof *address;
  if (system().getpeername(fd.get(), reinterpret_cast<sockaddr*>(address), &n) != 0)
    return fail(errno);
  if (length != nullptr) *length = n;
  return fd;
}

void uring_handle::connected(int outcome) noexcept {
  const bool lost = is_of_lost_connection(-outcome);
  lost_in_a_row_ = lost ? lost_in_a_row_ + 1 : 0;
  const bool gone = lost && lost_in_a_row_ < most_lost;
  if (outcome >= 0) {
    unique_fd fd(outcome);
    try {
      accepted_.push_back(fd.get());
      fd.release();
    } catch (const std::bad_alloc&) {
      input_error_ = ENOMEM;
    }
    if (accepted_.size() >= most_accepted) stop(take_connections);
  } else if (!gone && outcome != -ECANCELED && outcome != -EINTR && outcome != -EAGAIN) {
    input_error_ = -outcome;
  }
  input_came();
}

}  // namespace caraway::runtime
