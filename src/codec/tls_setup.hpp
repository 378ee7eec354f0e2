// tls_setup.hpp - what many TLS sessions share: an SSL_CTX of OpenSSL, made from text in memory.
//
// Certificates and keys are PEM text; who reads files is in proto. A context is not changed any
// more once sessions use it, and may be shared by threads.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "caraway/error.hpp"

struct ssl_ctx_st;

namespace caraway::tls {

enum class side : unsigned char { client, server };

using shared_setup = std::shared_ptr<ssl_ctx_st>;

// A context with our defaults: `oldest` is TLS1_2_VERSION or TLS1_3_VERSION, no renegotiation, no
// buffers while idle, no session kept by a server (tickets do), no question to a terminal for the
// password of a key; whoever is trusted need not be a root. ENOMEM.
result<shared_setup> make_setup(side as, int oldest);

// Who this side is: `chain` begins with its certificate, followed by those of the authorities
// between it and a root; `key` is its private key. Codes of category(): not PEM, nothing in it, a
// key that is encrypted or does not fit.
result<void> use_identity(ssl_ctx_st& setup, std::string_view chain, std::string_view key);

// Every certificate in `authorities` is trusted to sign the peer's, or to be it; a server names them
// to clients.
// Codes of category(): not PEM, no certificate.
result<void> trust(ssl_ctx_st& setup, side as, std::string_view authorities);

// Protocols as ALPN has them on the wire (RFC 7301, 3.1). EINVAL: a name is empty or longer than
// 255 bytes, or all of them together are longer than 65535.
result<std::string> alpn_list(std::span<const std::string> names);

// The server's protocols, the best first, as alpn_list() made them. A client that offers none of
// them is refused, one that offers nothing is served. `list` is copied. ENOMEM.
result<void> choose_alpn(ssl_ctx_st& setup, std::string_view list);

}  // namespace caraway::tls
