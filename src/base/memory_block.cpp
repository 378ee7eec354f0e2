#include "caraway/memory_block.hpp"

#include <new>
#include <utility>

#include "base/sanitizer.hpp"

namespace caraway {
namespace {

// Smaller blocks the C library keeps by itself.
constexpr std::size_t large = std::size_t{64} << 10;
constexpr std::size_t most_kept = std::size_t{4} << 20;

// Before the bytes of each block.
struct alignas(std::max_align_t) head {
  std::size_t size;
  head* next;
};

std::byte* bytes_of(head* h) noexcept {
  return reinterpret_cast<std::byte*>(h + 1);
}

// Outlives everything of its thread, since blocks are freed until the very end.
struct kept_blocks {
  head* first;
  std::size_t size;
  bool closed;
};
constinit thread_local kept_blocks kept{};

// Frees what the thread has kept when it ends.
struct closer {
  ~closer() {
    kept.closed = true;
    while (kept.first != nullptr) ::operator delete(std::exchange(kept.first, kept.first->next));
  }
};

// The smallest that will do and is not far too large.
head* take(std::size_t n) noexcept {
  head** best = nullptr;
  for (head** at = &kept.first; *at != nullptr; at = &(*at)->next)
    if ((*at)->size >= n && (*at)->size / 4 <= n &&
        (best == nullptr || (*at)->size < (*best)->size))
      best = at;
  if (best == nullptr) return nullptr;
  head* const found = std::exchange(*best, (*best)->next);
  kept.size -= found->size;
  return found;
}

// Tools that look for memory that is used after it was freed have to see it freed.
bool keep(head* h) noexcept {
  if (base::instrumented || h->size < large || kept.closed) return false;
  if (h->size > most_kept - kept.size) return false;
  static thread_local const closer at_the_end;
  static_cast<void>(at_the_end);
  h->next = std::exchange(kept.first, h);
  kept.size += h->size;
  return true;
}

}  // namespace

memory_block allocate_block(std::size_t n) noexcept {
  if (n > std::size_t(-1) - sizeof(head)) return nullptr;
  head* h = n >= large ? take(n) : nullptr;
  if (h == nullptr) {
    void* const memory = ::operator new(sizeof(head) + n, std::nothrow);
    if (memory == nullptr) return nullptr;
    h = ::new (memory) head{.size = n, .next = nullptr};
  }
  return memory_block(bytes_of(h));
}

void memory_block_deleter::operator()(std::byte* block) const noexcept {
  head* const h = reinterpret_cast<head*>(block) - 1;
  if (!keep(h)) ::operator delete(h);
}

}  // namespace caraway
