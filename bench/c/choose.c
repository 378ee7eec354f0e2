/* choose.c - what does a channel round trip cost if both sides use choose() with one clause? */
#include <libdill.h>

#include "cost.h"

static void do_clause(int op, int ch, char* c) {
  struct chclause clause = {op, ch, c, 1};
  must(choose(&clause, 1, -1) == 0, "choose");
}

static coroutine void answer(int ch, long n) {
  char c;
  for (; n > 0; --n) {
    do_clause(CHRECV, ch, &c);
    do_clause(CHSEND, ch, &c);
  }
}

static void run(long n) {
  int ch[2], b;
  char c = 0;
  must(chmake(ch) == 0, "chmake");
  b = go(answer(ch[1], n));
  must(b >= 0, "go");
  for (long i = 0; i < n; ++i) {
    do_clause(CHSEND, ch[0], &c);
    do_clause(CHRECV, ch[0], &c);
  }
  hclose(b);
  hclose(ch[0]);
  hclose(ch[1]);
}

int main(void) {
  print_cost("choose round trip", 1, run);
  return 0;
}
