/* tls_ends.c - TLS whose peer is slow, old, silent or gone; and many bytes at once both ways. */
#include "own_sockets.h"
#include "tls_pair.h"

#include <openssl/ssl.h>

static coroutine void attach_server(int* s) {
  *s = tls_attach_server(*s, PEM("server.pem"), PEM("server.key"), now() + 20000);
}

/* TLS on the bytestreams s, of which s[0] becomes the client. */
static void shake(int s[2]) {
  int b = go(attach_server(&s[1]));
  CHECK(b > 0);
  s[0] = tls_attach_client(s[0], now() + 20000);
  CHECK(s[0] > 0);
  GIVES(bundle_wait(b, -1), 0);
  GIVES(hclose(b), 0);
  CHECK(s[1] > 0);
}

static void tls_pair(int s[2]) {
  GIVES(ipc_pair(s), 0);
  shake(s);
}

/* --- ends --- */

/* As servers do that just close their connection, be it after all that they had to say. */
static void a_connection_that_ends_without_close_notify_has_ended(void) {
  struct flip wire[2];
  char text[3];
  int s[2];
  GIVES(ipc_pair(s), 0);
  s[0] = flip_attach(&wire[0], s[0]);
  s[1] = flip_attach(&wire[1], s[1]);
  shake(s);
  GIVES(bsend(s[1], "bye", 3, -1), 0);
  GIVES(ipc_done(wire[1].lower, -1), 0);
  GIVES(brecv(s[0], text, 3, -1), 0);
  FAILS(brecv(s[0], text, 1, -1), EPIPE);
  FAILS(brecv(s[0], text, 1, -1), EPIPE);
  GIVES(bsend(s[0], "and", 3, -1), 0);
  GIVES(brecv(s[1], text, 3, -1), 0);
  FAILS(tls_detach(s[0], -1), EPIPE);
  FAILS(hclose(s[0]), EBADF);
  CHECK(wire[0].closed);
  GIVES(hclose(s[1]), 0);
}

/* Sends the first half of the first piece, and nothing more ever. */
static int cutting_bsendl(struct bsock_vfs* vfs, struct iolist* first, struct iolist* last,
                          int64_t deadline) {
  int lower = flip_of(vfs)->lower;
  (void)last;
  turn(first);
  GIVES(bsend(lower, first->iol_base, first->iol_len / 2, deadline), 0);
  turn(first);
  return ipc_done(lower, deadline);
}

static void so_has_one_that_ends_inside_a_record(void) {
  struct flip wire[2];
  char text[100] = "";
  int s[2];
  GIVES(ipc_pair(s), 0);
  s[0] = flip_attach(&wire[0], s[0]);
  s[1] = flip_attach(&wire[1], s[1]);
  shake(s);
  wire[1].bvfs.bsendl = cutting_bsendl;
  GIVES(bsend(s[1], text, sizeof text, -1), 0);
  FAILS(brecv(s[0], text, 1, -1), EPIPE);
  discard(s);
}

/* --- deadlines --- */

static int stalled_bsendl(struct bsock_vfs* vfs, struct iolist* first, struct iolist* last,
                          int64_t deadline) {
  (void)vfs;
  (void)first;
  (void)last;
  if (msleep(deadline) == 0) errno = ETIMEDOUT;
  return -1;
}

/* A pair whose client cannot send any more. */
static void stalled_pair(int s[2], struct flip* wire) {
  GIVES(ipc_pair(s), 0);
  s[0] = flip_attach(&wire[0], s[0]);
  s[1] = flip_attach(&wire[1], s[1]);
  shake(s);
  wire[0].bvfs.bsendl = stalled_bsendl;
}

static void every_call_that_waits_for_a_silent_peer_ends_at_its_deadline(void) {
  struct flip wire[2];
  int s[2];
  int64_t start = now();
  GIVES(ipc_pair(s), 0);
  FAILS(tls_attach_client(s[0], now() + 10), ETIMEDOUT);
  FAILS(hclose(s[0]), EBADF);
  GIVES(hclose(s[1]), 0);
  GIVES(ipc_pair(s), 0);
  FAILS(tls_attach_server(s[0], PEM("server.pem"), PEM("server.key"), now() + 10), ETIMEDOUT);
  FAILS(hclose(s[0]), EBADF);
  GIVES(hclose(s[1]), 0);
  stalled_pair(s, wire);
  /* It is said, and goes out when there is room. */
  GIVES(tls_done(s[0], now() + 10), 0);
  discard(s);
  stalled_pair(s, wire);
  FAILS(tls_detach(s[0], now() + 10), ETIMEDOUT);
  FAILS(hclose(s[0]), EBADF);
  GIVES(hclose(s[1]), 0);
  tls_pair(s);
  FAILS(tls_detach(s[0], now() + 10), ETIMEDOUT);
  FAILS(hclose(s[0]), EBADF);
  GIVES(hclose(s[1]), 0);
  CHECK(now() - start >= 50 && now() - start < 15000);
}

/* --- a handshake that fails --- */

/* A peer without TLS says something else, if anything, and finds that its connection ends. */
static coroutine void talk_plain(int s, const char* text) {
  char c;
  GIVES(bsend(s, text, strlen(text), -1), 0);
  while (brecv(s, &c, 1, now() + 20000) == 0) continue;
  CHECK(errno == EPIPE || errno == ECONNRESET);
  GIVES(hclose(s), 0);
}

static void ends_for_the_peer(int server, const char* said, int64_t patience, int code) {
  int s[2], b;
  GIVES(ipc_pair(s), 0);
  b = go(talk_plain(s[1], said));
  if (server)
    FAILS(tls_attach_server(s[0], PEM("server.pem"), PEM("server.key"), now() + patience), code);
  else
    FAILS(tls_attach_client(s[0], now() + patience), code);
  FAILS(hclose(s[0]), EBADF);
  GIVES(bundle_wait(b, -1), 0);
  GIVES(hclose(b), 0);
}

static void the_peer_of_a_handshake_that_failed_is_not_left_waiting(void) {
  int server;
  for (server = 0; server < 2; ++server) {
    ends_for_the_peer(server, "This is no TLS.", 20000, EFAULT);
    ends_for_the_peer(server, "", 5, ETIMEDOUT);
  }
}

/* --- peers that know nothing newer than TLS 1.2 --- */

static void flush(BIO* from, int s) {
  char text[4096];
  int n;
  while ((n = BIO_read(from, text, sizeof text)) > 0) (void)bsend(s, text, (size_t)n, -1);
}

/* One record, whole; 0 at the end. */
static int fill(BIO* to, int s) {
  static unsigned char record[5 + 20000];
  size_t size;
  if (brecv(s, record, 5, now() + 20000) < 0) return 0;
  size = (size_t)record[3] << 8 | record[4];
  CHECK(size <= 20000);
  if (brecv(s, record + 5, size, now() + 20000) < 0) return 0;
  return BIO_write(to, record, 5 + (int)size) > 0;
}

/* Shakes hands over the bytestream `s`, then closes it. */
static coroutine void be_old(int s, int server) {
  SSL_CTX* context = SSL_CTX_new(TLS_method());
  BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
  SSL* ssl;
  CHECK(context != NULL && in != NULL && out != NULL);
  CHECK(SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION) == 1);
  CHECK(SSL_CTX_use_certificate_chain_file(context, PEM("server.pem")) == 1);
  CHECK(SSL_CTX_use_PrivateKey_file(context, PEM("server.key"), SSL_FILETYPE_PEM) == 1);
  ssl = SSL_new(context);
  CHECK(ssl != NULL);
  SSL_set_bio(ssl, in, out);
  if (server)
    SSL_set_accept_state(ssl);
  else
    SSL_set_connect_state(ssl);
  while (SSL_do_handshake(ssl) != 1) {
    flush(out, s);
    if (!fill(in, s)) break;
  }
  flush(out, s);
  SSL_free(ssl);
  SSL_CTX_free(context);
  talk_plain(s, "");
}

/* A handle, or -1 and the reason in tls_error(). */
static int with_old_peer(int server, int flags) {
  struct tls_opts opts;
  int s[2], b, h;
  memset(&opts, 0, sizeof opts);
  opts.size = sizeof opts;
  opts.flags = flags;
  opts.cert_file = server ? PEM("server.pem") : NULL;
  opts.key_file = server ? PEM("server.key") : NULL;
  GIVES(ipc_pair(s), 0);
  b = go(be_old(s[1], !server));
  if (server)
    h = tls_attach_server_opts(s[0], &opts, now() + 20000);
  else
    h = tls_attach_client_opts(s[0], &opts, now() + 20000);
  if (h < 0) CHECK(errno == EFAULT);
  if (h >= 0) GIVES(hclose(h), 0);
  GIVES(bundle_wait(b, -1), 0);
  GIVES(hclose(b), 0);
  return h;
}

static void who_wants_tls_1_3_refuses_older_peers(void) {
  int server;
  for (server = 0; server < 2; ++server) {
    CHECK(with_old_peer(server, 0) > 0);
    CHECK(with_old_peer(server, TLS_1_3) == -1);
    CHECK(strstr(tls_error(), "protocol") != NULL);
  }
}

/* --- who may be inside --- */

static coroutine void send_until_closed(int s) {
  static char text[1 << 22];
  FAILS(bsend(s, text, sizeof text, -1), ECANCELED);
}

static void one_coroutine_at_a_time_sends_and_closing_wakes_it(void) {
  int s[2], b;
  char c;
  tls_pair(s);
  b = go(send_until_closed(s[0]));
  FAILS(bsend(s[0], "x", 1, -1), EBUSY);
  FAILS(tls_done(s[0], -1), EBUSY);
  FAILS(tls_detach(s[0], -1), EBUSY);
  GIVES(bsend(s[1], "x", 1, -1), 0);
  GIVES(brecv(s[0], &c, 1, -1), 0);
  discard(s);
  GIVES(bundle_wait(b, -1), 0);
  GIVES(hclose(b), 0);
}

enum { pieces = 300, piece = 9973 };

/* Byte `i` of what a side sends. */
static char byte_at(size_t i, int side) {
  return (char)(i * 31 + i / 256 + (size_t)side);
}

static coroutine void send_all(int s, int side) {
  char text[piece];
  size_t i, at = 0;
  int n;
  for (n = 0; n < pieces; ++n) {
    for (i = 0; i < piece; ++i) text[i] = byte_at(at++, side);
    GIVES(bsend(s, text, piece, -1), 0);
  }
  GIVES(tls_done(s, -1), 0);
}

/* In pieces of all sizes. */
static coroutine void receive_all(int s, int side) {
  char text[7000];
  size_t i, at = 0, size = 1, total = (size_t)pieces * piece;
  while (at < total) {
    size = size * 7 % 6997 + 1;
    if (size > total - at) size = total - at;
    GIVES(brecv(s, text, size, -1), 0);
    for (i = 0; i < size; ++i) CHECK(text[i] == byte_at(at++, side));
  }
  FAILS(brecv(s, text, 1, -1), EPIPE);
}

static void one_sends_and_one_receives_at_the_same_time(void) {
  int s[2], b, side;
  tls_pair(s);
  b = bundle();
  for (side = 0; side < 2; ++side) {
    CHECK(bundle_go(b, send_all(s[side], side)) == 0);
    CHECK(bundle_go(b, receive_all(s[side], !side)) == 0);
  }
  GIVES(bundle_wait(b, now() + 60000), 0);
  GIVES(hclose(b), 0);
  discard(s);
}

static coroutine void finish_when_cancelled(int s) {
  FAILS(msleep(-1), ECANCELED);
  GIVES(bsend(s, "bye", 3, -1), 0);
  GIVES(tls_done(s, -1), 0);
  FAILS(tls_done(s, -1), EPIPE);
}

static void a_cancelled_coroutine_can_still_finish(void) {
  char text[3];
  int s[2], b;
  tls_pair(s);
  b = go(finish_when_cancelled(s[0]));
  GIVES(hclose(b), 0);
  GIVES(brecv(s[1], text, 3, -1), 0);
  FAILS(brecv(s[1], text, 1, -1), EPIPE);
  GIVES(bsend(s[1], "and", 3, -1), 0);
  GIVES(brecv(s[0], text, 3, -1), 0);
  discard(s);
}

int main(void) {
  trust_the_root_of_the_tests();
  a_connection_that_ends_without_close_notify_has_ended();
  so_has_one_that_ends_inside_a_record();
  every_call_that_waits_for_a_silent_peer_ends_at_its_deadline();
  the_peer_of_a_handshake_that_failed_is_not_left_waiting();
  who_wants_tls_1_3_refuses_older_peers();
  one_coroutine_at_a_time_sends_and_closing_wakes_it();
  one_sends_and_one_receives_at_the_same_time();
  a_cancelled_coroutine_can_still_finish();
  return 0;
}
