/* threads.c - every thread has coroutines and handles of its own. */
#include "check.h"

#include <pthread.h>

#include <libdill.h>

static coroutine void answer(int ch) {
  int value;
  while (chrecv(ch, &value, sizeof value, -1) == 0) {
    ++value;
    if (chsend(ch, &value, sizeof value, -1) != 0) return;
  }
}

static void* play(void* unused) {
  int ch[2];
  int value = 0;
  int i, b;
  (void)unused;
  GIVES(chmake(ch), 0);
  b = go(answer(ch[1]));
  for (i = 0; i < 500; ++i) {
    GIVES(chsend(ch[0], &value, sizeof value, -1), 0);
    GIVES(chrecv(ch[0], &value, sizeof value, -1), 0);
  }
  CHECK(value == 500);
  GIVES(hclose(b), 0);
  GIVES(hclose(ch[0]), 0);
  GIVES(hclose(ch[1]), 0);
  return NULL;
}

static void* leave_things_behind(void* unused) {
  static __thread char memory[65536];
  static __thread struct chstorage storage;
  int ch[2];
  (void)unused;
  GIVES(chmake_mem(&storage, ch), 0);
  CHECK(go_mem(answer(ch[1]), memory, sizeof memory) > 0);
  return NULL;
}

int main(void) {
  pthread_t threads[4];
  int i;
  for (i = 0; i < 3; ++i) CHECK(pthread_create(&threads[i], NULL, play, NULL) == 0);
  CHECK(pthread_create(&threads[3], NULL, leave_things_behind, NULL) == 0);
  play(NULL);
  for (i = 0; i < 4; ++i) CHECK(pthread_join(threads[i], NULL) == 0);
  return 0;
}
