// task_group.hpp - coroutines that end before the block that started them does.
//
// A group owns the tasks started in it. Leaving its scope cancels those that still run and waits
// for them, so a task never outlives what it refers to:
//
//     task_group group;
//     auto size = group.go([&] { return download(a); });
//     group.go("other", [&] { upload(b); });
//     use(size.join(5s));      // the typed result of one
//     group.wait();            // the end of all
//
// So declare the group behind everything its tasks refer to.
//
// A group fails fast: the first exception that leaves one of its tasks cancels the others and comes
// out of wait(). With on_failure::collect the others go on, and each exception comes out of join().
// caraway::cancelled leaving a task is no failure but its ordinary end.
//
// Whatever the exceptions of a task, try_ or not, they travel as exceptions: try_join and try_wait
// rethrow them too. A group and its tasks belong to one thread. Starting a task allocates nothing
// but the coroutine's stack: the function, its captures and its result live at the top of it.
#pragma once

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "caraway/deadline.hpp"
#include "caraway/error.hpp"
#include "caraway/list.hpp"
#include "caraway/stop.hpp"
#include "caraway/wait.hpp"

namespace caraway {

class task_group;

namespace lowlevel {

// The part of a task that does not depend on its type. Lives on the coroutine's own stack.
struct task_core : list_node {
  runtime::coroutine* where = nullptr;
  task_group* group = nullptr;
  // Calls the function, destroys it, and keeps the result if somebody may ask for it. May throw.
  void (*run)(task_core&) = nullptr;
  // Destroys all of this.
  void (*drop)(task_core&) noexcept = nullptr;
  wait_queue joiners;
  std::exception_ptr failure;
  bool handled = true;  // a task<T> refers to it
  bool done = false;
  bool ended_early = false;  // by caraway::cancelled
};

// Memory for a task that is not started yet; `at` is nullptr if there is none.
struct task_memory {
  runtime::coroutine* where = nullptr;
  void* at = nullptr;
};

template <class T>
struct task_result : task_core {
  std::optional<T> value;
};
template <>
struct task_result<void> : task_core {};

template <class F, class T>
struct task_frame : task_result<T> {
  template <class G>
  explicit task_frame(G&& g) : function(std::forward<G>(g)) {
    this->run = [](task_core& c) { static_cast<task_frame&>(c).call(); };
    this->drop = [](task_core& c) noexcept { static_cast<task_frame&>(c).~task_frame(); };
  }
  ~task_frame() {}

  void call() {
    invoke();
    if constexpr (!std::is_void_v<T>) {
      if (!this->handled) this->value.reset();
    }
  }

  void invoke() {
    struct end_of_function {
      F& f;
      ~end_of_function() { f.~F(); }
    } destroy{function};
    if constexpr (std::is_void_v<T>) {
      function();
    } else {
      this->value.emplace(function());
    }
  }

  union {
    F function;
  };
};

// How a task is joined and let go; the body of task<T>.
result<void> join(task_core& c, deadline dl);
[[noreturn]] void raise_join(std::error_code code);
void cancel(task_core& c) noexcept;
void let_go(task_core& c) noexcept;

}  // namespace lowlevel

// A started task. Movable; dropping it changes nothing for the task.
template <class T>
class task {
 public:
  task() noexcept = default;
  task(task&& other) noexcept : core_(std::exchange(other.core_, nullptr)) {}
  task& operator=(task&& other) noexcept {
    task old(std::move(other));
    std::swap(core_, old.core_);
    return *this;
  }
  ~task() {
    if (core_ != nullptr) lowlevel::let_go(*core_);
  }

  explicit operator bool() const noexcept { return core_ != nullptr; }

  // Blocks until the task has ended and gives its result, once. Rethrows the exception that left
  // the task, each time. ETIMEDOUT: the task goes on, join again. ECANCELED: the caller is
  // cancelled, or the task ended by cancellation and has no result; only in the first case join()
  // throws caraway::cancelled. EINVAL: the result was fetched before, or there is no task. EDEADLK:
  // the task is the caller.
  result<T> try_join(deadline dl) {
    if (core_ == nullptr) return fail(EINVAL);
    if (auto ended = lowlevel::join(*core_, dl); !ended) return fail(ended.error());
    if constexpr (std::is_void_v<T>) {
      return {};
    } else {
      if (!core_->value) return fail(EINVAL);
      return *std::exchange(core_->value, std::nullopt);
    }
  }
  T join(deadline dl = never) {
    auto r = try_join(dl);
    if (!r) [[unlikely]]
      lowlevel::raise_join(r.error());
    if constexpr (!std::is_void_v<T>) return std::move(*r);
  }

  // True once the task has ended.
  bool done() const noexcept { return core_ == nullptr || core_->done; }

  // The task's blocking calls fail with ECANCELED from now on. Does not wait for its end.
  void cancel() noexcept {
    if (core_ != nullptr) lowlevel::cancel(*core_);
  }

  // For select.
  lowlevel::task_core* core() const noexcept { return core_; }

 private:
  friend class task_group;
  explicit task(lowlevel::task_result<T>& c) noexcept : core_(&c) {}

  lowlevel::task_result<T>* core_ = nullptr;
};

struct task_options {
  const char* name = "";       // shown in dumps; a string literal
  std::size_t stack_size = 0;  // bytes; 0 means the default, 64 KiB
};

enum class on_failure : unsigned char {
  cancel_others,  // and the first exception comes out of wait()
  collect,        // exceptions stay with their tasks; failures() counts them
};

class task_group final : private stop_callback {
 public:
  explicit task_group(on_failure mode = on_failure::cancel_others) noexcept;
  task_group(const task_group&) = delete;
  task_group& operator=(const task_group&) = delete;
  // Cancels what still runs and blocks until it has ended, whatever the deadlines and cancellations
  // of the caller. Failures nobody waited for are dropped.
  ~task_group();

  // Starts f() as a coroutine. It runs when everything that is ready now has had its turn; the
  // caller goes on. Inherits the caller's ambient deadline. ENOMEM, EMFILE; ECANCELED if the caller or the
  // group is cancelled. After a failure `f` has not been called.
  template <class F>
  auto try_go(const task_options& options, F&& f) {
    using function = std::decay_t<F>;
    using value = std::remove_cvref_t<std::invoke_result_t<function&>>;
    using frame = lowlevel::task_frame<function, value>;
    static_assert(alignof(frame) <= alignof(std::max_align_t), "captures need too much alignment");
    using started = result<task<value>>;
    const lowlevel::task_memory memory = prepare(sizeof(frame), options);
    if (memory.at == nullptr) [[unlikely]]
      return started(fail(refusal()));
    frame* made = construct<frame>(memory, std::forward<F>(f));
    launch(*made, memory);
    return started(task<value>(*made));
  }
  template <class F>
  auto try_go(F&& f) {
    return try_go(task_options{}, std::forward<F>(f));
  }
  template <class F>
  auto go(const task_options& options, F&& f) {
    return value_or_raise(try_go(options, std::forward<F>(f)), "start a task");
  }
  template <class F>
  auto go(const char* name, F&& f) {
    return go(task_options{name, 0}, std::forward<F>(f));
  }
  template <class F>
  auto go(F&& f) {
    return go(task_options{}, std::forward<F>(f));
  }

  // Blocks until no task runs; then rethrows the first failure unless failures are collected, each
  // time it is called. Tasks may be added meanwhile and afterwards. ETIMEDOUT and ECANCELED (the
  // caller is cancelled): all go on. EDEADLK: the caller is a task of this group.
  result<void> try_wait(deadline dl);
  void wait(deadline dl = never) { value_or_raise(try_wait(dl), "wait for tasks"); }

  // Cancels all tasks; none can be added any more. Does not wait.
  void cancel() noexcept;

  // Ends in two phases: raises the stop signal, waits until `grace`, then cancels what still runs
  // and waits for its end. True if nothing had to be cancelled. Blocks. Rethrows as wait() does.
  // ECANCELED: the caller is cancelled; the signal is raised, the tasks go on.
  result<bool> try_stop(deadline grace);
  bool stop(deadline grace = never) { return value_or_raise(try_stop(grace), "stop tasks"); }

  // True once stop() was called here or on a group that this one was made in.
  bool stopping() const noexcept { return signal_.raised(); }
  caraway::stop_signal& stop_signal() noexcept { return signal_; }

  // How many tasks run.
  std::size_t size() const noexcept { return size_; }
  bool cancelled() const noexcept { return cancelled_; }
  // How many tasks ended by an exception so far, and the first of these exceptions.
  std::size_t failures() const noexcept { return failures_; }
  std::exception_ptr failure() const noexcept { return failure_; }

 private:
  friend struct task_runner;

  lowlevel::task_memory prepare(std::size_t size, const task_options& options) noexcept;
  int refusal() const noexcept;
  static void discard(const lowlevel::task_memory& memory) noexcept;
  void launch(lowlevel::task_core& c, const lowlevel::task_memory& memory) noexcept;
  void finished(lowlevel::task_core& c) noexcept;
  void failed(lowlevel::task_core& c) noexcept;
  int until_empty(deadline dl) noexcept;
  void join_all() noexcept;
  void rethrow() const;
  void on_stop() noexcept override { signal_.raise(); }

  template <class Frame, class F>
  static Frame* construct(const lowlevel::task_memory& memory, F&& f) {
    if constexpr (std::is_nothrow_constructible_v<Frame, F>) {
      return ::new (memory.at) Frame(std::forward<F>(f));
    } else {
      try {
        return ::new (memory.at) Frame(std::forward<F>(f));
      } catch (...) {
        discard(memory);
        throw;
      }
    }
  }

  list<lowlevel::task_core> tasks_;
  lowlevel::wait_queue waiters_;
  std::exception_ptr failure_;
  std::size_t size_ = 0;
  std::size_t failures_ = 0;
  caraway::stop_signal signal_;
  on_failure mode_;
  bool cancelled_ = false;
};

}  // namespace caraway
