// ws_frame_fuzz.cpp - a header that parses is formatted to the bytes it came from; one that is cut
// short is the same header once it is whole.
#include "caraway/ws_frame.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>

using namespace caraway;

static void check(bytes in, ws::role self, std::uint8_t allowed) {
  const ws::parsed_header whole = ws::parse_header(in, self, allowed);
  if (whole.fault == ws::frame_fault::none && whole.used != 0) {
    std::array<std::byte, ws::max_header_size> out;
    const std::size_t n = ws::format_header(out, whole.header);
    if (n != whole.used || !std::equal(out.begin(), out.begin() + n, in.begin())) std::abort();
    if (n != ws::header_size(whole.header.size, whole.header.masked)) std::abort();
  }
  for (std::size_t n = 0; n < in.size() && n < ws::max_header_size; ++n) {
    const ws::parsed_header part = ws::parse_header(in.first(n), self, allowed);
    if (part.fault != ws::frame_fault::none && part.fault != whole.fault) std::abort();
    if (part.fault == ws::frame_fault::none && part.used == 0 && part.need <= n) std::abort();
    if (part.used != 0 && (part.used != whole.used || part.header != whole.header)) std::abort();
  }
}

// The first byte: the role, and the reserved bits that are allowed.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const ws::role self = (data[0] & 1) != 0 ? ws::role::server : ws::role::client;
  check(std::as_bytes(std::span(data + 1, size - 1)), self, data[0] & 0x70);
  return 0;
}
