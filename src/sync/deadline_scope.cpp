#include "caraway/deadline_scope.hpp"

#include "runtime/scheduler.hpp"

namespace caraway {

deadline_scope::deadline_scope(deadline dl) noexcept : own_(dl) {
  if (lowlevel::ready() != 0) return;
  deadline& ambient = runtime::scheduler::current().running().ambient;
  before_ = ambient;
  ambient = earlier(before_, dl);
}

deadline_scope::~deadline_scope() {
  if (runtime::scheduler::existing() == nullptr) return;
  runtime::scheduler::current().running().ambient = before_;
}

}  // namespace caraway
