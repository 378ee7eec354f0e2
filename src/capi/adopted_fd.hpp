// adopted_fd.hpp - taking over a descriptor of the program: only if that succeeds is it gone.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include "capi/handle.hpp"
#include "caraway/fd.hpp"

namespace caraway::capi {

// Calls adopt(unique_fd), which returns a handle, with a duplicate of `fd`. EINVAL if `fd` is
// negative, EBADF, EMFILE. On failure `fd` is as it was: the duplicate shares its O_NONBLOCK.
template <class Adopt>
int adopt_fd(int fd, Adopt adopt) noexcept {
  if (fd < 0) return outcome(EINVAL);
  if (const int code = cannot_begin(); code != 0) return outcome(code);
  unique_fd copy(fcntl(fd, F_DUPFD_CLOEXEC, 0));
  if (!copy) return outcome(errno);
  const int flags = fcntl(fd, F_GETFL);
  const int h = adopt(std::move(copy));
  const int code = errno;
  if (h >= 0)
    ::close(fd);
  else if (flags >= 0 && (flags & O_NONBLOCK) == 0)
    fcntl(fd, F_SETFL, flags);
  return outcome(h >= 0 ? 0 : code, h);
}

}  // namespace caraway::capi
