#include "caraway/deadline_scope.hpp"

#include "runtime/scheduler.hpp"

namespace caraway {

deadline_scope::deadline_scope(deadline dl) noexcept : own_(dl) {
  deadline& ambient = runtime::scheduler::current().running().ambient;
  before_ = ambient;
  ambient = earlier(before_, dl);
}

deadline_scope::~deadline_scope() {
  runtime::scheduler::current().running().ambient = before_;
}

}  // namespace caraway
