#include "runtime/inbox.hpp"

#include "runtime/poller.hpp"

namespace caraway::runtime {

bool inbox::post(function f) {
  const std::lock_guard lock(mutex_);
  if (poller_ == nullptr) return false;
  functions_.push_back(std::move(f));
  if (functions_.size() == 1) poller_->wake();
  return true;
}

void inbox::run() {
  std::vector<function> now;
  {
    const std::lock_guard lock(mutex_);
    now.swap(functions_);
  }
  for (function& f : now) f();
}

void inbox::close() noexcept {
  std::vector<function> dropped;
  const std::lock_guard lock(mutex_);
  poller_ = nullptr;
  dropped.swap(functions_);
}

}  // namespace caraway::runtime
