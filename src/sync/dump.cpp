#include "caraway/dump.hpp"

#include <unistd.h>

#include <cerrno>

#include "runtime/scheduler.hpp"

namespace caraway {

std::string dump() {
  runtime::scheduler* s = runtime::scheduler::existing();
  return s == nullptr ? std::string() : runtime::describe_coroutines(*s);
}

void dump(int fd) {
  const std::string text = dump();
  std::size_t written = 0;
  while (written < text.size()) {
    const ssize_t n = ::write(fd, text.data() + written, text.size() - written);
    if (n < 0 && errno != EINTR) return;
    if (n > 0) written += static_cast<std::size_t>(n);
  }
}

}  // namespace caraway
