#include "runtime/buffer_pool.hpp"

#include <cstdlib>
#include <new>

namespace caraway::runtime {
namespace {

constexpr std::uint32_t not_pooled = ~0U;
constexpr std::size_t kept_bytes_per_class = 1024 * 1024;

constexpr std::size_t size_of(int c) noexcept {
  return buffer_pool::smallest << (2 * c);
}

}  // namespace

int buffer_pool::class_of(std::size_t size) noexcept {
  int c = 0;
  while (c < classes && size_of(c) < size) ++c;
  return c;
}

buffer_pool::~buffer_pool() {
  for (spare* s : spares_)
    while (s != nullptr) {
      spare* next = s->next;
      std::free(s);
      s = next;
    }
}

lent_buffer buffer_pool::borrow(std::size_t size) noexcept {
  const int c = class_of(size);
  if (c == classes) {
    auto* memory = static_cast<std::byte*>(std::malloc(size));
    if (memory == nullptr) return {};
    ++lent_;
    return {*this, memory, size, not_pooled};
  }
  void* memory = spares_[c];
  if (memory != nullptr) {
    spares_[c] = spares_[c]->next;
    --spare_count_[c];
  } else if ((memory = std::malloc(size_of(c))) == nullptr) {
    return {};
  }
  ++lent_;
  return {*this, static_cast<std::byte*>(memory), size_of(c), static_cast<std::uint32_t>(c)};
}

void buffer_pool::give_back(lent_buffer& b) noexcept {
  --lent_;
  const std::uint32_t c = b.token();
  if (c == not_pooled ||
      (spare_count_[c] + 1) * size_of(static_cast<int>(c)) > kept_bytes_per_class) {
    std::free(b.memory());
    return;
  }
  spares_[c] = new (b.memory()) spare{spares_[c]};
  ++spare_count_[c];
}

}  // namespace caraway::runtime
