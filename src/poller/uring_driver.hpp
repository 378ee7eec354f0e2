// uring_driver.hpp - requests with a sender, and answers that find him.
//
// A request carries the address of its client and, in the low bits, the number that the client
// gave it. The answer comes back as client.answered(number, ...). A client outlives its requests:
// it cancels what is under way, and lets the driver work until it has the last answers.
//
//     io_uring_sqe& sqe = driver.prepare(*this, 0, IORING_OP_NOP, fd);
//     driver.work(1);
#pragma once

#include <cstddef>
#include <cstdint>
#include <ctime>

#include "poller/uring_buffers.hpp"
#include "poller/uring_ring.hpp"

namespace caraway::runtime {

// Whoever makes requests.
class alignas(8) uring_client {
 public:
  // The answer to request `number`. There may be more of them if `flags` has IORING_CQE_F_MORE. May
  // make requests; must not run coroutines.
  virtual void answered(unsigned number, int outcome, unsigned flags) noexcept = 0;

 protected:
  ~uring_client() = default;
};

class uring_driver {
 public:
  // A client has at most so many requests under way; the last number is for accepting.
  static constexpr unsigned numbers = 8;
  static constexpr unsigned accepting = numbers - 1;

  // Throws caraway::error if the kernel refuses.
  uring_driver();
  // Calls back everything that is under way; nobody hears of it.
  ~uring_driver();

  // An operation on `fd`, without its details.
  io_uring_sqe& prepare(uring_client& c, unsigned number, int opcode, int fd) noexcept;
  // Reports when one of `events` (EPOLLIN and the like) holds: once, or with IORING_POLL_ADD_MULTI
  // in `flags` each time something happens.
  void prepare_poll(uring_client& c, unsigned number, int fd, std::uint32_t events,
                    unsigned flags) noexcept;
  // Request `accepting`: a connection, or an error, in each answer.
  void prepare_accept(uring_client& c, int fd) noexcept;
  // Ends request `number`, which will be answered with -ECANCELED, or is just being answered.
  void prepare_cancel(uring_client& c, unsigned number) noexcept;

  // Lets the kernel work until at least so many answers are there, and hands all out. Returns how
  // many were of interest to anybody.
  std::size_t work(unsigned at_least, const timespec* timeout = nullptr) noexcept;
  // The same; false if the kernel refuses. The answers are somebody else's then.
  bool try_work(unsigned at_least) noexcept;
  // True if work(0) would do anything.
  bool has_work() const noexcept { return ring_.has_work(); }

  // nullptr if there is no memory for them.
  uring_buffers* buffers() noexcept;

 private:
  std::size_t hand_out() noexcept;

  uring_ring ring_;
  uring_buffers buffers_;
  bool no_buffers_ = false;
};

}  // namespace caraway::runtime
