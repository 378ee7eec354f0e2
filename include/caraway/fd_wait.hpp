// fd_wait.hpp - waits for descriptors of one's own: pipes, device files, sockets of other
// libraries.
//
//     wait_readable(fd, 5s);
//     read(fd, buffer, sizeof buffer);
//
// The descriptor is watched during the call only, so that it may be closed at any time between
// calls; select.hpp has the same as cases. Descriptors inside sockets of the library are not for
// this.
#pragma once

#include "caraway/deadline.hpp"
#include "caraway/error.hpp"

namespace caraway {

// Blocks until `fd` is readable (writable), in error or hung up, as poll(2) has it. ETIMEDOUT,
// ECANCELED; EBUSY if another coroutine waits for the same direction, EBADF if it is not open,
// ENOTSUP if it is of a kind that cannot be waited for, ENOMEM. A regular file is always ready.
result<void> try_wait_readable(int fd, deadline dl) noexcept;
result<void> try_wait_writable(int fd, deadline dl) noexcept;
inline void wait_readable(int fd, deadline dl = never) {
  value_or_raise(try_wait_readable(fd, dl), "wait for descriptor");
}
inline void wait_writable(int fd, deadline dl = never) {
  value_or_raise(try_wait_writable(fd, dl), "wait for descriptor");
}

}  // namespace caraway
