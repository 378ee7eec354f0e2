/* tls.c - TLS on bytestreams: attaching, talking, ending, and everything that goes wrong. */
#include "tls_pair.h"

#include <libdillimpl.h>

static coroutine void attach_server(int* s) {
  *s = tls_attach_server(*s, PEM("server.pem"), PEM("server.key"), now() + 20000);
}

/* s[0] is the client. */
static void tls_pair(int s[2]) {
  int b;
  GIVES(ipc_pair(s), 0);
  b = go(attach_server(&s[1]));
  CHECK(b > 0);
  s[0] = tls_attach_client(s[0], now() + 20000);
  CHECK(s[0] > 0);
  GIVES(bundle_wait(b, -1), 0);
  GIVES(hclose(b), 0);
  CHECK(s[1] > 0);
}

static coroutine void detach(int* s) {
  *s = tls_detach(*s, now() + 20000);
}

/* Both sides end TLS; s are the bytestreams below. */
static void detach_both(int s[2]) {
  int b = go(detach(&s[1]));
  CHECK(b > 0);
  s[0] = tls_detach(s[0], now() + 20000);
  CHECK(s[0] > 0);
  GIVES(bundle_wait(b, -1), 0);
  GIVES(hclose(b), 0);
  CHECK(s[1] > 0);
}

static void bytes_go_both_ways_and_what_follows_tls_stays_below(void) {
  int s[2];
  char text[3];
  tls_pair(s);
  GIVES(bsend(s[0], "ABC", 3, -1), 0);
  GIVES(brecv(s[1], text, 3, -1), 0);
  CHECK(memcmp(text, "ABC", 3) == 0);
  GIVES(bsend(s[1], "GHIJ", 4, -1), 0);
  GIVES(brecv(s[0], NULL, 1, -1), 0);
  GIVES(brecv(s[0], text, 0, -1), 0);
  GIVES(brecv(s[0], text, 3, -1), 0);
  CHECK(memcmp(text, "HIJ", 3) == 0);
  detach_both(s);
  GIVES(bsend(s[0], "DEF", 3, -1), 0);
  GIVES(brecv(s[1], text, 3, -1), 0);
  CHECK(memcmp(text, "DEF", 3) == 0);
  discard(s);
}

static void one_direction_ends_before_the_other(void) {
  int s[2];
  char c;
  tls_pair(s);
  GIVES(tls_done(s[0], -1), 0);
  FAILS(tls_done(s[0], -1), EPIPE);
  FAILS(bsend(s[0], "x", 1, -1), EPIPE);
  FAILS(brecv(s[1], &c, 1, -1), EPIPE);
  FAILS(brecv(s[1], &c, 1, -1), EPIPE);
  GIVES(bsend(s[1], "x", 1, -1), 0);
  GIVES(brecv(s[0], &c, 1, -1), 0);
  GIVES(tls_done(s[1], -1), 0);
  FAILS(brecv(s[0], &c, 1, -1), EPIPE);
  detach_both(s);
  discard(s);
}

static coroutine void send_much(int s) {
  char text[2777];
  int i;
  memset(text, 'x', sizeof text);
  for (i = 0; i < 257; ++i) GIVES(bsend(s, text, sizeof text, -1), 0);
}

static void much_goes_through_in_odd_pieces(void) {
  int s[2], b;
  static char text[257 * 2777];
  tls_pair(s);
  b = go(send_much(s[0]));
  GIVES(brecv(s[1], text, 1, -1), 0);
  GIVES(brecv(s[1], text + 1, 20000, -1), 0);
  GIVES(brecv(s[1], text + 20001, sizeof text - 20001, -1), 0);
  CHECK(text[0] == 'x' && text[sizeof text - 1] == 'x');
  GIVES(hclose(b), 0);
  discard(s);
}

static coroutine void attach_server_mem(int* s, struct tls_storage* mem) {
  *s = tls_attach_server_mem(*s, PEM("server.pem"), PEM("server.key"), mem, -1);
}

static void handles_may_live_in_memory_of_the_program(void) {
  struct tls_storage client, server;
  int s[2], b;
  char c;
  GIVES(ipc_pair(s), 0);
  b = go(attach_server_mem(&s[1], &server));
  s[0] = tls_attach_client_mem(s[0], &client, -1);
  CHECK(s[0] > 0);
  GIVES(bundle_wait(b, -1), 0);
  GIVES(hclose(b), 0);
  GIVES(bsend(s[1], "x", 1, -1), 0);
  GIVES(brecv(s[0], &c, 1, -1), 0);
  detach_both(s);
  discard(s);
  GIVES(ipc_pair(s), 0);
  FAILS(tls_attach_client_mem(s[0], NULL, -1), EINVAL);
  FAILS(tls_attach_server_mem(s[1], PEM("server.pem"), PEM("server.key"), NULL, -1), EINVAL);
  FAILS(hclose(s[0]), EBADF);
  FAILS(hclose(s[1]), EBADF);
}

/* --- attaching that fails: -1, and the bytestream is closed --- */

static void what_is_no_bytestream_is_refused(void) {
  int ch[2];
  FAILS(tls_attach_client(33333, -1), EBADF);
  FAILS(tls_attach_server(33333, PEM("server.pem"), PEM("server.key"), -1), EBADF);
  GIVES(chmake(ch), 0);
  FAILS(tls_attach_client(ch[0], -1), EPROTO);
  FAILS(hclose(ch[0]), EBADF);
  FAILS(tls_attach_server(ch[1], PEM("server.pem"), PEM("server.key"), -1), EPROTO);
  FAILS(hclose(ch[1]), EBADF);
}

static void server_refuses(const char* cert, const char* key, int code, const char* why) {
  int s[2];
  GIVES(ipc_pair(s), 0);
  FAILS(tls_attach_server(s[0], cert, key, -1), code);
  FAILS(hclose(s[0]), EBADF);
  CHECK(why == NULL || strcmp(tls_error(), why) == 0);
  GIVES(hclose(s[1]), 0);
}

static void certificates_that_are_of_no_use_are_refused(void) {
  server_refuses(NULL, PEM("server.key"), EINVAL, NULL);
  server_refuses(PEM("server.pem"), NULL, EINVAL, NULL);
  server_refuses("/nonexistent", PEM("server.key"), EFAULT, "No such file or directory");
  server_refuses(PEM("server.pem"), PEM("renewed.key"), EFAULT, "key values mismatch");
  server_refuses(PEM("corrupt.pem"), PEM("server.key"), EFAULT, NULL);
}

static coroutine void serve_as(int s, const char* cert, const char* key) {
  FAILS(tls_attach_server(s, cert, key, now() + 20000), EFAULT);
  CHECK(strstr(tls_error(), "the peer refused: ") == tls_error());
}

/* What the client has against the server. */
static void client_refuses(const char* cert, const char* key, const char* why) {
  int s[2], b;
  GIVES(ipc_pair(s), 0);
  b = go(serve_as(s[1], cert, key));
  FAILS(tls_attach_client(s[0], now() + 20000), EFAULT);
  CHECK(strcmp(tls_error(), why) == 0);
  FAILS(hclose(s[0]), EBADF);
  GIVES(bundle_wait(b, -1), 0);
  GIVES(hclose(b), 0);
}

static void a_handshake_that_fails_is_no_success(void) {
  client_refuses(PEM("expired.pem"), PEM("expired.key"), "certificate has expired");
  client_refuses(PEM("self_signed.pem"), PEM("self_signed.key"), "self-signed certificate");
  client_refuses(PEM("stranger.pem"), PEM("stranger.key"),
                 "unable to get local issuer certificate");
}

static void a_peer_that_is_no_tls_or_leaves_is_told(void) {
  int s[2];
  GIVES(ipc_pair(s), 0);
  GIVES(bsend(s[1], "GET / HTTP/1.1\r\n\r\n", 18, -1), 0);
  GIVES(ipc_done(s[1], -1), 0);
  FAILS(tls_attach_server(s[0], PEM("server.pem"), PEM("server.key"), now() + 5), EFAULT);
  CHECK(strcmp(tls_error(), "http request") == 0);
  FAILS(hclose(s[0]), EBADF);
  GIVES(hclose(s[1]), 0);
  GIVES(ipc_pair(s), 0);
  GIVES(ipc_done(s[1], -1), 0);
  FAILS(tls_attach_client(s[0], -1), EPIPE);
  FAILS(hclose(s[0]), EBADF);
  GIVES(hclose(s[1]), 0);
}

static void the_reason_is_that_of_the_last_attach(void) {
  int s[2];
  client_refuses(PEM("expired.pem"), PEM("expired.key"), "certificate has expired");
  FAILS(tls_attach_client(33333, -1), EBADF);
  CHECK(strcmp(tls_error(), strerror(EBADF)) == 0);
  GIVES(ipc_pair(s), 0);
  FAILS(tls_attach_client_mem(s[0], NULL, -1), EINVAL);
  CHECK(strcmp(tls_error(), strerror(EINVAL)) == 0);
  FAILS(tls_attach_server(33333, PEM("server.pem"), PEM("server.key"), -1), EBADF);
  CHECK(strcmp(tls_error(), strerror(EBADF)) == 0);
  FAILS(tls_attach_server(s[1], NULL, PEM("server.key"), -1), EINVAL);
  CHECK(strcmp(tls_error(), strerror(EINVAL)) == 0);
  tls_pair(s);
  CHECK(strcmp(tls_error(), "") == 0);
  FAILS(tls_attach_client_opts(33333, NULL, -1), EBADF);
  CHECK(strcmp(tls_error(), strerror(EBADF)) == 0);
  discard(s);
}

static void a_silent_peer_is_not_waited_for_longer_than_the_deadline(void) {
  int s[2];
  GIVES(ipc_pair(s), 0);
  FAILS(tls_attach_client(s[0], now() + 5), ETIMEDOUT);
  FAILS(hclose(s[0]), EBADF);
  GIVES(hclose(s[1]), 0);
  GIVES(ipc_pair(s), 0);
  FAILS(tls_attach_server(s[0], PEM("server.pem"), PEM("server.key"), 0), ETIMEDOUT);
  FAILS(hclose(s[0]), EBADF);
  GIVES(hclose(s[1]), 0);
}

static coroutine void attach_until_cancelled(int s) {
  FAILS(tls_attach_client(s, -1), ECANCELED);
}

static coroutine void receive_one(int s) {
  char c;
  brecv(s, &c, 1, -1);
}

static void attaching_can_be_cancelled_and_needs_a_bytestream_that_is_free(void) {
  int s[2], b;
  char c;
  GIVES(ipc_pair(s), 0);
  b = go(attach_until_cancelled(s[0]));
  GIVES(hclose(b), 0);
  GIVES(hclose(s[1]), 0);
  GIVES(ipc_pair(s), 0);
  b = go(receive_one(s[0]));
  FAILS(tls_attach_client(s[0], -1), EBUSY);
  GIVES(hclose(b), 0);
  GIVES(hclose(s[1]), 0);
  GIVES(ipc_pair(s), 0);
  FAILS(brecv(s[0], &c, 1, 0), ETIMEDOUT);
  FAILS(tls_attach_server(s[0], PEM("server.pem"), PEM("server.key"), -1), ECONNRESET);
  GIVES(hclose(s[1]), 0);
}

/* --- talking --- */

static void a_direction_that_timed_out_is_broken_and_the_other_is_not(void) {
  int s[2];
  char c;
  tls_pair(s);
  FAILS(brecv(s[0], &c, 1, now() + 5), ETIMEDOUT);
  FAILS(brecv(s[0], &c, 1, -1), ECONNRESET);
  GIVES(bsend(s[0], "x", 1, -1), 0);
  GIVES(brecv(s[1], &c, 1, -1), 0);
  FAILS(tls_detach(s[0], -1), ECONNRESET);
  FAILS(hclose(s[0]), EBADF);
  FAILS(brecv(s[1], &c, 1, -1), EPIPE);
  FAILS(bsend(s[1], "x", 1, -1), ECONNRESET);
  FAILS(tls_done(s[1], -1), ECONNRESET);
  GIVES(hclose(s[1]), 0);
}

static coroutine void receive_until_closed(int s) {
  char c;
  FAILS(brecv(s, &c, 1, -1), ECANCELED);
}

static void one_coroutine_at_a_time_receives_and_closing_wakes_it(void) {
  int s[2], b;
  char c;
  tls_pair(s);
  b = go(receive_until_closed(s[0]));
  FAILS(brecv(s[0], &c, 1, -1), EBUSY);
  FAILS(tls_detach(s[0], -1), EBUSY);
  GIVES(bsend(s[0], "x", 1, -1), 0);
  discard(s);
  GIVES(bundle_wait(b, -1), 0);
  GIVES(hclose(b), 0);
}

/* --- ending --- */

static void handles_of_other_kinds_are_left_alone(void) {
  int s[2];
  char text[10];
  FAILS(tls_done(33333, -1), EBADF);
  FAILS(tls_detach(33333, -1), EBADF);
  FAILS(tls_alpn(33333, text, sizeof text), EBADF);
  FAILS(tls_peer(33333, text, sizeof text), EBADF);
  GIVES(ipc_pair(s), 0);
  FAILS(tls_done(s[0], -1), ENOTSUP);
  FAILS(tls_detach(s[0], -1), ENOTSUP);
  FAILS(tls_alpn(s[0], text, sizeof text), ENOTSUP);
  FAILS(tls_peer(s[0], text, sizeof text), ENOTSUP);
  discard(s);
}

static void detaching_waits_for_the_peer_until_the_deadline(void) {
  int s[2];
  tls_pair(s);
  FAILS(tls_detach(s[0], now() + 5), ETIMEDOUT);
  FAILS(hclose(s[0]), EBADF);
  GIVES(hclose(s[1]), 0);
}

static coroutine void detach_until_cancelled(int s) {
  FAILS(tls_detach(s, -1), ECANCELED);
  FAILS(hclose(s), EBADF);
}

static void detaching_can_be_cancelled(void) {
  int s[2], b;
  tls_pair(s);
  b = go(detach_until_cancelled(s[0]));
  GIVES(hclose(b), 0);
  GIVES(hclose(s[1]), 0);
}

static void detaching_drops_what_was_not_received(void) {
  int s[2];
  tls_pair(s);
  GIVES(bsend(s[0], "unread", 6, -1), 0);
  detach_both(s);
  discard(s);
}

static void closing_after_the_last_word_takes_nothing_back(void) {
  int s[2];
  char c;
  tls_pair(s);
  GIVES(bsend(s[1], "x", 1, -1), 0);
  GIVES(tls_done(s[1], -1), 0);
  GIVES(hclose(s[1]), 0);
  GIVES(brecv(s[0], &c, 1, -1), 0);
  FAILS(brecv(s[0], &c, 1, -1), EPIPE);
  GIVES(hclose(s[0]), 0);
}

/* --- other layers below and above --- */

static coroutine void serve_websocket(int s) {
  char resource[16], host[16], text[16];
  int flags;
  s = tls_attach_server(s, PEM("server.pem"), PEM("server.key"), -1);
  CHECK(s > 0);
  s = ws_attach_server(s, WS_TEXT, resource, sizeof resource, host, sizeof host, -1);
  CHECK(s > 0);
  GIVES(ws_recv(s, &flags, text, sizeof text, -1), 5);
  GIVES(ws_send(s, WS_TEXT, text, 5, -1), 0);
  s = ws_detach(s, 1000, NULL, 0, -1);
  CHECK(s > 0);
  s = tls_detach(s, -1);
  CHECK(s > 0);
  GIVES(ipc_close(s, -1), 0);
}

static void websocket_stacks_on_tls(void) {
  int s[2], b, flags;
  char text[16];
  GIVES(ipc_pair(s), 0);
  b = go(serve_websocket(s[1]));
  s[0] = tls_attach_client(s[0], -1);
  CHECK(s[0] > 0);
  s[0] = ws_attach_client(s[0], WS_TEXT, "/", "localhost", -1);
  CHECK(s[0] > 0);
  GIVES(ws_send(s[0], WS_TEXT, "hello", 5, -1), 0);
  GIVES(ws_recv(s[0], &flags, text, sizeof text, -1), 5);
  s[0] = ws_detach(s[0], 1000, NULL, 0, -1);
  CHECK(s[0] > 0);
  s[0] = tls_detach(s[0], -1);
  CHECK(s[0] > 0);
  GIVES(ipc_close(s[0], -1), 0);
  GIVES(bundle_wait(b, -1), 0);
  GIVES(hclose(b), 0);
}

/* A bytestream of the program's own, which passes everything on. */
struct pass {
  struct hvfs hvfs;
  struct bsock_vfs bvfs;
  int lower;
};

static void* pass_query(struct hvfs* vfs, const void* type) {
  if (type == bsock_type) return &((struct pass*)vfs)->bvfs;
  errno = ENOTSUP;
  return NULL;
}

static void pass_close(struct hvfs* vfs) {
  hclose(((struct pass*)vfs)->lower);
}

static struct pass* pass_of(struct bsock_vfs* vfs) {
  return (struct pass*)(void*)((char*)vfs - offsetof(struct pass, bvfs));
}

static int pass_bsendl(struct bsock_vfs* vfs, struct iolist* first, struct iolist* last,
                       int64_t deadline) {
  return bsendl(pass_of(vfs)->lower, first, last, deadline);
}

static int pass_brecvl(struct bsock_vfs* vfs, struct iolist* first, struct iolist* last,
                       int64_t deadline) {
  return brecvl(pass_of(vfs)->lower, first, last, deadline);
}

static int pass_attach(struct pass* self, int s) {
  memset(self, 0, sizeof *self);
  self->hvfs.query = pass_query;
  self->hvfs.close = pass_close;
  self->bvfs.bsendl = pass_bsendl;
  self->bvfs.brecvl = pass_brecvl;
  self->lower = hown(s);
  return hmake(&self->hvfs);
}

static void tls_stands_on_bytestreams_of_the_program(void) {
  static struct pass below[2];
  static char text[50000];
  int s[2], b;
  GIVES(ipc_pair(s), 0);
  s[0] = pass_attach(&below[0], s[0]);
  s[1] = pass_attach(&below[1], s[1]);
  b = go(attach_server(&s[1]));
  s[0] = tls_attach_client(s[0], -1);
  CHECK(s[0] > 0);
  GIVES(bundle_wait(b, -1), 0);
  GIVES(hclose(b), 0);
  GIVES(bsend(s[0], text, sizeof text, -1), 0);
  GIVES(brecv(s[1], text, sizeof text, -1), 0);
  detach_both(s);
  GIVES(bsend(s[0], "DEF", 3, -1), 0);
  GIVES(brecv(s[1], text, 3, -1), 0);
  CHECK(memcmp(text, "DEF", 3) == 0);
  discard(s);
}

static void there_is_no_tls_for_datagrams(void) {
  struct dtls_storage mem;
  int s[2];
  GIVES(ipc_pair(s), 0);
  FAILS(dtls_done(s[0], -1), ENOTSUP);
  FAILS(dtls_detach(s[0], -1), ENOTSUP);
  FAILS(dtls_attach_client(s[0], -1), ENOTSUP);
  FAILS(dtls_attach_server(s[1], "c", "k", -1), ENOTSUP);
  FAILS(hclose(s[0]), EBADF);
  FAILS(hclose(s[1]), EBADF);
  GIVES(ipc_pair(s), 0);
  FAILS(dtls_attach_client_mem(s[0], &mem, -1), ENOTSUP);
  FAILS(dtls_attach_server_mem(s[1], "c", "k", &mem, -1), ENOTSUP);
  FAILS(dtls_attach_client(s[0], -1), EBADF);
  FAILS(dtls_done(s[0], -1), EBADF);
  FAILS(dtls_detach(s[0], -1), EBADF);
}

int main(void) {
  trust_the_root_of_the_tests();
  bytes_go_both_ways_and_what_follows_tls_stays_below();
  one_direction_ends_before_the_other();
  much_goes_through_in_odd_pieces();
  handles_may_live_in_memory_of_the_program();
  what_is_no_bytestream_is_refused();
  certificates_that_are_of_no_use_are_refused();
  a_handshake_that_fails_is_no_success();
  a_peer_that_is_no_tls_or_leaves_is_told();
  the_reason_is_that_of_the_last_attach();
  a_silent_peer_is_not_waited_for_longer_than_the_deadline();
  attaching_can_be_cancelled_and_needs_a_bytestream_that_is_free();
  a_direction_that_timed_out_is_broken_and_the_other_is_not();
  one_coroutine_at_a_time_receives_and_closing_wakes_it();
  handles_of_other_kinds_are_left_alone();
  detaching_waits_for_the_peer_until_the_deadline();
  detaching_can_be_cancelled();
  detaching_drops_what_was_not_received();
  closing_after_the_last_word_takes_nothing_back();
  websocket_stacks_on_tls();
  tls_stands_on_bytestreams_of_the_program();
  there_is_no_tls_for_datagrams();
  return 0;
}
