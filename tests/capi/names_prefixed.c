/* names_prefixed.c - a program that keeps all the short names to itself, sockets and all, and asks for no
   exports. */
#define DILL_DISABLE_RAW_NAMES
#define DILL_NO_EXPORTS 1
#include <libdill.h>
#include <libdillimpl.h>

#include "check.h"

#if defined(iolist) || defined(bsend) || defined(msend) || defined(ipaddr) || \
    defined(tcp_listen) || defined(ipc_pair) || defined(udp_open) ||          \
    defined(happyeyeballs_connect) || defined(ws_send)
#error "a short name is defined"
#endif
#if defined(hmake) || defined(hquery) || defined(msock_vfs) || defined(IPADDR_IPV4) || \
    defined(CHSEND)
#error "a short name is defined"
#endif

/* The words are the program's, for whatever it likes. */
struct ipaddr {
  int iolist, bsend, msend, tcp_listen, ipc_pair, udp_open, ws_send, hquery, now, go, bundle;
};

#define TEXT(x) #x
#define TEXT_OF(x) TEXT(x)

static dill_coroutine void answer(int s) {
  char c;
  GIVES(dill_brecv(s, &c, 1, -1), 0);
  GIVES(dill_bsend(s, &c, 1, -1), 0);
}

int main(void) {
  struct ipaddr own = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
  struct dill_ipc_pair_storage storage;
  struct dill_ipaddr a;
  char c = 'p';
  int s[2];
  int b;
  CHECK(TEXT_OF(DILL_EXPORT)[0] == '\0');
  GIVES(dill_ipc_pair_mem(&storage, s), 0);
  CHECK(dill_hquery(s[0], dill_bsock_type) != NULL);
  b = dill_go(answer(s[1]));
  GIVES(dill_bsend(s[0], &c, 1, -1), 0);
  GIVES(dill_brecv(s[0], &c, 1, dill_now() + 1000), 0);
  GIVES(dill_bundle_wait(b, -1), 0);
  GIVES(dill_hclose(b), 0);
  GIVES(dill_hclose(s[0]), 0);
  GIVES(dill_hclose(s[1]), 0);
  GIVES(dill_ipaddr_local(&a, "127.0.0.1", 80, DILL_IPADDR_IPV4), 0);
  CHECK(dill_ipaddr_port(&a) == 80);
  return own.iolist + own.bsend + own.go + own.now;
}
