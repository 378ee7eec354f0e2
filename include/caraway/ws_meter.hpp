// ws_meter.hpp - what WebSocket conversations have carried and how they ended, as plain numbers: of
// one socket, of one server, of the process.
//
//     ws::traffic t = socket.carried();
//     ws::totals s = server.totals();
//     ws::totals all = ws::process_totals();
//
// Counting costs a few additions a message. Every socket counts into one meter: a server's into the
// server's, others into that of their thread, unless the options they are made with name another.
// ws_metrics.hpp makes text for Prometheus of it.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>

#include "caraway/deadline.hpp"

namespace caraway::ws {

// Whole messages and their payload, uncompressed, without headers and control frames. Received is
// what has come in, also if it was dropped; sent is what has gone into the stream, also if it never
// left that.
struct traffic {
  std::uint64_t messages_received = 0;
  std::uint64_t messages_sent = 0;
  std::uint64_t bytes_received = 0;
  std::uint64_t bytes_sent = 0;
  // Of the messages received, those that nobody got: what came while this side closed or detached,
  // what was skipped, and what had been read ahead, or was too big for its receiver, when the socket
  // ended. Of a message that was received in parts, the rest. Messages that had not come in whole
  // are not among them.
  std::uint64_t messages_dropped = 0;
  std::uint64_t bytes_dropped = 0;
  // What was on its way to the peer when the socket was aborted, gave the peer up or could not close
  // in time: what the stream held back, in bytes of frames, and what was left of a long message,
  // in bytes of payload. Of a socket that was only destroyed, the latter; its stream still hands
  // over what the kernel takes at once. What was lost in the kernel or with a connection that broke
  // nobody knows.
  std::uint64_t bytes_unsent = 0;
  // Frames as they go over the wire: compressed, with their headers, control frames too.
  std::uint64_t wire_bytes_received = 0;
  std::uint64_t wire_bytes_sent = 0;
};

// How many conversations ended with which code: the one this side failed the connection with, else
// the peer's; 1005 if its close frame had none, 1006 if there was no close frame.
struct close_counts {
  std::array<std::uint64_t, 16> standard{};  // 1000 to 1015
  std::uint64_t registered = 0;              // 3000 to 3999, of libraries and frameworks
  std::uint64_t own = 0;                     // 4000 to 4999, of applications

  // The place of a code that may come from a socket: 1000 to 1015, 3000 to 4999.
  std::uint64_t& of(std::uint16_t code) noexcept {
    if (code >= 4000) return own;
    return code >= 3000 ? registered : standard[(code - 1000u) & 15];
  }
};

struct totals {
  std::uint64_t opened = 0;     // conversations, from the end of their handshake
  std::uint64_t ended = 0;      // of them: closed, detached, aborted or destroyed
  std::uint64_t refused = 0;    // handshakes answered by something else than an upgrade, by choice
  std::uint64_t failed = 0;     // handshakes that broke any other way, those of TLS too
  std::uint64_t timed_out = 0;  // conversations given up because the peer fell silent
  ws::traffic traffic;
  close_counts closes;
  // Pings whose pong was heard, those of the keepalive too, and the sum of the times that took.
  std::uint64_t round_trips = 0;
  std::uint64_t round_trip_nanoseconds = 0;

  // Never less than none, also where the numbers are differences of one's own.
  std::uint64_t open() const noexcept { return opened > ended ? opened - ended : 0; }
  totals& operator+=(const totals& other) noexcept;
};

// Where sockets count. Several may share one, on one thread; it may be read from every thread.
class meter {
 public:
  meter();
  meter(const meter&) = delete;
  meter& operator=(const meter&) = delete;
  // What was counted stays in process_totals().
  ~meter();

  // What has ended in it has opened in it too, whatever is counted meanwhile. Does not block.
  totals read() const noexcept;

  // Adds to one of its numbers; for those who count, on their one thread.
  static void add(std::uint64_t& number, std::uint64_t n = 1) noexcept {
    // One thread writes, so a load and a store will do; others see whole numbers, in this order.
    const std::atomic_ref cell(number);
    cell.store(cell.load(std::memory_order_relaxed) + n, std::memory_order_release);
  }
  totals& numbers() noexcept { return numbers_; }

 private:
  mutable totals numbers_;
};

// The sum of all meters there are and were, of every thread.
totals process_totals();

// The meter of the calling thread, for sockets that were given none. nullptr: no memory.
std::shared_ptr<meter> thread_meter() noexcept;

}  // namespace caraway::ws
