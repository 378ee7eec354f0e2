// adopted_fd.hpp - taking over a descriptor of the program: only if that succeeds is it gone.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include "capi/capi.hpp"
#include "caraway/fd.hpp"

namespace caraway::capi {

// Calls adopt(unique_fd), which returns a handle, with a duplicate of `fd`. EINVAL if `fd` is
// negative, EBADF, EMFILE.
template <class Adopt>
int adopt_fd(int fd, Adopt adopt) noexcept {
  if (fd < 0) return outcome(EINVAL);
  unique_fd copy(fcntl(fd, F_DUPFD_CLOEXEC, 0));
  if (!copy) return outcome(errno);
  const int h = adopt(std::move(copy));
  if (h >= 0) ::close(fd);
  return h;
}

}  // namespace caraway::capi
