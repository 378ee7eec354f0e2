// uring_ring.hpp - the two queues that a thread shares with the kernel, and nothing else.
//
// Requests are prepared in place with next() and leave together with the next enter(); answers come
// out of pop(). The kernel works for the ring only while its thread is inside enter(): nothing is
// received, sent or completed behind the thread's back, and there are no interrupts for it.
//
//     io_uring_sqe& sqe = ring.next();
//     sqe.opcode = IORING_OP_POLL_ADD; ...
//     ring.enter(1, nullptr);
//     for (io_uring_cqe cqe; ring.pop(cqe);) use(cqe.user_data, cqe.res);
//
// Belongs to the thread that opened it.
#pragma once

#include <linux/io_uring.h>
#include <sys/types.h>

#include <cstddef>
#include <ctime>
#include <initializer_list>

#include "caraway/fd.hpp"

namespace caraway::runtime {

// Memory from mmap(2).
class mapping {
 public:
  mapping() noexcept = default;
  ~mapping();
  mapping(const mapping&) = delete;
  mapping& operator=(const mapping&) = delete;

  // Maps `size` bytes of `fd` at `offset`, or fresh ones if `fd` is -1. 0 or an errno.
  int map(std::size_t size, int flags, int fd = -1, off_t offset = 0) noexcept;
  std::byte* data() const noexcept { return data_; }

 private:
  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

class uring_ring {
 public:
  uring_ring() noexcept = default;
  ~uring_ring();

  // Makes the queues; the numbers are powers of two. 0 or an errno: ENOSYS, EPERM (forbidden),
  // EINVAL (a kernel before 6.1), EOPNOTSUPP (one that lacks something we need), ENOMEM, EMFILE.
  int open(unsigned requests, unsigned answers) noexcept;

  // True if the kernel knows all these operations.
  bool knows(std::initializer_list<int> operations) noexcept;

  // io_uring_register(2). -1 and errno on failure.
  int tell(unsigned what, void* argument, unsigned n) noexcept;

  // An empty request, to be filled in before the next call. Hands over the earlier ones if there is
  // no room.
  io_uring_sqe& next() noexcept;

  // Hands over what is prepared and lets the kernel work. Then blocks until `at_least` answers are
  // there; at most for `timeout` unless that is nullptr; a signal ends it too. Leaves errno alone.
  // 0, or an errno if the kernel refuses altogether: EPERM, EEXIST (another thread's ring, or that
  // of the process before a fork).
  int try_enter(unsigned at_least, const timespec* timeout) noexcept;

  // The same for those who cannot do without: ends the process instead of failing.
  void enter(unsigned at_least, const timespec* timeout) noexcept;

  // True if enter(0, nullptr) or pop() would do anything.
  bool has_work() const noexcept;

  // Takes the oldest answer. False if there is none.
  bool pop(io_uring_cqe& into) noexcept;

 private:
  int map_queues(const io_uring_params& p) noexcept;
  void register_itself() noexcept;
  unsigned prepared() const noexcept { return tail_ - handed_over_; }

  unique_fd fd_;
  int enter_fd_ = -1;
  bool registered_ = false;
  mapping queues_;
  mapping requests_memory_;
  io_uring_sqe* requests_ = nullptr;
  io_uring_cqe* answers_ = nullptr;
  unsigned* request_head_ = nullptr;
  unsigned* request_tail_ = nullptr;
  unsigned* request_flags_ = nullptr;
  unsigned* answer_head_ = nullptr;
  unsigned* answer_tail_ = nullptr;
  unsigned request_count_ = 0;
  unsigned request_mask_ = 0;
  unsigned answer_mask_ = 0;
  unsigned tail_ = 0;
  unsigned handed_over_ = 0;
};

}  // namespace caraway::runtime
