// ipaddr.hpp - between the addresses of C programs and those of the core.
#pragma once

#include "capi/capi.hpp"
#include "caraway/address.hpp"

namespace caraway::capi {

// EINVAL for nullptr, EAFNOSUPPORT for bytes that are no address.
result<address> from_ipaddr(const dill_ipaddr* a) noexcept;

void to_ipaddr(const address& a, dill_ipaddr& into) noexcept;

}  // namespace caraway::capi
