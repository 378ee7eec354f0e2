// base64.hpp - base64 with padding (RFC 4648 section 4), strict.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "caraway/bytes.hpp"

namespace caraway::codec {

std::string base64_encode(bytes in);

// What `text` stands for; nothing unless it is exactly what base64_encode() would have made: no
// blanks, padding in full, unused bits zero.
std::optional<std::vector<std::byte>> base64_decode(std::string_view text);

}  // namespace caraway::codec
