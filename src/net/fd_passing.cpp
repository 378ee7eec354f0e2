// fd_passing.cpp - descriptors through a Unix socket: each with one byte, 0xCC.
#include "net/fd_passing.hpp"

#include <cerrno>
#include <cstring>

namespace caraway::net {

using runtime::direction;
using runtime::io_handle;

namespace {

constexpr unsigned char companion = 0xCC;
constexpr int room = 16;

// One byte and room for descriptors beside it.
struct envelope {
  unsigned char byte = companion;
  iovec piece{&byte, 1};
  alignas(cmsghdr) unsigned char control[CMSG_SPACE(sizeof(int) * room)] = {};
  msghdr message{};

  explicit envelope(std::size_t control_size) noexcept {
    message.msg_iov = &piece;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = control_size;
  }
};

// Calls `transfer` until it does not say EAGAIN; waits in between.
template <class F>
result<ssize_t> when_ready(io_handle& h, direction d, deadline dl, const char* what, F transfer) {
  for (;;) {
    const ssize_t n = transfer();
    if (n >= 0) return n;
    if (errno == EINTR) continue;
    if (errno == EBADF || errno == ENOMEM || errno == ETOOMANYREFS) return fail(errno);
    if (errno != EAGAIN) return fail(ECONNRESET);
    if (const int code = h.wait(d, dl, what); code != 0) return fail(code);
  }
}

// Takes the descriptors out of `m`; closes all but the first. How many there were goes to `count`.
unique_fd take_fds(msghdr& m, std::size_t& count) noexcept {
  unique_fd first;
  count = 0;
  for (cmsghdr* c = CMSG_FIRSTHDR(&m); c != nullptr; c = CMSG_NXTHDR(&m, c)) {
    if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < n; ++i) {
      int number;
      std::memcpy(&number, CMSG_DATA(c) + i * sizeof(int), sizeof number);
      unique_fd one(number);
      if (count++ == 0) first = std::move(one);
    }
  }
  return first;
}

// Takes a byte that the poller has received already, without the descriptor that may have come with
// it. Gives what to fail with.
std::error_code drop_held(io_handle& from) noexcept {
  std::byte held;
  const auto n = from.recv({&held, 1}, immediately);
  if (!n) return n.error();
  return *n == 0 ? make_error_code(errc::end_of_stream) : os_error(EPROTO);
}

}  // namespace

result<void> send_fd(io_handle& to, int fd, deadline dl) noexcept {
  if (fd < 0) return fail(EBADF);
  envelope e(CMSG_SPACE(sizeof fd));
  cmsghdr* const header = CMSG_FIRSTHDR(&e.message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof fd);
  std::memcpy(CMSG_DATA(header), &fd, sizeof fd);
  const auto n = when_ready(to, direction::out, dl, "send descriptor",
                            [&] { return to.system().sendmsg(to.fd(), &e.message, 0); });
  if (!n) return fail(n.error());
  return {};
}

result<unique_fd> recv_fd(io_handle& from, deadline dl) noexcept {
  if (from.holds(direction::in)) return fail(drop_held(from));
  envelope e(sizeof e.control);
  const auto n = when_ready(from, direction::in, dl, "receive descriptor", [&] {
    return from.system().recvmsg(from.fd(), &e.message, MSG_CMSG_CLOEXEC);
  });
  if (!n) return fail(n.error());
  if (*n == 0) return fail(errc::end_of_stream);
  std::size_t count = 0;
  unique_fd fd = take_fds(e.message, count);
  if (count != 1 || (e.message.msg_flags & MSG_CTRUNC) != 0) return fail(EPROTO);
  return fd;
}

}  // namespace caraway::net
