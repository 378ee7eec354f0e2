/* term_own.c - conversations that end with a message, on message sockets that the program made itself and
   that lose what does not fit. */
#include "check.h"

#include <libdillimpl.h>

enum { LARGE = 100000, HUGE_SIZE = 17000000 };

static char data[HUGE_SIZE];

static void expect_message(int s, const char* text) {
  char got[64];
  GIVES(mrecv(s, got, sizeof got, -1), strlen(text));
  CHECK(memcmp(got, text, strlen(text)) == 0);
}

static void close_both(int s[2]) {
  GIVES(hclose(s[0]), 0);
  GIVES(hclose(s[1]), 0);
}

/* Messages behind four bytes with their length. One that does not fit is gone. */
struct tall {
  struct hvfs hvfs;
  struct msock_vfs mvfs;
  int lower;
};

static void* tall_query(struct hvfs* vfs, const void* type) {
  struct tall* self = (struct tall*)vfs;
  if (type == msock_type) return &self->mvfs;
  errno = ENOTSUP;
  return NULL;
}

static void tall_close(struct hvfs* vfs) {
  hclose(((struct tall*)vfs)->lower);
}

static int tall_lower(struct msock_vfs* vfs) {
  return ((struct tall*)(void*)((char*)vfs - offsetof(struct tall, mvfs)))->lower;
}

static size_t total(const struct iolist* at) {
  size_t n = 0;
  for (; at != NULL; at = at->iol_next) n += at->iol_len;
  return n;
}

static int tall_msendl(struct msock_vfs* vfs, struct iolist* first, struct iolist* last,
                       int64_t deadline) {
  uint32_t size = (uint32_t)total(first);
  struct iolist head = {NULL, sizeof size, NULL, 0};
  head.iol_base = &size;
  head.iol_next = first;
  return bsendl(tall_lower(vfs), &head, last, deadline);
}

static ssize_t tall_mrecvl(struct msock_vfs* vfs, struct iolist* first, struct iolist* last,
                           int64_t deadline) {
  uint32_t size, left;
  int s = tall_lower(vfs);
  (void)last;
  if (brecv(s, &size, sizeof size, deadline) < 0) return -1;
  if (first == NULL || total(first) < size) {
    if (brecv(s, NULL, size, deadline) < 0) return -1;
    if (first == NULL) return size;
    errno = EMSGSIZE;
    return -1;
  }
  for (left = size; left > 0; first = first->iol_next) {
    uint32_t n = first->iol_len < left ? (uint32_t)first->iol_len : left;
    if (brecv(s, first->iol_base, n, deadline) < 0) return -1;
    left -= n;
  }
  return size;
}

static int tall_attach(struct tall* self, int s) {
  memset(self, 0, sizeof *self);
  self->hvfs.query = tall_query;
  self->hvfs.close = tall_close;
  self->mvfs.msendl = tall_msendl;
  self->mvfs.mrecvl = tall_mrecvl;
  self->lower = hown(s);
  CHECK(self->lower > 0);
  return hmake(&self->hvfs);
}

static coroutine void say_messages(int s, size_t large) {
  CHECK(msend(s, data, large, -1) == 0);
  CHECK(msend(s, "next", 4, -1) == 0);
  CHECK(msend(s, "STOP", 4, -1) == 0);
}

/* One end of a conversation, and who speaks at the other: a message of `large` bytes, one more, and the
   end. */
struct conversation {
  struct tall mine, theirs;
  int s[2];
  int speaker;
};

static int begin(struct conversation* c, size_t large) {
  GIVES(ipc_pair(c->s), 0);
  c->s[0] = term_attach(tall_attach(&c->mine, c->s[0]), "STOP", 4);
  c->s[1] = tall_attach(&c->theirs, c->s[1]);
  CHECK(c->s[0] > 0 && c->s[1] > 0);
  c->speaker = go(say_messages(c->s[1], large));
  return c->s[0];
}

static void end(struct conversation* c) {
  char x;
  FAILS(mrecv(c->s[0], &x, 1, -1), EPIPE);
  GIVES(bundle_wait(c->speaker, -1), 0);
  GIVES(hclose(c->speaker), 0);
  close_both(c->s);
}

static void a_large_message_goes_into_a_list(void) {
  static char a[60000], b[60000];
  struct iolist second = {b, sizeof b, NULL, 0};
  struct iolist first = {a, sizeof a, &second, 0};
  struct conversation c;
  int s = begin(&c, LARGE);
  GIVES(mrecvl(s, &first, &second, -1), LARGE);
  CHECK(memcmp(a, data, sizeof a) == 0 && memcmp(b, data + sizeof a, LARGE - sizeof a) == 0);
  expect_message(s, "next");
  end(&c);
}

static void the_last_piece_may_drop_whatever_is_left(void) {
  char a[3];
  struct iolist second = {NULL, SIZE_MAX, NULL, 0};
  struct iolist first = {a, sizeof a, &second, 0};
  struct conversation c;
  int s = begin(&c, LARGE);
  GIVES(mrecvl(s, &first, &second, -1), LARGE);
  CHECK(memcmp(a, data, sizeof a) == 0);
  expect_message(s, "next");
  end(&c);
}

static void a_large_message_is_dropped_and_no_other(void) {
  struct conversation c;
  int s = begin(&c, LARGE);
  GIVES(mrecvl(s, NULL, NULL, -1), LARGE);
  expect_message(s, "next");
  FAILS(mrecvl(s, NULL, NULL, -1), EPIPE);
  end(&c);
}

static void a_large_message_that_does_not_fit_is_gone_and_no_other(void) {
  char got[64];
  struct conversation c;
  int s = begin(&c, LARGE);
  FAILS(mrecv(s, got, sizeof got, -1), EMSGSIZE);
  expect_message(s, "next");
  end(&c);
}

static void of_a_message_too_large_to_drop_nobody_knows_the_size(void) {
  struct conversation c;
  int s = begin(&c, HUGE_SIZE);
  FAILS(mrecvl(s, NULL, NULL, -1), EMSGSIZE);
  expect_message(s, "next");
  end(&c);
}

static void large_messages_do_not_hide_the_end_from_a_detach(void) {
  struct conversation c;
  int s = term_detach(begin(&c, LARGE), -1);
  CHECK(s > 0);
  GIVES(bundle_wait(c.speaker, -1), 0);
  GIVES(hclose(c.speaker), 0);
  CHECK(msend(c.s[1], "beyond", 6, -1) == 0);
  CHECK(mrecvl(s, NULL, NULL, -1) == 6);
  GIVES(hclose(s), 0);
  GIVES(hclose(c.s[1]), 0);
}

/* --- closing what somebody receives from --- */

/* Waits for a word on a channel, and then says what it was told to say. It is in memory of its own, freed
   when it is closed. */
struct told {
  struct hvfs hvfs;
  struct msock_vfs mvfs;
  int ch;
};

static void* told_query(struct hvfs* vfs, const void* type) {
  struct told* self = (struct told*)vfs;
  if (type == msock_type) return &self->mvfs;
  errno = ENOTSUP;
  return NULL;
}

static int told_closed;

static void told_close(struct hvfs* vfs) {
  told_closed = 1;
  free(vfs);
}

static int told_msendl(struct msock_vfs* vfs, struct iolist* first, struct iolist* last,
                       int64_t deadline) {
  (void)vfs, (void)first, (void)last, (void)deadline;
  return 0;
}

static ssize_t told_mrecvl(struct msock_vfs* vfs, struct iolist* first, struct iolist* last,
                           int64_t deadline) {
  int code;
  CHECK(!told_closed);
  (void)first, (void)last;
  if (chrecv(((struct told*)(void*)((char*)vfs - offsetof(struct told, mvfs)))->ch, &code,
             sizeof code, deadline) < 0)
    return -1;
  if (code == 0) return 1;
  errno = code;
  return -1;
}

static int told_make(int ch) {
  struct told* self = (struct told*)malloc(sizeof *self);
  CHECK(self != NULL);
  memset(self, 0, sizeof *self);
  self->hvfs.query = told_query;
  self->hvfs.close = told_close;
  self->mvfs.msendl = told_msendl;
  self->mvfs.mrecvl = told_mrecvl;
  self->ch = ch;
  told_closed = 0;
  return hmake(&self->hvfs);
}

static coroutine void drop(int s) {
  FAILS(mrecvl(s, NULL, NULL, -1), ECANCELED);
}

static coroutine void receive(int s) {
  char x;
  FAILS(mrecv(s, &x, 1, -1), ECANCELED);
}

static coroutine void detach(int s) {
  FAILS(term_detach(s, -1), ECANCELED);
}

static void a_receiver_that_was_told_before_the_socket_closed_asks_it_no_more(int code) {
  int i;
  for (i = 0; i < 3; ++i) {
    int ch[2], s, b;
    GIVES(chmake(ch), 0);
    s = term_attach(told_make(ch[0]), "STOP", 4);
    b = bundle();
    CHECK(s > 0 && b > 0);
    CHECK(bundle_go(b, i == 0 ? drop(s) : i == 1 ? receive(s) : detach(s)) == 0);
    GIVES(chsend(ch[1], &code, sizeof code, -1), 0);
    GIVES(hclose(s), 0);
    CHECK(told_closed);
    GIVES(bundle_wait(b, -1), 0);
    GIVES(hclose(b), 0);
    close_both(ch);
  }
}

/* --- on a WebSocket, which keeps what does not fit --- */

static void a_large_message_of_a_websocket_stays(void) {
  static char a[60000], b[60000];
  struct iolist second = {b, sizeof b, NULL, 0};
  struct iolist first = {a, sizeof a, &second, 0};
  int s[2], speaker;
  GIVES(ipc_pair(s), 0);
  s[0] = ws_attach_client(s[0], WS_BINARY | WS_NOHTTP, NULL, NULL, -1);
  s[1] = ws_attach_server(s[1], WS_BINARY | WS_NOHTTP, NULL, 0, NULL, 0, -1);
  s[0] = term_attach(s[0], "STOP", 4);
  CHECK(s[0] > 0 && s[1] > 0);
  speaker = go(say_messages(s[1], LARGE));
  FAILS(mrecv(s[0], a, 100, -1), EMSGSIZE);
  GIVES(mrecvl(s[0], &first, &second, -1), LARGE);
  expect_message(s[0], "next");
  FAILS(mrecv(s[0], a, sizeof a, -1), EPIPE);
  GIVES(bundle_wait(speaker, -1), 0);
  GIVES(hclose(speaker), 0);
  s[0] = term_detach(s[0], -1);
  CHECK(s[0] > 0);
  s[0] = term_attach(s[0], "STOP", 4);
  speaker = go(say_messages(s[1], LARGE));
  GIVES(mrecvl(s[0], NULL, NULL, -1), LARGE);
  expect_message(s[0], "next");
  GIVES(bundle_wait(speaker, -1), 0);
  GIVES(hclose(speaker), 0);
  close_both(s);
}

int main(void) {
  size_t i;
  for (i = 0; i < sizeof data; ++i) data[i] = (char)(i % 251);
  a_large_message_goes_into_a_list();
  the_last_piece_may_drop_whatever_is_left();
  a_large_message_is_dropped_and_no_other();
  a_large_message_that_does_not_fit_is_gone_and_no_other();
  if (!simulated()) of_a_message_too_large_to_drop_nobody_knows_the_size();
  large_messages_do_not_hide_the_end_from_a_detach();
  a_receiver_that_was_told_before_the_socket_closed_asks_it_no_more(0);
  a_receiver_that_was_told_before_the_socket_closed_asks_it_no_more(EMSGSIZE);
  a_large_message_of_a_websocket_stays();
  return 0;
}
