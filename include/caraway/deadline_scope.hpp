// deadline_scope.hpp - one deadline for everything that happens in a block.
//
//     deadline_scope limit(2s);
//     auto socket = connect(address);     // all of this together
//     socket.write(request);              // within two seconds
//
// The effective deadline of a blocking call is the earlier of its own and the ambient one. When the
// ambient one has passed, calls fail with ETIMEDOUT (never ECANCELED) and the coroutine goes on
// living. Tasks started inside inherit the deadline. Scopes nest; the earliest wins.
#pragma once

#include "caraway/deadline.hpp"

namespace caraway {

class [[nodiscard]] deadline_scope {
 public:
  explicit deadline_scope(deadline dl) noexcept;
  deadline_scope(const deadline_scope&) = delete;
  deadline_scope& operator=(const deadline_scope&) = delete;
  // Brings back the ambient deadline from before. On the coroutine that made the scope.
  ~deadline_scope();

  // True once this scope's own deadline has passed: tells its ETIMEDOUT from that of a single call.
  bool expired() const noexcept { return own_.passed(); }

 private:
  deadline own_;
  deadline before_;
};

}  // namespace caraway
