// io_uring_poller.cpp - waits with io_uring, and lets the kernel receive and send.
//
// With many connections and small messages most system calls are overhead that can be shared: a
// turn of the thread costs one io_uring_enter, which sends what the turn has written, receives
// what has come meanwhile for all connections, and sleeps if that was nothing. With few
// connections or large data there is nothing to share, and the plain system calls are as good or
// better. So both halves of io_handle are here, and a connection moves between them by what it
// does.
//
// The ring. SINGLE_ISSUER and DEFER_TASKRUN (Linux 6.1) are required: without them the kernel
// interrupts the thread to complete things, which costs a quarter more, and completions would
// appear at any point of the program. With them nothing happens but inside enter(). Where
// something is missing or forbidden (seccomp profiles of containers forbid io_uring as a whole)
// usable() says no, silently, and another poller is taken. What is newer than 6.1 (incremental
// buffers, bundles, buffer rings of the kernel's own memory) measured no better here and is not
// used.
//
// Readiness is a one-shot POLL_ADD for each wait that really waits. A multishot one would report
// every segment of a transfer also while nobody waits; a one-shot costs a request in an enter()
// that is due anyway, reports also what holds already, and leaves nothing behind when it has
// fired. Only the eventfd of other threads is polled for ever. Deadlines are the scheduler's: the
// next one is the timeout of enter(), in nanoseconds. A timeout of the kernel for each operation
// would cost 0.6 us apiece.
//
// Receiving. A coroutine in recv_lent() arms a multishot receive that picks buffers from a ring
// shared with the kernel (uring_buffers). It stays armed: further messages cost no request, an
// idle connection owns no buffer. What comes while nobody asks waits in the handle, in order,
// ahead of the end of the stream or the error behind it. That makes deadlines and cancellation
// free: whoever gives up leaves the receive armed, and what it brings is for the next caller. Four
// things need care:
//
//   1. Back-pressure. A peer that sends while nobody asks would fill the thread's memory. After a
//      few unasked buffers the receive is cancelled, and TCP does the rest. If the ring runs dry
//      (ENOBUFS), it grows to a limit; beyond, the handle reads by system calls into buffers of
//      the thread's pool.
//   2. Large data. Copied through small rotating buffers, each cold, it costs up to twice as much
//      as one recv() into a large warm one. A connection that fills buffers in a row, or whose
//      owner names a destination (recv), is read directly, until it has sent little many times in
//      a row.
//   3. Order. While a multishot receive is under way, the socket is the kernel's: a recv() beside
//      it would overtake bytes that are completed and not yet looked at. So the change to direct
//      reading cancels first, waits for the last answer (which the same enter() brings, about a
//      microsecond), and hands out what is in the queue before the socket is touched.
//   4. Reading ahead. recv() takes no more than it was asked for and arms nothing: somebody may
//      want what is behind, or the descriptors that travel with it. Only recv_lent() reads ahead.
//      Datagram sockets are never read ahead: a buffer of the ring could cut a datagram.
//
// Accepting is multishot too: a burst of connections is one enter(). What was accepted and not
// asked for waits in the handle, up to a limit, and is closed with it, as the kernel's own backlog
// would be.
//
// Sending. start_send() prepares a request that leaves with the next enter(), all of a turn
// together. The kernel goes on with short sends by itself (MSG_WAITALL). Requests above 16 KiB and
// send() use system calls at once, and poll if the socket is full.
//
// The end of a handle. A request under way holds the open file: the port of a listener stays
// taken, the peer of a connection hears no end, although the descriptor is closed. And its last
// answer would find freed memory. So a handle that goes cancels what is under way and waits for
// the last answers; the kernel needs nobody else for that, it is one enter(), and most handles
// have nothing under way when they go, for the end of the stream ends the receive. The same
// enter() hands over requests that were still in the queue while their descriptor number means the
// right file. The poller does likewise with everything at once, as closing a ring only begins to
// take it down, in the background.
//
// Answers are dealt with in wait(), and also while a handle waits for its last ones, on the stack
// of some coroutine. That is safe because dealing with them wakes coroutines but runs none.
//
// After a fork(2) the ring is the parent's; the kernel refuses the child. The child may drop what
// it inherited, not wait on it. Valgrind (3.19) lets no other thread run during enter(): programs
// with threads need another poller there.
#include <sys/epoll.h>

#include <algorithm>
#include <new>

#include "poller/uring_driver.hpp"
#include "poller/uring_handle.hpp"
#include "poller/waker.hpp"
#include "runtime/poller.hpp"

namespace caraway::runtime {
namespace {

class io_uring_poller final : public poller, private uring_client {
 public:
  io_uring_poller() { watch_waker(); }
  ~io_uring_poller() override {
    while (!handles_.empty()) handles_.pop_front().driver_gone();
  }

  const char* name() const noexcept override { return "io_uring"; }
  result<std::unique_ptr<io_handle>> open(int fd) override;
  void wait(time_point until) noexcept override;
  void wake() noexcept override { waker_.wake(); }
  void submit() noexcept override { driver_.work(0); }

 private:
  void answered(unsigned number, int outcome, unsigned flags) noexcept override;
  std::size_t sleep(time_point until) noexcept;
  void watch_waker() noexcept {
    driver_.prepare_poll(*this, 0, waker_.fd(), EPOLLIN, IORING_POLL_ADD_MULTI);
  }

  waker waker_;
  uring_driver driver_;
  list<uring_handle> handles_;
};

result<std::unique_ptr<io_handle>> io_uring_poller::open(int fd) {
  auto* h = new (std::nothrow) uring_handle(driver_, fd);
  if (h == nullptr) return fail(ENOMEM);
  handles_.push_back(*h);
  return std::unique_ptr<io_handle>(h);
}

void io_uring_poller::wait(time_point until) noexcept {
  const bool sleeps = until != time_point::min() && waker_.fall_asleep();
  if (!sleeps) {
    if (driver_.has_work()) driver_.work(0);
    waker_.rise();
    return;
  }
  while (sleep(until) == 0 && clock::now() < until) {
  }
  waker_.rise();
}

std::size_t io_uring_poller::sleep(time_point until) noexcept {
  if (until == time_point::max()) return driver_.work(1);
  const nanoseconds time = std::max(until - clock::now(), nanoseconds(0));
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  const timespec timeout{seconds.count(), (time - seconds).count()};
  return driver_.work(1, &timeout);
}

// Somebody woke us; that is all.
void io_uring_poller::answered(unsigned, int, unsigned flags) noexcept {
  if ((flags & IORING_CQE_F_MORE) == 0) watch_waker();
}

// Asks the kernel for what we need, and for one answer.
bool works() noexcept {
  uring_ring ring;
  if (ring.open(8, 16) != 0 || !ring.knows({IORING_OP_POLL_ADD, IORING_OP_ASYNC_CANCEL,
                                            IORING_OP_RECV, IORING_OP_SEND, IORING_OP_ACCEPT}))
    return false;
  io_uring_sqe& sqe = ring.next();
  sqe.opcode = IORING_OP_NOP;
  sqe.user_data = 1;
  io_uring_cqe answer;
  return ring.try_enter(0, nullptr) == 0 && ring.pop(answer) && answer.user_data == 1 &&
         answer.res == 0;
}

bool usable() noexcept {
  static const bool answer = works();
  return answer;
}

std::unique_ptr<poller> make() {
  return std::make_unique<io_uring_poller>();
}

}  // namespace

extern const poller_kind io_uring_kind;
constinit const poller_kind io_uring_kind{"io_uring", 5, usable, make};

}  // namespace caraway::runtime
