// ws_origin.hpp - whose pages may connect: patterns of origins (RFC 6454, RFC 6455 section 10.2).
//
//     ws::matches_origin("https://*.example.com", "https://chat.example.com")  // true
#pragma once

#include <string_view>

namespace caraway::ws {

// True if `origin`, as a browser writes it into an Origin field, fits `pattern`. Patterns are
//
//   https://example.com      this origin; without a port the scheme's own, as in an origin
//   https://example.com:444  with this port
//   https://example.com:*    with any port
//   https://*.example.com    every host below example.com, at any depth, but not itself
//   *                        everybody, also "null", which is what pages without an origin say
//
// and "null" itself. Letters are compared without regard to case. A pattern of any other form fits
// nothing, and nothing fits an origin that is malformed save "*". Does not block.
bool matches_origin(std::string_view pattern, std::string_view origin) noexcept;

}  // namespace caraway::ws
