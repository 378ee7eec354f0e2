// ws_wire.hpp - for tests: frames written and read by hand at the other end of a socket.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "caraway/byte_stream.hpp"
#include "caraway/ws_frame.hpp"

namespace caraway::ws::wire {

inline std::string masked(std::string_view text, mask_key key) {
  std::string out(text);
  for (std::size_t i = 0; i < out.size(); ++i)
    out[i] = static_cast<char>(out[i] ^ static_cast<char>(key[i % 4]));
  return out;
}

// A frame as the `from` side sends it.
inline std::string frame(role from, opcode op, std::string_view payload, bool fin = true) {
  frame_header header{.op = op, .fin = fin, .size = payload.size()};
  header.masked = from == role::client;
  if (header.masked) header.mask = {std::byte{1}, std::byte{2}, std::byte{3}, std::byte{4}};
  std::array<std::byte, max_header_size> head;
  const std::size_t n = format_header(head, header);
  return std::string(as_text(bytes(head).first(n))) + masked(payload, header.mask);
}

inline std::string close_payload(std::uint16_t code, std::string_view reason = {}) {
  const char digits[] = {static_cast<char>(code >> 8), static_cast<char>(code & 0xff)};
  return std::string(digits, 2) + std::string(reason);
}

struct received_frame {
  opcode op;
  bool fin;
  std::string payload;
};

// The next frame on `from`, as the side `self` sees it.
inline received_frame read_frame(byte_stream& from, role self, deadline dl) {
  std::size_t wanted = 2;
  for (;;) {
    const bytes seen = from.fill(wanted, dl);
    const auto [header, used, need, fault] = parse_header(seen, self);
    if (fault != frame_fault::none) throw std::runtime_error(describe(fault));
    wanted = used > 0 ? used + static_cast<std::size_t>(header.size) : need;
    if (used == 0 || seen.size() < wanted) continue;
    const auto payload = as_text(seen.subspan(used, static_cast<std::size_t>(header.size)));
    received_frame f{header.op, header.fin, masked(payload, header.mask)};
    from.consume(wanted);
    return f;
  }
}

}  // namespace caraway::ws::wire
