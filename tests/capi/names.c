/* names.c - without the short names the program has them to itself, and without sockets the rest is
   still there. */
#define DILL_DISABLE_RAW_NAMES
#define DILL_DISABLE_SOCKETS
#include <libdill.h>
#include <libdillimpl.h>

#include "check.h"

#if defined(go) || defined(now) || defined(bundle) || defined(WS_TEXT) || defined(ws_send)
#error "a short name is defined"
#endif
#if defined(DILL_WS_TEXT) || defined(dill_ws_detach)
#error "a socket is declared"
#endif

static int go, now, bundle, yield, choose, iolist, ipaddr;

static dill_coroutine void count(int* n) {
  CHECK(dill_yield() == 0);
  ++*n;
}

int main(void) {
  struct dill_chclause clause = {DILL_CHRECV, -1, NULL, 0};
  int n = 0;
  int b = dill_go(count(&n));
  CHECK(dill_bundle_go(b, count(&n)) == 0);
  GIVES(dill_bundle_wait(b, dill_now() + 1000), 0);
  CHECK(n == 2);
  CHECK(dill_choose(&clause, 1, -1) == 0 && errno == EBADF);
  GIVES(dill_hclose(b), 0);
  return go + now + bundle + yield + choose + iolist + ipaddr;
}
