// load.hpp - echo clients by the hundred: one thread, one epoll, frames made in advance, every byte of
// every echo compared.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace bench {

[[noreturn]] inline void die(const char* what) {
  std::perror(what);
  std::exit(1);
}

struct shape {
  int connections;
  int depth;         // messages in flight on each
  std::size_t size;  // of the payload
};

// One text frame: as the server sends it, or masked as a client does.
inline std::string frame(std::size_t size, bool masked) {
  std::string f(1, '\x81');
  const auto bit = static_cast<char>(masked ? 0x80 : 0);
  if (size < 126) {
    f += static_cast<char>(size | static_cast<unsigned char>(bit));
  } else {
    const int bytes = size < 65536 ? 2 : 8;
    f += static_cast<char>((bytes == 2 ? 126 : 127) | static_cast<unsigned char>(bit));
    for (int i = bytes - 1; i >= 0; --i) f += static_cast<char>(size >> (8 * i) & 0xff);
  }
  const char mask[4] = {0x37, 0x11, 0x5a, 0x2c};
  if (masked) f.append(mask, 4);
  for (std::size_t i = 0; i < size; ++i) {
    const auto c = static_cast<char>('a' + i % 26);
    f += masked ? static_cast<char>(c ^ mask[i % 4]) : c;
  }
  return f;
}

class load {
 public:
  // `web_socket` false: the server gives back the bytes as they are.
  load(std::uint16_t port, const shape& s, bool web_socket) : shape_(s) {
    const std::string out = frame(s.size, true);
    const std::string in = web_socket ? frame(s.size, false) : out;
    for (int i = 0; i < s.depth; ++i) outgoing_ += out;
    frame_size_ = out.size();
    expected_ = in;
    for (int i = 0; i < s.connections; ++i) connect_one(port, web_socket);
  }
  ~load() {
    for (const peer& p : peers_) ::close(p.fd);
    ::close(poll_);
  }
  load(const load&) = delete;
  load& operator=(const load&) = delete;

  // Sends messages and waits for their echoes until `count` have come back.
  void run(long count) {
    done_ = 0;
    to_start_ = count;
    for (peer& p : peers_) start(p, shape_.depth);
    epoll_event events[256];
    while (done_ < count) {
      const int n = ::epoll_wait(poll_, events, 256, 10'000);
      if (n <= 0) die("no echo for ten seconds");
      for (int i = 0; i < n; ++i) serve(peers_[events[i].data.u32], events[i].events);
    }
  }

 private:
  struct peer {
    int fd = -1;
    std::size_t unsent = 0;  // bytes
    std::size_t out_at = 0;  // in outgoing_
    std::size_t in_at = 0;   // in expected_
  };

  void connect_one(std::uint16_t port, bool web_socket) {
    peer p;
    p.fd = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(p.fd, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0) die("connect");
    const int on = 1;
    ::setsockopt(p.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (web_socket) shake_hands(p.fd);
    epoll_event e{};
    e.events = EPOLLIN | EPOLLOUT | EPOLLET;
    e.data.u32 = static_cast<std::uint32_t>(peers_.size());
    peers_.push_back(p);
    ::epoll_ctl(poll_, EPOLL_CTL_ADD, p.fd, &e);
  }

  static void shake_hands(int fd) {
    static constexpr char request[] =
        "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
    if (::write(fd, request, sizeof request - 1) < 0) die("handshake");
    std::string answer;
    while (!answer.ends_with("\r\n\r\n")) {
      char c = 0;
      if (::read(fd, &c, 1) != 1) die("handshake");
      answer += c;
    }
    if (answer.find(" 101 ") == std::string::npos) die("handshake refused");
  }

  void start(peer& p, long messages) {
    if (messages > to_start_) messages = to_start_;
    to_start_ -= messages;
    p.unsent += static_cast<std::size_t>(messages) * frame_size_;
    push(p);
  }

  void push(peer& p) {
    while (p.unsent > 0) {
      const std::size_t chunk = std::min(p.unsent, outgoing_.size() - p.out_at);
      const ssize_t n =
          ::send(p.fd, outgoing_.data() + p.out_at, chunk, MSG_NOSIGNAL | MSG_DONTWAIT);
      if (n < 0 && errno == EAGAIN) return;
      if (n < 0) die("send");
      p.unsent -= static_cast<std::size_t>(n);
      p.out_at = (p.out_at + static_cast<std::size_t>(n)) % outgoing_.size();
    }
  }

  void serve(peer& p, unsigned events) {
    long echoed = 0;
    while ((events & EPOLLIN) != 0) {
      const ssize_t n = ::recv(p.fd, buffer_.data(), buffer_.size(), MSG_DONTWAIT);
      if (n < 0 && errno == EAGAIN) break;
      if (n <= 0) die("the server has gone");
      echoed += compare(p, static_cast<std::size_t>(n));
      if (static_cast<std::size_t>(n) < buffer_.size()) break;
    }
    done_ += echoed;
    if (echoed > 0) start(p, echoed);
    push(p);
  }

  long compare(peer& p, std::size_t n) {
    long whole = 0;
    for (std::size_t at = 0; at < n;) {
      const std::size_t piece = std::min(n - at, expected_.size() - p.in_at);
      if (std::memcmp(buffer_.data() + at, expected_.data() + p.in_at, piece) != 0) {
        errno = EBADMSG;
        die("echo");
      }
      at += piece;
      p.in_at += piece;
      if (p.in_at == expected_.size()) {
        p.in_at = 0;
        ++whole;
      }
    }
    return whole;
  }

  shape shape_;
  std::string outgoing_;
  std::string expected_;
  std::size_t frame_size_ = 0;
  std::vector<peer> peers_;
  std::vector<char> buffer_ = std::vector<char>(256 * 1024);
  int poll_ = ::epoll_create1(0);
  long done_ = 0;
  long to_start_ = 0;
};

}  // namespace bench
