// select.hpp - waits for the first of several things, and does that one.
//
//     switch (select(on_recv(orders, [&](order o) { book(o); }),
//                    on_end(worker),
//                    on_timer(1s))) {
//       case 0: ...
//       case 2: ...    // a second passed without an order
//     }
//
// Exactly one case happens; the others have no effect: nothing is taken from their channels,
// nothing sent. If several are ready the one with the lowest index is taken. The case's function,
// if there is one, runs on the calling coroutine after the choice, and may block. The result is the
// index.
//
// A deadline may follow the cases: select(on_recv(a, f), on_recv(b, g), 5s) fails with ETIMEDOUT.
// Cases are temporaries of the call; what they refer to must be there until it returns.
#pragma once

#include <cerrno>
#include <cstddef>
#include <optional>
#include <span>
#include <tuple>
#include <type_traits>
#include <utility>

#include "caraway/channel.hpp"
#include "caraway/deadline.hpp"
#include "caraway/error.hpp"
#include "caraway/event.hpp"
#include "caraway/stop.hpp"
#include "caraway/task_group.hpp"
#include "caraway/wait.hpp"

namespace caraway {

// One thing to wait for; derive from it to make select wait for things of your own.
class select_case {
 public:
  select_case(const select_case&) = delete;
  select_case& operator=(const select_case&) = delete;

  // Does it if nobody has to wait for that. False and nothing done otherwise.
  virtual bool attempt() noexcept = 0;
  // Puts place() where it will be woken. 0, or the errno that select fails with.
  virtual int enlist() noexcept = 0;
  // After the wait, for every case that was enlisted: tidies up.
  virtual void leave() noexcept {}
  // Called last for the case that was chosen. `code` is 0 after attempt(), else what wake() was
  // given.
  virtual result<void> finish(int code) = 0;

  lowlevel::waiter* place() noexcept { return place_; }
  // When the case comes true by itself; never for all but timers.
  deadline due() const noexcept { return due_; }

 protected:
  explicit select_case(lowlevel::waiter* place, deadline due = never) noexcept
      : place_(place), due_(due) {}
  ~select_case() = default;

 private:
  lowlevel::waiter* place_;
  deadline due_;
};

// As select, for a number of cases known at run time. An empty list waits for the deadline. Blocks.
// ETIMEDOUT and ECANCELED: no case happened. Also fails with the error of the chosen case, see
// there.
result<std::size_t> try_select_from(std::span<select_case* const> cases, deadline dl);

namespace lowlevel {

struct do_nothing {
  void operator()() const noexcept {}
};

template <class T, class F>
class recv_case final : public select_case {
 public:
  recv_case(channel<T>& c, F f) : select_case(&place_), channel_(c), function_(std::forward<F>(f)) {
    place_.item = &slot_.item;
  }
  bool attempt() noexcept override {
    ended_ = !channel_.take(&slot_.item);
    return !ended_ || channel_.closed();
  }
  int enlist() noexcept override {
    ended_ = false;
    channel_.core().add_receiver(place_);
    return 0;
  }
  result<void> finish(int code) override {
    if (ended_) code = EPIPE;
    result<T> r = code == 0 ? result<T>(slot_.take()) : result<T>(channel<T>::received(code));
    if constexpr (std::is_invocable_v<F&, result<T>>) {
      function_(std::move(r));
    } else {
      if (!r) return fail(r.error());
      function_(std::move(*r));
    }
    return {};
  }

 private:
  channel<T>& channel_;
  F function_;
  channel_waiter place_;
  item_slot<T> slot_;
  bool ended_ = false;
};

template <class T, class F>
class send_case final : public select_case {
 public:
  send_case(channel<T>& c, T& item, F f)
      : select_case(&place_), channel_(c), item_(item), function_(std::forward<F>(f)) {
    place_.item = &item_;
  }
  bool attempt() noexcept override {
    closed_ = channel_.closed();
    return closed_ || channel_.offer(item_);
  }
  int enlist() noexcept override {
    channel_.core().add_sender(place_);
    return 0;
  }
  result<void> finish(int code) override {
    if (closed_) return fail(errc::closed);
    auto r = channel<T>::sent(code);
    if (r) function_();
    return r;
  }

 private:
  channel<T>& channel_;
  T& item_;
  F function_;
  channel_waiter place_;
  bool closed_ = false;
};

template <class F>
class timer_case final : public select_case {
 public:
  timer_case(deadline at, F f) : select_case(nullptr, at), function_(std::forward<F>(f)) {}
  bool attempt() noexcept override { return false; }
  int enlist() noexcept override { return 0; }
  result<void> finish(int) override {
    function_();
    return {};
  }

 private:
  F function_;
};

// A condition that stays true once it is, and the queue of those who wait for it.
template <class F>
class flag_case final : public select_case {
 public:
  flag_case(bool (*holds)(const void*), const void* what, wait_queue& queue, F f)
      : select_case(&place_),
        holds_(holds),
        what_(what),
        queue_(queue),
        function_(std::forward<F>(f)) {}
  bool attempt() noexcept override { return holds_(what_); }
  int enlist() noexcept override {
    queue_.push_back(place_);
    return 0;
  }
  result<void> finish(int code) override {
    if (code != 0) return fail(code);
    function_();
    return {};
  }

 private:
  bool (*holds_)(const void*);
  const void* what_;
  wait_queue& queue_;
  F function_;
  waiter place_;
};

// A descriptor that is no socket of the library's.
class descriptor_case : public select_case {
 public:
  bool attempt() noexcept override;
  int enlist() noexcept override;
  void leave() noexcept override;

 protected:
  descriptor_case(int fd, bool for_writing) noexcept
      : select_case(&place_), fd_(fd), for_writing_(for_writing) {}
  ~descriptor_case() = default;
  // Why it cannot be waited for at all; 0 if it can.
  int failure() const noexcept { return failure_; }

 private:
  waiter place_;
  int fd_;
  int failure_ = 0;
  bool for_writing_;
};

template <class F>
class ready_case final : public descriptor_case {
 public:
  ready_case(int fd, bool for_writing, F f)
      : descriptor_case(fd, for_writing), function_(std::forward<F>(f)) {}
  result<void> finish(int code) override {
    if (code == 0) code = failure();
    if (code != 0) return fail(code);
    function_();
    return {};
  }

 private:
  F function_;
};

// The cases among the arguments as a list, and the deadline behind them.
template <std::size_t... I, class Arguments>
result<std::size_t> select_first(std::index_sequence<I...>, Arguments arguments, deadline dl) {
  static_assert(
      (std::is_base_of_v<select_case, std::remove_cvref_t<std::tuple_element_t<I, Arguments>>> &&
       ...),
      "select takes cases made by on_...(), and a deadline behind them if wanted");
  select_case* const cases[] = {&std::get<I>(arguments)...};
  return try_select_from(cases, dl);
}

}  // namespace lowlevel

// The next item of `c`; f(T) gets it. If f takes a result<T> it also hears that the channel is
// closed and empty; otherwise select fails with errc::end_of_stream then.
template <class T, class F>
auto on_recv(channel<T>& c, F&& f) {
  return lowlevel::recv_case<T, F>(c, std::forward<F>(f));
}
// The same into a variable.
template <class T>
auto on_recv(channel<T>& c, std::optional<T>& into) {
  const auto keep = [&into](T v) { into.emplace(std::move(v)); };
  return lowlevel::recv_case<T, decltype(keep)>(c, keep);
}

// Sends `item`, which is moved from only if this case is chosen. Select fails with errc::closed if
// the channel is closed.
template <class T, class F = lowlevel::do_nothing>
auto on_send(channel<T>& c, std::type_identity_t<T>&& item, F&& f = {}) {
  return lowlevel::send_case<T, F>(c, item, std::forward<F>(f));
}
template <class T, class F = lowlevel::do_nothing>
auto on_send(channel<T>& c, std::type_identity_t<T>& item, F&& f = {}) {
  return lowlevel::send_case<T, F>(c, item, std::forward<F>(f));
}

// A point in time.
template <class F = lowlevel::do_nothing>
auto on_timer(deadline at, F&& f = {}) {
  return lowlevel::timer_case<F>(at, std::forward<F>(f));
}

// The descriptor is readable (writable), in error or hung up. For descriptors of one's own, not those
// inside a socket of the library. Watched during the select only; select fails with EBUSY if another
// coroutine waits for the same direction of it, EBADF if it is not open. A regular file is always
// ready.
template <class F = lowlevel::do_nothing>
auto on_readable(int fd, F&& f = {}) {
  return lowlevel::ready_case<F>(fd, false, std::forward<F>(f));
}
template <class F = lowlevel::do_nothing>
auto on_writable(int fd, F&& f = {}) {
  return lowlevel::ready_case<F>(fd, true, std::forward<F>(f));
}

// The end of a task; join it for its result.
template <class T, class F = lowlevel::do_nothing>
auto on_end(const task<T>& t, F&& f = {}) {
  constexpr auto holds = [](const void* c) {
    return static_cast<const lowlevel::task_core*>(c)->done;
  };
  lowlevel::task_core* core = t.core();
  return lowlevel::flag_case<F>(holds, core, core->joiners, std::forward<F>(f));
}

// The event is set.
template <class F = lowlevel::do_nothing>
auto on_event(event& e, F&& f = {}) {
  constexpr auto holds = [](const void* p) { return static_cast<const event*>(p)->is_set(); };
  return lowlevel::flag_case<F>(holds, &e, e.waiters(), std::forward<F>(f));
}

// A soft stop was asked for.
template <class F = lowlevel::do_nothing>
auto on_stop(stop_signal& s, F&& f = {}) {
  constexpr auto holds = [](const void* p) { return static_cast<const stop_signal*>(p)->raised(); };
  return lowlevel::flag_case<F>(holds, &s, s.waiters(), std::forward<F>(f));
}
template <class F = lowlevel::do_nothing>
auto on_stop(task_group& g, F&& f = {}) {
  return on_stop<F>(g.stop_signal(), std::forward<F>(f));
}

// Blocks until one of the cases happens; its index. The arguments are cases, and a deadline behind
// them if wanted. ETIMEDOUT and ECANCELED: none happened.
template <class... Args>
result<std::size_t> try_select(Args&&... args) {
  constexpr std::size_t last = sizeof...(Args) - 1;
  const auto all = std::forward_as_tuple(args...);
  if constexpr (std::is_convertible_v<std::tuple_element_t<last, std::tuple<Args...>>, deadline>) {
    return lowlevel::select_first(std::make_index_sequence<last>(), all, std::get<last>(all));
  } else {
    return lowlevel::select_first(std::make_index_sequence<last + 1>(), all, never);
  }
}
template <class... Args>
std::size_t select(Args&&... args) {
  return value_or_raise(try_select(std::forward<Args>(args)...), "select");
}

}  // namespace caraway
