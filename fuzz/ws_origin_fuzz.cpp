// ws_origin_fuzz.cpp - whatever a page claims to be, only what ends in the domain is let in.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "caraway/ws_origin.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::string_view origin = text.substr(std::min(text.size(), text.find('\n') + 1));
  caraway::ws::matches_origin(text.substr(0, text.find('\n')), origin);
  if (!caraway::ws::matches_origin("https://*.example.com", origin)) return 0;
  const std::string_view host = origin.substr(0, origin.rfind(":443"));
  if (host.size() <= 20 || host.find_first_of("/@?#", 8) != host.npos) std::abort();
  if (static_cast<char>(host.back() | 0x20) != 'm') std::abort();
  return 0;
}
