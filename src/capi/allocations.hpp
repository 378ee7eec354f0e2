// allocations.hpp - for tests: how often something allocates, in memory of any alignment.
#pragma once

#include <gtest/gtest.h>

#include "capi/capi.hpp"

namespace caraway::capi {

// Of this thread, since it began.
extern thread_local long allocations;

// How often f() allocates. What the library keeps for later has been allocated before.
template <class F>
long count(F f) {
  f();
  const long before = allocations;
  f();
  return allocations - before;
}

// Storage of every alignment, as C programs may pass it.
template <class Storage>
struct odd_storage {
  alignas(64) char bytes[sizeof(Storage) + 64];
  Storage* at(int offset) { return reinterpret_cast<Storage*>(bytes + offset); }
};

inline constexpr int offsets[] = {0, 1, 2, 3, 4, 7, 8, 15, 33};

inline void close(int h) {
  EXPECT_EQ(dill_hclose(h), 0);
}

// The function with `_mem` allocates one object less than the one without, wherever the memory is.
template <class Storage, class Plain, class Mem>
void expect_one_less(Plain plain, Mem mem) {
  const long usually = count([&] { plain(); });
  odd_storage<Storage> storage;
  for (const int offset : offsets)
    EXPECT_EQ(count([&] { mem(storage.at(offset)); }), usually - 1) << "at offset " << offset;
}

}  // namespace caraway::capi
