// sha1.hpp - the SHA-1 digest, which the WebSocket handshake asks for (RFC 6455 section 4.2.2).
#pragma once

#include <array>
#include <cstddef>

#include "caraway/bytes.hpp"

namespace caraway::codec {

// std::bad_alloc if there is no memory for the work.
std::array<std::byte, 20> sha1(bytes in);

}  // namespace caraway::codec
