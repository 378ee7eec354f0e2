/* tls_errnos.c - what the manual pages of TLS list as errors, as far as the files about it have not provoked
   it. */
#include <sys/socket.h>

#include "tls_pair.h"

static char data[4000000];

static coroutine void attach_server(int* s) {
  *s = tls_attach_server(*s, PEM("server.pem"), PEM("server.key"), -1);
}

/* s[0] is the client. */
static void tls_pair(int s[2]) {
  int b;
  GIVES(ipc_pair(s), 0);
  b = go(attach_server(&s[1]));
  s[0] = tls_attach_client(s[0], -1);
  CHECK(s[0] > 0);
  GIVES(bundle_wait(b, -1), 0);
  GIVES(hclose(b), 0);
  CHECK(s[1] > 0);
}

static coroutine void receive_and_be_cancelled(int s) {
  FAILS(brecv(s, NULL, 1, -1), ECANCELED);
}

static coroutine void attach_when_cancelled(int s) {
  FAILS(msleep(-1), ECANCELED);
  FAILS(tls_attach_server(s, PEM("server.pem"), PEM("server.key"), -1), ECANCELED);
}

static void sockets_that_cannot_be_attached_to(void) {
  int s[2], b;
  GIVES(ipc_pair(s), 0);
  FAILS(brecv(s[0], NULL, 1, 0), ETIMEDOUT);
  FAILS(tls_attach_client(s[0], -1), ECONNRESET);
  GIVES(hclose(s[1]), 0);

  GIVES(ipc_pair(s), 0);
  b = go(receive_and_be_cancelled(s[0]));
  FAILS(tls_attach_server(s[0], PEM("server.pem"), PEM("server.key"), -1), EBUSY);
  GIVES(bundle_wait(b, -1), 0);
  CHECK(bundle_go(b, attach_when_cancelled(s[1])) == 0);
  GIVES(hclose(b), 0);

  GIVES(ipc_pair(s), 0);
  GIVES(ipc_done(s[1], -1), 0);
  FAILS(tls_attach_server(s[0], PEM("server.pem"), PEM("server.key"), -1), EPIPE);
  GIVES(hclose(s[1]), 0);
}

/* A layer on s[0] has left much behind to be sent. */
static void crowded_pair(int s[2]) {
  tls_pair(s);
  s[0] = prefix_attach(s[0], 4, PREFIX_BIG_ENDIAN);
  CHECK(s[0] > 0);
  GIVES(msend(s[0], data, sizeof data, now() + 20), 0);
  s[0] = prefix_detach(s[0]);
  CHECK(s[0] > 0);
}

static coroutine void be_cancelled_in_done(int s) {
  FAILS(tls_done(s, -1), ECANCELED);
}

static void ends_that_have_something_to_wait_for(void) {
  int s[2], b;
  crowded_pair(s);
  FAILS(tls_done(s[0], now() + 20), ETIMEDOUT);
  discard(s);
  crowded_pair(s);
  b = go(be_cancelled_in_done(s[0]));
  GIVES(hclose(b), 0);
  discard(s);
}

/* s[0] is a TLS client that has been sent what is no TLS, s[1] its server; *fd is below that. */
static void nonsense_pair(int s[2], int* fd) {
  int fds[2], b;
  CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
  *fd = dup(fds[1]);
  s[0] = ipc_fromfd(fds[0]);
  s[1] = ipc_fromfd(fds[1]);
  CHECK(*fd >= 0 && s[0] > 0 && s[1] > 0);
  b = go(attach_server(&s[1]));
  s[0] = tls_attach_client(s[0], -1);
  GIVES(bundle_wait(b, -1), 0);
  GIVES(hclose(b), 0);
  CHECK(s[0] > 0 && s[1] > 0);
  CHECK(write(*fd, "this is no TLS", 14) == 14);
}

static void peers_that_break_the_rules(void) {
  int s[2], fd;
  if (simulated()) return;
  nonsense_pair(s, &fd);
  FAILS(brecv(s[0], NULL, 1, -1), EPROTO);
  FAILS(bsend(s[0], "x", 1, -1), EPROTO);
  discard(s);
  CHECK(close(fd) == 0);
  nonsense_pair(s, &fd);
  FAILS(brecv(s[0], NULL, 1, -1), EPROTO);
  FAILS(tls_done(s[0], -1), EPROTO);
  discard(s);
  CHECK(close(fd) == 0);
  nonsense_pair(s, &fd);
  FAILS(tls_detach(s[0], now() + 1000), EPROTO);
  GIVES(hclose(s[1]), 0);
  CHECK(close(fd) == 0);
}

int main(void) {
  CHECK(setenv("CARAWAY_TLS_CA_FILE", PEM("authority.pem"), 1) == 0);
  sockets_that_cannot_be_attached_to();
  ends_that_have_something_to_wait_for();
  peers_that_break_the_rules();
  return 0;
}
