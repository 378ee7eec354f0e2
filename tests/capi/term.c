/* term.c - conversations that end with a message. */
#include "own_sockets.h"
#include "records.h"

static int lined(int s) {
  s = suffix_attach(s, "\r\n", 2);
  CHECK(s > 0);
  return s;
}

/* Messages up to STOP at one end, bytes at the other. */
static void connect_raw(int s[2]) {
  GIVES(ipc_pair(s), 0);
  s[0] = term_attach(lined(s[0]), "STOP", 4);
  CHECK(s[0] > 0);
}

static void connect_both(int s[2]) {
  connect_raw(s);
  s[1] = term_attach(lined(s[1]), "STOP", 4);
  CHECK(s[1] > 0);
}

static coroutine void talk(int s) {
  send_message(s, "ABC");
  expect_message(s, "DEF");
  send_message(s, "dropped by the one who leaves");
  s = term_detach(s, -1);
  CHECK(s > 0);
  send_message(s, "beyond");
  GIVES(hclose(s), 0);
}

static void both_say_goodbye_and_the_socket_below_goes_on(void) {
  int s[2], b;
  connect_both(s);
  b = go(talk(s[1]));
  expect_message(s[0], "ABC");
  send_message(s[0], "DEF");
  s[0] = term_detach(s[0], -1);
  CHECK(s[0] > 0);
  expect_message(s[0], "beyond");
  GIVES(bundle_wait(b, -1), 0);
  GIVES(hclose(b), 0);
  GIVES(hclose(s[0]), 0);
}

static void the_terminator_is_a_message_of_the_socket_below(void) {
  int s[2];
  connect_raw(s);
  send_message(s[0], "one");
  GIVES(term_done(s[0], -1), 0);
  hear(s[1], "one\r\nSTOP\r\n", 11);
  say(s[1], "two\r\nSTOP\r\nthree\r\nrest", 22);
  expect_message(s[0], "two");
  FAILS(mrecvl(s[0], NULL, NULL, -1), EPIPE);
  s[0] = term_detach(s[0], 0);
  CHECK(s[0] > 0);
  expect_message(s[0], "three");
  s[0] = suffix_detach(s[0], -1);
  hear(s[0], "rest", 4);
  close_both(s);
}

static void epipe_of_every_receive_behind_the_terminator(void) {
  char got[64];
  int s[2];
  connect_raw(s);
  say(s[1], "STOP\r\nbeyond\r\n", 14);
  FAILS(mrecv(s[0], got, 0, -1), EPIPE);
  FAILS(mrecv(s[0], got, sizeof got, -1), EPIPE);
  FAILS(mrecv(s[0], got, sizeof got, -1), EPIPE);
  FAILS(mrecvl(s[0], NULL, NULL, -1), EPIPE);
  close_both(s);
}

static void epipe_of_what_is_sent_behind_the_terminator(void) {
  int s[2];
  connect_raw(s);
  GIVES(term_done(s[0], -1), 0);
  FAILS(term_done(s[0], -1), EPIPE);
  FAILS(msend(s[0], "more", 4, -1), EPIPE);
  say(s[1], "still heard\r\n", 13);
  expect_message(s[0], "still heard");
  close_both(s);
}

static void einval_for_the_terminator_as_a_message(void) {
  struct iolist second = {(void*)"OP", 2, NULL, 0};
  struct iolist first = {(void*)"ST", 2, &second, 0};
  int s[2];
  connect_raw(s);
  FAILS(msend(s[0], "STOP", 4, -1), EINVAL);
  FAILS(msendl(s[0], &first, &second, -1), EINVAL);
  FAILS(msend(s[0], NULL, 4, -1), EINVAL);
  send_message(s[0], "STOPS");
  hear(s[1], "STOPS\r\n", 7);
  close_both(s);
}

static void the_terminator_may_be_empty_or_long(void) {
  char terminator[100];
  int s[2];
  GIVES(ipc_pair(s), 0);
  s[0] = term_attach(lined(s[0]), NULL, 0);
  CHECK(s[0] > 0);
  say(s[1], "Field: value\r\n\r\nbody", 20);
  expect_message(s[0], "Field: value");
  FAILS(mrecvl(s[0], NULL, NULL, -1), EPIPE);
  s[0] = suffix_detach(term_detach(s[0], -1), -1);
  hear(s[0], "body", 4);
  hear(s[1], "\r\n", 2);
  close_both(s);

  memset(terminator, 'x', sizeof terminator);
  GIVES(ipc_pair(s), 0);
  s[0] = term_attach(lined(s[0]), terminator, sizeof terminator);
  CHECK(s[0] > 0);
  GIVES(bsend(s[1], terminator, sizeof terminator, -1), 0);
  say(s[1], "\r\n", 2);
  FAILS(mrecvl(s[0], NULL, NULL, -1), EPIPE);
  close_both(s);
}

static void emsgsize_for_too_little_memory_and_the_message_stays(void) {
  char got[5];
  int s[2];
  connect_raw(s);
  say(s[1], "abc\r\nabcdefgh\r\nijklmnop\r\nlast\r\n", 31);
  FAILS(mrecv(s[0], got, 2, -1), EMSGSIZE);
  GIVES(mrecv(s[0], got, 3, -1), 3);
  CHECK(memcmp(got, "abc", 3) == 0);
  FAILS(mrecv(s[0], got, 2, -1), EMSGSIZE);
  FAILS(mrecv(s[0], got, 5, -1), EMSGSIZE);
  expect_message(s[0], "abcdefgh");
  GIVES(mrecvl(s[0], NULL, NULL, -1), 8);
  expect_message(s[0], "last");
  close_both(s);
}

static void lists_are_gathered_and_scattered(void) {
  char a[2], b[3];
  struct iolist out2 = {(void*)"defg", 4, NULL, 0};
  struct iolist out1 = {(void*)"abc", 3, &out2, 0};
  struct iolist in3 = {b, 3, NULL, 0};
  struct iolist in2 = {NULL, 2, &in3, 0};
  struct iolist in1 = {a, 2, &in2, 0};
  int s[2];
  connect_both(s);
  GIVES(msendl(s[0], &out1, &out2, -1), 0);
  GIVES(mrecvl(s[1], &in1, &in3, -1), 7);
  CHECK(memcmp(a, "ab", 2) == 0 && memcmp(b, "efg", 3) == 0);
  send_message(s[0], "dropped");
  GIVES(mrecv(s[1], NULL, SIZE_MAX, -1), 7);
  FAILS(msendl(s[0], NULL, NULL, -1), EINVAL);
  FAILS(mrecvl(s[1], &in1, NULL, -1), EINVAL);
  close_both(s);
}

static void etimedout_loses_nothing(void) {
  char got[64];
  int s[2], sent;
  connect_both(s);
  FAILS(mrecv(s[1], got, sizeof got, 0), ETIMEDOUT);
  FAILS(mrecv(s[1], got, sizeof got, now() + 1), ETIMEDOUT);
  flood(s[0], 20, ETIMEDOUT, &sent);
  FAILS(term_done(s[0], now() + 1), ETIMEDOUT);
  expect_flood(s[1], sent);
  GIVES(term_done(s[0], -1), 0);
  FAILS(mrecv(s[1], got, sizeof got, -1), EPIPE);
  close_both(s);
}

static void etimedout_of_a_detach_closes_everything(void) {
  char c;
  int s[2];
  connect_raw(s);
  FAILS(term_detach(s[0], now() + 1), ETIMEDOUT);
  FAILS(hclose(s[0]), EBADF);
  hear(s[1], "STOP\r\n", 6);
  CHECK(brecv(s[1], &c, 1, -1) < 0);
  GIVES(hclose(s[1]), 0);
}

static coroutine void detach_in_vain(int s, int code) {
  FAILS(term_detach(s, -1), code);
  FAILS(hclose(s), EBADF);
}

static void ecanceled_of_a_detach(void) {
  int s[2], b;
  connect_raw(s);
  b = go(detach_in_vain(s[0], ECANCELED));
  GIVES(hclose(b), 0);
  GIVES(hclose(s[1]), 0);
  connect_raw(s);
  b = go(detach_in_vain(s[0], ECANCELED));
  GIVES(hclose(s[0]), 0);
  GIVES(bundle_wait(b, -1), 0);
  GIVES(hclose(b), 0);
  GIVES(hclose(s[1]), 0);
}

static void ecanceled_loses_nothing(void) {
  int s[2], b, sent;
  connect_both(s);
  b = go(fail_to_receive(s[1], ECANCELED));
  GIVES(hclose(b), 0);
  send_message(s[0], "still here");
  expect_message(s[1], "still here");
  b = go(flood(s[0], -1, ECANCELED, &sent));
  GIVES(hclose(b), 0);
  expect_flood(s[1], sent);
  b = go(fail_to_receive(s[1], ECANCELED));
  GIVES(hclose(s[1]), 0);
  GIVES(bundle_wait(b, -1), 0);
  GIVES(hclose(b), 0);
  GIVES(hclose(s[0]), 0);
}

static void ebusy_while_another_coroutine_is_inside(void) {
  int s[2], b, sent;
  char c;
  connect_both(s);
  b = go(fail_to_receive(s[1], ECANCELED));
  FAILS(mrecv(s[1], &c, 1, -1), EBUSY);
  FAILS(term_detach(s[1], -1), EBUSY);
  GIVES(hclose(b), 0);
  b = go(flood(s[0], -1, ECANCELED, &sent));
  FAILS(msend(s[0], "x", 1, -1), EBUSY);
  FAILS(term_done(s[0], -1), EBUSY);
  FAILS(term_detach(s[0], -1), EBUSY);
  GIVES(hclose(b), 0);
  close_both(s);
}

static void econnreset_for_an_end_without_a_terminator(void) {
  char got[64];
  int s[2];
  connect_raw(s);
  say(s[1], "one\r\n", 5);
  GIVES(ipc_done(s[1], -1), 0);
  expect_message(s[0], "one");
  FAILS(mrecv(s[0], got, sizeof got, -1), ECONNRESET);
  FAILS(mrecv(s[0], got, sizeof got, -1), ECONNRESET);
  FAILS(term_detach(s[0], -1), ECONNRESET);
  FAILS(hclose(s[0]), EBADF);
  GIVES(hclose(s[1]), 0);
}

static void a_wrong_argument_closes_the_socket_below(void) {
  struct term_storage mem;
  int s[2];
  FAILS(term_attach(-1, "x", 1), EBADF);
  FAILS(term_done(-1, -1), EBADF);
  FAILS(term_detach(-1, -1), EBADF);
  GIVES(ipc_pair(s), 0);
  FAILS(term_attach(s[0], "x", 1), EPROTO);
  FAILS(hclose(s[0]), EBADF);
  GIVES(hclose(s[1]), 0);
  GIVES(ipc_pair(s), 0);
  s[0] = lined(s[0]);
  FAILS(term_attach(s[0], NULL, 1), EINVAL);
  FAILS(hclose(s[0]), EBADF);
  s[1] = lined(s[1]);
  FAILS(term_attach_mem(s[1], "x", 1, NULL), EINVAL);
  FAILS(hclose(s[1]), EBADF);
  GIVES(ipc_pair(s), 0);
  s[0] = lined(s[0]);
  FAILS(term_attach_mem(s[0], NULL, 40, &mem), EINVAL);
  FAILS(hclose(s[0]), EBADF);
  GIVES(hclose(s[1]), 0);
}

static void enotsup_for_a_handle_of_another_kind_which_stays_open(void) {
  int s[2];
  connect_raw(s);
  FAILS(bsend(s[0], "x", 1, -1), ENOTSUP);
  FAILS(suffix_detach(s[0], -1), ENOTSUP);
  FAILS(term_done(s[1], -1), ENOTSUP);
  FAILS(term_detach(s[1], -1), ENOTSUP);
  say(s[1], "open\r\n", 6);
  expect_message(s[0], "open");
  close_both(s);
}

static void the_object_may_be_in_any_memory_of_the_program(void) {
  char memory[sizeof(struct term_storage) + 1];
  int s[2];
  GIVES(ipc_pair(s), 0);
  s[0] = term_attach_mem(lined(s[0]), "STOP", 4, (struct term_storage*)(void*)(memory + 1));
  CHECK(s[0] > 0);
  say(s[1], "STOP\r\n", 6);
  s[0] = term_detach(s[0], -1);
  CHECK(s[0] > 0);
  memset(memory, 0x55, sizeof memory);
  close_both(s);
}

static void stands_on_messages_of_the_program(void) {
  struct quux mine, theirs;
  char got[4];
  int s[2];
  GIVES(ipc_pair(s), 0);
  s[0] = term_attach(quux_attach(&mine, s[0]), "STOP", 4);
  s[1] = term_attach(quux_attach(&theirs, s[1]), "STOP", 4);
  CHECK(s[0] > 0 && s[1] > 0);
  send_message(s[0], "larger than the terminator");
  send_message(s[0], "x");
  send_message(s[0], "dropped");
  send_message(s[0], "too");
  GIVES(term_done(s[0], -1), 0);
  FAILS(mrecv(s[1], got, sizeof got, -1), EMSGSIZE);
  expect_message(s[1], "larger than the terminator");
  expect_message(s[1], "x");
  GIVES(mrecvl(s[1], NULL, NULL, -1), 7);
  s[1] = term_detach(s[1], -1);
  CHECK(s[1] > 0);
  s[0] = term_detach(s[0], -1);
  CHECK(s[0] > 0);
  CHECK(msend(s[0], "beyond", 6, -1) == 0);
  CHECK(mrecvl(s[1], NULL, NULL, -1) == 6);
  close_both(s);
}

static void stands_on_a_websocket(void) {
  int s[2];
  GIVES(ipc_pair(s), 0);
  s[0] = ws_attach_client(s[0], WS_TEXT | WS_NOHTTP, NULL, NULL, -1);
  s[1] = ws_attach_server(s[1], WS_TEXT | WS_NOHTTP, NULL, 0, NULL, 0, -1);
  s[0] = term_attach(s[0], "STOP", 4);
  s[1] = term_attach(s[1], "STOP", 4);
  CHECK(s[0] > 0 && s[1] > 0);
  send_message(s[0], "Hello");
  GIVES(term_done(s[0], -1), 0);
  expect_message(s[1], "Hello");
  FAILS(mrecvl(s[1], NULL, NULL, -1), EPIPE);
  GIVES(term_done(s[1], -1), 0);
  s[0] = term_detach(s[0], -1);
  s[1] = term_detach(s[1], -1);
  CHECK(s[0] > 0 && s[1] > 0);
  GIVES(ws_send(s[0], WS_TEXT, "raw", 3, -1), 0);
  expect_message(s[1], "raw");
  close_both(s);
}

int main(void) {
  both_say_goodbye_and_the_socket_below_goes_on();
  the_terminator_is_a_message_of_the_socket_below();
  epipe_of_every_receive_behind_the_terminator();
  epipe_of_what_is_sent_behind_the_terminator();
  einval_for_the_terminator_as_a_message();
  the_terminator_may_be_empty_or_long();
  emsgsize_for_too_little_memory_and_the_message_stays();
  lists_are_gathered_and_scattered();
  etimedout_loses_nothing();
  etimedout_of_a_detach_closes_everything();
  ecanceled_of_a_detach();
  ecanceled_loses_nothing();
  ebusy_while_another_coroutine_is_inside();
  econnreset_for_an_end_without_a_terminator();
  a_wrong_argument_closes_the_socket_below();
  enotsup_for_a_handle_of_another_kind_which_stays_open();
  the_object_may_be_in_any_memory_of_the_program();
  stands_on_messages_of_the_program();
  stands_on_a_websocket();
  return 0;
}
