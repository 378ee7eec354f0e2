#include "sync/fd_watch.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

namespace caraway::sync {
namespace {

struct pipe_pair {
  unique_fd in;
  unique_fd out;
  pipe_pair() {
    int fds[2];
    if (::pipe(fds) != 0) return;
    in.reset(fds[0]);
    out.reset(fds[1]);
  }
};

TEST(fd_watch, all_who_watch_a_descriptor_share_one_handle) {
  const pipe_pair p;
  const auto first = fd_watch::open(p.in.get());
  const auto second = fd_watch::open(p.in.get());
  ASSERT_TRUE(first && second);
  EXPECT_EQ(&first->handle(), &second->handle());
  EXPECT_EQ(first->handle().fd(), p.in.get());
}

TEST(fd_watch, the_handle_goes_with_the_last_of_them) {
  const pipe_pair p;
  {
    auto first = fd_watch::open(p.in.get());
    {
      const auto second = fd_watch::open(p.in.get());
    }
    EXPECT_NE(fd_watch::find(p.in.get()), nullptr);
  }
  EXPECT_EQ(fd_watch::find(p.in.get()), nullptr);
}

TEST(fd_watch, one_that_is_kept_stays_until_it_is_closed_by_number) {
  const pipe_pair p;
  {
    auto watch = fd_watch::open(p.in.get());
    watch->keep();
  }
  EXPECT_NE(fd_watch::find(p.in.get()), nullptr);
  fd_watch::close(p.in.get());
  EXPECT_EQ(fd_watch::find(p.in.get()), nullptr);
}

}  // namespace
}  // namespace caraway::sync
