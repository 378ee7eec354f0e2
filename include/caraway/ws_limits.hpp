// ws_limits.hpp - what a WebSocket takes from its peer at most, and how long it waits for it.
//
//     ws::attach_server(std::move(stream), {.limits = {.message = 64 << 20,
//                                                      .keepalive = ws::keepalive::within(30s)}});
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace caraway::ws {

// When a silent peer is asked for a sign of life, and when it is given up. Every byte that comes is
// one, wherever in a frame it belongs.
//
// Pings also go while nobody can hear the answer, because one message was read ahead and waits, or
// one is being received in parts and its receiver takes time: every `ping_after`. Then a peer is
// given up only if bytes wait for it that do not move for `answer_within`.
//
// `ping_after` of 0 (or less) is keepalive_off; `answer_within` of 0 gives nobody up.
struct keepalive {
  std::chrono::milliseconds ping_after{60'000};     // of silence, a ping is sent
  std::chrono::milliseconds answer_within{60'000};  // of the ping, anything has to come

  // Gives a peer up that was silent for `silence` (at least 2 ms), with a ping after half of it. 0:
  // nobody.
  static constexpr keepalive within(std::chrono::milliseconds silence) noexcept {
    if (silence == std::chrono::milliseconds(1)) return {silence, silence};
    return {silence / 2, silence - silence / 2};
  }
  friend bool operator==(const keepalive&, const keepalive&) = default;
};

// This side sends no pings of its own, gives nobody up, and receives only when it is told to.
inline constexpr keepalive keepalive_off{std::chrono::milliseconds::max(),
                                         std::chrono::milliseconds::max()};

// For durations: no limit.
inline constexpr std::chrono::milliseconds unlimited = std::chrono::milliseconds::max();

// What is received, held back and waited for at most.
struct limits {
  std::uint64_t message = std::uint64_t{1} << 20;  // bytes, all fragments together
  std::uint32_t fragments = 131072;                // frames of one message
  std::uint32_t control_frames = 1000;             // pings and pongs received in one second
  ws::keepalive keepalive{};
  // A message longer than this is sent in frames of so many bytes, between which control frames
  // pass: at 10 Mbit/s they wait a fifth of a second for one. 1 MiB in a single frame costs the
  // sender no less processor time and its receiver an eighth less; in frames of 64 KiB it costs the
  // sender a sixth more.
  std::size_t fragment = std::size_t{256} << 10;
  // More than this is not held back for a peer that is slow to receive: senders wait.
  std::size_t held_back = std::size_t{1} << 20;
  // Without a message in either direction, or some more of one; then the conversation is closed,
  // however alive the peer is otherwise. 0 (or less) is no limit.
  std::chrono::milliseconds idle = unlimited;
};

}  // namespace caraway::ws
