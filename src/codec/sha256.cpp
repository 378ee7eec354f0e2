#include "codec/sha256.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <cerrno>
#include <memory>

namespace caraway::codec {

result<std::array<std::byte, 32>> sha256(parts ps) noexcept {
  const std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> state(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  if (state == nullptr || EVP_DigestInit_ex(state.get(), EVP_sha256(), nullptr) != 1)
    return fail(ENOMEM);
  const bool taken = std::ranges::all_of(
      ps, [&](bytes part) { return EVP_DigestUpdate(state.get(), part.data(), part.size()) == 1; });
  std::array<std::byte, 32> digest{};
  if (!taken || EVP_DigestFinal_ex(state.get(), reinterpret_cast<unsigned char*>(digest.data()),
                                   nullptr) != 1)
    return fail(ENOMEM);
  return digest;
}

}  // namespace caraway::codec
