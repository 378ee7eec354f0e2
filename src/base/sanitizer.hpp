// sanitizer.hpp - tells AddressSanitizer, ThreadSanitizer and Valgrind about coroutine stacks.
//
// The only file with conditions on the build inside functions: each hook is empty where its tool is
// not in use.
#pragma once

#include <cstddef>

#if defined(__SANITIZE_ADDRESS__)
#define CARAWAY_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define CARAWAY_ASAN 1
#endif
#endif
#if defined(__SANITIZE_THREAD__)
#define CARAWAY_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define CARAWAY_TSAN 1
#endif
#endif

#if defined(CARAWAY_ASAN)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#include <sanitizer/lsan_interface.h>
#endif
#if defined(CARAWAY_TSAN)
#include <sanitizer/tsan_interface.h>
#endif
#if defined(CARAWAY_VALGRIND)
#include <valgrind/memcheck.h>
#include <valgrind/valgrind.h>
#endif

// For functions that hold a context switch: the compiler must not conclude anything from their
// bodies. For functions that begin on one stack and return on another: no bookkeeping of calls and
// returns.
#if defined(__clang__)
#define CARAWAY_OPAQUE __attribute__((noinline))
#define CARAWAY_UNINSTRUMENTED __attribute__((noinline, disable_sanitizer_instrumentation))
#else
#define CARAWAY_OPAQUE __attribute__((noipa))
#define CARAWAY_UNINSTRUMENTED __attribute__((noipa, no_sanitize("thread")))
#endif

namespace caraway::base {

// True if a sanitizer makes everything slow and coroutines few: tests do less then.
#if defined(CARAWAY_ASAN) || defined(CARAWAY_TSAN) || defined(CARAWAY_VALGRIND)
inline constexpr bool instrumented = true;
#else
inline constexpr bool instrumented = false;
#endif

struct fiber_hooks {
#if defined(CARAWAY_ASAN)
  void* fake_stack = nullptr;
  const void* bottom = nullptr;
  std::size_t size = 0;
  // Members, not locals of arrive(): those would be marked dead on a stack that nobody cleans.
  const void* left_bottom = nullptr;
  std::size_t left_size = 0;
#endif
#if defined(CARAWAY_TSAN)
  void* fiber = nullptr;
#endif
#if defined(CARAWAY_VALGRIND)
  unsigned stack_id = 0;
#endif

  // The coroutine lives on [at, at + n); [at, at + whole) is its to write to, whatever was left there.
  void created([[maybe_unused]] const void* at, [[maybe_unused]] std::size_t n,
               [[maybe_unused]] std::size_t whole) noexcept {
#if defined(CARAWAY_ASAN)
    bottom = at;
    size = n;
    ASAN_UNPOISON_MEMORY_REGION(at, whole);
#endif
#if defined(CARAWAY_TSAN)
    fiber = __tsan_create_fiber(0);
#endif
#if defined(CARAWAY_VALGRIND)
    VALGRIND_MAKE_MEM_UNDEFINED(at, whole);
    stack_id = VALGRIND_STACK_REGISTER(at, static_cast<const char*>(at) + n);
#endif
  }

  // It stands for the thread's own stack.
  void adopted() noexcept {
#if defined(CARAWAY_TSAN)
    fiber = __tsan_get_current_fiber();
#endif
  }

  // It will never run again.
  void destroyed() noexcept {
#if defined(CARAWAY_TSAN)
    if (fiber != nullptr) __tsan_destroy_fiber(fiber);
    fiber = nullptr;
#endif
#if defined(CARAWAY_VALGRIND)
    VALGRIND_STACK_DEREGISTER(stack_id);
#endif
  }

  // Around a switch: leave(next) on the old stack, arrive(previous) on the new one. `last`: the old
  // one ends here.
  [[gnu::always_inline]] void leave([[maybe_unused]] fiber_hooks& next,
                                    [[maybe_unused]] bool last) noexcept {
#if defined(CARAWAY_ASAN)
    __sanitizer_start_switch_fiber(last ? nullptr : &fake_stack, next.bottom, next.size);
#endif
#if defined(CARAWAY_TSAN)
    __tsan_switch_to_fiber(next.fiber, 0);
#endif
  }
  [[gnu::always_inline]] void arrive([[maybe_unused]] fiber_hooks& previous) noexcept {
#if defined(CARAWAY_ASAN)
    __sanitizer_finish_switch_fiber(fake_stack, &left_bottom, &left_size);
    fake_stack = nullptr;
    if (previous.bottom == nullptr) {
      previous.bottom = left_bottom;
      previous.size = left_size;
    }
#endif
  }
};

// What an abandoned frame has left below `frame` on the running stack is forgotten.
inline void clean_stack_below([[maybe_unused]] const void* frame) noexcept {
#if defined(CARAWAY_ASAN)
  constexpr std::size_t reach = 1024;
  ASAN_UNPOISON_MEMORY_REGION(static_cast<const char*>(frame) - reach, reach + 2 * sizeof(void*));
#endif
}

// Memory that leak detection must search for pointers.
inline void leak_root([[maybe_unused]] const void* at, [[maybe_unused]] std::size_t n) noexcept {
#if defined(CARAWAY_ASAN)
  __lsan_register_root_region(at, n);
#endif
}
inline void leak_root_gone([[maybe_unused]] const void* at,
                           [[maybe_unused]] std::size_t n) noexcept {
#if defined(CARAWAY_ASAN)
  __lsan_unregister_root_region(at, n);
#endif
}

}  // namespace caraway::base
