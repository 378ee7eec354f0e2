#include "runtime/poller.hpp"

#include <atomic>
#include <cstdio>

namespace caraway::runtime {
namespace {

void say_unknown(std::string_view wanted, const char* instead) noexcept {
  static std::atomic<bool> said = false;
  if (said.exchange(true)) return;
  std::fprintf(stderr, "caraway: no poller is called %.*s; using %s\n",
               static_cast<int>(wanted.size()), wanted.data(), instead);
}

}  // namespace

std::unique_ptr<poller> make_poller(std::string_view wanted) {
  const poller_kind* best = nullptr;
  bool known = wanted.empty();
  for (const poller_kind* kind : poller_kinds()) {
    const bool named = wanted == kind->name;
    known = known || named;
    const bool better = kind->rank > 0 && (best == nullptr || kind->rank > best->rank);
    if (!(named || better) || !kind->usable()) continue;
    if (named) return kind->make();
    best = kind;
  }
  if (best == nullptr) return nullptr;
  if (!known) say_unknown(wanted, best->name);
  return best->make();
}

}  // namespace caraway::runtime
