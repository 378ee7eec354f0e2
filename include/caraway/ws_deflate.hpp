// ws_deflate.hpp - compressed messages (permessage-deflate, RFC 7692): what to ask for, and how both
// sides come to agree on it.
//
// ws::socket does all of it once its options say `deflate`; the functions are for those with a
// handshake of their own. Both sides describe the matter from where they stand: what is sent, and
// what the peer sends.
//
//     ws::socket ws = ws::connect(url, {.deflate = ws::deflate_options()}, 5s);
//
// Compressing what a peer may influence together with what it may not know tells the peer, by the
// length of the frames, something about the latter. Switch it off where that matters.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "caraway/error.hpp"
#include "caraway/http_head.hpp"

namespace caraway::ws {

// What is wanted; after the handshake, what was agreed on. docs/websocket.md has a table of the
// memory that each setting takes.
struct deflate_options {
  // How hard to try, as zlib has it: 0 (not at all) to 9.
  int level = 1;
  // How far back what is sent may refer, as a power of two: 9 to 15. The peer may ask for less. 8
  // after a handshake in which it asked for 8, which zlib cannot do: all messages go uncompressed.
  int window_bits = 12;
  // How much memory zlib takes besides the window: 1 to 9.
  int memory_level = 5;
  // Whether what is sent refers to earlier messages. With it small messages become much smaller, and
  // the connection keeps a compressor; without it all connections of a thread share one.
  bool takeover = true;
  // The same for what the peer sends: 8 to 15, and whether it may refer to earlier messages. A
  // server that wants less than 15 gets it from clients that can do it, and takes others as they
  // are. Without takeover the connection keeps no memory for receiving.
  int peer_window_bits = 15;
  bool peer_takeover = true;
  // Messages of fewer bytes go uncompressed.
  std::size_t threshold = 128;
  // After so long without a compressed message a socket lets go of its compressor; the next one
  // refers to none before it. 0: never.
  std::chrono::milliseconds idle = std::chrono::seconds(60);

  friend bool operator==(const deflate_options&, const deflate_options&) = default;
};

// True if every number is in its range.
bool is_valid(const deflate_options& o) noexcept;

// False in a build without zlib: nothing is offered then, and no offer taken.
bool can_deflate() noexcept;

// The value of Sec-WebSocket-Extensions by which a client offers `wanted` (7.1).
std::string deflate_offer(const deflate_options& wanted);

// What a server takes of a client's offers.
struct deflate_choice {
  deflate_options agreed;
  // The value of Sec-WebSocket-Extensions in the answer.
  std::string answer;
};

// The first of the offers in `request` that a server which wants `wanted` can live with; nothing if
// there is none. Offers with an unknown, doubled or wrong parameter are passed over, as are those
// that ask the server for a window of 8 bits (7.1.2.1).
std::optional<deflate_choice> choose_deflate(const http::request_head& request,
                                             const deflate_options& wanted);

// What the server has made of an offer of `offered`; nothing if it declined. errc::protocol: the
// answer has what nobody offered (anything at all without an offer), lacks what was demanded or is
// malformed. ENOMEM.
result<std::optional<deflate_options>> check_deflate(const http::response_head& response,
                                                     const std::optional<deflate_options>& offered);

}  // namespace caraway::ws
