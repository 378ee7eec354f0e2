#include "caraway/memory_block.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <limits>
#include <thread>
#include <vector>

#include "base/sanitizer.hpp"

namespace caraway {
namespace {

constexpr std::size_t mebibyte = std::size_t{1} << 20;

TEST(memory_block, a_large_block_that_was_freed_is_used_again) {
  if (base::instrumented) return;
  std::thread([] {
    memory_block first = allocate_block(mebibyte);
    const void* const where = first.get();
    first.reset();
    const memory_block other = allocate_block(mebibyte - 1000);
    EXPECT_EQ(other.get(), where);
  }).join();
}

TEST(memory_block, the_smallest_that_will_do_is_taken) {
  if (base::instrumented) return;
  std::thread([] {
    memory_block small = allocate_block(mebibyte / 2);
    memory_block middle = allocate_block(mebibyte);
    const void* const where = middle.get();
    memory_block huge = allocate_block(mebibyte + 1);
    huge.reset();
    middle.reset();
    small.reset();
    const memory_block again = allocate_block(mebibyte / 2 + 1);
    EXPECT_EQ(again.get(), where);
  }).join();
}

TEST(memory_block, two_never_share_memory) {
  std::vector<memory_block> blocks;
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 20; ++i) {
      const std::size_t size = mebibyte / 8 * static_cast<std::size_t>(i % 7 + 1);
      memory_block b = allocate_block(size);
      ASSERT_NE(b, nullptr);
      std::memset(b.get(), i, size);
      blocks.push_back(std::move(b));
    }
    for (int i = 0; i < 20; ++i) {
      const std::size_t size = mebibyte / 8 * static_cast<std::size_t>(i % 7 + 1);
      EXPECT_EQ(std::to_integer<int>(blocks[i][0]), i);
      EXPECT_EQ(std::to_integer<int>(blocks[i][size - 1]), i);
    }
    blocks.clear();
  }
}

TEST(memory_block, its_bytes_are_aligned_for_everything) {
  for (std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{77}, mebibyte}) {
    const memory_block b = allocate_block(size);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(b.get()) % alignof(std::max_align_t), 0u);
  }
}

TEST(memory_block, one_may_be_freed_on_another_thread) {
  memory_block b = allocate_block(mebibyte);
  std::thread([moved = std::move(b)]() mutable { moved.reset(); }).join();
}

TEST(memory_block, more_than_there_is_is_nothing) {
  EXPECT_EQ(allocate_block(std::numeric_limits<std::size_t>::max()), nullptr);
}

}  // namespace
}  // namespace caraway
