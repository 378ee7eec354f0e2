/* suffix.c - messages before a delimiter. */
#include "own_sockets.h"
#include "records.h"

/* Lines at one end, bytes at the other. */
static void connect_raw(int s[2]) {
  GIVES(ipc_pair(s), 0);
  s[0] = suffix_attach(s[0], "\r\n", 2);
  CHECK(s[0] > 0);
}

static void connect_both(int s[2]) {
  connect_raw(s);
  s[1] = suffix_attach(s[1], "\r\n", 2);
  CHECK(s[1] > 0);
}

static coroutine void talk_and_leave(int s) {
  struct suffix_storage mem;
  s = suffix_attach_mem(s, "--- END --", 10, &mem);
  CHECK(s > 0);
  send_message(s, "shorter");
  send_message(s, "skipped, since it is of no use");
  send_message(s, "");
  expect_message(s, "answer");
  send_message(s, "in flight");
  s = suffix_detach(s, -1);
  CHECK(s > 0);
  GIVES(hclose(s), 0);
}

static void a_conversation_with_a_delimiter_longer_than_its_messages(void) {
  int s[2], b;
  tcp_pair(s);
  b = go(talk_and_leave(s[1]));
  s[0] = suffix_attach(s[0], "--- END --", 10);
  CHECK(s[0] > 0);
  expect_message(s[0], "shorter");
  GIVES(mrecv(s[0], NULL, SIZE_MAX, -1), 30);
  expect_message(s[0], "");
  send_message(s[0], "answer");
  GIVES(bundle_wait(b, -1), 0);
  expect_message(s[0], "in flight");
  s[0] = suffix_detach(s[0], -1);
  CHECK(s[0] > 0);
  GIVES(hclose(s[0]), 0);
  GIVES(hclose(b), 0);
}

static void lines_are_cut_at_their_delimiter_and_nowhere_else(void) {
  int s[2];
  connect_raw(s);
  say(s[1], "one\r\ntw\ro\r\r\n\r\nthr", 17);
  expect_message(s[0], "one");
  expect_message(s[0], "tw\ro\r");
  expect_message(s[0], "");
  say(s[1], "ee\r\n", 4);
  expect_message(s[0], "three");
  send_message(s[0], "out");
  hear(s[1], "out\r\n", 5);
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
  GIVES(mrecvl(s[1], NULL, NULL, -1), 7);
  send_message(s[0], "last");
  expect_message(s[1], "last");
  FAILS(msendl(s[0], NULL, NULL, -1), EINVAL);
  FAILS(mrecvl(s[1], &in1, NULL, -1), EINVAL);
  close_both(s);
}

static void emsgsize_for_too_little_memory_and_the_message_stays(void) {
  char got[8] = "*******";
  struct iolist second = {got + 2, 2, NULL, 0};
  struct iolist first = {got, 2, &second, 0};
  int s[2];
  connect_both(s);
  send_message(s[0], "abcde");
  send_message(s[0], "f");
  FAILS(mrecv(s[1], got, 0, -1), EMSGSIZE);
  FAILS(mrecv(s[1], got, 4, -1), EMSGSIZE);
  FAILS(mrecvl(s[1], &first, &second, -1), EMSGSIZE);
  CHECK(strcmp(got + 4, "***") == 0);
  GIVES(mrecv(s[1], got, 5, -1), 5);
  CHECK(memcmp(got, "abcde**", 7) == 0);
  expect_message(s[1], "f");
  close_both(s);
}

static void a_line_without_end_is_too_large_or_dropped_but_never_gathered(void) {
  static char piece[50000];
  char got[64];
  int s[2], i;
  connect_raw(s);
  GIVES(bsend(s[1], piece, 1000, -1), 0);
  FAILS(mrecv(s[0], got, sizeof got, -1), EMSGSIZE);
  for (i = 0; i < 100; ++i) {
    GIVES(bsend(s[1], piece, sizeof piece, -1), 0);
    FAILS(mrecvl(s[0], NULL, NULL, now() + 5), ETIMEDOUT);
  }
  say(s[1], "\r\nnext\r\n", 8);
  GIVES(mrecvl(s[0], NULL, NULL, -1), 1000 + 100 * (long)sizeof piece);
  expect_message(s[0], "next");
  close_both(s);
}

static void einval_for_a_message_with_the_delimiter_in_it(void) {
  struct iolist second = {(void*)"\ntwo", 4, NULL, 0};
  struct iolist first = {(void*)"one\r", 4, &second, 0};
  int s[2];
  connect_raw(s);
  FAILS(msend(s[0], "one\r\ntwo", 8, -1), EINVAL);
  FAILS(msendl(s[0], &first, &second, -1), EINVAL);
  FAILS(msend(s[0], NULL, 1, -1), EINVAL);
  send_message(s[0], "\r");
  hear(s[1], "\r\r\n", 3);
  close_both(s);
}

static void etimedout_loses_nothing(void) {
  static const char text[] = "slowly\r\n";
  char got[64];
  int s[2];
  size_t i;
  connect_raw(s);
  for (i = 0; i < sizeof text - 1; ++i) {
    FAILS(mrecv(s[0], got, sizeof got, 0), ETIMEDOUT);
    FAILS(mrecv(s[0], got, sizeof got, now() + 1), ETIMEDOUT);
    say(s[1], text + i, 1);
  }
  expect_message(s[0], "slowly");
  close_both(s);
}

static void etimedout_says_that_nothing_was_sent(void) {
  int s[2], sent;
  connect_both(s);
  flood(s[0], 20, ETIMEDOUT, &sent);
  CHECK(sent > 0);
  expect_flood(s[1], sent);
  send_message(s[0], "after");
  expect_message(s[1], "after");
  close_both(s);
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
  FAILS(suffix_detach(s[1], -1), EBUSY);
  GIVES(hclose(b), 0);
  b = go(flood(s[0], -1, ECANCELED, &sent));
  FAILS(msend(s[0], "x", 1, -1), EBUSY);
  FAILS(suffix_detach(s[0], -1), EBUSY);
  GIVES(hclose(b), 0);
  close_both(s);
}

static void ebusy_while_a_message_is_half_dropped(void) {
  int s[2];
  connect_raw(s);
  say(s[1], "abc", 3);
  FAILS(mrecvl(s[0], NULL, NULL, 0), ETIMEDOUT);
  FAILS(mrecvl(s[0], NULL, NULL, now() + 10), ETIMEDOUT);
  FAILS(suffix_detach(s[0], -1), EBUSY);
  say(s[1], "de\r\nrest", 8);
  GIVES(mrecvl(s[0], NULL, NULL, -1), 5);
  s[0] = suffix_detach(s[0], 0);
  CHECK(s[0] > 0);
  hear(s[0], "rest", 4);
  close_both(s);
}

static void detaching_leaves_what_was_not_received(void) {
  char got[8];
  int s[2];
  connect_raw(s);
  say(s[1], "one\r\ntwo\r\nthr", 13);
  expect_message(s[0], "one");
  FAILS(mrecv(s[0], got, 2, -1), EMSGSIZE);
  s[0] = suffix_detach(s[0], -1);
  CHECK(s[0] > 0);
  hear(s[0], "two\r\nthr", 8);
  FAILS(suffix_detach(s[0], -1), ENOTSUP);
  say(s[0], "open", 4);
  hear(s[1], "open", 4);
  close_both(s);
}

static void epipe_at_the_end_and_econnreset_inside_a_message(void) {
  int s[2];
  char c;
  connect_raw(s);
  say(s[1], "x\r\n", 3);
  GIVES(ipc_done(s[1], -1), 0);
  expect_message(s[0], "x");
  FAILS(mrecv(s[0], &c, 1, -1), EPIPE);
  FAILS(mrecv(s[0], &c, 1, -1), EPIPE);
  close_both(s);
  connect_raw(s);
  say(s[1], "x\r", 2);
  GIVES(ipc_done(s[1], -1), 0);
  FAILS(mrecvl(s[0], NULL, NULL, -1), ECONNRESET);
  FAILS(suffix_detach(s[0], -1), ECONNRESET);
  FAILS(hclose(s[0]), EBADF);
  GIVES(hclose(s[1]), 0);
}

static void econnreset_when_the_peer_is_gone(void) {
  int s[2], i;
  connect_both(s);
  GIVES(hclose(s[1]), 0);
  for (i = 0; i < 3 && msend(s[0], "x", 1, -1) == 0; ++i) continue;
  FAILS(msend(s[0], "x", 1, -1), ECONNRESET);
  GIVES(hclose(s[0]), 0);
}

static void a_wrong_argument_closes_the_socket_below(void) {
  static const char delimiter[33] = "";
  int s[2], ch[2];
  GIVES(ipc_pair(s), 0);
  FAILS(suffix_attach(s[0], NULL, 1), EINVAL);
  FAILS(hclose(s[0]), EBADF);
  FAILS(suffix_attach_mem(s[1], "x", 1, NULL), EINVAL);
  FAILS(hclose(s[1]), EBADF);
  GIVES(ipc_pair(s), 0);
  FAILS(suffix_attach(s[0], "", 0), EINVAL);
  FAILS(hclose(s[0]), EBADF);
  GIVES(hclose(s[1]), 0);
  GIVES(ipc_pair(s), 0);
  s[0] = suffix_attach(s[0], delimiter, 32);
  CHECK(s[0] > 0);
  FAILS(suffix_attach(s[1], delimiter, 33), EINVAL);
  FAILS(hclose(s[1]), EBADF);
  GIVES(hclose(s[0]), 0);
  FAILS(suffix_attach(-1, "x", 1), EBADF);
  FAILS(suffix_detach(-1, -1), EBADF);
  GIVES(chmake(ch), 0);
  FAILS(suffix_attach(ch[0], "x", 1), EPROTO);
  FAILS(hclose(ch[0]), EBADF);
  GIVES(hclose(ch[1]), 0);
}

static void stands_on_a_bytestream_of_the_program(void) {
  struct flip mine, theirs;
  char text[8] = "raw";
  int s[2];
  GIVES(ipc_pair(s), 0);
  s[0] = flip_attach(&mine, s[0]);
  s[1] = suffix_attach(flip_attach(&theirs, s[1]), "STOP", 4);
  CHECK(s[0] > 0 && s[1] > 0);
  memcpy(text, "aSSTOP", 6);
  CHECK(bsend(s[0], text, 6, -1) == 0);
  memcpy(text, "raw", 3);
  CHECK(bsend(s[0], text, 3, -1) == 0);
  expect_message(s[1], "aS");
  s[1] = suffix_detach(s[1], -1);
  CHECK(s[1] > 0);
  CHECK(brecv(s[1], text, 3, -1) == 0 && memcmp(text, "raw", 3) == 0);
  close_both(s);
  CHECK(mine.closed && theirs.closed);
}

int main(void) {
  a_conversation_with_a_delimiter_longer_than_its_messages();
  lines_are_cut_at_their_delimiter_and_nowhere_else();
  lists_are_gathered_and_scattered();
  emsgsize_for_too_little_memory_and_the_message_stays();
  a_line_without_end_is_too_large_or_dropped_but_never_gathered();
  einval_for_a_message_with_the_delimiter_in_it();
  etimedout_loses_nothing();
  etimedout_says_that_nothing_was_sent();
  ecanceled_loses_nothing();
  ebusy_while_another_coroutine_is_inside();
  ebusy_while_a_message_is_half_dropped();
  detaching_leaves_what_was_not_received();
  epipe_at_the_end_and_econnreset_inside_a_message();
  econnreset_when_the_peer_is_gone();
  a_wrong_argument_closes_the_socket_below();
  stands_on_a_bytestream_of_the_program();
  return 0;
}
