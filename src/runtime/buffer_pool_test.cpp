#include "runtime/buffer_pool.hpp"

#include <gtest/gtest.h>

#include <cstring>

namespace caraway::runtime {
namespace {

TEST(buffer_pool, a_buffer_has_at_least_the_size_asked_for) {
  buffer_pool pool;
  for (std::size_t n = 1; n <= 4 * buffer_pool::largest; n = n * 3 + 1) {
    const lent_buffer b = pool.borrow(n);
    ASSERT_GE(b.capacity(), n);
    std::memset(b.memory(), 1, n);
  }
  EXPECT_EQ(pool.lent(), 0U);
}

TEST(buffer_pool, the_hottest_is_lent_first) {
  buffer_pool pool;
  std::byte* first = nullptr;
  {
    const lent_buffer a = pool.borrow(buffer_pool::smallest);
    first = a.memory();
  }
  const lent_buffer b = pool.borrow(buffer_pool::smallest);
  EXPECT_EQ(b.memory(), first);
}

TEST(buffer_pool, a_moved_buffer_goes_back_once) {
  buffer_pool pool;
  lent_buffer a = pool.borrow(100);
  a.set_size(50);
  lent_buffer b = std::move(a);
  EXPECT_EQ(b.size(), 50U);
  EXPECT_EQ(pool.lent(), 1U);
  b.reset();
  EXPECT_EQ(pool.lent(), 0U);
  EXPECT_FALSE(b);
}

TEST(buffer_pool, assignment_gives_back_what_was_there) {
  buffer_pool pool;
  lent_buffer a = pool.borrow(100);
  a = pool.borrow(100);
  EXPECT_EQ(pool.lent(), 1U);
}

}  // namespace
}  // namespace caraway::runtime
