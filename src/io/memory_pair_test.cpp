// memory_pair_test.cpp - the pair in memory is a byte_stream, and fails where it was told to.
#include "caraway/memory_pair.hpp"

#include <gtest/gtest.h>

#include "caraway/testing/byte_stream_contract.hpp"

namespace caraway {
namespace {

CARAWAY_BYTE_STREAM_CONTRACT(memory_pair, [] { return memory_pair(); })

CARAWAY_BYTE_STREAM_FAILURE_CONTRACT(memory_pair, [](std::size_t n) {
  const memory_faults some{.fail_at = n / 2};
  return n % 2 == 0 ? memory_pair(some, {}) : memory_pair({}, some);
})

TEST(memory_pair, no_more_comes_at_a_time_than_the_chop_allows) {
  auto [a, b] = memory_pair({}, {.chop = 3});
  a->write("1234567");
  EXPECT_EQ(b->fill(1).size(), 3u);
  EXPECT_EQ(b->fill(4).size(), 6u);
  EXPECT_EQ(as_text(b->fill(7)), "1234567");
}

TEST(memory_pair, bytes_on_both_sides_of_the_cut_never_come_together) {
  auto [a, b] = memory_pair({}, {.cut_at = 4});
  a->write("1234567");
  EXPECT_EQ(as_text(b->fill(1)), "1234");
  EXPECT_EQ(as_text(b->fill(5)), "1234567");
}

TEST(memory_pair, a_write_waits_until_it_fits_unless_nothing_else_waits) {
  auto [a, b] = memory_pair({}, {.capacity = 4});
  a->write("larger than that");
  EXPECT_TRUE(a->try_write(parts(), immediately));
  const bytes one = as_bytes("x");
  EXPECT_EQ(a->try_write(parts(&one, 1), immediately).error(), os_error(ETIMEDOUT));
  b->consume(b->fill(1).size());
  EXPECT_TRUE(a->try_write(parts(&one, 1), immediately));
}

// A conversation of both ends; false if a fault ended it.
bool talk(byte_stream& a, byte_stream& b) {
  const bytes hello = as_bytes("hello");
  if (!a.try_write(parts(&hello, 1), never) || !a.try_flush(never)) return false;
  if (!b.try_fill(5, never)) return false;
  b.consume(5);
  if (!b.try_done(never)) return false;
  return a.try_fill(1, never).error() == errc::end_of_stream;
}

TEST(memory_pair, every_operation_can_be_made_to_fail) {
  std::size_t failures = 0;
  testing::for_each_failure([&](std::size_t n) {
    auto [a, b] = memory_pair({.fail_at = n}, {});
    if (talk(*a, *b)) return true;
    ++failures;
    EXPECT_FALSE(a->healthy());
    EXPECT_EQ(a->try_flush(never).error(), os_error(ECONNRESET));
    EXPECT_EQ(b->try_flush(never).error(), os_error(ECONNRESET));
    return false;
  });
  EXPECT_EQ(failures, 3u);
}

TEST(memory_pair, the_chosen_failure_comes_once) {
  auto [a, b] = memory_pair({.fail_at = 1, .failure = os_error(EIO)}, {});
  a->write("x");
  EXPECT_EQ(a->try_flush(never).error(), os_error(EIO));
  EXPECT_EQ(a->try_flush(never).error(), os_error(ECONNRESET));
}

TEST(memory_pair, an_end_that_goes_with_bytes_unread_breaks_the_other) {
  auto [a, b] = memory_pair();
  a->write("never read");
  b.reset();
  EXPECT_EQ(a->try_fill(1, never).error(), os_error(ECONNRESET));
}

// The default of byte_stream, which this stream uses.
TEST(memory_pair, reading_into_memory_goes_on_over_many_pieces) {
  auto [a, b] = memory_pair({}, {.chop = 2});
  a->write("123456789");
  char text[9] = {};
  EXPECT_EQ(b->read_into(std::as_writable_bytes(std::span(text)), 5), 6u);
  EXPECT_EQ(std::string_view(text, 6), "123456");
  EXPECT_EQ(b->read_into(std::as_writable_bytes(std::span(text).first(0)), 0), 0u);
}

}  // namespace
}  // namespace caraway
