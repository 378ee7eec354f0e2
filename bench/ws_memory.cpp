// ws_memory.cpp - how much memory of the process does an idle WebSocket connection take on the server?
//
//     ws_memory [CONNECTIONS]
//
// Each server runs in a process of its own. Its clients connect, have one message of 20 bytes echoed,
// and fall silent; then the resident memory of the server is looked at: heap and touched pages of
// stacks, whatever they are for. The rows show what it consists of: what the bare kernel interface
// takes, a coroutine that waits on a TCP stream, the WebSocket on top of that, and the request that
// it keeps. Memory of the kernel for the socket itself comes on top, the same for all of them.
#include <sys/resource.h>

#include <caraway/task_group.hpp>
#include <caraway/tcp.hpp>
#include <caraway/ws_socket.hpp>
#include <string>
#include <utility>
#include <vector>

#include "echo/floor.hpp"
#include "echo/load.hpp"
#include "echo/process.hpp"

namespace {

// Connections before the first look: what is there once, is there then.
constexpr int warm_up = 200;

struct contender {
  std::string name;
  void (*serve)(int tell);
  std::string request;  // empty if there is no handshake
  bool web_socket;
};

void tell_port(int tell, unsigned port) {
  ::dprintf(tell, "%u\n", port);
  ::close(tell);
}

void floor_epoll(int tell) {
  std::uint16_t port = 0;
  const int listener = bench::listen_anywhere(port);
  tell_port(tell, port);
  bench::echo_with_epoll(listener);
}

// A coroutine a connection, which `converse` gets.
template <class F>
void serve(int tell, F converse) {
  ::unsetenv("CARAWAY_POLLER");
  caraway::tcp::listener listener =
      caraway::tcp::listen(caraway::address::loopback(0), {.backlog = 1024});
  tell_port(tell, listener.local_address().port());
  caraway::task_group connections;
  for (;;) connections.go([converse, s = listener.accept()]() mutable { converse(std::move(s)); });
}

void echo_bytes(caraway::tcp::stream_ptr s) {
  while (const auto seen = s->try_fill(1, caraway::never)) {
    const caraway::bytes all = *seen;
    if (!s->try_write(caraway::parts(&all, 1), caraway::never)) return;
    s->consume(all.size());
  }
}

void echo_messages(caraway::ws::socket& ws) {
  while (const auto m = ws.recv()) ws.send(*m);
}

void stream(int tell) {
  serve(tell, echo_bytes);
}

void bare_socket(int tell) {
  serve(tell, [](caraway::stream_ptr s) {
    auto ws = caraway::ws::attach_without_handshake(std::move(s), caraway::ws::role::server);
    echo_messages(ws);
  });
}

void whole_socket(int tell) {
  serve(tell, [](caraway::stream_ptr s) {
    auto ws = caraway::ws::attach_server(std::move(s));
    echo_messages(ws);
  });
}

const std::string small_request =
    "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

// As a browser has it.
const std::string large_request =
    "GET /chat?room=1 HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nPragma: no-cache\r\n"
    "Cache-Control: no-cache\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 "
    "(KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36\r\nUpgrade: websocket\r\nOrigin: "
    "http://127.0.0.1\r\nSec-WebSocket-Version: 13\r\nAccept-Encoding: gzip, deflate, br\r\n"
    "Accept-Language: en-GB,en;q=0.9\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n";

// A client that blocks, without any memory to speak of.
class client {
 public:
  client(std::uint16_t port, const contender& server) {
    fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_port = htons(port);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(fd_, reinterpret_cast<sockaddr*>(&at), sizeof at) != 0) bench::die("connect");
    bench::no_delay(fd_);
    if (!server.request.empty()) shake(server.request);
    echo(server.web_socket);
  }
  client(client&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  ~client() {
    if (fd_ >= 0) ::close(fd_);
  }

 private:
  void send(const std::string& text) {
    if (::send(fd_, text.data(), text.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(text.size()))
      bench::die("send");
  }

  void shake(const std::string& request) {
    send(request);
    std::string answer;
    while (!answer.ends_with("\r\n\r\n")) {
      char c;
      if (::recv(fd_, &c, 1, 0) != 1) bench::die("handshake");
      answer += c;
    }
    if (!answer.starts_with("HTTP/1.1 101 ")) bench::die(answer.c_str());
  }

  void echo(bool web_socket) {
    const std::string out = bench::frame(20, true);
    const std::string in = web_socket ? bench::frame(20, false) : out;
    send(out);
    std::string back(in.size(), '\0');
    if (::recv(fd_, back.data(), back.size(), MSG_WAITALL) != static_cast<ssize_t>(in.size()) ||
        back != in)
      bench::die("echo");
  }

  int fd_;
};

void measure(const contender& c, int connections) {
  const bench::process server(c.serve);
  std::vector<client> clients;
  for (int i = 0; i < warm_up; ++i) clients.emplace_back(server.port(), c);
  const auto before = server.resident_bytes();
  for (int i = 0; i < connections; ++i) clients.emplace_back(server.port(), c);
  const auto after = server.resident_bytes();
  const double all = (after.all - before.all) / connections;
  const double heap = (after.heap - before.heap) / connections;
  std::printf("  %-32s %6.0f bytes a connection: heap %5.0f, other pages %5.0f\n", c.name.c_str(),
              all, heap, all - heap);
  std::fflush(stdout);
}

}  // namespace

int main(int count, char** arguments) {
  const int connections = count > 1 ? std::atoi(arguments[1]) : 10'000;
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &files);
  const std::vector<contender> all = {
      {"floor: bare epoll", floor_epoll, "", false},
      {"a coroutine on a TCP stream", stream, "", false},
      {"WebSocket, no handshake", bare_socket, "", true},
      {"WebSocket, request of " + std::to_string(small_request.size()) + " bytes", whole_socket,
       small_request, true},
      {"WebSocket, request of " + std::to_string(large_request.size()) + " bytes", whole_socket,
       large_request, true}};
  std::printf("idle connections: %d\n", connections);
  for (const contender& c : all) measure(c, connections);
}
