// url.hpp - the URLs that can be dialled: ws, wss, http, https.
//
// A parsed URL is plain data with everything filled in: the port has its default, the target is
// what goes into a request line.
//
//     auto where = parse_url("ws://[::1]:8080/chat?room=7");
//     // scheme "ws", host "::1", port 8080, target "/chat?room=7"
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "caraway/error.hpp"

namespace caraway {

struct url {
  std::string scheme;        // lower case
  std::string user_info;     // decoded, "user:password"; empty if there is none
  std::string host;          // lower case, decoded; an IPv6 literal without its brackets
  std::uint16_t port = 0;    // the scheme's own if none was given
  std::string target = "/";  // path and query as they were written, at least "/"

  // True for the schemes that run over TLS.
  bool secure() const noexcept { return scheme == "wss" || scheme == "https"; }

  // What goes into a Host field: brackets around IPv6, the port unless it is the scheme's own.
  std::string authority() const;
};

// errc::invalid_url: not an absolute URL (RFC 3986), another scheme, no host, port 0 or above
// 65535, a fragment on ws or wss (RFC 6455 section 3), a control character or a zone index in the
// host. The fragment of http and https is dropped. ENOMEM. Does not block.
result<url> parse_url(std::string_view text);

}  // namespace caraway
