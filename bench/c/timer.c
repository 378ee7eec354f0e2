/* timer.c - what does it cost to wake a coroutine whose time has come?

       timer [COUNT]

   All times pass while the thread sleeps in the operating system; then everybody runs to his end. */
#include <libdill.h>

#include "cost.h"

static coroutine void sleeper(int64_t until) {
  msleep(until);
}

int main(int argc, char** argv) {
  long count = argc > 1 ? atol(argv[1]) : 20000;
  struct timespec pause = {2, 0};
  int64_t start = now();
  double began;
  int b = bundle();
  must(b >= 0, "bundle");
  for (long i = 0; i < count; ++i)
    must(bundle_go(b, sleeper(start + 500 + i % 1000)) == 0, "bundle_go");
  nanosleep(&pause, NULL);
  began = processor_ns();
  must(bundle_wait(b, -1) == 0, "bundle_wait");
  printf("%.1f ns a timer, of %ld\n", (processor_ns() - began) / (double)count, count);
  hclose(b);
  return 0;
}
