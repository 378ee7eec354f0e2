// ws_half.hpp - for tests: a socket over TCP, and the bare stream that it talks to.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <string_view>
#include <utility>

#include "caraway/tcp.hpp"
#include "caraway/ws.hpp"
#include "net/socket_option.hpp"
#include "proto/ws_wire.hpp"

namespace caraway::ws {

// Nobody waits so long for anything that comes; this only ends a test that hangs.
inline constexpr std::chrono::seconds patience{20};

struct tcp_ends {
  tcp::stream_ptr ours, theirs;
};

// A connection that holds little, so that a peer who does not read is soon felt.
inline tcp_ends narrow_connection() {
  auto listener = tcp::listen(address::loopback(0));
  tcp_ends ends;
  ends.ours = tcp::connect(listener.local_address(), patience);
  ends.theirs = listener.accept(patience);
  for (const auto& end : {ends.ours.get(), ends.theirs.get()}) {
    for (const int which : {SO_SNDBUF, SO_RCVBUF})
      EXPECT_TRUE(net::set_option(net::system(), end->fd(), SOL_SOCKET, which, 32 * 1024));
  }
  return ends;
}

struct half {
  socket ws;
  stream_ptr peer;

  // The peer's.
  ws::role role() const noexcept {
    return ws.role() == ws::role::server ? ws::role::client : ws::role::server;
  }
  void write(opcode op, std::string_view payload = {}, bool fin = true) {
    peer->write(wire::frame(role(), op, payload, fin), patience);
  }
  wire::received_frame next_frame() { return wire::read_frame(*peer, role(), patience); }
  // The rest of the message that comes next, which may have control frames between.
  std::string message() {
    std::string all;
    for (;;) {
      const auto f = next_frame();
      if (f.op >= opcode::close) continue;
      all += f.payload;
      if (f.fin) return all;
    }
  }
  // Reads until nothing more comes: how that ended.
  std::error_code read_to_the_end() {
    for (;;) {
      const auto seen = peer->try_fill(1, patience);
      if (!seen) return seen.error();
      peer->consume(seen->size());
    }
  }
};

inline half open_half(ws::role as, const limits& l = {}) {
  auto [ours, theirs] = narrow_connection();
  return {attach_without_handshake(std::move(ours), as, l), std::move(theirs)};
}

inline constexpr ws::role both_roles[] = {role::client, role::server};

}  // namespace caraway::ws
