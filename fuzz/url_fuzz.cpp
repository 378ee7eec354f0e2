// url_fuzz.cpp - whatever parses can be put together again and parses to the same.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "caraway/url.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto first = caraway::parse_url({reinterpret_cast<const char*>(data), size});
  if (!first) return 0;
  if (first->host.empty() || first->port == 0 || first->target.front() != '/') std::abort();
  const auto second =
      caraway::parse_url(first->scheme + "://" + first->authority() + first->target);
  if (!second) std::abort();
  if (second->host != first->host || second->port != first->port) std::abort();
  if (second->target != first->target || second->scheme != first->scheme) std::abort();
  return 0;
}
