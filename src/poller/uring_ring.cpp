// uring_ring.cpp - the raw interface of io_uring: setup, the shared memory, enter.
//
// The kernel's structures are a stable interface, and few: a library for them would be another
// dependency for a hundred lines, and the packaged ones are older than the kernels they run on.
//
// Both queues are rings of a power of two with free-running counters. The producer of a queue
// stores the tail with release, the consumer loads it with acquire, and the other way round for the
// head. The submission queue has an indirection, an array of indices, which we fill once with 0,
// 1, 2... and forget.
#include "poller/uring_ring.hpp"

#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace caraway::runtime {
namespace {

constexpr unsigned wanted_setup = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
                                  IORING_SETUP_TASKRUN_FLAG | IORING_SETUP_SUBMIT_ALL |
                                  IORING_SETUP_CQSIZE;
constexpr unsigned needed_features =
    IORING_FEAT_SINGLE_MMAP | IORING_FEAT_NODROP | IORING_FEAT_SUBMIT_STABLE |
    IORING_FEAT_FAST_POLL | IORING_FEAT_POLL_32BITS | IORING_FEAT_EXT_ARG | IORING_FEAT_CQE_SKIP;

unsigned load(unsigned* at) noexcept {
  return std::atomic_ref<unsigned>(*at).load(std::memory_order_acquire);
}
void store(unsigned* at, unsigned value) noexcept {
  std::atomic_ref<unsigned>(*at).store(value, std::memory_order_release);
}

template <class T>
T* at(std::byte* base, unsigned offset) noexcept {
  return reinterpret_cast<T*>(base + offset);
}

// Ends of enter() after which the next one may do better: time, a signal, no memory for a moment,
// answers that wait to be taken.
bool passes(int code) noexcept {
  return code == ETIME || code == EINTR || code == EAGAIN || code == EBUSY || code == ENOMEM ||
         code == EBADR;
}

}  // namespace

mapping::~mapping() {
  if (data_ != nullptr) ::munmap(data_, size_);
}

int mapping::map(std::size_t size, int flags, int fd, off_t offset) noexcept {
  void* memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE,
                        fd < 0 ? flags | MAP_ANONYMOUS : flags, fd, offset);
  if (memory == MAP_FAILED) return errno;
  data_ = static_cast<std::byte*>(memory);
  size_ = size;
  return 0;
}

int uring_ring::open(unsigned requests, unsigned answers) noexcept {
  io_uring_params p{};
  p.flags = wanted_setup;
  p.cq_entries = answers;
  fd_.reset(static_cast<int>(::syscall(SYS_io_uring_setup, requests, &p)));
  if (!fd_) return errno;
  if ((p.features & needed_features) != needed_features) return EOPNOTSUPP;
  if (const int code = map_queues(p); code != 0) return code;
  register_itself();
  return 0;
}

int uring_ring::map_queues(const io_uring_params& p) noexcept {
  const std::size_t request_size = p.sq_off.array + p.sq_entries * sizeof(unsigned);
  const std::size_t answer_size = p.cq_off.cqes + p.cq_entries * sizeof(io_uring_cqe);
  constexpr int flags = MAP_SHARED | MAP_POPULATE;
  if (const int code =
          queues_.map(std::max(request_size, answer_size), flags, fd_.get(), IORING_OFF_SQ_RING);
      code != 0)
    return code;
  if (const int code = requests_memory_.map(p.sq_entries * sizeof(io_uring_sqe), flags, fd_.get(),
                                            IORING_OFF_SQES);
      code != 0)
    return code;
  std::byte* const base = queues_.data();
  request_head_ = at<unsigned>(base, p.sq_off.head);
  request_tail_ = at<unsigned>(base, p.sq_off.tail);
  request_flags_ = at<unsigned>(base, p.sq_off.flags);
  request_count_ = p.sq_entries;
  request_mask_ = *at<unsigned>(base, p.sq_off.ring_mask);
  requests_ = at<io_uring_sqe>(requests_memory_.data(), 0);
  answer_head_ = at<unsigned>(base, p.cq_off.head);
  answer_tail_ = at<unsigned>(base, p.cq_off.tail);
  answer_mask_ = *at<unsigned>(base, p.cq_off.ring_mask);
  answers_ = at<io_uring_cqe>(base, p.cq_off.cqes);
  unsigned* const indices = at<unsigned>(base, p.sq_off.array);
  for (unsigned i = 0; i < p.sq_entries; ++i) indices[i] = i;
  return 0;
}

// Saves the kernel a look into the table of descriptors at each enter. Where it is refused we go on
// with the descriptor.
void uring_ring::register_itself() noexcept {
  enter_fd_ = fd_.get();
  io_uring_rsrc_update update{};
  update.offset = ~0U;
  update.data = static_cast<std::uint64_t>(fd_.get());
  if (tell(IORING_REGISTER_RING_FDS, &update, 1) != 1) return;
  enter_fd_ = static_cast<int>(update.offset);
  registered_ = true;
}

// The registration holds the ring open for as long as the thread lives.
uring_ring::~uring_ring() {
  if (!registered_) return;
  io_uring_rsrc_update update{};
  update.offset = static_cast<unsigned>(enter_fd_);
  tell(IORING_UNREGISTER_RING_FDS, &update, 1);
}

int uring_ring::tell(unsigned what, void* argument, unsigned n) noexcept {
  return static_cast<int>(::syscall(SYS_io_uring_register, fd_.get(), what, argument, n));
}

bool uring_ring::knows(std::initializer_list<int> operations) noexcept {
  constexpr unsigned asked = 64;
  alignas(io_uring_probe)
      std::byte memory[sizeof(io_uring_probe) + asked * sizeof(io_uring_probe_op)];
  std::memset(memory, 0, sizeof memory);
  if (tell(IORING_REGISTER_PROBE, memory, asked) != 0) return false;
  for (int operation : operations) {
    io_uring_probe_op answer;
    std::memcpy(&answer, memory + sizeof(io_uring_probe) + operation * sizeof answer,
                sizeof answer);
    if ((answer.flags & IO_URING_OP_SUPPORTED) == 0) return false;
  }
  return true;
}

// With SUBMIT_ALL every request is taken, also a wrong one, unless the kernel is out of memory for
// a moment.
io_uring_sqe& uring_ring::next() noexcept {
  while (prepared() == request_count_) enter(0, nullptr);
  io_uring_sqe& sqe = requests_[tail_++ & request_mask_];
  std::memset(&sqe, 0, sizeof sqe);
  return sqe;
}

int uring_ring::try_enter(unsigned at_least, const timespec* timeout) noexcept {
  const int saved = errno;
  __kernel_timespec ts{};
  io_uring_getevents_arg argument{};
  if (timeout != nullptr) {
    ts.tv_sec = timeout->tv_sec;
    ts.tv_nsec = timeout->tv_nsec;
    argument.ts = reinterpret_cast<std::uint64_t>(&ts);
  }
  unsigned flags = IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG;
  if (registered_) flags |= IORING_ENTER_REGISTERED_RING;
  store(request_tail_, tail_);
  const long n = ::syscall(SYS_io_uring_enter, enter_fd_, prepared(), at_least, flags, &argument,
                           sizeof argument);
  const int code = n < 0 && !passes(errno) ? errno : 0;
  handed_over_ = load(request_head_);
  errno = saved;
  return code;
}

void uring_ring::enter(unsigned at_least, const timespec* timeout) noexcept {
  const int code = try_enter(at_least, timeout);
  if (code == 0) return;
  errno = code;
  std::perror("io_uring_enter");
  std::abort();
}

bool uring_ring::has_work() const noexcept {
  return prepared() != 0 || load(answer_tail_) != *answer_head_ ||
         (load(request_flags_) & (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW)) != 0;
}

bool uring_ring::pop(io_uring_cqe& into) noexcept {
  const unsigned head = *answer_head_;
  if (head == load(answer_tail_)) return false;
  std::memcpy(&into, &answers_[head & answer_mask_], sizeof into);
  store(answer_head_, head + 1);
  return true;
}

}  // namespace caraway::runtime
