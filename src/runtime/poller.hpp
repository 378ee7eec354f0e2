// poller.hpp - how a thread waits for the outside world.
//
// A poller is one file src/poller/NAME.cpp that defines `extern const poller_kind NAME_kind`. The
// build makes a table of all of them from the file names; CARAWAY_POLLER=NAME chooses one, else the
// usable one of highest rank is taken. Time belongs to the poller, so that the simulator can be
// one.
#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "base/clock_source.hpp"
#include "runtime/io_handle.hpp"

namespace caraway::runtime {

class poller : public base::clock_source {
 public:
  virtual ~poller() = default;

  virtual const char* name() const noexcept = 0;
  time_point now() const noexcept override { return clock::now(); }
  virtual kernel& system() noexcept { return real_kernel(); }

  // Watches `fd`, which must not be watched already by this poller. ENOMEM, and errors of the
  // kernel facility. Registering may be put off until the first wait.
  virtual result<std::unique_ptr<io_handle>> open(int fd) = 0;

  // Blocks the thread until something is ready, `until` has come or wake() was called, whichever is
  // first; then calls on_ready() and the like for everything that happened. Only the scheduler
  // calls it, on a stack of its own. `until` in the past: only look.
  virtual void wait(time_point until) noexcept = 0;

  // Makes the wait() that runs, or else the next one, return soon. From any thread.
  virtual void wake() noexcept = 0;

  // How many things outside this thread will call wake() in any case (running offloads, say). The
  // simulator does not let time jump while there are some.
  virtual void expect_wake(int change) noexcept { static_cast<void>(change); }

  // Hands what was prepared to the kernel without waiting. For pollers that submit in batches.
  virtual void submit() noexcept {}
};

struct poller_kind {
  const char* name;
  int rank;  // above 0: a candidate for the default
  bool (*usable)() noexcept;
  std::unique_ptr<poller> (*make)();
};

// All kinds in the build, in no order. Defined in a file that the build generates.
std::span<const poller_kind* const> poller_kinds() noexcept;

// The poller that `wanted` names if it is usable, else the usable one of highest rank: in silence for
// an empty name and for one that is known but cannot be used here; a name that no poller has is said
// on stderr, once in the process. nullptr if none is usable.
std::unique_ptr<poller> make_poller(std::string_view wanted);

}  // namespace caraway::runtime
