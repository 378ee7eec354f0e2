// over_tcp.hpp - a conformance case held against a real ws::socket: raw bytes in over a TCP
// connection, cut as chosen; what the socket says of them, and every byte it sends, as one
// transcript.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "caraway/event.hpp"
#include "caraway/task_group.hpp"
#include "caraway/tcp.hpp"
#include "caraway/this_task.hpp"
#include "caraway/ws_socket.hpp"
#include "cases.hpp"

namespace caraway::conformance {

// Nothing here waits for time to pass; this only ends a test that hangs.
inline constexpr std::chrono::seconds patience{20};

struct tcp_pair {
  tcp::stream_ptr ours, theirs;
};

// Two ends of a TCP connection.
inline tcp_pair connected() {
  static thread_local tcp::listener listener = tcp::listen(address::loopback(0));
  tcp_pair p;
  p.ours = tcp::connect(listener.local_address(), patience);
  p.theirs = listener.accept(patience);
  return p;
}

// A socket under test and the raw end of its connection.
struct tested {
  ws::socket socket;
  stream_ptr peer;
};

inline tested make_tested(ws::role as, const ws::limits& limits = {},
                          const std::optional<ws::deflate_options>& agreed = {}) {
  auto [ours, theirs] = connected();
  return {ws::attach_without_handshake(std::move(ours), as, limits, agreed), std::move(theirs)};
}

inline ws::role other(ws::role r) {
  return r == ws::role::client ? ws::role::server : ws::role::client;
}

inline std::string name_of_role(const testing::TestParamInfo<ws::role>& info) {
  return info.param == ws::role::server ? "server" : "client";
}

// Writes `data` in pieces of `each` bytes (0: in one), each in a system call of its own; the
// receiver takes it before the next: one yield has the poller see it, one lets the receiver run.
inline void write_in_pieces(byte_stream& to, std::string_view data, std::size_t each) {
  while (!data.empty()) {
    const std::string_view piece = data.substr(0, each == 0 ? data.npos : each);
    if (!to.try_write(std::array{as_bytes(piece)}, patience) || !to.try_flush(patience)) return;
    yield();
    yield();
    data.remove_prefix(piece.size());
  }
}

// Everything up to the end of the stream.
inline std::string read_to_the_end(byte_stream& from) {
  std::string all;
  while (const auto seen = from.try_fill(1, patience)) {
    all += as_text(*seen);
    from.consume(seen->size());
  }
  return all;
}

// The next frame that the socket has sent, as "close(1000)"; "" at the end of the stream.
inline std::string read_one(byte_stream& from, ws::role sender) {
  std::size_t wanted = 2;
  for (;;) {
    const auto seen = from.try_fill(wanted, patience);
    if (!seen) return {};
    const ws::parsed_header p = ws::parse_header(*seen, other(sender));
    wanted = p.used == 0 ? std::max<std::size_t>(p.need, seen->size() + 1)
                         : p.used + static_cast<std::size_t>(p.header.size);
    if (p.used == 0 || seen->size() < wanted) continue;
    const std::string frame(as_text(seen->first(wanted)));
    from.consume(wanted);
    return ws::read_frames(frame, sender);
  }
}

// Receives until the end and says what came, in the words of ws_script.hpp; of a failure for which
// there are several codes, "failed" only.
inline std::string everything_received(ws::socket& s) {
  std::string said;
  const auto add = [&said](const std::string& what) { said += (said.empty() ? "" : " ") + what; };
  for (;;) {
    const auto m = s.try_receive(patience);
    if (m && *m) {
      add(std::string((*m)->is_text() ? "text" : "binary") + "(" + (*m)->str() + ")");
      continue;
    }
    if (m || m.error() == errc::peer_closed) {
      const std::string reason(s.close_reason());
      add("closed(" + std::to_string(s.close_code()) + (reason.empty() ? "" : " ") + reason + ")");
    } else if (m.error() == errc::protocol) {
      add("failed");
    } else if (m.error() == errc::message_too_big) {
      add("failed(1009)");
    } else {
      add(m.error() == errc::end_of_stream ? "failed(1006)" : m.error().message());
    }
    return said;
  }
}

}  // namespace caraway::conformance
