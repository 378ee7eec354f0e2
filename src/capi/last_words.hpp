// last_words.hpp - what a cancelled coroutine may still say and hear.
//
// As libdill has it, sending, receiving and finishing fail with ECANCELED only where they would have
// to wait; in the core they fail at once. While one of these lives they do what needs no waiting:
//
//     const last_words may_be;
//     s.try_write(ps, dl);  // ECANCELED only if there is no room
#pragma once

#include <optional>

#include "caraway/shield.hpp"
#include "caraway/wait.hpp"

namespace caraway::capi {

class last_words {
 public:
  last_words() noexcept {
    if (lowlevel::cancel_pending()) no_waiting_.emplace(immediately);
  }

 private:
  std::optional<shield> no_waiting_;
};

}  // namespace caraway::capi
