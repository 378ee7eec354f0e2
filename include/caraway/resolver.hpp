// resolver.hpp - from a host name to addresses.
//
// Literals are answered at once. Names go to the C library's resolver (/etc/hosts, DNS and whatever
// else the machine is set up for) on a worker thread, so that other coroutines go on meanwhile;
// calls for the same name at the same time on one thread share one look-up. A look-up that outlives
// the deadline of its caller is left to end by itself.
//
//     for (const address& a : resolve("example.org", 443, 5s)) ...
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "caraway/address.hpp"
#include "caraway/deadline.hpp"
#include "caraway/error.hpp"

namespace caraway {

// The addresses of `host`, the one to try first in front (RFC 6724), each with `port`; never empty.
// `host` is a name or a literal ("127.0.0.1", "::1", "[::1]"). Blocks; a literal does not.
// errc::name_not_found: there is no such name, or it has no address; errc::resolver_failed: no
// answer could be had, another try may succeed; EINVAL for an empty name, one longer than 253
// characters or one with a zero byte; ETIMEDOUT, ECANCELED, ENOMEM.
result<std::vector<address>> try_resolve(std::string_view host, std::uint16_t port, deadline dl);

inline std::vector<address> resolve(std::string_view host, std::uint16_t port,
                                    deadline dl = never) {
  return value_or_raise(try_resolve(host, port, dl), "resolve");
}

}  // namespace caraway
