// connect_race.cpp - a connection to the first of several addresses that answers.
#include "net/connect_race.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <new>

#include "caraway/event.hpp"
#include "caraway/task_group.hpp"

namespace caraway::net {

namespace {

constexpr std::chrono::milliseconds head_start{250};

struct race {
  tcp::stream_ptr winner;
  std::error_code first_failure;
  std::size_t running = 0;
  event changed;
};

// A connector may run out of memory as an operator new does; that is a failure like any other.
result<tcp::stream_ptr> try_one(connector connect, const address& to, deadline dl) try {
  return connect(to, dl);
} catch (const std::bad_alloc&) {
  return fail(ENOMEM);
}

void attempt(race& r, connector connect, const address& to, deadline dl) {
  auto connected = try_one(connect, to, dl);
  if (connected && r.winner == nullptr) r.winner = std::move(*connected);
  if (!connected && !r.first_failure) r.first_failure = connected.error();
  --r.running;
  r.changed.set();
}

// Waits until somebody has won, nobody runs any more, or `until`.
result<void> wait_for_news(race& r, deadline until) {
  while (r.winner == nullptr && r.running > 0) {
    r.changed.reset();
    if (auto news = r.changed.try_wait(until); !news) return news;
  }
  return {};
}

}  // namespace

std::vector<address> alternate_families(std::span<const address> all) {
  std::vector<address> order;
  order.reserve(all.size());
  const int first = all.empty() ? AF_UNSPEC : all.front().family();
  const auto next = [all](std::size_t from, bool same, int family) {
    while (from < all.size() && (all[from].family() == family) != same) ++from;
    return from;
  };
  std::size_t one = next(0, true, first);
  std::size_t other = next(0, false, first);
  while (one < all.size() || other < all.size()) {
    if (one < all.size()) {
      order.push_back(all[one]);
      one = next(one + 1, true, first);
    }
    if (other < all.size()) {
      order.push_back(all[other]);
      other = next(other + 1, false, first);
    }
  }
  return order;
}

result<tcp::stream_ptr> connect_first(std::span<const address> all, deadline dl,
                                      connector connect) {
  if (all.size() == 1) return try_one(connect, all.front(), dl);
  race r;
  result<void> news;
  {
    task_group attempts;
    for (const address& to : all) {
      const auto started = attempts.try_go([&r, connect, to, dl] { attempt(r, connect, to, dl); });
      if (!started) return fail(started.error());
      ++r.running;
      news = wait_for_news(r, &to == &all.back() ? dl : earlier(dl, head_start));
      const bool waited_enough = !news && news.error() == os_error(ETIMEDOUT) && !dl.passed();
      if (r.winner != nullptr || (!news && !waited_enough)) break;
    }
  }
  if (r.winner != nullptr) return std::move(r.winner);
  if (!news) return fail(news.error());
  return fail(r.first_failure);
}

}  // namespace caraway::net
