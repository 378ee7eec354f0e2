/* traps.c - what programs written for libdill count on without saying so. The header comes first and alone:
   programs take from it what it includes. */
#include <libdill.h>

static int uses_what_the_header_includes(void) {
  uint8_t from_stdint = (uint8_t)(SIZE_MAX & 1);
  ptrdiff_t from_stddef = 0;
  jmp_buf from_setjmp;
  ssize_t n = 1;
  char* memory = (char*)malloc(1);
  char* on_stack = (char*)alloca(1);
  *memory = *on_stack = (char)n;
  errno = 0;
  free(memory);
  return from_stdint + (int)from_stddef + errno + (int)(sizeof from_setjmp == 0) + (getpid() == 0);
}

#include <libdill.h>
#include <libdillimpl.h>

#include "check.h"

#include <time.h>

static int sequence[16];
static int steps;

static void note(int what) {
  sequence[steps++] = what;
}

static void expect(const int* what, int n) {
  int i;
  CHECK(steps == n);
  for (i = 0; i < n; ++i) CHECK(sequence[i] == what[i]);
  steps = 0;
}

static coroutine void note_twice(int first, int second) {
  note(first);
  CHECK(yield() == 0);
  note(second);
}

/* The child runs at once; who was in line already comes before the one that started it. */
static void go_runs_the_child_and_whoever_is_in_line_before_it_returns(void) {
  static const int order[] = {1, 2, 11, 3, 12};
  int b = bundle();
  CHECK(bundle_go(b, note_twice(1, 11)) == 0);
  CHECK(bundle_go(b, note_twice(2, 12)) == 0);
  note(3);
  GIVES(bundle_wait(b, -1), 0);
  expect(order, 5);
  GIVES(hclose(b), 0);
}

static coroutine void note_argument(int what) {
  note(what);
}

static void arguments_are_read_from_the_caller_as_they_are_now(void) {
  static const int order[] = {0, 10, 20};
  int b = bundle();
  int i;
  for (i = 0; i < 3; ++i) CHECK(bundle_go(b, note_argument(i * 10)) == 0);
  expect(order, 3);
  GIVES(hclose(b), 0);
}

/* A loop that ends on EPIPE alone would not end if it were told ECANCELED instead. */
static coroutine void receive_until_done(int ch, int* ended) {
  int value;
  while (chrecv(ch, &value, sizeof value, -1) == 0 || errno != EPIPE) continue;
  *ended = 1;
}

static void an_end_that_was_told_is_heard_although_the_coroutine_is_cancelled_next(void) {
  int ended = 0;
  int ch[2];
  int b;
  GIVES(chmake(ch), 0);
  b = go(receive_until_done(ch[1], &ended));
  GIVES(chdone(ch[0]), 0);
  GIVES(hclose(b), 0);
  CHECK(ended);
  GIVES(hclose(ch[0]), 0);
  GIVES(hclose(ch[1]), 0);
}

static coroutine void sleep_to_the_end(int64_t until, int* slept) {
  GIVES(msleep(until), 0);
  *slept = 1;
  FAILS(msleep(now() + 1), ECANCELED);
}

static coroutine void close_after(int64_t until, int h) {
  GIVES(msleep(until), 0);
  GIVES(hclose(h), 0);
}

/* Both wake at the same time, the sleeper first; then it is cancelled before it has run on. */
static void a_sleep_that_was_over_is_over_although_the_coroutine_is_cancelled_next(void) {
  int64_t until = now() + 20;
  int slept = 0;
  int sleeper, closer;
  int h = bundle();
  closer = bundle();
  CHECK(bundle_go(closer, close_after(until, h)) == 0);
  sleeper = bundle_go(h, sleep_to_the_end(until, &slept));
  CHECK(sleeper == 0);
  GIVES(bundle_wait(closer, -1), 0);
  GIVES(hclose(closer), 0);
  CHECK(slept);
}

static coroutine void receive_what_is_there(int s) {
  char text[3];
  FAILS(msleep(-1), ECANCELED);
  GIVES(brecv(s, text, 2, -1), 0);
  GIVES(bsend(s, text, 2, -1), 0);
  FAILS(brecv(s, text, 2, -1), ECANCELED);
  FAILS(brecv(s, text, 2, -1), ECONNRESET);
}

static void a_cancelled_coroutine_receives_and_sends_what_needs_no_waiting(void) {
  char text[2];
  int s[2];
  int b;
  GIVES(ipc_pair(s), 0);
  b = go(receive_what_is_there(s[0]));
  GIVES(bsend(s[1], "ABC", 3, -1), 0);
  GIVES(hclose(b), 0);
  GIVES(brecv(s[1], text, 2, -1), 0);
  CHECK(memcmp(text, "AB", 2) == 0);
  GIVES(hclose(s[0]), 0);
  GIVES(hclose(s[1]), 0);
}

static void closing_as_the_wrong_kind_changes_nothing(void) {
  char c = 'w';
  int s[2];
  int round;
  GIVES(ipc_pair(s), 0);
  for (round = 0; round < 8; ++round) {
    FAILS(tcp_close(s[0], -1), ENOTSUP);
    FAILS(tcp_close(s[1], -1), ENOTSUP);
    FAILS(tcp_done(s[0], -1), ENOTSUP);
    GIVES(bsend(s[0], &c, 1, -1), 0);
    GIVES(brecv(s[1], &c, 1, -1), 0);
  }
  GIVES(hclose(s[0]), 0);
  GIVES(hclose(s[1]), 0);
}

static void a_connection_pair(int s[2]) {
  struct ipaddr here;
  int ls;
  GIVES(ipaddr_local(&here, "127.0.0.1", 0, 0), 0);
  ls = tcp_listen(&here, 10);
  CHECK(ls > 0);
  s[0] = tcp_connect(&here, -1);
  s[1] = tcp_accept(ls, NULL, -1);
  CHECK(s[0] > 0 && s[1] > 0);
  GIVES(hclose(ls), 0);
}

/* What was sent is still there to be read, then comes the reset. */
static void hclose_is_a_reset_and_tcp_close_an_end(void) {
  char text[3];
  int s[2];
  a_connection_pair(s);
  GIVES(bsend(s[0], "ABC", 3, -1), 0);
  GIVES(brecv(s[1], text, 3, -1), 0);
  GIVES(hclose(s[0]), 0);
  FAILS(brecv(s[1], text, 1, -1), ECONNRESET);
  GIVES(hclose(s[1]), 0);
  a_connection_pair(s);
  GIVES(bsend(s[0], "ABC", 3, -1), 0);
  GIVES(tcp_done(s[0], -1), 0);
  GIVES(hclose(s[0]), 0);
  GIVES(brecv(s[1], text, 3, -1), 0);
  FAILS(brecv(s[1], text, 1, -1), EPIPE);
  FAILS(brecv(s[1], text, 1, -1), EPIPE);
  GIVES(tcp_close(s[1], -1), 0);
}

static coroutine void count_when(int64_t when, int* counter) {
  GIVES(msleep(when), 0);
  ++*counter;
}

/* However long the program has slept in the operating system, two yields are enough. */
static void two_yields_run_every_timer_that_has_expired(void) {
  const struct timespec pause = {0, 40 * 1000 * 1000};
  int64_t start = now();
  int counter = 0;
  int i;
  int b = bundle();
  for (i = 0; i < 200; ++i) CHECK(bundle_go(b, count_when(start + 10 + i % 20, &counter)) == 0);
  while (now() < start + 30) CHECK(nanosleep(&pause, NULL) == 0);
  GIVES(yield(), 0);
  GIVES(yield(), 0);
  CHECK(counter == 200);
  GIVES(hclose(b), 0);
}

static coroutine void give(int ch) {
  int value = 1;
  GIVES(yield(), 0);
  GIVES(chsend(ch, &value, sizeof value, -1), 0);
}

static void success_leaves_errno_zero(void) {
  int value = 0;
  int ch[2];
  int s[2];
  int b;
  GIVES(chmake(ch), 0);
  b = go(give(ch[0]));
  GIVES(chrecv(ch[1], &value, sizeof value, -1), 0);
  GIVES(msleep(now() + 2), 0);
  GIVES(hclose(b), 0);
  errno = EDOM;
  b = bundle();
  CHECK(b > 0 && errno == 0);
  GIVES(ipc_pair(s), 0);
  errno = EDOM;
  CHECK((s[0] = hown(s[0])) > 0 && errno == 0);
  GIVES(hclose(b), 0);
  GIVES(hclose(s[0]), 0);
  GIVES(hclose(s[1]), 0);
  GIVES(hclose(ch[0]), 0);
  GIVES(hclose(ch[1]), 0);
}

/* A `detach` of the program's own frees the object and leaves the number: there is no way to give one
   back. What is left over at the end of the process is not looked at. */
struct detached {
  struct hvfs hvfs;
};

static void* no_answer(struct hvfs* vfs, const void* type) {
  (void)vfs;
  (void)type;
  errno = ENOTSUP;
  return NULL;
}

static void must_not_be_called(struct hvfs* vfs) {
  (void)vfs;
  abort();
}

static coroutine void must_not_go_on(int ch) {
  int value;
  chrecv(ch, &value, sizeof value, -1);
  abort();
}

static void what_the_program_leaves_behind_is_left_alone(void) {
  struct detached* d = (struct detached*)malloc(sizeof *d);
  static char memory[65536];
  static struct chstorage storage;
  int ch[2];
  d->hvfs.query = no_answer;
  d->hvfs.close = must_not_be_called;
  CHECK(hmake(&d->hvfs) > 0);
  memset(d, 0xff, sizeof *d);
  free(d);
  GIVES(chmake_mem(&storage, ch), 0);
  CHECK(go_mem(must_not_go_on(ch[0]), memory, sizeof memory) > 0);
}

int main(void) {
  CHECK(uses_what_the_header_includes() == (int)(SIZE_MAX & 1));
  go_runs_the_child_and_whoever_is_in_line_before_it_returns();
  arguments_are_read_from_the_caller_as_they_are_now();
  an_end_that_was_told_is_heard_although_the_coroutine_is_cancelled_next();
  a_sleep_that_was_over_is_over_although_the_coroutine_is_cancelled_next();
  a_cancelled_coroutine_receives_and_sends_what_needs_no_waiting();
  closing_as_the_wrong_kind_changes_nothing();
  hclose_is_a_reset_and_tcp_close_an_end();
  /* Virtual time stands still while the operating system sleeps. */
  if (!simulated()) two_yields_run_every_timer_that_has_expired();
  success_leaves_errno_zero();
  what_the_program_leaves_behind_is_left_alone();
  return 0;
}
