// io_handle.hpp - one descriptor as its poller sees it: readiness, and whole operations on top.
//
// The required half is readiness: arm() and on_ready(). The other half is whole operations (recv,
// send, accept, connect, start_send); their defaults try the system call first and wait for
// readiness only on EAGAIN. A poller that completes operations in the kernel overrides those it
// does better.
//
// `may_be_ready_` remembers, per direction, whether the next try could succeed: it is true at first
// and after each event, and false after EAGAIN or after a read that got less than it asked for.
// While it is false an operation goes straight to waiting. A hang-up keeps it true for ever, since
// the edge that announced the end may be the same that announced the last bytes.
#pragma once

#include <memory>

#include "caraway/bytes.hpp"
#include "caraway/deadline.hpp"
#include "caraway/error.hpp"
#include "caraway/fd.hpp"
#include "caraway/wait.hpp"
#include "runtime/buffer_pool.hpp"
#include "runtime/kernel.hpp"

namespace caraway::runtime {

enum class direction : unsigned char { in = 0, out = 1 };

// Bytes on their way out without a coroutine that waits for them. Made by the sender, which keeps
// the request and the memory in place until `finished` was called or cancel_send() returned.
class send_request {
 public:
  bytes remaining;

  // Everything is with the kernel (0), or it failed (an errno). Called from start_send itself or
  // later from the poller; must neither block nor destroy an io_handle, may call start_send again.
  virtual void finished(int code) noexcept = 0;

 protected:
  ~send_request() = default;
};

class io_handle {
 public:
  // `fd` stays the caller's; it is non-blocking, and closed only after the io_handle is gone.
  io_handle(kernel& k, int fd) noexcept : kernel_(k), fd_(fd) {}
  // Forgets the descriptor. Coroutines that wait on it get ECANCELED.
  virtual ~io_handle();
  io_handle(const io_handle&) = delete;
  io_handle& operator=(const io_handle&) = delete;

  int fd() const noexcept { return fd_; }
  kernel& system() const noexcept { return kernel_; }

  // Blocks until the descriptor is readable (writable) or in error or hung up, as poll(2) has it.
  // 0, ETIMEDOUT, ECANCELED; EBUSY if another coroutine waits for the same direction; EBADF if it
  // is not open. A regular file is always ready.
  int wait(direction d, deadline dl, const char* what) noexcept;

  // The two halves of wait(), for an operation that waits for other things too: puts `w` where it is
  // woken when the descriptor is ready, without looking first (0, or what wait() fails with, or
  // ENOTSUP for a file that tells nobody when it is ready, like a regular one); and,
  // when the operation has ended and `w` is out of the queue, stops waiting.
  int enlist(direction d, lowlevel::waiter& w) noexcept;
  void delist(direction d) noexcept;

  // Wakes the coroutines that wait here with `code`; later waits are not affected.
  void interrupt(int code) noexcept;

  // The descriptor is about to be closed: wakes them with ECANCELED, and later waits, of coroutines
  // that were on their way already, fail with it too.
  void end_waiting() noexcept;

  // False if the next operation in this direction is known to wait, unless something happens first.
  bool may_be_ready(direction d) const noexcept { return may_be_ready_[static_cast<int>(d)]; }

  // Receives what is there, at least one byte; 0 means the peer has finished. Blocks. ETIMEDOUT and
  // ECANCELED leave everything as it was, errors of recv(2); that the kernel gave up a silent peer
  // is ECONNRESET.
  virtual result<std::size_t> recv(mutable_bytes into, deadline dl) noexcept;

  // The same into a buffer that is borrowed only once there is something to receive. An empty
  // lent_buffer means the peer has finished.
  virtual result<lent_buffer> recv_lent(deadline dl) noexcept;

  // Sends some of `ps`, at least one byte. Blocks. ETIMEDOUT and ECANCELED: nothing was sent.
  virtual result<std::size_t> send(parts ps, deadline dl) noexcept;

  // Receives one datagram into a buffer that is borrowed only once there is one, a buffer of size 0
  // for an empty one. Who sent it goes to `from`. Blocks. Errors of recvmsg(2).
  result<lent_buffer> recv_datagram(sockaddr_storage& from, socklen_t& length,
                                    deadline dl) noexcept;

  // Sends one datagram. Blocks while there is no room; if `dl` is `immediately` it does not even
  // let others run. ETIMEDOUT and ECANCELED: nothing was sent. Errors of sendmsg(2); EBUSY if
  // another coroutine waits to send.
  result<void> send_datagram(const msghdr& message, deadline dl) noexcept;

  // Begins to send r.remaining and returns at once. One request at a time.
  virtual void start_send(send_request& r) noexcept;
  // Takes a request back: r.remaining says what was not sent; finished() will not be called. Never
  // blocks for long.
  virtual void cancel_send(send_request& r) noexcept;

  // A connection; its address goes to `address` unless that is nullptr. Blocks. Errors of
  // accept(2), but a connection that was gone again is skipped.
  virtual result<unique_fd> accept(sockaddr_storage* address, socklen_t* length,
                                   deadline dl) noexcept;

  // Blocks until connected. After ETIMEDOUT or ECANCELED the socket is of no more use.
  virtual result<void> connect(const sockaddr* address, socklen_t length, deadline dl) noexcept;

  // True if the poller has already taken something out of the descriptor in direction `d` that nobody
  // has asked for yet: then a wait is over at once, whatever the descriptor says.
  virtual bool holds(direction) const noexcept { return false; }
  // Ends that, until recv_lent() is called again: for those who want to take what comes out of the
  // descriptor themselves.
  virtual void stop_receiving() noexcept {}

 protected:
  // Makes the poller report readiness in direction `d` through on_ready(), also if it holds
  // already. Called each time before somebody parks. 0 or an errno.
  virtual int arm(direction d) noexcept = 0;
  // Nobody waits in direction `d` any more. For pollers that are not edge-triggered.
  virtual void disarm(direction) noexcept {}

  // For pollers: the descriptor is ready in these directions. `hang_up` for errors and ends.
  void on_ready(bool in, bool out, bool hang_up) noexcept;

  // Waits as wait(), without looking at the descriptor first.
  int park(direction d, deadline dl, const char* what) noexcept;
  void not_ready(direction d) noexcept { may_be_ready_[static_cast<int>(d)] = hung_up_; }
  void try_send_request() noexcept;

  // accept(2) reports what became of a connection that is gone again, which is of no interest to who
  // accepts the next one. But of a socket that cannot accept at all the kernel says EOPNOTSUPP too, and
  // says it every time: so many in a row are skipped.
  static bool is_of_lost_connection(int code) noexcept;
  static constexpr int most_lost = 1024;

 private:
  static constexpr std::uint32_t initial_receive_size = 16 * 1024;
  void adapt_receive_size(std::size_t received) noexcept;

  kernel& kernel_;
  int fd_;
  bool may_be_ready_[2] = {true, true};
  bool hung_up_ = false;
  bool no_more_waits_ = false;
  std::uint32_t receive_size_ = initial_receive_size;
  lowlevel::wait_queue waiting_[2];
  send_request* request_ = nullptr;
};

}  // namespace caraway::runtime
