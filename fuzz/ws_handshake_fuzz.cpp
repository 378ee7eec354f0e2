// ws_handshake_fuzz.cpp - a request that is accepted gets an answer that its client accepts; every
// refusal can be sent; no answer to another key passes, and none that goes beyond the offer.
#include <algorithm>
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
  ws::client_options offered;
  for (const auto name : http::tokens(request.fields, "Sec-WebSocket-Protocol"))
    offered.subprotocols.emplace_back(name);
  const std::string chosen = ws::choose_subprotocol(request, offered.subprotocols);
  const auto deflate = ws::choose_deflate(request, {});
  if (deflate && !ws::is_valid(deflate->agreed)) std::abort();
  const auto answer = ws::upgrade_response(request, chosen, {});
  http::response_head response;
  if (!answer || http::parse(as_bytes(*answer), response) != answer->size()) std::abort();
  const auto key = http::find(request.fields, "Sec-WebSocket-Key");
  const auto agreed = ws::check_response(response, *key, offered);
  if (!agreed || agreed->subprotocol != chosen) std::abort();
}

// Whatever was offered, the answer can be sent and is one that its client may get.
void check_deflate_side(bytes in) {
  http::request_head request;
  request.fields = {{"Sec-WebSocket-Extensions", std::string(as_text(in))}};
  ws::deflate_options wanted;
  wanted.takeover = in.size() % 2 == 0;
  wanted.peer_window_bits = 9 + static_cast<int>(in.size() % 7);
  const auto choice = ws::choose_deflate(request, wanted);
  http::response_head response;
  response.fields = {
      {"Sec-WebSocket-Extensions", choice ? choice->answer : std::string(as_text(in))}};
  ws::deflate_options offered;
  offered.window_bits = 15;
  const auto agreed = ws::check_deflate(response, offered);
  if (!choice) return;
  if (!agreed || !*agreed) std::abort();
  if ((**agreed).peer_takeover != choice->agreed.takeover) std::abort();
}

void check_response_side(bytes in) {
  constexpr std::string_view key = "dGhlIHNhbXBsZSBub25jZQ==";
  ws::client_options offered;
  offered.subprotocols = {"chat", "superchat"};
  offered.deflate.emplace();
  http::response_head response;
  const auto used = http::parse(in, response);
  if (!used || *used == 0) return;
  const auto agreed = ws::check_response(response, key, offered);
  if (!agreed) return;
  if (agreed->deflate && agreed->deflate->window_bits > offered.deflate->window_bits) std::abort();
  const std::string& chosen = agreed->subprotocol;
  if (http::find(response.fields, "Sec-WebSocket-Accept") != ws::accept_key(key)) std::abort();
  if (!chosen.empty() && std::ranges::count(offered.subprotocols, chosen) == 0) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const bytes in(reinterpret_cast<const std::byte*>(data), size);
  check_request_side(in);
  check_response_side(in);
  check_deflate_side(in);
  return 0;
}
