// test_task.hpp - coroutines for the tests of the layers below task_group.
//
//     test_task reader([&] { code = handle->wait(direction::in, never, "test"); });
//     lowlevel::yield();  // now it waits
//     reader.cancel();
//     reader.join();
#pragma once

#include <functional>
#include <utility>

#include "runtime/scheduler.hpp"

namespace caraway::runtime {

// A coroutine that is cancelled and joined when its test_task goes.
class test_task {
 public:
  // Runs `f` when its turn comes.
  explicit test_task(std::move_only_function<void()> f) : body_(std::move(f)) {
    scheduler& s = scheduler::current();
    coroutine_ = value_or_raise(s.create(run, sizeof(test_task*), {}), "start a test task");
    *static_cast<test_task**>(coroutine_->extra) = this;
    s.start(*coroutine_);
  }
  test_task(const test_task&) = delete;
  test_task& operator=(const test_task&) = delete;
  ~test_task() {
    cancel();
    join();
  }

  bool done() const noexcept { return coroutine_ == nullptr; }
  void cancel() noexcept {
    if (!done()) scheduler::current().cancel(*coroutine_);
  }
  // Blocks until it has ended.
  void join() noexcept {
    while (!done()) {
      lowlevel::waiter w;
      lowlevel::operation op("test task");
      op.add(w);
      joining_.push_back(w);
      op.park(never);
    }
  }

 private:
  static void run(coroutine& self) {
    test_task& t = **static_cast<test_task**>(self.extra);
    t.body_();
    t.coroutine_ = nullptr;
    while (!t.joining_.empty()) lowlevel::wake(t.joining_.front());
  }

  std::move_only_function<void()> body_;
  coroutine* coroutine_ = nullptr;
  lowlevel::wait_queue joining_;
};

}  // namespace caraway::runtime
