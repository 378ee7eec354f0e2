/* prefix.c - messages behind their length. */
#include "own_sockets.h"
#include "records.h"

/* Messages at one end, bytes at the other. */
static void connect_raw(int s[2], size_t hdrlen, int flags) {
  GIVES(ipc_pair(s), 0);
  s[0] = prefix_attach(s[0], hdrlen, flags);
  CHECK(s[0] > 0);
}

static void connect_both(int s[2]) {
  connect_raw(s, 2, PREFIX_BIG_ENDIAN);
  s[1] = prefix_attach(s[1], 2, PREFIX_BIG_ENDIAN);
  CHECK(s[1] > 0);
}

static coroutine void talk_and_leave(int s) {
  s = prefix_attach(s, 8, PREFIX_BIG_ENDIAN);
  CHECK(s > 0);
  send_message(s, "ABC");
  send_message(s, "");
  send_message(s, "skipped");
  expect_message(s, "answer");
  send_message(s, "in flight");
  s = prefix_detach(s);
  CHECK(s > 0);
  GIVES(hclose(s), 0);
}

static void a_conversation_over_tcp_whose_one_side_leaves_early(void) {
  int s[2], b;
  tcp_pair(s);
  b = go(talk_and_leave(s[1]));
  s[0] = prefix_attach(s[0], 8, PREFIX_BIG_ENDIAN);
  CHECK(s[0] > 0);
  expect_message(s[0], "ABC");
  expect_message(s[0], "");
  GIVES(mrecvl(s[0], NULL, NULL, -1), 7);
  send_message(s[0], "answer");
  GIVES(bundle_wait(b, -1), 0);
  expect_message(s[0], "in flight");
  s[0] = prefix_detach(s[0]);
  CHECK(s[0] > 0);
  GIVES(hclose(s[0]), 0);
  GIVES(hclose(b), 0);
}

static void the_length_is_of_any_width_and_either_order(void) {
  int s[2];
  connect_raw(s, 3, PREFIX_LITTLE_ENDIAN);
  send_message(s[0], "ABC");
  hear(s[1], "\3\0\0ABC", 6);
  say(s[1], "\2\0\0de", 5);
  expect_message(s[0], "de");
  close_both(s);
  connect_raw(s, 12, PREFIX_BIG_ENDIAN);
  send_message(s[0], "ABC");
  hear(s[1], "\0\0\0\0\0\0\0\0\0\0\0\3ABC", 15);
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
  GIVES(msendl(s[0], &out1, &out2, -1), 0);
  in3.iol_len = 2;
  FAILS(mrecvl(s[1], &in1, &in3, -1), EMSGSIZE);
  in3.iol_len = 3;
  GIVES(mrecvl(s[1], &in1, &in3, -1), 7);
  CHECK(memcmp(a, "ab", 2) == 0 && memcmp(b, "efg", 3) == 0);
  GIVES(mrecv(s[1], NULL, 7, -1), 7);
  send_message(s[0], "dropped");
  GIVES(mrecv(s[1], NULL, SIZE_MAX, -1), 7);
  send_message(s[0], "abcdefg");
  in1.iol_next = &in3;
  in3.iol_base = NULL;
  in3.iol_len = SIZE_MAX;
  GIVES(mrecvl(s[1], &in1, &in3, -1), 7);
  CHECK(memcmp(a, "ab", 2) == 0);
  CHECK(in1.iol_next == &in3 && in2.iol_next == &in3 && in3.iol_next == NULL);
  close_both(s);
}

static void einval_for_bad_lists_which_harms_nothing(void) {
  char a[4];
  struct iolist second = {a, 1, NULL, 0};
  struct iolist first = {a, 1, &second, 0};
  struct iolist reserved = {a, 1, NULL, 1};
  struct iolist alone = {a, 1, NULL, 0};
  int s[2];
  connect_both(s);
  FAILS(msendl(s[0], NULL, NULL, -1), EINVAL);
  FAILS(msendl(s[0], &first, NULL, -1), EINVAL);
  FAILS(msendl(s[0], &first, &alone, -1), EINVAL);
  FAILS(msendl(s[0], &reserved, &reserved, -1), EINVAL);
  FAILS(msend(s[0], NULL, 1, -1), EINVAL);
  FAILS(mrecvl(s[1], &first, NULL, -1), EINVAL);
  FAILS(mrecvl(s[1], &first, &alone, -1), EINVAL);
  second.iol_next = &first;
  FAILS(msendl(s[0], &first, &second, -1), EINVAL);
  send_message(s[0], "fine");
  expect_message(s[1], "fine");
  close_both(s);
}

static coroutine void send_large(int s, const char* message, size_t n) {
  GIVES(msend(s, message, n, -1), 0);
}

static void emsgsize_for_a_length_that_does_not_fit(void) {
  static char message[65537], got[65537];
  int s[2], b;
  connect_both(s);
  FAILS(msend(s[0], message, 65536, -1), EMSGSIZE);
  FAILS(msend(s[0], message, 65537, -1), EMSGSIZE);
  memset(message, 'x', sizeof message);
  b = go(send_large(s[0], message, 65535));
  GIVES(mrecv(s[1], got, sizeof got, -1), 65535);
  CHECK(memcmp(message, got, 65535) == 0);
  GIVES(bundle_wait(b, -1), 0);
  GIVES(hclose(b), 0);
  close_both(s);
}

static void emsgsize_for_too_little_memory_and_the_message_stays(void) {
  char got[3];
  int s[2];
  connect_both(s);
  send_message(s[0], "abc");
  send_message(s[0], "d");
  FAILS(mrecv(s[1], got, 1, -1), EMSGSIZE);
  FAILS(mrecv(s[1], got, 2, -1), EMSGSIZE);
  FAILS(mrecv(s[1], NULL, 2, -1), EMSGSIZE);
  GIVES(mrecv(s[1], got, 3, -1), 3);
  CHECK(memcmp(got, "abc", 3) == 0);
  expect_message(s[1], "d");
  close_both(s);
}

static void a_length_from_a_hostile_peer_is_only_too_large(void) {
  char got[64];
  int s[2];
  connect_raw(s, 8, PREFIX_BIG_ENDIAN);
  say(s[1], "\xff\xff\xff\xff\xff\xff\xff\xff", 8);
  FAILS(mrecv(s[0], got, sizeof got, -1), EMSGSIZE);
  FAILS(mrecvl(s[0], NULL, NULL, -1), EMSGSIZE);
  close_both(s);
}

static coroutine void send_slowly(int s, const char* data, size_t n) {
  size_t at;
  for (at = 0; at < n; at += 50000) {
    GIVES(bsend(s, data + at, n - at < 50000 ? n - at : 50000, -1), 0);
    GIVES(msleep(now() + 2), 0);
  }
}

static void etimedout_loses_nothing_of_a_message_however_large(void) {
  static char data[3 + 300000], got[300000];
  int s[2], b, timeouts = 0;
  size_t i;
  ssize_t n;
  for (i = 0; i < sizeof got; ++i) data[3 + i] = (char)(i * 7);
  memcpy(data, "\x04\x93\xe0", 3);
  connect_raw(s, 3, PREFIX_BIG_ENDIAN);
  FAILS(mrecv(s[0], got, sizeof got, 0), ETIMEDOUT);
  FAILS(mrecv(s[0], got, sizeof got, now() + 1), ETIMEDOUT);
  b = go(send_slowly(s[1], data, sizeof data));
  while ((n = mrecv(s[0], got, sizeof got, now() + 1)) < 0) {
    CHECK(errno == ETIMEDOUT);
    ++timeouts;
  }
  CHECK(n == sizeof got && timeouts > 0 && memcmp(got, data + 3, sizeof got) == 0);
  GIVES(bundle_wait(b, -1), 0);
  GIVES(hclose(b), 0);
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
  send_message(s[0], "after");
  expect_message(s[1], "after");
  close_both(s);
}

static void ecanceled_when_the_handle_is_closed(void) {
  int s[2], b, sent, receiver;
  connect_both(s);
  b = go(flood(s[0], -1, ECANCELED, &sent));
  receiver = go(fail_to_receive(s[0], ECANCELED));
  GIVES(hclose(s[0]), 0);
  GIVES(bundle_wait(b, -1), 0);
  GIVES(bundle_wait(receiver, -1), 0);
  GIVES(hclose(b), 0);
  GIVES(hclose(receiver), 0);
  GIVES(hclose(s[1]), 0);
}

static coroutine void receive_one(int s) {
  expect_message(s, "first");
}

static void ebusy_while_another_coroutine_is_inside(void) {
  int s[2], b, sent;
  char c;
  connect_both(s);
  b = go(receive_one(s[1]));
  FAILS(mrecv(s[1], &c, 1, -1), EBUSY);
  FAILS(prefix_detach(s[1]), EBUSY);
  send_message(s[1], "the other way");
  expect_message(s[0], "the other way");
  send_message(s[0], "first");
  GIVES(bundle_wait(b, -1), 0);
  GIVES(hclose(b), 0);
  b = go(flood(s[0], -1, ECANCELED, &sent));
  FAILS(msend(s[0], "x", 1, -1), EBUSY);
  FAILS(prefix_detach(s[0]), EBUSY);
  GIVES(hclose(b), 0);
  expect_flood(s[1], sent);
  close_both(s);
}

static void ebusy_while_a_large_message_is_half_received(void) {
  static char data[100000], got[100000];
  int s[2];
  connect_raw(s, 3, PREFIX_BIG_ENDIAN);
  say(s[1], "\x01\x86\xa0", 3);
  GIVES(bsend(s[1], data, 50000, -1), 0);
  FAILS(mrecv(s[0], got, sizeof got, now() + 10), ETIMEDOUT);
  FAILS(prefix_detach(s[0]), EBUSY);
  GIVES(bsend(s[1], data, 50000, -1), 0);
  GIVES(mrecv(s[0], got, sizeof got, -1), sizeof got);
  s[0] = prefix_detach(s[0]);
  CHECK(s[0] > 0);
  close_both(s);
}

static void epipe_at_the_end_and_econnreset_inside_a_message(void) {
  int s[2];
  char c;
  connect_raw(s, 1, PREFIX_BIG_ENDIAN);
  say(s[1], "\1x", 2);
  GIVES(ipc_done(s[1], -1), 0);
  expect_message(s[0], "x");
  FAILS(mrecv(s[0], &c, 1, -1), EPIPE);
  FAILS(mrecv(s[0], &c, 1, -1), EPIPE);
  s[0] = prefix_detach(s[0]);
  GIVES(ipc_done(s[0], -1), 0);
  GIVES(ipc_close(s[0], -1), 0);
  GIVES(ipc_close(s[1], -1), 0);

  connect_raw(s, 1, PREFIX_BIG_ENDIAN);
  say(s[1], "\5abc", 4);
  GIVES(ipc_done(s[1], -1), 0);
  FAILS(mrecvl(s[0], NULL, NULL, -1), ECONNRESET);
  FAILS(mrecvl(s[0], NULL, NULL, -1), ECONNRESET);
  FAILS(prefix_detach(s[0]), ECONNRESET);
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
  int s[2], ch[2];
  char c;
  struct prefix_storage mem;
  FAILS(prefix_attach(-1, 1, 0), EBADF);
  FAILS(prefix_attach_mem(-1, 1, 0, &mem), EBADF);
  GIVES(ipc_pair(s), 0);
  FAILS(prefix_attach(s[0], 0, 0), EINVAL);
  FAILS(hclose(s[0]), EBADF);
  FAILS(brecv(s[1], &c, 1, -1), EPIPE);
  FAILS(prefix_attach(s[1], 4097, 0), EINVAL);
  FAILS(hclose(s[1]), EBADF);
  GIVES(ipc_pair(s), 0);
  FAILS(prefix_attach(s[0], 4097, 0), EINVAL);
  FAILS(prefix_attach_mem(s[1], 1, 0, NULL), EINVAL);
  FAILS(hclose(s[1]), EBADF);
  GIVES(chmake(ch), 0);
  FAILS(prefix_attach(ch[0], 1, 0), EPROTO);
  FAILS(hclose(ch[0]), EBADF);
  GIVES(hclose(ch[1]), 0);
  connect_both(s);
  FAILS(prefix_attach(s[0], 1, 0), EPROTO);
  FAILS(hclose(s[0]), EBADF);
  GIVES(hclose(s[1]), 0);
}

static void enotsup_for_a_handle_of_another_kind_which_stays_open(void) {
  int s[2];
  connect_raw(s, 1, 0);
  FAILS(bsend(s[0], "x", 1, -1), ENOTSUP);
  FAILS(ipc_close(s[0], -1), ENOTSUP);
  FAILS(suffix_detach(s[0], -1), ENOTSUP);
  FAILS(prefix_detach(s[1]), ENOTSUP);
  FAILS(prefix_detach(-1), EBADF);
  send_message(s[0], "x");
  hear(s[1], "\1x", 2);
  close_both(s);
}

static coroutine void attach_cancelled(int s) {
  FAILS(msleep(-1), ECANCELED);
  FAILS(prefix_attach(s, 1, 0), ECANCELED);
  FAILS(hclose(s), EBADF);
}

static void ecanceled_in_a_cancelled_coroutine_closes_the_socket_below(void) {
  int s[2], b;
  char c;
  GIVES(ipc_pair(s), 0);
  b = go(attach_cancelled(s[0]));
  GIVES(hclose(b), 0);
  FAILS(brecv(s[1], &c, 1, -1), EPIPE);
  GIVES(hclose(s[1]), 0);
}

static void the_object_may_be_in_any_memory_of_the_program(void) {
  char memory[sizeof(struct prefix_storage) + 1];
  int s[2];
  GIVES(ipc_pair(s), 0);
  s[0] = prefix_attach_mem(s[0], 1, 0, (struct prefix_storage*)(void*)(memory + 1));
  CHECK(s[0] > 0);
  send_message(s[0], "x");
  hear(s[1], "\1x", 2);
  s[0] = prefix_detach(s[0]);
  CHECK(s[0] > 0);
  memset(memory, 0x55, sizeof memory);
  close_both(s);
}

static void numbers_are_free_again_after_a_detach(void) {
  int s[2], i;
  GIVES(ipc_pair(s), 0);
  for (i = 0; i < 3000; ++i) {
    int upper = prefix_attach(s[0], 1, 0);
    CHECK(upper > 0);
    FAILS(hclose(s[0]), EBADF);
    s[0] = prefix_detach(upper);
    CHECK(s[0] > 0);
    FAILS(prefix_detach(upper), EBADF);
  }
  CHECK((s[0] & 0x3fffff) < 2000);
  say(s[0], "still here", 10);
  hear(s[1], "still here", 10);
  close_both(s);
}

static void stands_on_a_bytestream_of_the_program(void) {
  struct flip mine, theirs;
  char text[8];
  int s[2];
  GIVES(ipc_pair(s), 0);
  s[0] = prefix_attach(flip_attach(&mine, s[0]), 2, 0);
  s[1] = prefix_attach(flip_attach(&theirs, s[1]), 2, 0);
  CHECK(s[0] > 0 && s[1] > 0);
  send_message(s[0], "hello");
  send_message(s[0], "");
  FAILS(mrecv(s[1], text, 4, -1), EMSGSIZE);
  FAILS(prefix_detach(s[1]), EBUSY);
  expect_message(s[1], "hello");
  expect_message(s[1], "");
  s[0] = prefix_detach(s[0]);
  s[1] = prefix_detach(s[1]);
  CHECK(s[0] > 0 && s[1] > 0);
  strcpy(text, "raw");
  CHECK(bsend(s[0], text, 3, -1) == 0);
  CHECK(brecv(s[1], text, 3, -1) == 0 && memcmp(text, "raw", 3) == 0);
  close_both(s);
  CHECK(mine.closed && theirs.closed);
}

/* A message socket of the program on another one: counts what goes through. */
struct counter {
  struct hvfs hvfs;
  struct msock_vfs mvfs;
  int lower;
  int sent, received;
};

static void* counter_query(struct hvfs* vfs, const void* type) {
  struct counter* self = (struct counter*)vfs;
  if (type == msock_type) return &self->mvfs;
  errno = ENOTSUP;
  return NULL;
}

static void counter_close(struct hvfs* vfs) {
  hclose(((struct counter*)vfs)->lower);
}

static struct counter* counter_of(struct msock_vfs* vfs) {
  return (struct counter*)(void*)((char*)vfs - offsetof(struct counter, mvfs));
}

/* By the table of the socket below, as hquery() gives it. */
static int counter_msendl(struct msock_vfs* vfs, struct iolist* first, struct iolist* last,
                          int64_t deadline) {
  struct counter* self = counter_of(vfs);
  struct msock_vfs* below = (struct msock_vfs*)hquery(self->lower, msock_type);
  CHECK(below != NULL);
  ++self->sent;
  return below->msendl(below, first, last, deadline);
}

static ssize_t counter_mrecvl(struct msock_vfs* vfs, struct iolist* first, struct iolist* last,
                              int64_t deadline) {
  struct counter* self = counter_of(vfs);
  ++self->received;
  return mrecvl(self->lower, first, last, deadline);
}

static void stands_under_messages_of_the_program(void) {
  struct counter c;
  int s[2];
  connect_both(s);
  memset(&c, 0, sizeof c);
  c.hvfs.query = counter_query;
  c.hvfs.close = counter_close;
  c.mvfs.msendl = counter_msendl;
  c.mvfs.mrecvl = counter_mrecvl;
  c.lower = hown(s[0]);
  CHECK(c.lower > 0);
  s[0] = hmake(&c.hvfs);
  CHECK(s[0] > 0);
  send_message(s[0], "through");
  expect_message(s[1], "through");
  send_message(s[1], "and back");
  expect_message(s[0], "and back");
  CHECK(c.sent == 1 && c.received == 1);
  FAILS(prefix_detach(s[0]), ENOTSUP);
  close_both(s);
}

static void a_time_out_of_a_bytestream_of_the_program_breaks_what_stands_on_it(void) {
  struct flip mine;
  char c;
  int s[2];
  GIVES(ipc_pair(s), 0);
  s[0] = prefix_attach(flip_attach(&mine, s[0]), 2, 0);
  CHECK(s[0] > 0);
  FAILS(mrecv(s[0], &c, 1, 0), ETIMEDOUT);
  FAILS(mrecv(s[0], &c, 1, -1), ECONNRESET);
  FAILS(prefix_detach(s[0]), ECONNRESET);
  CHECK(mine.closed);
  GIVES(hclose(s[1]), 0);
}

int main(void) {
  a_conversation_over_tcp_whose_one_side_leaves_early();
  the_length_is_of_any_width_and_either_order();
  lists_are_gathered_and_scattered();
  einval_for_bad_lists_which_harms_nothing();
  emsgsize_for_a_length_that_does_not_fit();
  emsgsize_for_too_little_memory_and_the_message_stays();
  a_length_from_a_hostile_peer_is_only_too_large();
  etimedout_loses_nothing_of_a_message_however_large();
  etimedout_says_that_nothing_was_sent();
  ecanceled_loses_nothing();
  ecanceled_when_the_handle_is_closed();
  ebusy_while_another_coroutine_is_inside();
  ebusy_while_a_large_message_is_half_received();
  epipe_at_the_end_and_econnreset_inside_a_message();
  econnreset_when_the_peer_is_gone();
  a_wrong_argument_closes_the_socket_below();
  enotsup_for_a_handle_of_another_kind_which_stays_open();
  ecanceled_in_a_cancelled_coroutine_closes_the_socket_below();
  the_object_may_be_in_any_memory_of_the_program();
  numbers_are_free_again_after_a_detach();
  stands_on_a_bytestream_of_the_program();
  stands_under_messages_of_the_program();
  a_time_out_of_a_bytestream_of_the_program_breaks_what_stands_on_it();
  return 0;
}
