// capi.hpp - what every section of libdill.h needs: its declarations, errno, deadlines, and objects
// behind handles.
//
// A function of the C API looks its handle up, converts its arguments, calls the core and returns
// outcome(code): 0, or -1 with errno. Objects are either allocated or placed in memory of the
// caller (the _mem forms); destroy() knows which.
#pragma once

#define DILL_DISABLE_RAW_NAMES 1
#include <libdill.h>
#include <libdillimpl.h>

#include <cerrno>
#include <cstdint>
#include <limits>
#include <memory>
#include <new>
#include <utility>

#include "caraway/deadline.hpp"
#include "caraway/error.hpp"

namespace caraway::capi {

// What a function of the C API returns for an errno value, 0 for none. Success leaves errno 0.
inline int outcome(int code) noexcept {
  errno = code;
  return code == 0 ? 0 : -1;
}

// The same for a function that returns something else than 0.
inline int outcome(int code, int value) noexcept {
  errno = code;
  return code == 0 ? value : -1;
}

template <class T>
int code_of(const result<T>& r) noexcept {
  return r ? 0 : to_errno(r.error());
}

// Milliseconds of dill_now() as a deadline: negative is never, 0 immediately.
inline deadline to_deadline(std::int64_t ms) noexcept {
  constexpr std::int64_t longest = std::numeric_limits<std::int64_t>::max() / 1'000'000;
  if (ms < 0 || ms >= longest) return never;
  if (ms == 0) return immediately;
  return time_point(std::chrono::milliseconds(ms));
}

// Calls f(), which returns an errno value; memory that ran out on the way is ENOMEM.
template <class F>
int without_exceptions(F&& f) noexcept {
  try {
    return f();
  } catch (const std::bad_alloc&) {
    return ENOMEM;
  } catch (const std::system_error& e) {
    return to_errno(e.code());
  }
}

// Something behind a handle.
struct object : dill_hvfs {
  bool lent = false;  // the memory is the caller's
};

// Where a T may be placed in `size` bytes at `memory`.
template <class T>
void* placed(void* memory, std::size_t size) noexcept {
  return std::align(alignof(T), sizeof(T), memory, size);
}

// A T in `memory`, which is big enough whatever its alignment, or allocated if that is nullptr.
// nullptr if there is no memory.
template <class T, class Storage>
T* create(Storage* memory) noexcept {
  static_assert(sizeof(T) + alignof(T) - 1 <= sizeof(Storage));
  if (memory == nullptr) return new (std::nothrow) T;
  T* made = new (placed<T>(memory, sizeof(Storage))) T;
  made->lent = true;
  return made;
}

template <class T>
void destroy(T& o) noexcept {
  if (o.lent)
    o.~T();
  else
    delete &o;
}

}  // namespace caraway::capi
