// shield.hpp - a little time to clean up under cancellation.
//
//     ~session() {
//       shield still_blocking(1s);        // a cancelled coroutine may block in here,
//       peer.try_send(goodbye, never);    // for one second in all
//     }
//
// Inside the block cancellation is deferred and ambient deadlines from outside do not count.
// Blocking calls are bounded by the shield's deadline instead: from then on they fail, with
// ECANCELED if the coroutine was cancelled, else with ETIMEDOUT. A shield inside a shield can only
// shorten it. Where lowlevel::ready() fails there is nothing to put off.
#pragma once

#include "caraway/deadline.hpp"

namespace caraway {

class [[nodiscard]] shield {
 public:
  explicit shield(deadline dl) noexcept;
  shield(const shield&) = delete;
  shield& operator=(const shield&) = delete;
  // Cancellation counts again. On the coroutine that made the shield.
  ~shield();

 private:
  deadline until_before_;
  deadline ambient_before_;
  bool shielded_before_ = false;
};

}  // namespace caraway
