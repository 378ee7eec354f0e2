// poller_test.cpp - which poller a program gets.
#include "runtime/poller.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "runtime/scheduler.hpp"

namespace caraway::runtime {
namespace {

const poller_kind* find_kind(std::string_view name) {
  const auto kinds = poller_kinds();
  const auto at = std::ranges::find(kinds, name, [](const poller_kind* k) { return k->name; });
  return at == kinds.end() ? nullptr : *at;
}

// The usable one of highest rank.
std::string default_name() {
  const poller_kind* best = nullptr;
  for (const poller_kind* kind : poller_kinds())
    if (kind->rank > 0 && kind->usable() && (best == nullptr || kind->rank > best->rank))
      best = kind;
  return best == nullptr ? "" : best->name;
}

// What the other tests that are run for a poller rely on. Where the kernel does not offer it, they
// ran on another one, and that is said.
TEST(poller, the_poller_asked_for_is_the_one_in_use) {
  const char* wanted = std::getenv("CARAWAY_POLLER");
  const std::string used = scheduler::current().poller().name();
  if (wanted == nullptr || *wanted == '\0') {
    EXPECT_EQ(used, default_name());
    return;
  }
  const poller_kind* kind = find_kind(wanted);
  ASSERT_NE(kind, nullptr) << wanted;
  if (kind->usable()) {
    EXPECT_EQ(used, wanted);
    return;
  }
  EXPECT_EQ(used, default_name());
  std::printf("WARNING: %s is not usable here: every test @%s runs on %s\n", wanted, wanted,
              used.c_str());
}

TEST(poller, each_usable_one_can_be_asked_for_by_name) {
  for (const poller_kind* kind : poller_kinds()) {
    const std::string expected = kind->usable() ? kind->name : default_name();
    EXPECT_EQ(make_poller(kind->name)->name(), expected);
  }
  EXPECT_EQ(make_poller("")->name(), default_name());
}

TEST(poller, a_name_that_no_poller_has_is_said_once_and_the_default_used) {
  const auto ask_twice = [] {
    const bool used = make_poller("nonsense")->name() == default_name() &&
                      make_poller("nonsense")->name() == default_name();
    std::exit(used ? 0 : 1);
  };
  EXPECT_EXIT(ask_twice(), testing::ExitedWithCode(0),
              "^caraway: no poller is called nonsense; using [a-z_]+\n$");
}

}  // namespace
}  // namespace caraway::runtime
