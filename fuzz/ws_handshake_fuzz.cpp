// ws_handshake_fuzz.cpp - a request that is accepted gets an answer that its client accepts; every
// refusal can be sent; no answer to another key passes.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "caraway/ws_handshake.hpp"

namespace {

using namespace caraway;

void check_request_side(bytes in) {
  http::request_head request;
  const auto used = http::parse(in, request);
  if (!used || *used == 0) return;
  static_cast<void>(ws::is_same_origin(request));
  if (const auto refusal = ws::check_request(request)) {
    if (!http::format(*refusal) || refusal->head.status < 400) std::abort();
    return;
  }
  std::vector<std::string> offered;
  for (const auto name : http::tokens(request.fields, "Sec-WebSocket-Protocol"))
    offered.emplace_back(name);
  const std::string chosen = ws::choose_subprotocol(request, offered);
  const auto answer = ws::upgrade_response(request, chosen, {});
  http::response_head response;
  if (!answer || http::parse(as_bytes(*answer), response) != answer->size()) std::abort();
  const auto key = http::find(request.fields, "Sec-WebSocket-Key");
  if (ws::check_response(response, *key, offered) != chosen) std::abort();
}

void check_response_side(bytes in) {
  constexpr std::string_view key = "dGhlIHNhbXBsZSBub25jZQ==";
  const std::vector<std::string> offered = {"chat", "superchat"};
  http::response_head response;
  const auto used = http::parse(in, response);
  if (!used || *used == 0) return;
  const auto chosen = ws::check_response(response, key, offered);
  if (!chosen) return;
  if (http::find(response.fields, "Sec-WebSocket-Accept") != ws::accept_key(key)) std::abort();
  if (!chosen->empty() && *chosen != offered[0] && *chosen != offered[1]) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const bytes in(reinterpret_cast<const std::byte*>(data), size);
  check_request_side(in);
  check_response_side(in);
  return 0;
}
