// fd.hpp - a file descriptor that is closed when its owner goes.
#pragma once

#include <utility>

namespace caraway {

class unique_fd {
 public:
  constexpr unique_fd() noexcept = default;
  // Takes over `fd`; a negative number means none.
  constexpr explicit unique_fd(int fd) noexcept : fd_(fd) {}
  unique_fd(unique_fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  unique_fd& operator=(unique_fd&& other) noexcept {
    reset(other.release());
    return *this;
  }
  ~unique_fd() { reset(); }

  int get() const noexcept { return fd_; }
  explicit operator bool() const noexcept { return fd_ >= 0; }
  // Gives the descriptor away.
  int release() noexcept { return std::exchange(fd_, -1); }
  // Closes what is owned, leaves errno alone, and takes over `fd`.
  void reset(int fd = -1) noexcept;

 private:
  int fd_ = -1;
};

}  // namespace caraway
