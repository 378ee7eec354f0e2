// fd_passing.hpp - descriptors through a Unix socket: each with one byte, 0xCC.
#pragma once

#include "caraway/deadline.hpp"
#include "caraway/error.hpp"
#include "caraway/fd.hpp"
#include "runtime/io_handle.hpp"

namespace caraway::net {

// Sends a copy of `fd`. Blocks. EBADF, ECONNRESET, ETIMEDOUT, ECANCELED.
result<void> send_fd(runtime::io_handle& to, int fd, deadline dl) noexcept;

// Receives one. Blocks. EPROTO if the next byte comes without a descriptor or with several: the
// byte is consumed, the descriptors are closed. errc::end_of_stream, ECONNRESET, ETIMEDOUT,
// ECANCELED.
result<unique_fd> recv_fd(runtime::io_handle& from, deadline dl) noexcept;

}  // namespace caraway::net
