// uring_handle.hpp - a descriptor whose operations the kernel completes.
//
// At most one operation of each kind is with the kernel. Input that nobody has asked for yet waits
// here, in this order: filled buffers, then the end or an error; or connections. The essay is at
// the head of io_uring_poller.cpp.
#pragma once

#include <cstdint>
#include <vector>

#include "caraway/list.hpp"
#include "poller/uring_buffers.hpp"
#include "poller/uring_driver.hpp"
#include "runtime/io_handle.hpp"

namespace caraway::runtime {

class uring_handle final : public io_handle, public list_node, public uring_client {
 public:
  uring_handle(uring_driver& d, int fd) noexcept : io_handle(real_kernel(), fd), driver_(&d) {}
  ~uring_handle() override;

  result<std::size_t> recv(mutable_bytes into, deadline dl) noexcept override;
  result<lent_buffer> recv_lent(deadline dl) noexcept override;
  void start_send(send_request& r) noexcept override;
  void cancel_send(send_request& r) noexcept override;
  result<unique_fd> accept(sockaddr_storage* address, socklen_t* length,
                           deadline dl) noexcept override;
  void stop_receiving() noexcept override;
  bool holds(direction d) const noexcept override;

  void answered(unsigned number, int outcome, unsigned flags) noexcept override;
  // For the poller: there is no driver any more.
  void driver_gone() noexcept;

 private:
  // What can be with the kernel.
  enum operation_kind : unsigned {
    receive,
    poll_in,
    poll_out,
    transmit,
    take_connections = uring_driver::accepting
  };
  // What a descriptor is, found out at its first use.
  enum class sort : unsigned char { unknown, stream, other, never_waits };
  // How the coroutine that waits for input wants it.
  enum class want : unsigned char { readiness, bytes, connection };

  int arm(direction d) noexcept override;
  void disarm(direction d) noexcept override;

  int find_sort() noexcept;
  void arm_in() noexcept;
  bool in_flight(operation_kind k) const noexcept { return (in_flight_ & 1U << k) != 0; }
  void begin(operation_kind k) noexcept { in_flight_ |= static_cast<unsigned char>(1U << k); }
  io_uring_sqe& prepare(operation_kind kind, int opcode) noexcept;
  void prepare_receive() noexcept;
  void prepare_accept() noexcept;
  void prepare_poll(operation_kind kind, std::uint32_t events) noexcept;
  void prepare_send() noexcept;
  void stop(operation_kind kind) noexcept;
  void settle(unsigned kinds_mask) noexcept;
  void withdraw() noexcept;

  bool reads_directly() noexcept;
  bool kernel_received() noexcept;
  void note_direct_read(std::size_t n) noexcept;
  std::size_t take(mutable_bytes into) noexcept;
  lent_buffer take_buffer() noexcept;
  void pop_buffer() noexcept;
  void push_buffer(uring_buffers::id n, std::size_t filled) noexcept;
  result<unique_fd> take_connection(sockaddr_storage* address, socklen_t* length) noexcept;

  void received(int outcome, unsigned flags) noexcept;
  void connected(int outcome) noexcept;
  void polled(operation_kind kind, int outcome) noexcept;
  void sent(int outcome) noexcept;
  void input_came() noexcept;

  uring_driver* driver_;
  send_request* sending_ = nullptr;
  std::vector<int> accepted_;
  int lost_in_a_row_ = 0;  // connections, before they were accepted
  int input_error_ = 0;
  unsigned char in_flight_ = 0;
  unsigned char stopping_ = 0;
  sort sort_ = sort::unknown;
  want want_ = want::readiness;
  bool somebody_wants_in_ = false;
  bool bulk_ = false;
  bool ended_ = false;
  bool taking_back_ = false;
  unsigned char full_in_a_row_ = 0;
  unsigned char short_in_a_row_ = 0;
  // The filled buffers that nobody has asked for yet, oldest first; `offset_` of the first are
  // gone.
  uring_buffers::id first_ = uring_buffers::none;
  uring_buffers::id last_ = uring_buffers::none;
  std::uint16_t filled_count_ = 0;
  std::uint16_t offset_ = 0;
};

}  // namespace caraway::runtime
