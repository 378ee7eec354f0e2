/* whispers.c - how long can a chain of coroutines be, and what does it cost to pass a number along it?

       whispers [COUNT]

   Each coroutine waits for a number from the one on its right, adds one, and gives it to the left. What
   is measured begins with the first coroutine and ends when the number has come out. */
#include <libdill.h>

#include "cost.h"

static coroutine void whisper(int left, int right) {
  long number;
  if (chrecv(right, &number, sizeof number, -1) < 0) return;
  ++number;
  chsend(left, &number, sizeof number, -1);
}

int main(int argc, char** argv) {
  long count = argc > 1 ? atol(argv[1]) : 20000;
  long number = 0;
  int ch[2], b, leftmost, right;
  double began = processor_ns();
  b = bundle();
  must(b >= 0 && chmake(ch) == 0, "bundle");
  leftmost = ch[0];
  right = ch[1];
  for (long i = 0; i < count; ++i) {
    int left = right;
    if (chmake(ch) < 0 || bundle_go(b, whisper(left, ch[0])) < 0) {
      fprintf(stderr, "whisper %ld of %ld: ", i, count);
      perror(NULL);
      _Exit(1);
    }
    right = ch[1];
  }
  must(chsend(right, &number, sizeof number, -1) == 0, "chsend");
  must(chrecv(leftmost, &number, sizeof number, -1) == 0, "chrecv");
  must(number == count, "the sum");
  printf("%.1f ns a whisper, of %ld\n", (processor_ns() - began) / (double)count, count);
  fflush(stdout);
  _Exit(0);
}
