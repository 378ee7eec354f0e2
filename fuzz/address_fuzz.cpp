// address_fuzz.cpp - what parses as an address is written so that it parses to the same, with its port
// and without.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "caraway/address.hpp"

namespace {

using namespace caraway;

void check(const address& a) {
  if (!a.is_ipv4() && !a.is_ipv6()) std::abort();
  const auto again = address::try_parse(a.to_string());
  if (!again || *again != a) std::abort();
  const auto apart = address::from_literal(a.host(), a.port());
  if (!apart || *apart != a) std::abort();
  const auto copy = address::from_native(a.native(), a.native_size());
  if (!copy || *copy != a) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto a = address::try_parse(text)) check(*a);
  if (const auto a = address::from_literal(text, 80)) check(*a);
  return 0;
}
