#include "base/random.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <set>
#include <string>

namespace caraway::base {
namespace {

std::string take(std::size_t n) {
  std::string out(n, '\0');
  random_bytes(std::as_writable_bytes(std::span(out)));
  return out;
}

TEST(random, no_two_keys_are_alike_across_many_refills) {
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) EXPECT_TRUE(seen.insert(take(16)).second);
}

TEST(random, every_bit_of_every_position_takes_both_values) {
  std::array<unsigned char, 100> ones{}, zeros{};
  for (int round = 0; round < 64; ++round) {
    const std::string some = take(ones.size());
    for (std::size_t i = 0; i < some.size(); ++i) {
      ones[i] |= static_cast<unsigned char>(some[i]);
      zeros[i] |= static_cast<unsigned char>(~some[i]);
    }
  }
  for (std::size_t i = 0; i < ones.size(); ++i) EXPECT_EQ(ones[i] & zeros[i], 0xff) << i;
}

TEST(random, nothing_may_be_asked_for) {
  random_bytes({});
  EXPECT_EQ(take(0), "");
}

TEST(random, a_child_process_does_not_repeat_its_parent) {
  take(16);
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const pid_t child = fork();
  if (child == 0) {
    const std::string theirs = take(16);
    _exit(write(ends[1], theirs.data(), theirs.size()) == 16 ? 0 : 1);
  }
  const std::string ours = take(16);
  std::string theirs(16, '\0');
  EXPECT_EQ(read(ends[0], theirs.data(), theirs.size()), 16);
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  EXPECT_NE(ours, theirs);
  close(ends[0]);
  close(ends[1]);
}

}  // namespace
}  // namespace caraway::base
