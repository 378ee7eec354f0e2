#include "caraway/fd.hpp"

#include <unistd.h>

#include <cerrno>

#include "base/fd_closer.hpp"

namespace caraway {
namespace {
thread_local base::fd_closer* closer = nullptr;
}

void unique_fd::reset(int fd) noexcept {
  const int old = std::exchange(fd_, fd);
  if (old < 0) return;
  const int saved = errno;
  if (closer == nullptr)
    ::close(old);
  else
    closer->close(old);
  errno = saved;
}

base::fd_closer* base::set_fd_closer(fd_closer* replacement) noexcept {
  return std::exchange(closer, replacement);
}

}  // namespace caraway
