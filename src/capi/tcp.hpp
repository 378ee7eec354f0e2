// tcp.hpp - handles of TCP connections, for the sections that make some.
#pragma once

#include <string>

#include "capi/capi.hpp"
#include "caraway/tcp.hpp"

namespace caraway::capi {

// The handle of a connection to `host`; -1 and errno, then the connection is gone: ENOMEM, ECANCELED.
int make_tcp(tcp::stream_ptr connection, std::string_view host) noexcept;

}  // namespace caraway::capi
