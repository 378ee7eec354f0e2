// tls_settings.hpp - contexts for the options of C programs, made once for all connections that have
// the same.
#pragma once

#include <cstdint>
#include <string>

#include "capi/capi.hpp"
#include "caraway/tls_context.hpp"

namespace caraway::capi {

// A context for these options. A failure leaves its reason in `why`. Files are read again when they
// have changed, a client's in CARAWAY_TLS_CA_FILE too. If that fails on a server, what was read
// before stays in use: a line on standard error says so, or the next call tries again if only
// descriptors or memory were missing. EINVAL and errors of client_context::try_make(), server_context::try_make().
result<tls::client_context> client_context_for(const dill_tls_opts& opts, std::string& why);
result<tls::server_context> server_context_for(const dill_tls_opts& opts, std::string& why);

// "a,b" as a list.
std::vector<std::string> split_protocols(const char* alpn);

}  // namespace caraway::capi
