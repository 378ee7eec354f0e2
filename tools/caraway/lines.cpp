#include "lines.hpp"

#include <unistd.h>

#include <cerrno>

#include <caraway/fd_wait.hpp>
#include <caraway/this_task.hpp>

namespace tool {

std::optional<std::string> line_reader::next() {
  std::size_t end = buffer_.find('\n');
  while (end == buffer_.npos && !ended_) {
    const std::size_t seen = buffer_.size();
    ended_ = !read_more();
    end = buffer_.find('\n', seen);
  }
  if (end == buffer_.npos && buffer_.empty()) return std::nullopt;
  std::string line = buffer_.substr(0, end);
  buffer_.erase(0, end == buffer_.npos ? end : end + 1);
  if (line.ends_with('\r')) line.pop_back();
  return line;
}

// False at the end. A file cannot be waited for and does not have to.
bool line_reader::read_more() {
  if (auto ready = caraway::try_wait_readable(fd_, caraway::never); !ready) {
    if (ready.error() != std::errc::not_supported) caraway::raise(ready.error(), "standard input");
    caraway::yield();
  }
  char more[16 * 1024];
  const ssize_t n = read(fd_, more, sizeof more);
  if (n < 0 && errno != EINTR && errno != EAGAIN)
    throw caraway::error(caraway::os_error(errno), "standard input");
  if (n > 0) buffer_.append(more, static_cast<std::size_t>(n));
  return n != 0;
}

}  // namespace tool
