/* errnos_ws.c - what the manual pages of WebSocket and of messages list as errors, as far as the files about
   these have not provoked it. The peer is often one that speaks the bare bytes. */
#include "check.h"

#include <libdill.h>

static char data[2000000];

static int attach_bare(int s) {
  int ws = ws_attach_client(s, WS_TEXT | WS_NOHTTP, NULL, NULL, -1);
  CHECK(ws > 0);
  return ws;
}

/* s[0] is a WebSocket, s[1] the bytestream of its peer. */
static void connect_bare(int s[2]) {
  GIVES(ipc_pair(s), 0);
  s[0] = attach_bare(s[0]);
}

static void discard(int s[2]) {
  GIVES(hclose(s[0]), 0);
  GIVES(hclose(s[1]), 0);
}

static int attach(int s, int is_client, int64_t deadline) {
  if (is_client) return ws_attach_client(s, WS_TEXT, "/", "example.org", deadline);
  return ws_attach_server(s, WS_TEXT, NULL, 0, NULL, 0, deadline);
}

static void ebadf_and_enotsup(void) {
  int b = bundle();
  CHECK(b > 0);
  FAILS(ws_attach_server(-1, WS_TEXT, NULL, 0, NULL, 0, -1), EBADF);
  FAILS(ws_attach_server(b, WS_TEXT, NULL, 0, NULL, 0, -1), ENOTSUP);
  FAILS(ws_done(-1, 1000, NULL, 0, -1), EBADF);
  FAILS(ws_status(-1, NULL, NULL, 0), EBADF);
  FAILS(msend(-1, "x", 1, -1), EBADF);
}

static coroutine void attach_cancelled(int client, int server) {
  FAILS(msleep(-1), ECANCELED);
  FAILS(ws_attach_client(client, WS_TEXT, "/", "example.org", -1), ECANCELED);
  FAILS(ws_attach_server(server, WS_TEXT, NULL, 0, NULL, 0, -1), ECANCELED);
}

static void no_handshake_in_a_cancelled_coroutine(void) {
  int s[2], b;
  GIVES(ipc_pair(s), 0);
  b = go(attach_cancelled(s[0], s[1]));
  GIVES(hclose(b), 0);
}

static coroutine void receive_a_byte(int s) {
  char c;
  FAILS(brecv(s, &c, 1, -1), ECANCELED);
}

static void no_handshake_on_a_socket_that_is_in_use(void) {
  int s[2], b;
  GIVES(ipc_pair(s), 0);
  b = go(receive_a_byte(s[0]));
  FAILS(ws_attach_client(s[0], WS_TEXT, "/", "example.org", -1), EBUSY);
  GIVES(bundle_wait(b, -1), 0);
  GIVES(hclose(b), 0);
  GIVES(hclose(s[1]), 0);

  GIVES(ipc_pair(s), 0);
  b = go(receive_a_byte(s[0]));
  FAILS(ws_attach_server(s[0], WS_TEXT, NULL, 0, NULL, 0, -1), EBUSY);
  GIVES(bundle_wait(b, -1), 0);
  GIVES(hclose(b), 0);
  GIVES(hclose(s[1]), 0);
}

static void no_handshake_on_a_socket_that_is_broken_or_over(void) {
  int s[2], is_client;
  char c;
  for (is_client = 0; is_client < 2; ++is_client) {
    GIVES(ipc_pair(s), 0);
    FAILS(brecv(s[0], &c, 1, now() + 5), ETIMEDOUT);
    FAILS(attach(s[0], is_client, -1), ECONNRESET);
    GIVES(hclose(s[1]), 0);

    GIVES(ipc_pair(s), 0);
    GIVES(ipc_done(s[0], -1), 0);
    GIVES(ipc_done(s[1], -1), 0);
    FAILS(attach(s[0], is_client, -1), EPIPE);
    GIVES(hclose(s[1]), 0);
  }
}

static void a_handshake_with_somebody_silent_or_gone(void) {
  int s[2];
  GIVES(ipc_pair(s), 0);
  FAILS(ws_attach_client(s[0], WS_TEXT, "/", "example.org", now() + 20), ETIMEDOUT);
  GIVES(hclose(s[1]), 0);
  GIVES(ipc_pair(s), 0);
  FAILS(ws_attach_server(s[0], WS_TEXT, NULL, 0, NULL, 0, now() + 20), ETIMEDOUT);
  GIVES(hclose(s[1]), 0);

  GIVES(ipc_pair(s), 0);
  GIVES(ipc_done(s[1], -1), 0);
  FAILS(ws_attach_client(s[0], WS_TEXT, "/", "example.org", -1), EPIPE);
  GIVES(hclose(s[1]), 0);
  GIVES(ipc_pair(s), 0);
  GIVES(ipc_done(s[1], -1), 0);
  FAILS(ws_attach_server(s[0], WS_TEXT, NULL, 0, NULL, 0, -1), EPIPE);
  GIVES(hclose(s[1]), 0);
}

static void a_handshake_with_somebody_who_talks_nonsense(void) {
  static const char nonsense[] = "EHLO example.org\r\n\r\n";
  int s[2];
  memset(data, 'x', 40000);
  memcpy(data, "HTTP/1.1 101 ", 13);
  GIVES(ipc_pair(s), 0);
  GIVES(bsend(s[1], data, 40000, -1), 0);
  GIVES(ipc_done(s[1], -1), 0);
  FAILS(ws_attach_client(s[0], WS_TEXT, "/", "example.org", -1), EMSGSIZE);
  GIVES(hclose(s[1]), 0);
  GIVES(ipc_pair(s), 0);
  GIVES(bsend(s[1], nonsense, sizeof nonsense - 1, -1), 0);
  GIVES(ipc_done(s[1], -1), 0);
  FAILS(ws_attach_server(s[0], WS_TEXT, NULL, 0, NULL, 0, -1), EPROTO);
  GIVES(hclose(s[1]), 0);
}

/* A frame with a bit set that nobody has agreed to. */
static void eproto_once_the_peer_broke_the_rules(void) {
  int s[2];
  char c;
  connect_bare(s);
  GIVES(bsend(s[1], "\xf1\x00", 2, -1), 0);
  FAILS(ws_recv(s[0], NULL, &c, 1, -1), EPROTO);
  FAILS(ws_send(s[0], WS_TEXT, "x", 1, -1), EPROTO);
  FAILS(msend(s[0], "x", 1, -1), EPROTO);
  FAILS(ws_done(s[0], 1000, NULL, 0, -1), EPROTO);
  discard(s);

  connect_bare(s);
  GIVES(bsend(s[1], "\xf1\x00", 2, -1), 0);
  GIVES(ipc_done(s[1], -1), 0);
  FAILS(ws_detach(s[0], 1000, NULL, 0, -1), EPROTO);
  GIVES(hclose(s[1]), 0);
}

/* A frame that says it has 64 MiB and a byte. */
static void emsgsize_once_the_peer_went_beyond_the_limit(void) {
  static const char head[] = "\x82\x7f\x00\x00\x00\x00\x04\x00\x00\x01";
  int s[2];
  char c;
  connect_bare(s);
  GIVES(bsend(s[1], head, 10, -1), 0);
  FAILS(ws_recv(s[0], NULL, &c, 1, -1), EMSGSIZE);
  FAILS(ws_send(s[0], WS_TEXT, "x", 1, -1), EMSGSIZE);
  FAILS(msend(s[0], "x", 1, -1), EMSGSIZE);
  FAILS(ws_done(s[0], 1000, NULL, 0, -1), EMSGSIZE);
  discard(s);

  connect_bare(s);
  GIVES(bsend(s[1], head, 10, -1), 0);
  GIVES(ipc_done(s[1], -1), 0);
  FAILS(ws_detach(s[0], 1000, NULL, 0, -1), EMSGSIZE);
  GIVES(hclose(s[1]), 0);
}

static void an_end_without_a_close_frame(void) {
  int s[2];
  char c;
  connect_bare(s);
  GIVES(ipc_done(s[1], -1), 0);
  FAILS(ws_recv(s[0], NULL, &c, 1, -1), EPIPE);
  FAILS(ws_status(s[0], NULL, NULL, 0), EAGAIN);
  discard(s);

  connect_bare(s);
  GIVES(ipc_done(s[1], -1), 0);
  FAILS(ws_detach(s[0], 1000, NULL, 0, -1), EPIPE);
  GIVES(hclose(s[1]), 0);

  connect_bare(s);
  FAILS(ws_detach(s[0], 1000, NULL, 0, now() + 20), ETIMEDOUT);
  GIVES(hclose(s[1]), 0);
}

static void lists_with_one_end(void) {
  struct iolist list = {NULL, 0, NULL, 0};
  int s[2];
  connect_bare(s);
  FAILS(ws_recvl(s[0], NULL, &list, NULL, -1), EINVAL);
  FAILS(mrecvl(s[0], &list, NULL, -1), EINVAL);
  FAILS(mrecvl(s[0], NULL, &list, -1), EINVAL);
  discard(s);
}

/* The first message that does not fit waits, the one after it is not begun. */
static void etimedout_when_there_is_no_room(void) {
  int s[2];
  connect_bare(s);
  GIVES(msend(s[0], data, sizeof data, now() + 20), 0);
  FAILS(msend(s[0], data, sizeof data, now() + 20), ETIMEDOUT);
  discard(s);
}

static coroutine void receive_and_be_cancelled(int s, int by_type) {
  char c;
  if (by_type)
    FAILS(mrecv(s, &c, 1, -1), ECANCELED);
  else
    FAILS(ws_recv(s, NULL, &c, 1, -1), ECANCELED);
}

static coroutine void send_and_be_cancelled(int s, int by_type) {
  if (by_type)
    FAILS(msend(s, data, sizeof data, -1), ECANCELED);
  else
    FAILS(ws_send(s, WS_BINARY, data, sizeof data, -1), ECANCELED);
}

static coroutine void detach_and_be_cancelled(int s) {
  FAILS(ws_detach(s, 1000, NULL, 0, -1), ECANCELED);
}

static void ebusy_and_ecanceled(void) {
  int s[2], b, by_type;
  char c;
  for (by_type = 0; by_type < 2; ++by_type) {
    connect_bare(s);
    b = go(receive_and_be_cancelled(s[0], by_type));
    FAILS(mrecv(s[0], &c, 1, -1), EBUSY);
    FAILS(ws_recv(s[0], NULL, &c, 1, -1), EBUSY);
    GIVES(hclose(b), 0);
    GIVES(msend(s[0], data, sizeof data, now() + 20), 0);
    b = go(send_and_be_cancelled(s[0], by_type));
    FAILS(msend(s[0], "x", 1, -1), EBUSY);
    FAILS(ws_done(s[0], 1000, NULL, 0, -1), EBUSY);
    GIVES(hclose(b), 0);
    discard(s);
  }
  connect_bare(s);
  b = go(detach_and_be_cancelled(s[0]));
  GIVES(hclose(b), 0);
  GIVES(hclose(s[1]), 0);
}

static coroutine void accept_one(int ls, int* s) {
  *s = tcp_accept(ls, NULL, -1);
  CHECK(*s > 0);
}

/* s[0] is a WebSocket whose peer has reset the connection. */
static int reset_connection(void) {
  struct ipaddr here;
  int s[2], ls, b;
  GIVES(ipaddr_local(&here, "127.0.0.1", 0, 0), 0);
  ls = tcp_listen(&here, 10);
  CHECK(ls > 0);
  b = go(accept_one(ls, &s[1]));
  s[0] = tcp_connect(&here, -1);
  CHECK(s[0] > 0);
  GIVES(bundle_wait(b, -1), 0);
  GIVES(hclose(b), 0);
  GIVES(hclose(ls), 0);
  GIVES(hclose(s[1]), 0);
  return attach_bare(s[0]);
}

static void econnreset_when_the_peer_is_gone(void) {
  char c;
  int s = reset_connection();
  FAILS(ws_recv(s, NULL, &c, 1, -1), ECONNRESET);
  FAILS(mrecv(s, &c, 1, -1), ECONNRESET);
  FAILS(msend(s, "x", 1, -1), ECONNRESET);
  FAILS(ws_done(s, 1000, NULL, 0, -1), ECONNRESET);
  GIVES(hclose(s), 0);
  s = reset_connection();
  FAILS(ws_detach(s, 1000, NULL, 0, -1), ECONNRESET);
}

int main(void) {
  ebadf_and_enotsup();
  no_handshake_in_a_cancelled_coroutine();
  no_handshake_on_a_socket_that_is_in_use();
  no_handshake_on_a_socket_that_is_broken_or_over();
  a_handshake_with_somebody_silent_or_gone();
  a_handshake_with_somebody_who_talks_nonsense();
  eproto_once_the_peer_broke_the_rules();
  emsgsize_once_the_peer_went_beyond_the_limit();
  an_end_without_a_close_frame();
  lists_with_one_end();
  etimedout_when_there_is_no_room();
  ebusy_and_ecanceled();
  econnreset_when_the_peer_is_gone();
  return 0;
}
