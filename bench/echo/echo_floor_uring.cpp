// echo_floor_uring.cpp - the least that an echo server on io_uring can cost, as a program: multishot
// receive, the same bytes given back unseen. Prints its port. For ws_load --raw.
#include <fcntl.h>

#include <cstdio>

#include "floor.hpp"

int main() {
  std::uint16_t port = 0;
  const int listener = bench::listen_anywhere(port);
  std::printf("%u\n", port);
  std::fflush(stdout);
  bench::uring_echo(listener).run();
}
