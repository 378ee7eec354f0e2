// stream_echo.cpp - what do tcp::stream and a coroutine for each connection cost beside the bare
// kernel? A server that gives the same bytes back unseen. Prints its port. For ws_load --raw.
#include <cstdio>
#include <memory>
#include <utility>

#include "caraway/task_group.hpp"
#include "caraway/tcp.hpp"

namespace {

void echo(caraway::tcp::stream& s) {
  while (const auto seen = s.try_fill(1, caraway::never)) {
    const caraway::bytes all = *seen;
    if (!s.try_write(caraway::parts(&all, 1), caraway::never)) return;
    s.consume(all.size());
  }
}

}  // namespace

int main() {
  caraway::tcp::listener listener = caraway::tcp::listen(caraway::address::loopback(0));
  std::printf("%u\n", listener.local_address().port());
  std::fflush(stdout);
  caraway::task_group connections;
  for (;;) connections.go([s = listener.accept()] { echo(*s); });
}
