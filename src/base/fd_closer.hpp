// fd_closer.hpp - lets a thread have descriptors that the operating system knows nothing of.
#pragma once

namespace caraway::base {

// Somebody who closes descriptors. The simulator's network is one.
class fd_closer {
 public:
  // As close(2).
  virtual int close(int fd) noexcept = 0;

 protected:
  ~fd_closer() = default;
};

// Makes every unique_fd that ends on this thread ask `closer`; nullptr goes back to close(2). The
// closer stays the caller's and must outlive its use. Returns the one before.
fd_closer* set_fd_closer(fd_closer* closer) noexcept;

}  // namespace caraway::base
