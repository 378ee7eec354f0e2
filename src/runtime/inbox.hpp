// inbox.hpp - how other threads reach a scheduler: by functions that run on its thread.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <vector>

namespace caraway::runtime {

class poller;

// Shared between a scheduler and whoever may want to reach it; outlives the scheduler if need be.
class inbox {
 public:
  using function = std::move_only_function<void()>;

  explicit inbox(poller& p) noexcept : poller_(&p) {}

  // From any thread: runs `f` soon on the scheduler's thread, outside any coroutine: it must
  // neither block nor throw. False, and `f` is dropped, once the scheduler is gone.
  bool post(function f);

  // For the scheduler: runs what was posted, in order.
  void run();
  // For the scheduler: nothing is accepted any more.
  void close() noexcept;

 private:
  std::mutex mutex_;
  poller* poller_;
  std::vector<function> functions_;
};

}  // namespace caraway::runtime
