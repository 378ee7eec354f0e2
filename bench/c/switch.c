/* switch.c - what does it cost to switch from one coroutine to another? */
#include <libdill.h>

#include "cost.h"

static coroutine void other(long n) {
  while (n-- > 0) yield();
}

static void run(long n) {
  int b = go(other(n));
  must(b >= 0, "go");
  for (long i = 0; i < n; ++i) yield();
  hclose(b);
}

int main(void) {
  print_cost("switch", 2, run);
  return 0;
}
