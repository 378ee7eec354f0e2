/* errnos_socks5.c - what the manual pages of SOCKS5 list as errors, as far as socks5.c has not provoked it by
   name. */
#include "check.h"

#include <libdill.h>

static char data[4000000];
static struct ipaddr addr;

static void discard(int s[2]) {
  GIVES(hclose(s[0]), 0);
  GIVES(hclose(s[1]), 0);
}

/* s[0] is connected to a proxy that says `bytes` and no more. */
static void hear(int s[2], const void* bytes, size_t size) {
  GIVES(ipc_pair(s), 0);
  GIVES(bsend(s[1], bytes, size, -1), 0);
  GIVES(ipc_done(s[1], -1), 0);
}

static void reply(int s[2], char code) {
  char bytes[] = "\5\0\5\0\0\1\0\0\0\0\0\0";
  bytes[3] = code;
  hear(s, bytes, 12);
}

static void what_a_proxy_replies(void) {
  int s[2];
  reply(s, SOCKS5_GENERAL_FAILURE);
  FAILS(socks5_client_connect(s[0], NULL, NULL, &addr, -1), EIO);
  discard(s);
  reply(s, SOCKS5_CONNECTION_NOT_ALLOWED);
  FAILS(socks5_client_connect(s[0], NULL, NULL, &addr, -1), EACCES);
  discard(s);
  reply(s, SOCKS5_NETWORK_UNREACHABLE);
  FAILS(socks5_client_connect(s[0], NULL, NULL, &addr, -1), ENETUNREACH);
  discard(s);
  reply(s, SOCKS5_HOST_UNREACHABLE);
  FAILS(socks5_client_connect(s[0], NULL, NULL, &addr, -1), EHOSTUNREACH);
  discard(s);
  reply(s, SOCKS5_CONNECTION_REFUSED);
  FAILS(socks5_client_connect(s[0], NULL, NULL, &addr, -1), ECONNREFUSED);
  discard(s);
  reply(s, SOCKS5_TTL_EXPIRED);
  FAILS(socks5_client_connect(s[0], NULL, NULL, &addr, -1), ETIMEDOUT);
  discard(s);
  reply(s, SOCKS5_COMMAND_NOT_SUPPORTED);
  FAILS(socks5_client_connect(s[0], NULL, NULL, &addr, -1), EOPNOTSUPP);
  discard(s);
  reply(s, SOCKS5_ADDRESS_TYPE_NOT_SUPPORTED);
  FAILS(socks5_client_connect(s[0], NULL, NULL, &addr, -1), EAFNOSUPPORT);
  discard(s);
  hear(s, "\4\0", 2);
  FAILS(socks5_client_connect(s[0], NULL, NULL, &addr, -1), EPROTO);
  discard(s);
}

static void epipe_when_the_other_side_has_ended(void) {
  int s[2];
  hear(s, "", 0);
  FAILS(socks5_client_connect(s[0], NULL, NULL, &addr, -1), EPIPE);
  FAILS(socks5_proxy_auth(s[0], NULL, -1), EPIPE);
  FAILS(socks5_proxy_recvcommand(s[0], &addr, -1), EPIPE);
  GIVES(ipc_done(s[0], -1), 0);
  FAILS(socks5_proxy_sendreply(s[0], SOCKS5_SUCCESS, &addr, -1), EPIPE);
  discard(s);
}

static void econnreset_once_a_call_has_failed(void) {
  int s[2];
  GIVES(ipc_pair(s), 0);
  FAILS(brecv(s[0], NULL, 1, 0), ETIMEDOUT);
  FAILS(socks5_client_connect(s[0], NULL, NULL, &addr, -1), ECONNRESET);
  FAILS(socks5_proxy_auth(s[0], NULL, -1), ECONNRESET);
  FAILS(socks5_proxy_recvcommand(s[0], &addr, -1), ECONNRESET);
  FAILS(bsend(s[0], data, sizeof data, now() + 20), ETIMEDOUT);
  FAILS(socks5_proxy_sendreply(s[0], SOCKS5_SUCCESS, &addr, -1), ECONNRESET);
  discard(s);
}

static coroutine void receive(int s) {
  FAILS(brecv(s, NULL, 1, -1), ECANCELED);
}
static coroutine void fill(int s) {
  FAILS(bsend(s, data, sizeof data, -1), ECANCELED);
}

static void ebusy_while_another_is_blocked(void) {
  int s[2], b;
  GIVES(ipc_pair(s), 0);
  b = go(receive(s[0]));
  FAILS(socks5_client_connect(s[0], NULL, NULL, &addr, -1), EBUSY);
  FAILS(socks5_proxy_auth(s[0], NULL, -1), EBUSY);
  FAILS(socks5_proxy_recvcommand(s[0], &addr, -1), EBUSY);
  CHECK(bundle_go(b, fill(s[0])) == 0);
  FAILS(socks5_proxy_sendreply(s[0], SOCKS5_SUCCESS, &addr, -1), EBUSY);
  GIVES(hclose(b), 0);
  discard(s);
}

/* A bytestream whose layer above has left much behind to be sent. */
static int crowded(int s) {
  s = prefix_attach(s, 4, PREFIX_BIG_ENDIAN);
  CHECK(s > 0);
  GIVES(msend(s, data, sizeof data, now() + 20), 0);
  s = prefix_detach(s);
  CHECK(s > 0);
  return s;
}

static coroutine void reply_and_be_cancelled(int s) {
  FAILS(socks5_proxy_sendreply(s, SOCKS5_SUCCESS, &addr, -1), ECANCELED);
}
static coroutine void authenticate_and_be_cancelled(int s) {
  FAILS(socks5_proxy_auth(s, NULL, -1), ECANCELED);
}

static void replies_that_have_no_room(void) {
  int s[2], b;
  GIVES(ipc_pair(s), 0);
  s[0] = crowded(s[0]);
  FAILS(socks5_proxy_sendreply(s[0], SOCKS5_SUCCESS, &addr, now() + 20), ETIMEDOUT);
  discard(s);
  GIVES(ipc_pair(s), 0);
  s[0] = crowded(s[0]);
  b = go(reply_and_be_cancelled(s[0]));
  CHECK(bundle_go(b, authenticate_and_be_cancelled(s[0])) == 0);
  GIVES(hclose(b), 0);
  discard(s);
}

int main(void) {
  GIVES(ipaddr_remote(&addr, "192.0.2.1", 80, 0, -1), 0);
  what_a_proxy_replies();
  epipe_when_the_other_side_has_ended();
  econnreset_once_a_call_has_failed();
  ebusy_while_another_is_blocked();
  replies_that_have_no_room();
  return 0;
}
