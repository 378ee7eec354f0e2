/* without_tls.c - TLS in a build that has none: it is linked with what stands in for it there. */
#include "check.h"

#include <libdill.h>

static void refuses_and_closes(void) {
  struct tls_opts o;
  int s[2];
  memset(&o, 0, sizeof o);
  o.size = sizeof o;
  o.host = "example.org";
  GIVES(ipc_pair(s), 0);
  FAILS(tls_attach_client(s[0], -1), EPROTONOSUPPORT);
  FAILS(hclose(s[0]), EBADF);
  FAILS(tls_attach_server(s[1], "cert.pem", "key.pem", -1), EPROTONOSUPPORT);
  FAILS(hclose(s[1]), EBADF);
  GIVES(ipc_pair(s), 0);
  FAILS(tls_attach_client_opts(s[0], &o, -1), EPROTONOSUPPORT);
  FAILS(hclose(s[0]), EBADF);
  CHECK(strlen(tls_error()) > 0);
  GIVES(hclose(s[1]), 0);
}

int main(void) {
  refuses_and_closes();
  return 0;
}
