// uring_driver.cpp - making requests and handing out answers.
#include "poller/uring_driver.hpp"

#include <sys/socket.h>

#include <bit>

#include "caraway/error.hpp"
#include "caraway/fd.hpp"

namespace caraway::runtime {
namespace {

constexpr unsigned request_count = 512;
constexpr unsigned answer_count = 4096;
constexpr unsigned first_buffers = 64;

constexpr std::uint64_t number_mask = uring_driver::numbers - 1;
constexpr std::uint64_t nobody = 0;

std::uint64_t key_of(uring_client& c, unsigned number) noexcept {
  return reinterpret_cast<std::uint64_t>(&c) | number;
}

}  // namespace

uring_driver::uring_driver() {
  if (const int code = ring_.open(request_count, answer_count); code != 0)
    raise(os_error(code), "io_uring_setup");
}

// What is under way holds files open. Closing the ring would only begin to end it.
uring_driver::~uring_driver() {
  io_uring_sqe& sqe = ring_.next();
  sqe.opcode = IORING_OP_ASYNC_CANCEL;
  sqe.fd = -1;
  sqe.cancel_flags = IORING_ASYNC_CANCEL_ANY | IORING_ASYNC_CANCEL_ALL;
  sqe.user_data = nobody;
  if (ring_.try_enter(0, nullptr) != 0) return;
  for (io_uring_cqe cqe; ring_.pop(cqe);)
    if ((cqe.user_data & number_mask) == accepting && cqe.res >= 0) unique_fd{cqe.res};
}

io_uring_sqe& uring_driver::prepare(uring_client& c, unsigned number, int opcode, int fd) noexcept {
  io_uring_sqe& sqe = ring_.next();
  sqe.opcode = static_cast<std::uint8_t>(opcode);
  sqe.fd = fd;
  sqe.user_data = key_of(c, number);
  return sqe;
}

// The events are two half-words for the kernel, lower half first, whatever the machine's order.
void uring_driver::prepare_poll(uring_client& c, unsigned number, int fd, std::uint32_t events,
                                unsigned flags) noexcept {
  io_uring_sqe& sqe = prepare(c, number, IORING_OP_POLL_ADD, fd);
  sqe.len = flags;
  sqe.poll32_events = std::endian::native == std::endian::big ? std::rotl(events, 16) : events;
}

void uring_driver::prepare_accept(uring_client& c, int fd) noexcept {
  io_uring_sqe& sqe = prepare(c, accepting, IORING_OP_ACCEPT, fd);
  sqe.ioprio = IORING_ACCEPT_MULTISHOT;
  sqe.accept_flags = SOCK_NONBLOCK | SOCK_CLOEXEC;
}

void uring_driver::prepare_cancel(uring_client& c, unsigned number) noexcept {
  io_uring_sqe& sqe = ring_.next();
  sqe.opcode = IORING_OP_ASYNC_CANCEL;
  sqe.fd = -1;
  sqe.addr = key_of(c, number);
  sqe.user_data = nobody;
}

std::size_t uring_driver::work(unsigned at_least, const timespec* timeout) noexcept {
  ring_.enter(at_least, timeout);
  return hand_out();
}

bool uring_driver::try_work(unsigned at_least) noexcept {
  if (ring_.try_enter(at_least, nullptr) != 0) return false;
  hand_out();
  return true;
}

std::size_t uring_driver::hand_out() noexcept {
  std::size_t n = 0;
  for (io_uring_cqe cqe; ring_.pop(cqe);) {
    if (cqe.user_data == nobody) continue;
    ++n;
    const auto number = static_cast<unsigned>(cqe.user_data & number_mask);
    const std::uint64_t address = cqe.user_data & ~number_mask;
    reinterpret_cast<uring_client*>(address)->answered(number, cqe.res, cqe.flags);
  }
  return n;
}

uring_buffers* uring_driver::buffers() noexcept {
  if (!buffers_.is_open() && !no_buffers_) no_buffers_ = buffers_.open(ring_, first_buffers) != 0;
  return no_buffers_ ? nullptr : &buffers_;
}

}  // namespace caraway::runtime
