// ws_redirect.hpp - where a server sends a WebSocket client instead (RFC 9110 section 15.4), without
// I/O. connect() follows by itself if client_options::redirects allows; this is for those with an
// event loop of their own.
#pragma once

#include "caraway/error.hpp"
#include "caraway/http_head.hpp"
#include "caraway/url.hpp"
#include "caraway/ws_handshake.hpp"

namespace caraway::ws {

// Where `answer` to a request for `from` says to go: status 301, 302, 303, 307 or 308 with one
// Location, relative ones resolved (RFC 3986 section 5), http and https taken for ws and wss, a
// fragment dropped. The user of `from` stays where scheme, host and port do and the Location names
// none. errc::handshake_refused: `answer` is no redirect; errc::invalid_url: it leads to
// no WebSocket, or from wss to ws, where everybody could listen. ENOMEM. Does not block.
result<url> redirect_target(const url& from, const http::response_head& answer);

// True if scheme, host and port are the same, which is all that an origin is (RFC 6454). Does not
// block.
bool is_same_origin(const url& a, const url& b) noexcept;

// What of `options` goes along from `from` to `to`: all but host and target, which are `to`'s; to
// another scheme, host or port also without Authorization, Cookie and Proxy-Authorization. Secrets
// in fields of other names go along: whoever sends such ones does not let connect() follow.
client_options redirected(client_options options, const url& from, const url& to);

}  // namespace caraway::ws
