/* chan.c - what does it cost to pass a byte to another coroutine and get one back? */
#include <libdill.h>

#include "cost.h"

static coroutine void answer(int ch, long n) {
  char c;
  for (; n > 0; --n) {
    must(chrecv(ch, &c, 1, -1) == 0, "chrecv");
    must(chsend(ch, &c, 1, -1) == 0, "chsend");
  }
}

static void run(long n) {
  int ch[2], b;
  char c = 0;
  must(chmake(ch) == 0, "chmake");
  b = go(answer(ch[1], n));
  must(b >= 0, "go");
  for (long i = 0; i < n; ++i) {
    must(chsend(ch[0], &c, 1, -1) == 0, "chsend");
    must(chrecv(ch[0], &c, 1, -1) == 0, "chrecv");
  }
  hclose(b);
  hclose(ch[0]);
  hclose(ch[1]);
}

int main(void) {
  print_cost("channel round trip", 1, run);
  return 0;
}
