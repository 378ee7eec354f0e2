// ws_handshake.hpp - the opening handshake of WebSocket (RFC 6455 section 4), without I/O.
//
// Both sides as functions from heads to heads; random bytes are passed in. ws::socket does all of
// it by itself; this is for those with an event loop or an HTTP server of their own.
//
//     // client
//     key = ws::make_key(random);
//     send(*ws::upgrade_request(options, key));
//     http::parse(seen, answer);
//     agreed = ws::check_response(answer, key, options);
//
//     // server
//     http::parse(seen, request);
//     if (auto no = ws::check_request(request)) return send(*http::format(*no));
//     send(*ws::upgrade_response(request, "", {}));
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "caraway/error.hpp"
#include "caraway/http_head.hpp"
#include "caraway/ws_deflate.hpp"
#include "caraway/ws_limits.hpp"

namespace caraway::ws {

class meter;     // ws_meter.hpp
class observer;  // ws_observer.hpp

// The handshake may take so long in all, whatever the deadline, unless told otherwise.
inline constexpr std::chrono::seconds handshake_patience{10};

// What the opening handshake takes from the peer at most, and how long it waits for it.
struct handshake_limits {
  // For all of it, that of TLS too where connect() or serve() shake hands there: positive, or
  // `unlimited`.
  std::chrono::milliseconds patience = handshake_patience;
  // The peer's head: 256 bytes to 1 MiB in 8 to 10,000 fields.
  http::head_limits head = {};

  // True if all numbers are in their ranges.
  bool is_valid() const noexcept;
};

// What a client asks for.
struct client_options {
  std::string host;                       // the Host field: "example.com:8080"
  std::string target = "/";               // path and query
  std::vector<std::string> subprotocols;  // the one liked best first
  http::field_list headers;               // further fields: Authorization, Cookie, Origin, ...
  ws::limits limits;                      // for the conversation after the handshake
  handshake_limits handshake = {};
  // How many redirects connect() follows, one after the other (ws_redirect.hpp); 0: none, they are
  // refusals as any other.
  unsigned redirects = 0;
  // Where the socket counts, instead of its thread's meter; who hears of it. On a server likewise.
  std::shared_ptr<ws::meter> meter = nullptr;
  std::shared_ptr<ws::observer> observer = nullptr;
  // Compression to ask for; the server may decline. Nothing: none is.
  std::optional<deflate_options> deflate = std::nullopt;
};

// The value of Sec-WebSocket-Key: 16 random bytes in base64 (4.1).
std::string make_key(std::span<const std::byte, 16> random);

// True if `key` is the base64 form of exactly 16 bytes (4.2.1).
bool is_key(std::string_view key) noexcept;

// The value of Sec-WebSocket-Accept that answers `key` (4.2.2).
std::string accept_key(std::string_view key);

// The request of a client, in its bytes (4.1). EINVAL: no host, a subprotocol that is no token or
// is there twice, a header that cannot be sent, or one that belongs to the handshake itself, a
// number in `deflate` or `handshake` out of its range.
result<std::string> upgrade_request(const client_options& options, std::string_view key);

// What came out of a handshake, on a client.
struct agreement {
  std::string subprotocol;  // empty for none
  std::optional<deflate_options> deflate;
};

// Checks what the server answered to a request made of `key` and `options` (4.1).
// errc::handshake_refused: the status is not 101; errc::protocol: it is, but the answer breaks the
// rules: HTTP/1.0, an Upgrade to more than "websocket", wrong accept key, a subprotocol or an
// extension nobody asked for, compression in another way than offered.
result<agreement> check_response(const http::response_head& response, std::string_view key,
                                 const client_options& options);

// Checks a request by the rules of 4.2.1: nothing if it may be upgraded, else the response to give:
// 405 for another method than GET, 426 if it asks for no upgrade to websocket or for another
// version than 13, 400 for everything else. Which extensions it offers does not matter here.
std::optional<http::response> check_request(const http::request_head& request);

// True if the request has no Origin field, or one that names the host in its Host field. Browsers
// always send it; a page of somebody else gives itself away by it (10.2).
bool is_same_origin(const http::request_head& request) noexcept;

// The first of `ours` that the client offers too; empty for none.
std::string choose_subprotocol(const http::request_head& request,
                               std::span<const std::string> ours);

// The answer 101, in its bytes, to a request that passed check_request(), with `subprotocol` and
// `extensions` (the answer of choose_deflate(), say) unless they are empty, and further fields
// (4.2.2). EINVAL: a subprotocol that was not offered, a header that
// cannot be sent or that belongs to the handshake itself.
result<std::string> upgrade_response(const http::request_head& request,
                                     std::string_view subprotocol, const http::field_list& headers,
                                     std::string_view extensions = {});

// A response with a short body in plain text, after which the connection is closed.
http::response refusal(int status, std::string_view text, http::field_list headers = {});

}  // namespace caraway::ws
