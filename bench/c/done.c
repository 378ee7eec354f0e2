/* done.c - what does the life of a channel cost: made, waited at by a coroutine, done, closed? */
#include <libdill.h>

#include "cost.h"

static coroutine void wait_for_the_end(int ch) {
  char c;
  must(chrecv(ch, &c, 1, -1) < 0, "chrecv");
}

static void run(long n) {
  for (long i = 0; i < n; ++i) {
    int ch[2], b;
    must(chmake(ch) == 0, "chmake");
    b = go(wait_for_the_end(ch[1]));
    must(b >= 0, "go");
    must(chdone(ch[0]) == 0, "chdone");
    hclose(b);
    hclose(ch[0]);
    hclose(ch[1]);
  }
}

int main(void) {
  print_cost("channel's life", 1, run);
  return 0;
}
