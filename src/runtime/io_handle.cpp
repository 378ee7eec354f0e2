#include "runtime/io_handle.hpp"

#include <algorithm>
#include <cerrno>

#include "runtime/scheduler.hpp"

namespace caraway::runtime {
namespace {

constexpr std::size_t parts_at_once = 64;

constexpr int index(direction d) noexcept {
  return static_cast<int>(d);
}

// The first parts of `ps` that are not empty, as the kernel wants them.
std::size_t gather(parts ps, iovec (&into)[parts_at_once]) noexcept {
  std::size_t n = 0;
  for (bytes p : ps) {
    if (p.empty()) continue;
    if (n == parts_at_once) break;
    into[n++] = {const_cast<std::byte*>(p.data()), p.size()};
  }
  return n;
}

// What the last transfer failed with. The kernel's own ETIMEDOUT (a peer that stopped answering)
// must not look like the caller's.
int transfer_failure() noexcept {
  return errno == ETIMEDOUT ? ECONNRESET : errno;
}

}  // namespace

bool io_handle::is_of_lost_connection(int code) noexcept {
  constexpr int codes[] = {ECONNABORTED, EPROTO,       ENETDOWN,   ENOPROTOOPT, EHOSTDOWN,
                           ENONET,       EHOSTUNREACH, EOPNOTSUPP, ENETUNREACH};
  return std::ranges::find(codes, code) != std::end(codes);
}

io_handle::~io_handle() {
  interrupt(ECANCELED);
}

void io_handle::interrupt(int code) noexcept {
  for (lowlevel::wait_queue& q : waiting_)
    while (!q.empty()) lowlevel::wake(q.front(), code);
}

void io_handle::end_waiting() noexcept {
  no_more_waits_ = true;
  interrupt(ECANCELED);
}

int io_handle::enlist(direction d, lowlevel::waiter& w) noexcept {
  if (no_more_waits_) return ECANCELED;
  lowlevel::wait_queue& queue = waiting_[index(d)];
  if (!queue.empty()) return EBUSY;
  if (const int code = arm(d); code != 0) return code == EPERM ? ENOTSUP : code;
  queue.push_back(w);
  return 0;
}

void io_handle::delist(direction d) noexcept {
  if (waiting_[index(d)].empty()) disarm(d);
}

int io_handle::park(direction d, deadline dl, const char* what) noexcept {
  lowlevel::waiter w;
  lowlevel::operation op(what);
  op.add(w);
  if (const int code = enlist(d, w); code != 0) return code;
  const int code = op.park(dl);
  if (code == ETIMEDOUT || (code == ECANCELED && op.winner() == nullptr)) disarm(d);
  return code;
}

int io_handle::wait(direction d, deadline dl, const char* what) noexcept {
  const short events = d == direction::in ? POLLIN : POLLOUT;
  for (;;) {
    if (lowlevel::cancel_pending()) return ECANCELED;
    if (!waiting_[index(d)].empty()) return EBUSY;
    if (holds(d)) return 0;
    const short now = kernel_.poll(fd_, events);
    if ((now & POLLNVAL) != 0) return EBADF;
    if (now != 0) return 0;
    may_be_ready_[index(d)] = false;
    if (const int code = park(d, dl, what); code != 0) return code;
  }
}

void io_handle::on_ready(bool in, bool out, bool hang_up) noexcept {
  if (hang_up) hung_up_ = in = out = true;
  const bool ready[2] = {in, out};
  for (int d = 0; d < 2; ++d) {
    if (!ready[d]) continue;
    may_be_ready_[d] = true;
    if (!waiting_[d].empty()) lowlevel::wake(waiting_[d].front());
  }
  if (out && request_ != nullptr) try_send_request();
}

result<std::size_t> io_handle::recv(mutable_bytes into, deadline dl) noexcept {
  if (lowlevel::cancel_pending()) return fail(ECANCELED);
  for (;;) {
    if (may_be_ready(direction::in)) {
      const ssize_t n = kernel_.recv(fd_, into.data(), into.size(), 0);
      if (n >= 0) {
        if (static_cast<std::size_t>(n) < into.size()) not_ready(direction::in);
        return static_cast<std::size_t>(n);
      }
      if (errno == EINTR) continue;
      if (errno != EAGAIN) return fail(transfer_failure());
      may_be_ready_[index(direction::in)] = false;
    }
    if (const int code = park(direction::in, dl, "receive"); code != 0) return fail(code);
  }
}

result<lent_buffer> io_handle::recv_lent(deadline dl) noexcept {
  if (lowlevel::cancel_pending()) return fail(ECANCELED);
  buffer_pool& pool = scheduler::current().buffers();
  for (;;) {
    if (may_be_ready(direction::in)) {
      lent_buffer b = pool.borrow(receive_size_);
      if (!b) return fail(ENOMEM);
      const ssize_t n = kernel_.recv(fd_, b.memory(), receive_size_, 0);
      if (n > 0) {
        b.set_size(static_cast<std::size_t>(n));
        adapt_receive_size(b.size());
        return b;
      }
      if (n == 0) return lent_buffer{};
      if (errno == EINTR) continue;
      if (errno != EAGAIN) return fail(transfer_failure());
      may_be_ready_[index(direction::in)] = false;
    }
    if (const int code = park(direction::in, dl, "receive"); code != 0) return fail(code);
  }
}

// A full buffer asks for a larger one next time, a nearly empty one for a smaller; less than asked
// for also means that nothing more is there.
void io_handle::adapt_receive_size(std::size_t received) noexcept {
  if (received == receive_size_) {
    receive_size_ = std::min<std::uint32_t>(receive_size_ * 4, buffer_pool::largest);
    return;
  }
  not_ready(direction::in);
  if (received < receive_size_ / 64)
    receive_size_ = std::max<std::uint32_t>(receive_size_ / 4, initial_receive_size);
}

result<std::size_t> io_handle::send(parts ps, deadline dl) noexcept {
  iovec pieces[parts_at_once];
  msghdr message{};
  message.msg_iov = pieces;
  message.msg_iovlen = gather(ps, pieces);
  if (message.msg_iovlen == 0) return std::size_t{0};
  if (lowlevel::cancel_pending()) return fail(ECANCELED);
  for (;;) {
    if (may_be_ready(direction::out)) {
      const ssize_t n = kernel_.sendmsg(fd_, &message, 0);
      if (n >= 0) return static_cast<std::size_t>(n);
      if (errno == EINTR) continue;
      if (errno != EAGAIN) return fail(transfer_failure());
      may_be_ready_[index(direction::out)] = false;
    }
    if (const int code = park(direction::out, dl, "send"); code != 0) return fail(code);
  }
}

result<lent_buffer> io_handle::recv_datagram(sockaddr_storage& from, socklen_t& length,
                                             deadline dl) noexcept {
  constexpr std::size_t largest = 64 * 1024;
  if (lowlevel::cancel_pending()) return fail(ECANCELED);
  buffer_pool& pool = scheduler::current().buffers();
  for (;;) {
    if (may_be_ready(direction::in)) {
      lent_buffer b = pool.borrow(largest);
      if (!b) return fail(ENOMEM);
      iovec piece{b.memory(), largest};
      msghdr message{};
      message.msg_name = &from;
      message.msg_namelen = sizeof from;
      message.msg_iov = &piece;
      message.msg_iovlen = 1;
      const ssize_t n = kernel_.recvmsg(fd_, &message, 0);
      if (n >= 0) {
        length = message.msg_namelen;
        b.set_size(static_cast<std::size_t>(n));
        return b;
      }
      if (errno == EINTR) continue;
      if (errno != EAGAIN) return fail(transfer_failure());
      may_be_ready_[index(direction::in)] = false;
    }
    if (const int code = park(direction::in, dl, "receive datagram"); code != 0) return fail(code);
  }
}

result<void> io_handle::send_datagram(const msghdr& message, deadline dl) noexcept {
  if (lowlevel::cancel_pending()) return fail(ECANCELED);
  for (;;) {
    if (may_be_ready(direction::out) || dl.is_immediate()) {
      if (kernel_.sendmsg(fd_, &message, 0) >= 0) return {};
      if (errno == EINTR) continue;
      if (errno != EAGAIN) return fail(transfer_failure());
      if (dl.is_immediate()) return fail(ETIMEDOUT);
      may_be_ready_[index(direction::out)] = false;
    }
    if (const int code = park(direction::out, dl, "send datagram"); code != 0) return fail(code);
  }
}

void io_handle::start_send(send_request& r) noexcept {
  request_ = &r;
  try_send_request();
}

void io_handle::cancel_send(send_request& r) noexcept {
  if (request_ != &r) return;
  request_ = nullptr;
  disarm(direction::out);
}

void io_handle::try_send_request() noexcept {
  send_request& r = *request_;
  int code = 0;
  while (!r.remaining.empty()) {
    const ssize_t n = kernel_.send(fd_, r.remaining.data(), r.remaining.size(), 0);
    if (n >= 0) {
      r.remaining = r.remaining.subspan(static_cast<std::size_t>(n));
      continue;
    }
    if (errno == EINTR) continue;
    code = transfer_failure();
    if (code != EAGAIN) break;
    may_be_ready_[index(direction::out)] = false;
    code = arm(direction::out);
    if (code == 0) return;
    break;
  }
  request_ = nullptr;
  r.finished(code);
}

result<unique_fd> io_handle::accept(sockaddr_storage* address, socklen_t* length,
                                    deadline dl) noexcept {
  if (lowlevel::cancel_pending()) return fail(ECANCELED);
  sockaddr_storage unused;
  for (int lost = 0;;) {
    if (may_be_ready(direction::in)) {
      sockaddr_storage* const to = address == nullptr ? &unused : address;
      socklen_t n = sizeof(sockaddr_storage);
      const int fd = kernel_.accept(fd_, reinterpret_cast<sockaddr*>(to), &n);
      if (fd >= 0) {
        if (length != nullptr) *length = n;
        return unique_fd(fd);
      }
      if (errno == EINTR) continue;
      if (is_of_lost_connection(errno) && ++lost < most_lost) continue;
      if (errno != EAGAIN) return fail(errno);
      may_be_ready_[index(direction::in)] = false;
    }
    if (const int code = park(direction::in, dl, "accept"); code != 0) return fail(code);
  }
}

result<void> io_handle::connect(const sockaddr* address, socklen_t length, deadline dl) noexcept {
  if (kernel_.connect(fd_, address, length) == 0) return {};
  if (errno != EINPROGRESS && errno != EINTR) return fail(errno);
  if (const int code = wait(direction::out, dl, "connect"); code != 0) return fail(code);
  int error = 0;
  socklen_t n = sizeof error;
  if (kernel_.getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &n) != 0) return fail(errno);
  if (error != 0) return fail(error);
  return {};
}

}  // namespace caraway::runtime
