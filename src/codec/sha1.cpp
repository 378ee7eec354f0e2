#include "codec/sha1.hpp"

#include <openssl/sha.h>

#include <new>

namespace caraway::codec {

// OpenSSL allocates for every digest, and fails for nothing else.
std::array<std::byte, 20> sha1(bytes in) {
  std::array<std::byte, 20> digest{};
  const auto* made = SHA1(reinterpret_cast<const unsigned char*>(in.data()), in.size(),
                          reinterpret_cast<unsigned char*>(digest.data()));
  if (made == nullptr) throw std::bad_alloc();
  return digest;
}

}  // namespace caraway::codec
