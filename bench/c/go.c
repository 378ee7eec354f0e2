/* go.c - what does it cost to start a coroutine that ends at once, and to close its bundle? */
#include <libdill.h>

#include "cost.h"

static coroutine void nothing(void) {}

static void run(long n) {
  for (long i = 0; i < n; ++i) {
    int b = go(nothing());
    must(b >= 0, "go");
    hclose(b);
  }
}

int main(void) {
  print_cost("go and hclose", 1, run);
  return 0;
}
