// stream_test.cpp - streams that become handles, or do not.
#include "capi/stream.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <memory>

#include "caraway/task_group.hpp"
#include "caraway/this_task.hpp"

namespace caraway::capi {
namespace {

// A stream whose end changes errno, as any may.
struct noisy_stream final : byte_stream {
  ~noisy_stream() override { errno = EDOM; }
  result<mutable_bytes> try_fill(std::size_t, deadline) override { return fail(ENOTSUP); }
  mutable_bytes buffered() noexcept override { return {}; }
  void consume(std::size_t) noexcept override {}
  result<void> try_write(parts, deadline) override { return {}; }
  result<void> try_flush(deadline) override { return {}; }
  result<void> try_done(deadline) override { return {}; }
  result<void> try_close(deadline) override { return {}; }
  void abort() noexcept override {}
  bool healthy() const noexcept override { return true; }
};

TEST(stream, why_it_got_no_handle_is_said_also_if_its_end_changes_errno) {
  static const char kind = 0;
  task_group group;
  group.go([] {
    EXPECT_FALSE(try_sleep(never));
    dill_tcp_storage* const allocated = nullptr;
    EXPECT_EQ(make_stream(std::make_unique<noisy_stream>(), &kind, allocated), -1);
    EXPECT_EQ(errno, ECANCELED);
  });
  yield();
  group.cancel();
  group.wait();
}

}  // namespace
}  // namespace caraway::capi
