/* threads_exit.c - the main thread goes first, with coroutines of its own left over, and the process ends well
   when the last thread has. */
#include "check.h"

#include <pthread.h>

#include <libdill.h>

/* LeakSanitizer cannot look at the stack of a main thread that has ended. */
#if defined(__cplusplus)
extern "C"
#endif
    const char*
    __asan_default_options(void);
const char* __asan_default_options(void) {
  return "detect_leaks=0";
}

static int answered;

static coroutine void answer(int ch) {
  int value;
  GIVES(chrecv(ch, &value, sizeof value, -1), 0);
  answered = value;
}

static coroutine void wait_for_ever(void) {
  msleep(-1);
  abort();
}

static void* work(void* unused) {
  int value = 7;
  int ch[2];
  int b;
  (void)unused;
  GIVES(msleep(now() + 20), 0);
  GIVES(chmake(ch), 0);
  b = go(answer(ch[1]));
  GIVES(chsend(ch[0], &value, sizeof value, -1), 0);
  GIVES(bundle_wait(b, -1), 0);
  CHECK(answered == 7);
  GIVES(hclose(b), 0);
  GIVES(hclose(ch[0]), 0);
  GIVES(hclose(ch[1]), 0);
  return NULL;
}

int main(void) {
  static char memory[65536];
  pthread_t thread;
  CHECK(go_mem(wait_for_ever(), memory, sizeof memory) > 0);
  CHECK(pthread_create(&thread, NULL, work, NULL) == 0);
  CHECK(pthread_detach(thread) == 0);
  pthread_exit(NULL);
}
