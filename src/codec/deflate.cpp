// deflate.cpp - what a thread lends to messages that stand alone.
#include "codec/deflate.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace caraway::codec {
namespace {

// Set when the thread's store has gone: sockets of static storage may end later.
thread_local bool closed = false;

// So many of each wait to be lent. Whole messages need one; more are out only while messages in
// pieces are on their way.
constexpr std::size_t few = 2;

struct store {
  ~store() { closed = true; }

  std::array<std::unique_ptr<deflater>, few> deflaters;
  std::array<std::unique_ptr<inflater>, few> inflaters;
};

store& mine() noexcept {
  thread_local store of_this_thread;
  return of_this_thread;
}

// Takes the place of an empty one, or else of the first: settings that nobody has any more go.
template <class Item>
void keep(std::array<std::unique_ptr<Item>, few>& in, std::unique_ptr<Item> item) noexcept {
  if (!item) return;
  item->reset();
  const auto free = std::ranges::find_if(in, [](const auto& place) { return !place; });
  if (free == in.end()) std::ranges::rotate(in, in.begin() + 1);
  (free == in.end() ? in.back() : *free) = std::move(item);
}

template <class Item>
std::size_t memory_of(const std::array<std::unique_ptr<Item>, few>& all) noexcept {
  std::size_t n = 0;
  for (const auto& item : all) n += item ? item->memory() : 0;
  return n;
}

constexpr int any_window = 15;

}  // namespace

std::unique_ptr<deflater> borrow_deflater(const deflate_setting& s) noexcept {
  if (!closed)
    for (auto& d : mine().deflaters)
      if (d && d->setting() == s) return std::move(d);
  return deflater::make(s);
}

std::unique_ptr<inflater> borrow_inflater() noexcept {
  if (!closed)
    for (auto& i : mine().inflaters)
      if (i) return std::move(i);
  return inflater::make(any_window);
}

void give_back(std::unique_ptr<deflater> used) noexcept {
  if (!closed) keep(mine().deflaters, std::move(used));
}

void give_back(std::unique_ptr<inflater> used) noexcept {
  if (!closed) keep(mine().inflaters, std::move(used));
}

std::size_t lendable_memory() noexcept {
  return memory_of(mine().deflaters) + memory_of(mine().inflaters);
}

bool deflate_message(const deflate_setting& s, parts ps, growing_bytes& out) noexcept {
  auto lent = borrow_deflater(s);
  const bool done = lent && lent->add(ps, true, out);
  give_back(std::move(lent));
  return done;
}

}  // namespace caraway::codec
