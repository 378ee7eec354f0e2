/* tls_pair.h - what the programs about TLS share. */
#ifndef TLS_PAIR_H_INCLUDED
#define TLS_PAIR_H_INCLUDED

#include <libdill.h>

#include "check.h"

#define PEM(name) CARAWAY_CERTIFICATES "/" name

/* Whom the clients that have no options trust. */
static inline void trust_the_root_of_the_tests(void) {
  CHECK(setenv("CARAWAY_TLS_CA_FILE", PEM("authority.pem"), 1) == 0);
}

static inline void discard(int s[2]) {
  GIVES(hclose(s[0]), 0);
  GIVES(hclose(s[1]), 0);
}

#endif
