/* names_without_tls.c - a program that has functions of its own where the header would declare those of TLS. */
#define DILL_DISABLE_TLS
#include <libdill.h>

#include "check.h"

static int tls_attach_client(const char* who) {
  return (int)strlen(who);
}

static int dill_tls_detach(void) {
  return 3;
}

static int dtls_done(void) {
  return 1;
}

int main(void) {
  int s[2];
  GIVES(ipc_pair(s), 0);
  GIVES(hclose(s[0]), 0);
  GIVES(hclose(s[1]), 0);
  CHECK(tls_attach_client("abc") == dill_tls_detach() && dtls_done() == 1);
  return 0;
}
