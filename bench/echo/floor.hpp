// floor.hpp - the least that an echo can cost here: the same bytes given back unseen, by plain epoll and
// by plain io_uring. No handshake, no frames, no checks, no limits.
#pragma once

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <deque>
#include <vector>

#include "poller/uring_buffers.hpp"
#include "poller/uring_ring.hpp"

namespace bench {

// A listening socket on the loopback interface; its port is written to `port`.
inline int listen_anywhere(std::uint16_t& port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t n = sizeof at;
  auto* address = reinterpret_cast<sockaddr*>(&at);
  if (::bind(fd, address, n) != 0 || ::listen(fd, 1024) != 0) std::abort();
  ::getsockname(fd, address, &n);
  port = ntohs(at.sin_port);
  return fd;
}

inline void no_delay(int fd) {
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

inline void echo_with_epoll(int listener) {
  const int poll = ::epoll_create1(EPOLL_CLOEXEC);
  const auto watch = [poll](int fd) {
    epoll_event e{};
    e.events = EPOLLIN | EPOLLET;
    e.data.fd = fd;
    ::epoll_ctl(poll, EPOLL_CTL_ADD, fd, &e);
  };
  ::fcntl(listener, F_SETFL, O_NONBLOCK);
  watch(listener);
  std::vector<char> buffer(512 * 1024);
  const auto give_back = [&](int fd) {
    for (;;) {
      const ssize_t n = ::recv(fd, buffer.data(), buffer.size(), MSG_DONTWAIT);
      if (n == 0) ::close(fd);
      if (n <= 0) return;
      for (ssize_t at = 0; at < n;) {  // the clients read all the time: waiting is fine
        const ssize_t m =
            ::send(fd, buffer.data() + at, static_cast<std::size_t>(n - at), MSG_NOSIGNAL);
        if (m < 0) return;
        at += m;
      }
      if (static_cast<std::size_t>(n) < buffer.size()) return;
    }
  };
  epoll_event events[512];
  for (;;) {
    const int n = ::epoll_wait(poll, events, 512, -1);
    for (int i = 0; i < n; ++i) {
      if (events[i].data.fd != listener) {
        give_back(events[i].data.fd);
        continue;
      }
      for (int fd; (fd = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC)) >= 0;) {
        no_delay(fd);
        watch(fd);
      }
    }
  }
}

// Multishot receive into provided buffers; each buffer is sent back and then provided again.
class uring_echo {
 public:
  explicit uring_echo(int listener) : listener_(listener) {
    if (ring_.open(1024, 4096) != 0 || buffers_.open(ring_, 256) != 0) std::exit(77);
    buffers_.refill();
    accept();
  }

  [[noreturn]] void run() {
    for (;;) {
      ring_.enter(1, nullptr);
      for (io_uring_cqe answer; ring_.pop(answer);) {
        const auto fd = static_cast<int>(answer.user_data >> 2);
        switch (answer.user_data & 3) {
          case accepted:
            on_accept(answer);
            break;
          case arrived:
            on_receive(fd, answer);
            break;
          case sent:
            on_sent(fd);
            break;
        }
      }
    }
  }

 private:
  enum kind { accepted, arrived, sent };
  struct piece {
    caraway::runtime::uring_buffers::id id;
    unsigned size;
  };

  io_uring_sqe& request(int operation, int fd, kind k) {
    io_uring_sqe& r = ring_.next();
    r.opcode = static_cast<__u8>(operation);
    r.fd = fd;
    r.user_data = static_cast<__u64>(fd) << 2 | static_cast<unsigned>(k);
    return r;
  }
  void accept() { request(IORING_OP_ACCEPT, listener_, accepted).ioprio = IORING_ACCEPT_MULTISHOT; }
  void receive(int fd) {
    io_uring_sqe& r = request(IORING_OP_RECV, fd, arrived);
    r.ioprio = IORING_RECV_MULTISHOT;
    r.flags = IOSQE_BUFFER_SELECT;
    r.buf_group = caraway::runtime::uring_buffers::group;
  }
  void send(int fd, const piece& p) {
    io_uring_sqe& r = request(IORING_OP_SEND, fd, sent);
    r.addr = reinterpret_cast<__u64>(buffers_.memory(p.id));
    r.len = p.size;
    r.msg_flags = MSG_WAITALL | MSG_NOSIGNAL;
  }

  void on_accept(const io_uring_cqe& answer) {
    if (answer.res >= 0) {
      no_delay(answer.res);
      if (queues_.size() <= static_cast<std::size_t>(answer.res)) queues_.resize(answer.res + 1);
      queues_[answer.res].clear();
      receive(answer.res);
    }
    if ((answer.flags & IORING_CQE_F_MORE) == 0) accept();
  }
  void on_receive(int fd, const io_uring_cqe& answer) {
    if (answer.res > 0) {
      buffers_.taken();
      const piece p{static_cast<std::uint16_t>(answer.flags >> IORING_CQE_BUFFER_SHIFT),
                    static_cast<unsigned>(answer.res)};
      queues_[fd].push_back(p);
      if (queues_[fd].size() == 1) send(fd, p);
    }
    if (answer.res == -ENOBUFS) buffers_.refill();
    if (answer.res == 0) ::close(fd);
    if ((answer.flags & IORING_CQE_F_MORE) == 0 && (answer.res > 0 || answer.res == -ENOBUFS))
      receive(fd);
  }
  void on_sent(int fd) {
    buffers_.provide(queues_[fd].front().id);
    queues_[fd].pop_front();
    if (!queues_[fd].empty()) send(fd, queues_[fd].front());
  }

  int listener_;
  caraway::runtime::uring_ring ring_;
  caraway::runtime::uring_buffers buffers_;
  std::vector<std::deque<piece>> queues_;
};

inline void echo_with_uring(int listener) {
  uring_echo(listener).run();
}

}  // namespace bench
