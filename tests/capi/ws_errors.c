/* ws_errors.c - every error that the manual page of ws_send lists. */
#include "check.h"

#include <libdill.h>

static void connect_both(int s[2]) {
  GIVES(ipc_pair(s), 0);
  s[0] = ws_attach_client(s[0], WS_TEXT | WS_NOHTTP, NULL, NULL, -1);
  s[1] = ws_attach_server(s[1], WS_TEXT | WS_NOHTTP, NULL, 0, NULL, 0, -1);
  CHECK(s[0] > 0 && s[1] > 0);
}

static void discard(int s[2]) {
  GIVES(hclose(s[0]), 0);
  GIVES(hclose(s[1]), 0);
}

static char data[200000];

/* Sends until it fails; how many messages went, and why no more. */
static coroutine void flood(int s, int64_t patience, int* sent, int* code) {
  int64_t deadline = patience < 0 ? -1 : now() + patience;
  *sent = 0;
  while (ws_send(s, WS_BINARY, data, sizeof data, deadline) == 0) ++*sent;
  *code = errno;
}

static coroutine void say_the_last_word(int s) {
  GIVES(ws_send(s, WS_TEXT, "end", 3, -1), 0);
}

/* After a flood that sent `sent` messages, the peer reads these, whole, then the next one. */
static void expect_whole_messages(int s[2], int sent) {
  int b = go(say_the_last_word(s[0]));
  CHECK(sent > 0);
  for (; sent > 0; --sent) GIVES(ws_recv(s[1], NULL, data, sizeof data, -1), sizeof data);
  GIVES(ws_recv(s[1], NULL, data, sizeof data, -1), 3);
  CHECK(memcmp(data, "end", 3) == 0);
  FAILS(ws_recv(s[1], NULL, data, sizeof data, 0), ETIMEDOUT);
  GIVES(bundle_wait(b, -1), 0);
  GIVES(hclose(b), 0);
}

static void ebadf_for_a_number_that_is_no_handle(void) {
  FAILS(ws_send(-1, WS_TEXT, "x", 1, -1), EBADF);
  FAILS(ws_recv(-1, NULL, NULL, 0, -1), EBADF);
}

static void enotsup_for_a_handle_of_another_kind(void) {
  int s[2];
  GIVES(ipc_pair(s), 0);
  FAILS(ws_send(s[0], WS_TEXT, "x", 1, -1), ENOTSUP);
  FAILS(ws_recv(s[0], NULL, NULL, 0, -1), ENOTSUP);
  FAILS(ws_done(s[0], 0, NULL, 0, -1), ENOTSUP);
  FAILS(ws_detach(s[0], 0, NULL, 0, -1), ENOTSUP);
  FAILS(ws_status(s[0], NULL, NULL, 0), ENOTSUP);
  discard(s);
}

static void einval_for_memory_that_is_not_there(void) {
  struct iolist list = {NULL, 1, NULL, 0};
  int s[2];
  connect_both(s);
  FAILS(ws_send(s[0], WS_TEXT, NULL, 1, -1), EINVAL);
  FAILS(ws_sendl(s[0], WS_TEXT, &list, &list, -1), EINVAL);
  FAILS(msend(s[0], NULL, 1, -1), EINVAL);
  GIVES(ws_send(s[0], WS_TEXT, NULL, 0, -1), 0);
  discard(s);
}

static void ebusy_while_another_coroutine_sends(void) {
  int code = 0;
  int sent;
  int s[2];
  int b;
  connect_both(s);
  b = go(flood(s[0], -1, &sent, &code));
  CHECK(code == 0);
  FAILS(ws_send(s[0], WS_TEXT, "x", 1, -1), EBUSY);
  FAILS(ws_detach(s[0], 0, NULL, 0, -1), EBUSY);
  GIVES(hclose(b), 0);
  CHECK(code == ECANCELED);
  discard(s);
}

static coroutine void receive(int s, int code) {
  FAILS(mrecvl(s, NULL, NULL, -1), code);
}

static void ebusy_while_another_coroutine_receives(void) {
  char c;
  int s[2];
  int b;
  connect_both(s);
  b = go(receive(s[0], ECANCELED));
  FAILS(ws_recv(s[0], NULL, &c, 1, -1), EBUSY);
  GIVES(hclose(b), 0);
  GIVES(ws_send(s[1], WS_TEXT, "x", 1, -1), 0);
  GIVES(ws_recv(s[0], NULL, &c, 1, -1), 1);
  discard(s);
}

static void ecanceled_says_that_nothing_was_sent(void) {
  int code = 0;
  int sent;
  int s[2];
  int b;
  connect_both(s);
  b = go(flood(s[0], -1, &sent, &code));
  GIVES(msleep(now() + 20), 0);
  GIVES(hclose(b), 0);
  CHECK(code == ECANCELED);
  expect_whole_messages(s, sent);
  discard(s);
}

static void ecanceled_when_the_handle_is_closed(void) {
  int code = 0;
  int sent;
  int s[2];
  int b, receiver;
  connect_both(s);
  b = go(flood(s[0], -1, &sent, &code));
  receiver = go(receive(s[0], ECANCELED));
  GIVES(hclose(s[0]), 0);
  GIVES(bundle_wait(b, -1), 0);
  GIVES(bundle_wait(receiver, -1), 0);
  CHECK(code == ECANCELED || code == EBADF);
  GIVES(hclose(b), 0);
  GIVES(hclose(receiver), 0);
  GIVES(hclose(s[1]), 0);
}

static void etimedout_says_that_nothing_was_sent(void) {
  int code = 0;
  int sent;
  int s[2];
  connect_both(s);
  flood(s[0], 20, &sent, &code);
  CHECK(code == ETIMEDOUT);
  FAILS(ws_send(s[0], WS_TEXT, "x", 1, 0), ETIMEDOUT);
  expect_whole_messages(s, sent);
  discard(s);
}

static void epipe_after_this_side_said_its_last_word(void) {
  int s[2];
  connect_both(s);
  GIVES(ws_done(s[0], 1000, NULL, 0, -1), 0);
  FAILS(ws_send(s[0], WS_TEXT, "x", 1, -1), EPIPE);
  FAILS(mrecvl(s[1], NULL, NULL, -1), EPIPE);
  FAILS(mrecvl(s[0], NULL, NULL, -1), EPIPE);
  discard(s);
}

static void econnreset_when_the_connection_broke(void) {
  int s[2];
  int i;
  connect_both(s);
  GIVES(hclose(s[1]), 0);
  for (i = 0; i < 3 && ws_send(s[0], WS_TEXT, "x", 1, -1) == 0; ++i) continue;
  FAILS(ws_send(s[0], WS_TEXT, "x", 1, -1), ECONNRESET);
  GIVES(hclose(s[0]), 0);
}

int main(void) {
  ebadf_for_a_number_that_is_no_handle();
  enotsup_for_a_handle_of_another_kind();
  einval_for_memory_that_is_not_there();
  ebusy_while_another_coroutine_sends();
  ebusy_while_another_coroutine_receives();
  ecanceled_says_that_nothing_was_sent();
  ecanceled_when_the_handle_is_closed();
  etimedout_says_that_nothing_was_sent();
  epipe_after_this_side_said_its_last_word();
  econnreset_when_the_connection_broke();
  return 0;
}
