// cases.hpp - what a conformance case is: bytes for one side of a WebSocket conversation, and what
// RFC 6455 has that side make of them.
//
// The tables (*_cases.hpp) know nothing of who is tested; *_test.cpp runs all of them against one
// implementation each.
#pragma once

#include <cstddef>
#include <ostream>
#include <string>
#include <vector>

#include "caraway/ws_frame.hpp"
#include "codec/ws_script.hpp"

namespace caraway::conformance {

struct conformance_case {
  // The section and the fact, in snake_case.
  std::string name;
  // What is sent; it also says to which side.
  ws::ws_wire wire{ws::role::server};
  // What comes of it, in the words of ws_script.hpp.
  std::string transcript;
  // With which byte of the wire, counted from 1, the conversation must be over; 0: not at all.
  std::size_t over_after = 0;
  // The limits it is tried under.
  std::uint64_t max_message = std::uint64_t{1} << 20;
  std::uint32_t max_fragments = 131072;

  friend std::ostream& operator<<(std::ostream& out, const conformance_case& c) {
    return out << c.name;
  }
};

using table = std::vector<conformance_case>;

inline constexpr ws::role both_roles[] = {ws::role::client, ws::role::server};

// "5_2_reserved_bits" becomes "5_2_reserved_bits_to_a_server".
inline std::string to(std::string name, ws::role r) {
  return name + (r == ws::role::server ? "_to_a_server" : "_to_a_client");
}

// What failing with `code` looks like.
inline std::string failed(int code) {
  const std::string c = std::to_string(code);
  return "failed(" + c + ") > close(" + c + ")";
}

// How long the mask makes a header.
inline std::size_t mask_size(ws::role r) {
  return r == ws::role::server ? 4 : 0;
}

}  // namespace caraway::conformance
