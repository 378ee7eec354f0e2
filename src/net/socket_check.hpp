// socket_check.hpp - is a descriptor the kind of socket it is taken for?
#pragma once

#include "caraway/error.hpp"
#include "runtime/kernel.hpp"

namespace caraway::net {

enum class role : unsigned char { connected, listening };

// EBADF, ENOTSOCK; EINVAL if `fd` is not a stream socket of one of the two families or its role is
// the other one; ENOTCONN if it is neither. Makes it non-blocking and close-on-exec. Does not
// block.
result<void> check_socket(runtime::kernel& k, int fd, int family, int other_family,
                          role r) noexcept;

}  // namespace caraway::net
