/* errnos_layers.c - what the manual pages of layers list as errors, and those of the sockets below that only a
   layer leaves in such a state, as far as the files about these have not provoked it. */
#include "check.h"

#include <libdill.h>

/* More than the kernel holds between two ends of a connection. */
static char data[40000000];

static void close_both(int s[2]) {
  GIVES(hclose(s[0]), 0);
  GIVES(hclose(s[1]), 0);
}

static coroutine void accept_tcp(int ls, int* s) {
  *s = tcp_accept(ls, NULL, -1);
  CHECK(*s > 0);
}
static void tcp_pair(int s[2]) {
  struct ipaddr here;
  int ls, b;
  GIVES(ipaddr_local(&here, "127.0.0.1", 0, 0), 0);
  ls = tcp_listen(&here, 10);
  CHECK(ls > 0);
  b = go(accept_tcp(ls, &s[1]));
  s[0] = tcp_connect(&here, -1);
  CHECK(s[0] > 0);
  GIVES(bundle_wait(b, -1), 0);
  GIVES(hclose(b), 0);
  GIVES(hclose(ls), 0);
}

static int attach_prefix(int s) {
  s = prefix_attach(s, 2, PREFIX_BIG_ENDIAN);
  CHECK(s > 0);
  return s;
}

static coroutine void receive_and_be_cancelled(int s) {
  FAILS(brecv(s, NULL, 1, -1), ECANCELED);
}
static coroutine void receive_message_and_be_cancelled(int s) {
  FAILS(mrecv(s, NULL, 0, -1), ECANCELED);
}

static void end_bundle(int b) {
  GIVES(bundle_wait(b, -1), 0);
  GIVES(hclose(b), 0);
}

static void ebusy_on_a_socket_that_is_in_use(void) {
  int s[2], b;
  GIVES(ipc_pair(s), 0);
  b = go(receive_and_be_cancelled(s[0]));
  FAILS(prefix_attach(s[0], 2, PREFIX_BIG_ENDIAN), EBUSY);
  end_bundle(b);
  GIVES(hclose(s[1]), 0);

  GIVES(ipc_pair(s), 0);
  b = go(receive_and_be_cancelled(s[0]));
  FAILS(suffix_attach(s[0], "\n", 1), EBUSY);
  end_bundle(b);
  GIVES(hclose(s[1]), 0);

  GIVES(ipc_pair(s), 0);
  s[0] = attach_prefix(s[0]);
  b = go(receive_message_and_be_cancelled(s[0]));
  FAILS(term_attach(s[0], NULL, 0), EBUSY);
  end_bundle(b);
  GIVES(hclose(s[1]), 0);
}

static void econnreset_on_a_socket_that_is_broken(void) {
  int s[2];
  char c;
  GIVES(ipc_pair(s), 0);
  FAILS(brecv(s[0], &c, 1, 0), ETIMEDOUT);
  FAILS(brecv(s[1], &c, 1, 0), ETIMEDOUT);
  FAILS(prefix_attach(s[0], 2, PREFIX_BIG_ENDIAN), ECONNRESET);
  FAILS(suffix_attach(s[1], "\n", 1), ECONNRESET);

  GIVES(ipc_pair(s), 0);
  FAILS(brecv(s[0], &c, 1, 0), ETIMEDOUT);
  FAILS(brecv(s[1], &c, 1, 0), ETIMEDOUT);
  FAILS(ws_attach_client(s[0], WS_TEXT, "/", "example.org", -1), ECONNRESET);
  FAILS(ws_attach_server(s[1], WS_TEXT, NULL, 0, NULL, 0, -1), ECONNRESET);
}

static void econnreset_on_messages_that_are_broken(void) {
  int s[2];
  char c;
  tcp_pair(s);
  s[0] = attach_prefix(s[0]);
  GIVES(hclose(s[1]), 0);
  FAILS(mrecv(s[0], &c, 1, -1), ECONNRESET);
  FAILS(term_attach(s[0], NULL, 0), ECONNRESET);
}

static coroutine void attach_when_cancelled(int a[2], int m) {
  FAILS(msleep(-1), ECANCELED);
  FAILS(prefix_attach(a[0], 2, PREFIX_BIG_ENDIAN), ECANCELED);
  FAILS(suffix_attach(a[1], "\n", 1), ECANCELED);
  FAILS(term_attach(m, NULL, 0), ECANCELED);
}

static void ecanceled_in_a_cancelled_coroutine(void) {
  int a[2], m[2], b;
  GIVES(ipc_pair(a), 0);
  GIVES(ipc_pair(m), 0);
  b = go(attach_when_cancelled(a, attach_prefix(m[0])));
  GIVES(hclose(b), 0);
  FAILS(hclose(a[0]), EBADF);
  FAILS(hclose(a[1]), EBADF);
  GIVES(hclose(m[1]), 0);
}

/* A bytestream that has more to send than its peer takes: a layer has left it behind. */
static int leave_much_behind(int s) {
  s = prefix_attach(s, 4, PREFIX_BIG_ENDIAN);
  CHECK(s > 0);
  GIVES(msend(s, data, sizeof data, now() + 20), 0);
  s = prefix_detach(s);
  CHECK(s > 0);
  return s;
}

static coroutine void be_cancelled_in_ipc_done(int s) {
  FAILS(ipc_done(s, -1), ECANCELED);
}
static coroutine void be_cancelled_in_tcp_done(int s) {
  FAILS(tcp_done(s, -1), ECANCELED);
}

static void ends_that_have_something_to_wait_for(void) {
  int s[2], b;
  GIVES(ipc_pair(s), 0);
  s[0] = leave_much_behind(s[0]);
  FAILS(ipc_done(s[0], now() + 20), ETIMEDOUT);
  close_both(s);
  GIVES(ipc_pair(s), 0);
  s[0] = leave_much_behind(s[0]);
  b = go(be_cancelled_in_ipc_done(s[0]));
  GIVES(hclose(b), 0);
  close_both(s);

  tcp_pair(s);
  s[0] = leave_much_behind(s[0]);
  FAILS(tcp_done(s[0], now() + 20), ETIMEDOUT);
  close_both(s);
  tcp_pair(s);
  s[0] = leave_much_behind(s[0]);
  b = go(be_cancelled_in_tcp_done(s[0]));
  GIVES(hclose(b), 0);
  close_both(s);
}

static int attach_bare(int s) {
  s = ws_attach_client(s, WS_TEXT | WS_NOHTTP, NULL, NULL, -1);
  CHECK(s > 0);
  return s;
}

static coroutine void be_cancelled_in_ws_done(int s) {
  FAILS(ws_done(s, 1000, NULL, 0, -1), ECANCELED);
}

static void close_frames_that_have_no_room(void) {
  int s[2], b;
  GIVES(ipc_pair(s), 0);
  s[0] = attach_bare(s[0]);
  GIVES(msend(s[0], data, sizeof data, now() + 20), 0);
  FAILS(ws_done(s[0], 1000, NULL, 0, now() + 20), ETIMEDOUT);
  close_both(s);
  GIVES(ipc_pair(s), 0);
  s[0] = attach_bare(s[0]);
  GIVES(msend(s[0], data, sizeof data, now() + 20), 0);
  b = go(be_cancelled_in_ws_done(s[0]));
  GIVES(hclose(b), 0);
  close_both(s);
}

static coroutine void be_cancelled_in_term_done(int s) {
  FAILS(term_done(s, -1), ECANCELED);
}

static void terminators_that_have_no_room(void) {
  int s[2], b;
  GIVES(ipc_pair(s), 0);
  s[0] = prefix_attach(s[0], 4, PREFIX_BIG_ENDIAN);
  s[0] = term_attach(s[0], "STOP", 4);
  GIVES(msend(s[0], data, sizeof data, now() + 20), 0);
  b = go(be_cancelled_in_term_done(s[0]));
  GIVES(hclose(b), 0);
  GIVES(hclose(s[1]), 0);
  FAILS(term_done(s[0], -1), ECONNRESET);
  GIVES(hclose(s[0]), 0);
}

static coroutine void be_cancelled_in_a_head(int s) {
  FAILS(http_sendfield(s, "Name", "value", -1), ECANCELED);
  FAILS(http_done(s, -1), ECANCELED);
}

static void heads_that_have_no_room(void) {
  int s[2], b;
  GIVES(ipc_pair(s), 0);
  s[0] = http_attach(leave_much_behind(s[0]));
  CHECK(s[0] > 0);
  b = go(be_cancelled_in_a_head(s[0]));
  GIVES(hclose(b), 0);
  close_both(s);
}

int main(void) {
  ebusy_on_a_socket_that_is_in_use();
  econnreset_on_a_socket_that_is_broken();
  econnreset_on_messages_that_are_broken();
  ecanceled_in_a_cancelled_coroutine();
  ends_that_have_something_to_wait_for();
  close_frames_that_have_no_room();
  terminators_that_have_no_room();
  heads_that_have_no_room();
  return 0;
}
