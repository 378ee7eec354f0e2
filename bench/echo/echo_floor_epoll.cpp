// echo_floor_epoll.cpp - the least that an echo server on epoll can cost, as a program: gives the same
// bytes back unseen. Prints its port. For ws_load --raw, beside any other server.
#include <fcntl.h>

#include <cstdio>

#include "floor.hpp"

int main() {
  std::uint16_t port = 0;
  const int listener = bench::listen_anywhere(port);
  std::printf("%u\n", port);
  std::fflush(stdout);
  bench::echo_with_epoll(listener);
}
