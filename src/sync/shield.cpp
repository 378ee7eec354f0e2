#include "caraway/shield.hpp"

#include "runtime/scheduler.hpp"

namespace caraway {

shield::shield(deadline dl) noexcept {
  if (lowlevel::ready() != 0) return;
  runtime::coroutine& self = runtime::scheduler::current().running();
  until_before_ = self.shield_until;
  ambient_before_ = self.ambient;
  shielded_before_ = self.shielded;
  // Outside of all shields shield_until is never.
  self.shield_until = self.ambient = earlier(dl, until_before_);
  self.shielded = true;
}

shield::~shield() {
  if (runtime::scheduler::existing() == nullptr) return;
  runtime::coroutine& self = runtime::scheduler::current().running();
  self.shield_until = until_before_;
  self.ambient = ambient_before_;
  self.shielded = shielded_before_;
}

}  // namespace caraway
