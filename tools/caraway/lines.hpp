// lines.hpp - lines from a terminal, a pipe or a file, without holding up other coroutines.
#pragma once

#include <optional>
#include <string>

namespace tool {

class line_reader {
 public:
  // `fd` stays the caller's; nothing about it is changed.
  explicit line_reader(int fd) noexcept : fd_(fd) {}

  // Blocks for the next line, without its end; nothing after the last. A last line needs no end.
  // Throws caraway::error and caraway::cancelled.
  std::optional<std::string> next();

 private:
  bool read_more();

  int fd_;
  bool ended_ = false;
  std::string buffer_;
};

}  // namespace tool
