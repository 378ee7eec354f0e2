// handle.hpp - the numbers that stand for objects, one table per thread.
#pragma once

#include "capi/capi.hpp"

namespace caraway::capi {

// Why a call that makes a handle or waits cannot begin, as an errno value; 0 if it can. ECANCELED; EMFILE,
// ENFILE and ENOMEM: it is the thread's first, and the scheduler that it takes cannot be made.
int cannot_begin() noexcept;

// A number for `o`, errno 0; -1 and errno, as cannot_begin(), and ENOMEM.
int make_handle(object& o) noexcept;

// The object of `h`; nullptr and EBADF.
dill_hvfs* find(int h) noexcept;

// Frees the number: for functions that take an object apart themselves.
void forget(int h) noexcept;

// What an object of the library answers for a type of its own; nullptr and errno, ENOTSUP for what
// the program made with hmake(): that may answer anything.
void* query_own(int h, const void* type) noexcept;
template <class T>
T* own(int h, const void* type) noexcept {
  return static_cast<T*>(query_own(h, type));
}

// What any object answers for a public type; nullptr and errno.
template <class T>
T* query(int h, const void* type) noexcept {
  return static_cast<T*>(dill_hquery(h, type));
}

}  // namespace caraway::capi
