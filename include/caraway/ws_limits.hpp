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
struct keepalive {
  std::chrono::milliseconds ping_after{60'000};     // of silence, a ping is sent
  std::chrono::milliseconds answer_within{60'000};  // of the ping, anything has to come

  // Gives a peer up that was silent for `silence`, with a ping after half of it.
  static constexpr keepalive within(std::chrono::milliseconds silence) noexcept {
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
  // A message longer than this is sent in frames of so many bytes, so that control frames pass.
  std::size_t fragment = std::size_t{1} << 20;
  // More than this is not held back for a peer that is slow to receive: senders wait.
  std::size_t held_back = std::size_t{1} << 20;
  // Without a message in either direction; then the conversation is closed, however alive the peer
  // is otherwise.
  std::chrono::milliseconds idle = unlimited;
};

}  // namespace caraway::ws
