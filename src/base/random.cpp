#include "base/random.hpp"

#include <pthread.h>
#include <sys/random.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace caraway::base {
namespace {

// Grows in every child, so that it does not use what its parent has fetched.
std::atomic<unsigned> generation{0};

[[maybe_unused]] const int watching_forks =
    pthread_atfork(nullptr, nullptr, [] { generation.fetch_add(1, std::memory_order_relaxed); });

void fetch(mutable_bytes into) noexcept {
  while (!into.empty()) {
    const ssize_t n = getrandom(into.data(), into.size(), 0);
    if (n >= 0)
      into = into.subspan(static_cast<std::size_t>(n));
    else if (errno != EINTR)
      std::abort();  // no generator: nothing safe can be done
  }
}

struct pool {
  std::array<std::byte, 512> stock;
  std::size_t left = 0;
  unsigned made_in = 0;

  void take(mutable_bytes into) noexcept {
    const unsigned now = generation.load(std::memory_order_relaxed);
    if (into.size() > left || made_in != now) {
      fetch(stock);
      left = stock.size();
      made_in = now;
    }
    left -= into.size();
    std::byte* from = stock.data() + left;
    std::memcpy(into.data(), from, into.size());
    std::memset(from, 0, into.size());
  }
};

thread_local pool stock_of_thread;

}  // namespace

void random_bytes(mutable_bytes into) noexcept {
  if (into.empty()) return;
  if (into.size() > 64)
    fetch(into);
  else
    stock_of_thread.take(into);
}

}  // namespace caraway::base
