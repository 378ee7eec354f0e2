#include "codec/sha1.hpp"

#include <openssl/sha.h>

namespace caraway::codec {

std::array<std::byte, 20> sha1(bytes in) noexcept {
  std::array<std::byte, 20> digest{};
  SHA1(reinterpret_cast<const unsigned char*>(in.data()), in.size(),
       reinterpret_cast<unsigned char*>(digest.data()));
  return digest;
}

}  // namespace caraway::codec
