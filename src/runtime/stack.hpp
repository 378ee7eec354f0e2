// stack.hpp - memory for coroutine stacks: reserved in large arenas, guarded, pooled, trimmed.
#pragma once

#include <cstddef>
#include <cstring>
#include <memory>

#include "caraway/error.hpp"

namespace caraway::runtime {

inline constexpr std::size_t default_stack_size = 64 * 1024;

enum class guard_mode {
  none,           // not a stack of ours
  guard_install,  // MADV_GUARD_INSTALL: a guard page each, any number of them
  mprotect,       // a guard page each, as long as the kernel's limit on mappings allows
  canary,         // zero bytes at the end of the stack, looked at on every switch away from it
};

inline constexpr std::size_t canary_size = 16;

// One stack. The usable part is [limit, top). Not an owner.
struct stack {
  std::byte* limit = nullptr;
  std::byte* top = nullptr;
  guard_mode guard = guard_mode::none;
  bool lent = false;  // the memory is the user's

  std::size_t size() const noexcept { return static_cast<std::size_t>(top - limit); }

  // For stacks with a canary: false once somebody has written over it.
  bool intact() const noexcept {
    if (guard != guard_mode::canary) return true;
    unsigned long long words[2];
    static_assert(sizeof words == canary_size);
    std::memcpy(words, limit - canary_size, sizeof words);
    return (words[0] | words[1]) == 0;
  }
};

// A stack in memory of the user: [memory, memory + size), less the canary that is put at its end.
// An empty stack if nothing usable would be left.
stack lent_stack(std::byte* memory, std::size_t size) noexcept;

// The stacks of one thread.
class stack_pool {
 public:
  // Guards of the kind `strongest` or, where that is not to be had, of a later one in the list; not
  // `none`.
  explicit stack_pool(guard_mode strongest = guard_mode::guard_install);
  ~stack_pool();
  stack_pool(const stack_pool&) = delete;
  stack_pool& operator=(const stack_pool&) = delete;

  // A stack of at least `size` bytes (rounded up to a power of two of pages). Hot ones first.
  // ENOMEM.
  result<stack> acquire(std::size_t size) noexcept;

  // Gives a stack back; it may still be in use until the next switch.
  void release(stack s) noexcept;

  // Gives the memory of idle stacks beyond the hottest back to the kernel. Called when idle.
  void trim() noexcept;

  // Keeps all memory mapped when the pool goes: somebody still runs on one of the stacks.
  void abandon() noexcept;

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

// The bytes between the top of `s` and the farthest page that was ever touched; 0 for no stack.
std::size_t high_water(const stack& s) noexcept;

}  // namespace caraway::runtime
