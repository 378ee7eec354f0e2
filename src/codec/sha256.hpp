// sha256.hpp - the SHA-256 digest: a name for what is not to be kept itself.
#pragma once

#include <array>
#include <cstddef>

#include "caraway/bytes.hpp"
#include "caraway/error.hpp"

namespace caraway::codec {

// Of all of `ps`, one behind the other. ENOMEM. Does not block.
result<std::array<std::byte, 32>> sha256(parts ps) noexcept;

}  // namespace caraway::codec
