// ws_redirect_fuzz.cpp - wherever a Location leads, it is a WebSocket, and not out of TLS.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "caraway/ws_redirect.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  caraway::http::response_head answer;
  answer.status = 302;
  answer.fields = {{"Location", std::string(reinterpret_cast<const char*>(data), size)}};
  for (const char* from : {"wss://[::1]:8/a/b?c", "ws://example.com"}) {
    const auto start = caraway::parse_url(from);
    const auto to = caraway::ws::redirect_target(*start, answer);
    if (!to) continue;
    if (to->scheme != "wss" && (to->scheme != "ws" || start->secure())) std::abort();
    if (to->host.empty() || to->port == 0 || to->target.front() != '/') std::abort();
  }
  return 0;
}
