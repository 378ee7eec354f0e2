#include "runtime/overflow.hpp"

#include <gtest/gtest.h>

#include "runtime/scheduler.hpp"

namespace caraway::runtime {
namespace {

// Needs a lot of stack, a little at a time.
[[gnu::noinline]] int deep(int n) {
  volatile char here[512];
  here[0] = static_cast<char>(n);
  return n == 0 ? here[0] : deep(n - 1) + here[0];
}

void overflow(const spawn_options& options) {
  scheduler& s = scheduler::current();
  coroutine& c = *value_or_raise(s.create([](coroutine&) { deep(1'000'000); }, 0, options), "");
  s.start_now(c);
}

TEST(overflow, the_report_names_the_coroutine) {
  EXPECT_DEATH(overflow({.name = "greedy"}), "stack overflow in coroutine #[0-9]+ \"greedy\"");
}

// The kernel may have guards of a better kind than these.
TEST(overflow, a_guard_made_by_mprotect_names_the_coroutine_too) {
  const auto with_mprotect = [] {
    scheduler::current();  // watches for overflows
    scheduler own(make_poller("poll"), guard_mode::mprotect);
    overflow({.name = "greedy"});
  };
  EXPECT_DEATH(with_mprotect(), "stack overflow in coroutine #[0-9]+ \"greedy\"");
}

TEST(overflow, a_canary_is_checked_at_every_switch) {
  const auto with_canary = [] {
    scheduler own(make_poller("poll"), guard_mode::canary);
    const auto spoil = [](coroutine& c) {
      *(c.memory.limit - canary_size) = std::byte{1};
      lowlevel::yield();
    };
    own.start_now(*value_or_raise(own.create(spoil, 0, {.name = "tight"}), ""));
  };
  EXPECT_DEATH(with_canary(), "stack overflow in coroutine #[0-9]+ \"tight\"");
}

// A little too deep for lent memory: noticed when the coroutine switches away.
TEST(overflow, lent_memory_is_checked_at_every_switch) {
  alignas(16) static std::byte memory[32 * 1024];
  const auto spoil = [] {
    scheduler& s = scheduler::current();
    coroutine& c =
        *value_or_raise(s.create(
                            [](coroutine&) {
                              memory[1] = std::byte{1};
                              lowlevel::yield();
                            },
                            0, {.name = "tight", .memory = memory, .memory_size = sizeof memory}),
                        "");
    s.start_now(c);
  };
  EXPECT_DEATH(spoil(), "stack overflow in coroutine #[0-9]+ \"tight\"");
}

}  // namespace
}  // namespace caraway::runtime
