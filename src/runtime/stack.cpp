// stack.cpp - arenas of equal slots, one list of arenas for each power of two.
//
// An arena is one reserved mapping; a slot of it costs memory only when a stack first touches it.
// The lowest page of a slot is its guard. Linux 6.13 and later install guards without splitting the
// mapping, so a million of them are fine; before, each guard is an mprotect that makes two mappings
// out of one, and only as many are made as leave half of vm.max_map_count to the rest of the
// program. Beyond that a stack ends in a canary: zero bytes that nobody should write to. Zeroes,
// because looking at untouched memory costs no page.
//
// The tops of neighbouring stacks are staggered by a few cache lines: tops at equal page offsets
// would all fall into the same sets of the first-level cache.
#include "runtime/stack.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <vector>

#include "base/sanitizer.hpp"

namespace caraway::runtime {
namespace {

constexpr std::size_t largest_stack = std::size_t{1} << 32;
constexpr std::size_t arena_size = std::size_t{256} << 20;
constexpr std::size_t hot_stacks = 256;
constexpr std::size_t trimmed_at_once = 64;
constexpr int madv_guard_install = 102;

std::size_t page_size() noexcept {
  static const auto size = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  return size;
}

// How many guards by mprotect the whole process may still make.
std::atomic<long>& mprotect_guards_left() noexcept {
  static std::atomic<long> left = [] {
    long limit = 65530;
    if (std::FILE* f = std::fopen("/proc/sys/vm/max_map_count", "re")) {
      if (std::fscanf(f, "%ld", &limit) != 1) limit = 65530;
      std::fclose(f);
    }
    return limit / 4;
  }();
  return left;
}

// EINVAL is what kernels that know no such guards say; anything else may be better the next time.
bool install_guard(std::byte* page) noexcept {
  static std::atomic<bool> supported = true;
  if (!supported.load(std::memory_order_relaxed)) return false;
  if (::madvise(page, page_size(), madv_guard_install) == 0) return true;
  if (errno == EINVAL) supported.store(false, std::memory_order_relaxed);
  return false;
}

guard_mode guard(std::byte* page, guard_mode strongest) noexcept {
  if (strongest == guard_mode::guard_install && install_guard(page))
    return guard_mode::guard_install;
  if (strongest != guard_mode::canary && mprotect_guards_left().fetch_sub(1) > 0 &&
      ::mprotect(page, page_size(), PROT_NONE) == 0)
    return guard_mode::mprotect;
  return guard_mode::canary;
}

// Gives the pages of an idle stack back; it reads as zeroes afterwards. The guard stays.
void forget_contents(const stack& s) noexcept {
  const std::uintptr_t mask = ~(page_size() - 1);
  const std::uintptr_t from = reinterpret_cast<std::uintptr_t>(s.limit) & mask;
  const std::uintptr_t to = (reinterpret_cast<std::uintptr_t>(s.top) + page_size() - 1) & mask;
  ::madvise(reinterpret_cast<void*>(from), to - from, MADV_DONTNEED);
}

struct arena {
  std::byte* base;
  std::size_t size;
};

// All stacks of one size.
struct size_class {
  std::vector<arena> arenas;
  std::vector<stack> idle;  // the hottest last
  std::size_t trimmed = 0;  // so many at the front of `idle` have no memory
  std::size_t carved = 0;   // slots of the last arena in use
  std::size_t total = 0;    // slots in use or idle
};

}  // namespace

struct stack_pool::impl {
  explicit impl(guard_mode g) : strongest(g) {}

  size_class classes[33];
  guard_mode strongest;
  bool abandoned = false;

  bool reserve(size_class& c, std::size_t slot) noexcept;
  result<stack> carve(size_class& c, std::size_t slot) noexcept;
};

// A new arena; smaller ones are tried if the address space is limited.
bool stack_pool::impl::reserve(size_class& c, std::size_t slot) noexcept try {
  for (std::size_t size = std::max(arena_size, slot); size >= slot; size /= 2) {
    void* at = ::mmap(nullptr, size, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (at == MAP_FAILED) continue;
    ::madvise(at, size, MADV_NOHUGEPAGE);
    base::leak_root(at, size);
    c.arenas.push_back({static_cast<std::byte*>(at), size});
    c.carved = 0;
    return true;
  }
  return false;
} catch (const std::bad_alloc&) {
  return false;
}

result<stack> stack_pool::impl::carve(size_class& c, std::size_t slot) noexcept try {
  if (c.arenas.empty() || (c.carved + 1) * slot > c.arenas.back().size) {
    if (!reserve(c, slot)) return fail(ENOMEM);
  }
  if (c.idle.capacity() == c.total)  // release() must never have to allocate
    c.idle.reserve(std::max<std::size_t>(64, c.total * 2));
  ++c.total;
  const std::size_t index = c.carved++;
  std::byte* base = c.arenas.back().base + index * slot;
  stack s;
  s.guard = guard(base, strongest);
  s.limit = base + (s.guard == guard_mode::canary ? canary_size : page_size());
  s.top = base + slot - ((index * 192) & 2047);
  return s;
} catch (const std::bad_alloc&) {
  return fail(ENOMEM);
}

stack_pool::stack_pool(guard_mode strongest) : impl_(std::make_unique<impl>(strongest)) {}

stack_pool::~stack_pool() {
  if (impl_->abandoned) return;
  for (size_class& c : impl_->classes)
    for (const arena& a : c.arenas) {
      base::leak_root_gone(a.base, a.size);
      ::munmap(a.base, a.size);
    }
}

void stack_pool::abandon() noexcept {
  impl_->abandoned = true;
}

result<stack> stack_pool::acquire(std::size_t size) noexcept {
  if (size > largest_stack) return fail(ENOMEM);
  const std::size_t slot = std::bit_ceil(std::max(size, 4 * page_size()));
  size_class& c = impl_->classes[std::countr_zero(slot)];
  if (c.idle.empty()) return impl_->carve(c, slot);
  const stack s = c.idle.back();
  c.idle.pop_back();
  c.trimmed = std::min(c.trimmed, c.idle.size());
  return s;
}

void stack_pool::release(stack s) noexcept {
  if (s.lent) return;
  const std::size_t slot = std::bit_ceil(s.size());
  impl_->classes[std::countr_zero(slot)].idle.push_back(s);
}

void stack_pool::trim() noexcept {
  for (size_class& c : impl_->classes) {
    for (std::size_t n = 0; n < trimmed_at_once; ++n) {
      if (c.trimmed + hot_stacks >= c.idle.size()) break;
      forget_contents(c.idle[c.trimmed++]);
    }
  }
}

stack lent_stack(std::byte* memory, std::size_t size) noexcept {
  stack s;
  if (memory == nullptr || size <= canary_size) return s;
  std::memset(memory, 0, canary_size);
  s.limit = memory + canary_size;
  s.top = memory + size;
  s.guard = guard_mode::canary;
  s.lent = true;
  return s;
}

std::size_t high_water(const stack& s) noexcept {
  constexpr std::size_t at_once = 64;
  const std::size_t page = page_size();
  const auto first = (reinterpret_cast<std::uintptr_t>(s.limit) + page - 1) & ~(page - 1);
  const auto end = reinterpret_cast<std::uintptr_t>(s.top);
  for (auto at = first; at < end; at += at_once * page) {
    unsigned char resident[at_once];
    const std::size_t n = std::min(at_once, (end - at + page - 1) / page);
    if (::mincore(reinterpret_cast<void*>(at), n * page, resident) != 0) continue;
    const auto* touched = std::find_if(resident, resident + n, [](int r) { return (r & 1) != 0; });
    if (touched != resident + n)
      return end - at - static_cast<std::size_t>(touched - resident) * page;
  }
  return 0;
}

}  // namespace caraway::runtime
