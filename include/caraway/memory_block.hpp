// memory_block.hpp - memory for messages, which a thread uses again.
//
// The C library gives a large block back to the kernel as soon as it is freed, and every page of the
// next one has to be cleared first: for a message of a megabyte that takes longer than to receive
// it. So each thread keeps the large blocks it freed last, 4 MiB of them at most, until it ends.
#pragma once

#include <cstddef>
#include <memory>

namespace caraway {

struct memory_block_deleter {
  void operator()(std::byte* block) const noexcept;
};

// May be freed on any thread.
using memory_block = std::unique_ptr<std::byte[], memory_block_deleter>;

// At least `n` bytes of any content. nullptr: no memory. Does not block.
memory_block allocate_block(std::size_t n) noexcept;

}  // namespace caraway
