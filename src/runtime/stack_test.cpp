#include "runtime/stack.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <set>
#include <vector>

namespace caraway::runtime {
namespace {

stack acquire(stack_pool& pool, std::size_t size) {
  return value_or_raise(pool.acquire(size), "acquire");
}

TEST(stack, every_byte_of_it_can_be_used) {
  stack_pool pool;
  for (const std::size_t size : {std::size_t{1}, default_stack_size, std::size_t{300'000}}) {
    const stack s = acquire(pool, size);
    std::memset(s.limit, 0xAA, s.size());
    pool.release(s);
  }
}

TEST(stack, the_one_given_back_last_is_used_first) {
  stack_pool pool;
  const stack a = acquire(pool, default_stack_size);
  const stack b = acquire(pool, default_stack_size);
  pool.release(a);
  pool.release(b);
  EXPECT_EQ(acquire(pool, default_stack_size).limit, b.limit);
  EXPECT_EQ(acquire(pool, default_stack_size).limit, a.limit);
}

TEST(stack, sizes_do_not_mix) {
  stack_pool pool;
  const stack small = acquire(pool, 16 * 1024);
  pool.release(small);
  EXPECT_GE(acquire(pool, 256 * 1024).size(), 200 * 1024U);
}

TEST(stack, the_tops_of_neighbours_are_staggered) {
  stack_pool pool;
  std::set<std::uintptr_t> offsets;
  for (int i = 0; i < 10; ++i)
    offsets.insert(reinterpret_cast<std::uintptr_t>(acquire(pool, default_stack_size).top) & 4095);
  EXPECT_GE(offsets.size(), 10U);
}

TEST(stack, trimming_keeps_the_hot_ones_and_gives_the_rest_back) {
  stack_pool pool;
  std::vector<stack> taken;
  for (int i = 0; i < 400; ++i) {
    taken.push_back(acquire(pool, default_stack_size));
    *(taken.back().top - 1) = std::byte{1};
  }
  for (const stack& s : taken) pool.release(s);
  for (int i = 0; i < 10; ++i) pool.trim();
  EXPECT_EQ(high_water(taken.front()) > 4096, false);
  EXPECT_EQ(*(taken.front().top - 1), std::byte{0});
  EXPECT_EQ(*(taken.back().top - 1), std::byte{1});
  EXPECT_EQ(acquire(pool, default_stack_size).limit, taken.back().limit);
}

TEST(stack, the_high_water_mark_counts_touched_pages) {
  stack_pool pool;
  const stack s = acquire(pool, default_stack_size);
  *(s.top - 20'000) = std::byte{1};
  const std::size_t mark = high_water(s);
  EXPECT_GE(mark, 20'000U);
  EXPECT_LE(mark, 20'000U + 4096);
}

TEST(stack, the_high_water_mark_is_0_where_nothing_was_touched) {
  stack_pool pool;
  EXPECT_EQ(high_water(acquire(pool, 1024 * 1024)), 0U);
  EXPECT_EQ(high_water(stack()), 0U);
}

TEST(stack, guards_are_no_stronger_than_asked_for) {
  stack_pool protect(guard_mode::mprotect), canaries(guard_mode::canary);
  EXPECT_EQ(acquire(protect, default_stack_size).guard, guard_mode::mprotect);
  const stack s = acquire(canaries, default_stack_size);
  EXPECT_EQ(s.guard, guard_mode::canary);
  EXPECT_TRUE(s.intact());
  *(s.limit - 1) = std::byte{1};
  EXPECT_FALSE(s.intact());
}

TEST(stack, a_size_beyond_all_memory_is_refused) {
  stack_pool pool;
  const auto s = pool.acquire(~std::size_t{0} / 2);
  ASSERT_FALSE(s);
  EXPECT_EQ(s.error(), std::errc::not_enough_memory);
}

TEST(stack, a_lent_one_notices_when_its_end_is_written_over) {
  std::byte memory[1024];
  std::memset(memory, 0xFF, sizeof memory);
  const stack s = lent_stack(memory, sizeof memory);
  EXPECT_TRUE(s.lent);
  EXPECT_EQ(s.size(), sizeof memory - canary_size);
  EXPECT_TRUE(s.intact());
  memory[3] = std::byte{7};
  EXPECT_FALSE(s.intact());
  EXPECT_EQ(lent_stack(memory, canary_size).size(), 0U);
}

}  // namespace
}  // namespace caraway::runtime
