// numbers.c - a C program outside the tree that uses the installed libdill.h: a coroutine and a channel.
#include <libdill.h>
#include <stdio.h>

static coroutine void count(int channel, int limit) {
  for (int i = 1; i <= limit; ++i) {
    if (chsend(channel, &i, sizeof i, -1) != 0) return;
  }
}

int main(void) {
  int ends[2];
  if (chmake(ends) != 0) return 1;
  int worker = go(count(ends[0], 10));
  if (worker < 0) return 1;
  int sum = 0;
  for (int i = 0; i < 10; ++i) {
    int number;
    if (chrecv(ends[1], &number, sizeof number, now() + 5000) != 0) return 1;
    sum += number;
  }
  printf("%d\n", sum);
  if (hclose(worker) != 0 || hclose(ends[0]) != 0 || hclose(ends[1]) != 0) return 1;
  return sum == 55 ? 0 : 1;
}
