// offload.hpp - runs a function that blocks the thread on a thread of its own kind.
//
//     auto text = offload([path] { return read_whole_file(path); }, 5s);
//
// The function runs on one of a few worker threads, started when first needed and shared by the
// whole process; only the calling coroutine waits. An exception that leaves the function comes out
// of offload(), try_ or not.
//
// A call that failed with ETIMEDOUT or ECANCELED is abandoned: a function that has not begun never
// will, one that runs goes on by itself and its result is dropped, on the worker's thread. So
// capture by value, or what is referred to must outlive the function. At the end of the process
// functions that still run are cut off.
#pragma once

#include <atomic>
#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "caraway/deadline.hpp"
#include "caraway/error.hpp"

namespace caraway {

// At most this many worker threads, from now on; 4 at first. 0 counts as 1. Threads that there are
// already stay. From any thread.
void set_offload_threads(std::size_t n) noexcept;

namespace lowlevel {

// A function to be run elsewhere, and what became of it. Counted: the caller and the worker each
// hold one reference, and the last one to go deletes it.
class offload_job {
 public:
  offload_job() noexcept = default;
  offload_job(const offload_job&) = delete;
  offload_job& operator=(const offload_job&) = delete;

  // Calls the function and keeps its result. On a worker thread. May throw.
  virtual void call() = 0;

  void release() noexcept {
    if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
  }

  std::exception_ptr failure;

 protected:
  virtual ~offload_job() = default;

 private:
  std::atomic<int> references_{2};
};

template <class F, class T>
class offload_call final : public offload_job {
 public:
  explicit offload_call(F f) : function_(std::move(f)) {}
  void call() override {
    if constexpr (std::is_void_v<T>) {
      function_();
    } else {
      value.emplace(function_());
    }
  }
  std::optional<std::conditional_t<std::is_void_v<T>, char, T>> value;

 private:
  F function_;
};

// Has `j` called on a worker thread and blocks until it was. Takes over one of the two references
// in every case; the caller keeps the other. ETIMEDOUT and ECANCELED: abandoned. EAGAIN, ENOMEM: no
// worker could be started.
result<void> offload(offload_job& j, deadline dl);

struct release_job {
  void operator()(offload_job* j) const noexcept { j->release(); }
};

}  // namespace lowlevel

// Blocks until f() has returned on a worker thread; its result. ETIMEDOUT, ECANCELED: see above.
// EAGAIN, ENOMEM: no worker thread could be started.
template <class F>
auto try_offload(F&& f, deadline dl) {
  using function = std::decay_t<F>;
  using value = std::remove_cvref_t<std::invoke_result_t<function&>>;
  using call = lowlevel::offload_call<function, value>;
  using answer = result<value>;
  const std::unique_ptr<call, lowlevel::release_job> job(new call(std::forward<F>(f)));
  if (auto done = lowlevel::offload(*job, dl); !done) return answer(fail(done.error()));
  if (job->failure) std::rethrow_exception(std::exchange(job->failure, nullptr));
  if constexpr (std::is_void_v<value>) {
    return answer();
  } else {
    return answer(std::move(*job->value));
  }
}
template <class F>
auto offload(F&& f, deadline dl = never) {
  return value_or_raise(try_offload(std::forward<F>(f), dl), "offload");
}

}  // namespace caraway
