// utf8_blocks_portable.cpp - no vectors: everything goes byte by byte.
#include "codec/utf8_blocks.hpp"

namespace caraway::codec {

utf8_verdict check_utf8_blocks(bytes) noexcept {
  return utf8_verdict::not_tried;
}

}  // namespace caraway::codec
