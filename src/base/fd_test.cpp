#include "caraway/fd.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>

namespace caraway {
namespace {

int open_something() {
  return ::open("/dev/null", O_RDONLY | O_CLOEXEC);
}
bool is_open(int fd) {
  return ::fcntl(fd, F_GETFD) != -1;
}

TEST(fd, the_descriptor_is_closed_with_its_owner) {
  int number = -1;
  {
    const unique_fd fd(open_something());
    number = fd.get();
    ASSERT_TRUE(is_open(number));
  }
  EXPECT_FALSE(is_open(number));
}

TEST(fd, a_moved_from_owner_has_nothing) {
  unique_fd a(open_something());
  const int number = a.get();
  unique_fd b(std::move(a));
  EXPECT_EQ(b.get(), number);
  EXPECT_FALSE(static_cast<bool>(a));  // NOLINT: what is left is the question
}

TEST(fd, assignment_closes_what_was_there) {
  unique_fd a(open_something());
  unique_fd b(open_something());
  const int old = a.get();
  a = std::move(b);
  EXPECT_FALSE(is_open(old));
  EXPECT_TRUE(is_open(a.get()));
}

TEST(fd, release_gives_the_descriptor_away) {
  unique_fd a(open_something());
  const int number = a.release();
  a.reset();
  EXPECT_TRUE(is_open(number));
  ::close(number);
}

TEST(fd, closing_leaves_errno_alone) {
  unique_fd a(open_something());
  errno = EDOM;
  a.reset();
  EXPECT_EQ(errno, EDOM);
}

}  // namespace
}  // namespace caraway
