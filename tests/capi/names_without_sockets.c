/* names_without_sockets.c - the short names of what is left without sockets, and the words of the rest free. */
#define DILL_DISABLE_SOCKETS
#include <libdillimpl.h>

#include "check.h"

#if defined(iolist) || defined(bsock_vfs) || defined(tcp_connect) || defined(WS_KEY_SIZE)
#error "a socket is declared"
#endif

static int iolist, tcp_connect, dill_udp_open, dill_bsend;

static coroutine void count(int* n) {
  GIVES(yield(), 0);
  ++*n;
}

int main(void) {
  struct chstorage storage;
  struct bundle_storage memory;
  int n = 0;
  int ch[2];
  int b = bundle_mem(&memory);
  GIVES(chmake_mem(&storage, ch), 0);
  CHECK(bundle_go(b, count(&n)) == 0);
  GIVES(bundle_wait(b, now() + 1000), 0);
  CHECK(n == 1);
  CHECK(hquery(b, &n) == NULL && errno == ENOTSUP);
  GIVES(hclose(b), 0);
  GIVES(hclose(ch[0]), 0);
  GIVES(hclose(ch[1]), 0);
  return iolist + tcp_connect + dill_udp_open + dill_bsend;
}
