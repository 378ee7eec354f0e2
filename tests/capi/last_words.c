/* last_words.c - what a cancelled coroutine can still do: finish and close what needs no waiting, and give up
   what does. */
#include "check.h"

#include <libdill.h>

static char data[400000];

static coroutine void accept_one(int ls, int* s) {
  *s = tcp_accept(ls, NULL, -1);
  CHECK(*s > 0);
}

static void connect_tcp(int s[2]) {
  struct ipaddr here;
  int ls, b;
  GIVES(ipaddr_local(&here, "127.0.0.1", 0, 0), 0);
  ls = tcp_listen(&here, 10);
  CHECK(ls > 0);
  b = go(accept_one(ls, &s[1]));
  s[0] = tcp_connect(&here, -1);
  CHECK(s[0] > 0);
  GIVES(bundle_wait(b, -1), 0);
  GIVES(hclose(b), 0);
  GIVES(hclose(ls), 0);
}

static void connect_ipc(int s[2]) {
  GIVES(ipc_pair(s), 0);
}

/* What tcp and ipc have in common. */
struct kind {
  void (*connect)(int s[2]);
  int (*done)(int s, int64_t deadline);
  int (*close)(int s, int64_t deadline);
};
static const struct kind kinds[] = {{connect_tcp, tcp_done, tcp_close},
                                    {connect_ipc, ipc_done, ipc_close}};

/* Closes in a coroutine that is cancelled by then; what comes out. */
static coroutine void close_when_cancelled(const struct kind* k, int s, int* code) {
  FAILS(msleep(-1), ECANCELED);
  *code = k->close(s, -1) == 0 ? 0 : errno;
}

static int close_cancelled(const struct kind* k, int s) {
  int code = -1;
  int b = go(close_when_cancelled(k, s, &code));
  GIVES(hclose(b), 0);
  FAILS(hclose(s), EBADF);
  return code;
}

static void closing_succeeds_if_the_peer_has_finished(const struct kind* k) {
  int s[2];
  k->connect(s);
  GIVES(k->done(s[1], -1), 0);
  GIVES(msleep(now() + 10), 0);
  CHECK(close_cancelled(k, s[0]) == 0);
  FAILS(brecv(s[1], data, 1, -1), EPIPE);
  GIVES(k->close(s[1], -1), 0);
}

static void so_it_does_behind_bytes_that_nobody_has_received(const struct kind* k) {
  int s[2];
  k->connect(s);
  GIVES(bsend(s[1], data, 40000, -1), 0);
  GIVES(k->done(s[1], -1), 0);
  GIVES(msleep(now() + 10), 0);
  CHECK(close_cancelled(k, s[0]) == 0);
  GIVES(k->close(s[1], -1), 0);
}

static void else_the_peer_is_told_and_not_waited_for(const struct kind* k) {
  int s[2];
  k->connect(s);
  GIVES(bsend(s[0], "last", 4, -1), 0);
  CHECK(close_cancelled(k, s[0]) == ECANCELED);
  GIVES(brecv(s[1], data, 4, -1), 0);
  FAILS(brecv(s[1], data, 1, -1), EPIPE);
  GIVES(hclose(s[1]), 0);
}

static coroutine void flood(int s) {
  while (bsend(s, data, sizeof data, -1) == 0) continue;
  CHECK(errno == ECONNRESET);
}

static void one_that_never_stops_sending_is_not_waited_for_either(const struct kind* k) {
  int s[2], b;
  k->connect(s);
  b = go(flood(s[1]));
  CHECK(close_cancelled(k, s[0]) == ECANCELED);
  GIVES(bundle_wait(b, -1), 0);
  GIVES(hclose(b), 0);
  GIVES(hclose(s[1]), 0);
}

static coroutine void finish_when_cancelled(const struct kind* k, int s) {
  FAILS(msleep(-1), ECANCELED);
  GIVES(bsend(s, "last", 4, -1), 0);
  GIVES(k->done(s, -1), 0);
  FAILS(k->done(s, -1), EPIPE);
}

static void finishing_succeeds(const struct kind* k) {
  int s[2], b;
  k->connect(s);
  b = go(finish_when_cancelled(k, s[0]));
  GIVES(hclose(b), 0);
  GIVES(brecv(s[1], data, 4, -1), 0);
  FAILS(brecv(s[1], data, 1, -1), EPIPE);
  GIVES(bsend(s[1], "answer", 6, -1), 0);
  GIVES(brecv(s[0], data, 6, -1), 0);
  GIVES(hclose(s[0]), 0);
  GIVES(hclose(s[1]), 0);
}

static void at_deadline_0_closing_succeeds_if_the_peer_has_finished(const struct kind* k) {
  int s[2];
  k->connect(s);
  GIVES(bsend(s[1], data, 40000, -1), 0);
  GIVES(k->done(s[1], -1), 0);
  GIVES(msleep(now() + 10), 0);
  GIVES(k->close(s[0], 0), 0);
  GIVES(k->close(s[1], 0), 0);
}

int main(void) {
  int i;
  for (i = 0; i < 2; ++i) {
    closing_succeeds_if_the_peer_has_finished(&kinds[i]);
    so_it_does_behind_bytes_that_nobody_has_received(&kinds[i]);
    else_the_peer_is_told_and_not_waited_for(&kinds[i]);
    one_that_never_stops_sending_is_not_waited_for_either(&kinds[i]);
    finishing_succeeds(&kinds[i]);
    at_deadline_0_closing_succeeds_if_the_peer_has_finished(&kinds[i]);
  }
  return 0;
}
