/* bundle.c - coroutines and the bundles that hold them. */
#include "check.h"

#include <libdill.h>

static int sequence[64];
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

static coroutine void nothing(void) {}

static coroutine void count_to(int base, int n) {
  int i;
  for (i = 0; i < n; ++i) {
    note(base + i);
    yield();
  }
}

/* Deadlines count from a time that the caller has looked at once: starting may be slow. */
static coroutine void note_at(int64_t when, int what) {
  if (msleep(when) == 0) note(what);
}

static void a_child_runs_first_and_everybody_takes_turns(void) {
  static const int order[] = {10, 1, 20, 11, 2, 21, 12, 22};
  int a, b, i;
  a = go(count_to(10, 3));
  note(1);
  b = go(count_to(20, 3));
  note(2);
  for (i = 0; i < 4; ++i) GIVES(yield(), 0);
  expect(order, 8);
  GIVES(hclose(a), 0);
  GIVES(hclose(b), 0);
}

static void a_finished_coroutine_leaves_a_bundle_that_can_be_used(void) {
  int b = go(nothing());
  CHECK(b > 0);
  CHECK(bundle_go(b, nothing()) == 0);
  GIVES(bundle_wait(b, 0), 0);
  GIVES(hclose(b), 0);
}

static void waiting_ends_with_the_last_coroutine(void) {
  static const int order[] = {1, 2};
  int64_t start = now();
  int b = bundle();
  CHECK(b > 0);
  GIVES(bundle_wait(b, 0), 0);
  CHECK(bundle_go(b, note_at(start + 20, 2)) == 0);
  CHECK(bundle_go(b, note_at(start + 10, 1)) == 0);
  GIVES(bundle_wait(b, -1), 0);
  expect(order, 2);
  GIVES(hclose(b), 0);
}

static void a_wait_that_timed_out_leaves_the_bundle_usable(void) {
  int b = bundle();
  CHECK(bundle_go(b, note_at(-1, 1)) == 0);
  FAILS(bundle_wait(b, 0), ETIMEDOUT);
  FAILS(bundle_wait(b, now() + 2), ETIMEDOUT);
  CHECK(bundle_go(b, nothing()) == 0);
  FAILS(bundle_wait(b, now() + 2), ETIMEDOUT);
  GIVES(hclose(b), 0);
  CHECK(steps == 0);
}

static void sleepers_wake_in_the_order_of_their_deadlines(void) {
  static const int order[] = {10, 20, 30, 40};
  int64_t start = now() + 20;
  int b = bundle();
  CHECK(bundle_go(b, note_at(start + 30, 30)) == 0);
  CHECK(bundle_go(b, note_at(start + 40, 40)) == 0);
  CHECK(bundle_go(b, note_at(start + 10, 10)) == 0);
  CHECK(bundle_go(b, note_at(start + 20, 20)) == 0);
  GIVES(bundle_wait(b, -1), 0);
  expect(order, 4);
  GIVES(hclose(b), 0);
}

static coroutine void cancelled_twice(int* ended) {
  int ch[2];
  FAILS(msleep(now() + 100000), ECANCELED);
  FAILS(msleep(now() + 100000), ECANCELED);
  FAILS(yield(), ECANCELED);
  FAILS(bundle(), ECANCELED);
  FAILS(go(nothing()), ECANCELED);
  FAILS(chmake(ch), ECANCELED);
  FAILS(choose(NULL, 0, 0), ECANCELED);
  FAILS(fdin(0, 0), ECANCELED);
  CHECK(now() > 0);
  *ended = 1;
}

static void closing_cancels_and_waits(void) {
  int ended = 0;
  int b = go(cancelled_twice(&ended));
  CHECK(!ended);
  GIVES(hclose(b), 0);
  CHECK(ended);
  FAILS(bundle_wait(b, 0), EBADF);
}

static coroutine void note_when_cancelled(int what) {
  FAILS(msleep(-1), ECANCELED);
  note(what);
}

static void members_are_cancelled_in_the_order_of_starting(void) {
  static const int order[] = {1, 2, 3};
  int b = bundle();
  CHECK(bundle_go(b, note_when_cancelled(1)) == 0);
  CHECK(bundle_go(b, note_when_cancelled(2)) == 0);
  CHECK(bundle_go(b, note_when_cancelled(3)) == 0);
  GIVES(hclose(b), 0);
  expect(order, 3);
}

static coroutine void nest(int* ended) {
  int inner = go(cancelled_twice(ended));
  FAILS(msleep(-1), ECANCELED);
  GIVES(hclose(inner), 0);
  CHECK(*ended);
  ++*ended;
}

static void a_cancelled_coroutine_closes_its_own_bundles_properly(void) {
  int ended = 0;
  int b = go(nest(&ended));
  GIVES(hclose(b), 0);
  CHECK(ended == 2);
}

static coroutine void receive_once(int ch, int* got) {
  GIVES(chrecv(ch, got, sizeof *got, -1), 0);
  FAILS(yield(), ECANCELED);
}

static void what_was_delivered_is_kept_by_a_coroutine_cancelled_afterwards(void) {
  int ch[2];
  int got = 0;
  int value = 7;
  int b;
  GIVES(chmake(ch), 0);
  b = go(receive_once(ch[1], &got));
  GIVES(chsend(ch[0], &value, sizeof value, -1), 0);
  GIVES(hclose(b), 0);
  CHECK(got == 7);
  GIVES(hclose(ch[0]), 0);
  GIVES(hclose(ch[1]), 0);
}

static coroutine void close_own(int* bundle_of_mine) {
  GIVES(yield(), 0);
  FAILS(hclose(*bundle_of_mine), EDEADLK);
}

static void a_coroutine_cannot_close_its_own_bundle(void) {
  int b = bundle();
  CHECK(bundle_go(b, close_own(&b)) == 0);
  GIVES(bundle_wait(b, -1), 0);
  GIVES(hclose(b), 0);
}

static coroutine void wait_for(int b, int result, int* ended) {
  if (result == 0)
    GIVES(bundle_wait(b, -1), 0);
  else
    FAILS(bundle_wait(b, -1), result);
  ++*ended;
}

static void everybody_who_waits_is_woken(void) {
  int ended = 0;
  int b = bundle();
  int waiters = bundle();
  CHECK(bundle_go(b, note_at(now() + 5, 1)) == 0);
  CHECK(bundle_go(waiters, wait_for(b, 0, &ended)) == 0);
  CHECK(bundle_go(waiters, wait_for(b, 0, &ended)) == 0);
  GIVES(bundle_wait(waiters, -1), 0);
  CHECK(ended == 2);
  CHECK(bundle_go(b, note_when_cancelled(2)) == 0);
  CHECK(bundle_go(waiters, wait_for(b, ECANCELED, &ended)) == 0);
  CHECK(bundle_go(waiters, wait_for(b, ECANCELED, &ended)) == 0);
  GIVES(hclose(b), 0);
  GIVES(bundle_wait(waiters, -1), 0);
  CHECK(ended == 4);
  GIVES(hclose(waiters), 0);
  steps = 0;
}

static coroutine void use_some_stack(int* sum) {
  volatile char room[256];
  size_t i;
  for (i = 0; i < sizeof room; ++i) room[i] = (char)i;
  GIVES(yield(), 0);
  for (i = 0; i < sizeof room; ++i) *sum += room[i] == (char)i;
}

/* Also on the caller's own stack; but Valgrind would take that for a part of the caller's frames. */
static void coroutines_run_in_memory_of_the_caller(void) {
  static char large[64 * 1024];
  char on_stack[4096];
  char* small = under_valgrind() ? large : on_stack;
  struct bundle_storage storage;
  int sum = 0;
  int i;
  int b = bundle_mem(&storage);
  CHECK(b > 0);
  CHECK(bundle_go_mem(b, use_some_stack(&sum), small, sizeof on_stack) == 0);
  GIVES(bundle_wait(b, -1), 0);
  CHECK(bundle_go_mem(b, use_some_stack(&sum), small + 1, sizeof on_stack - 1) == 0);
  GIVES(bundle_wait(b, -1), 0);
  GIVES(hclose(b), 0);
  CHECK(sum == 512);
  for (i = 0; i < 5; ++i) {
    char* memory = (char*)malloc(64 * 1024);
    b = go_mem(use_some_stack(&sum), memory, 64 * 1024);
    CHECK(b > 0);
    GIVES(hclose(b), 0);
    free(memory);
  }
  b = bundle();
  FAILS(bundle_go_mem(b, use_some_stack(&sum), large, 100), ENOMEM);
  FAILS(bundle_go_mem(b, use_some_stack(&sum), NULL, 4096), EINVAL);
  FAILS(go_mem(use_some_stack(&sum), large, 10), ENOMEM);
  FAILS(go_mem(use_some_stack(&sum), large, 0), ENOMEM);
  FAILS(go_mem(use_some_stack(&sum), NULL, 0), EINVAL);
  FAILS(bundle_mem(NULL), EINVAL);
  GIVES(hclose(b), 0);
}

static void wrong_bundles_are_refused_and_nothing_is_evaluated(void) {
  int ch[2];
  int evaluated = 0;
  FAILS(bundle_go(-1, (void)++evaluated), EBADF);
  GIVES(chmake(ch), 0);
  FAILS(bundle_go(ch[0], (void)++evaluated), ENOTSUP);
  FAILS(bundle_wait(ch[0], -1), ENOTSUP);
  CHECK(!evaluated);
  GIVES(hclose(ch[0]), 0);
  GIVES(hclose(ch[1]), 0);
}

static coroutine void forever(void) {
  while (yield() == 0) continue;
}

static void time_passes_beside_coroutines_that_are_always_ready(void) {
  int64_t start = now();
  int b = go(forever());
  GIVES(msleep(start + 10), 0);
  CHECK(now() >= start + 10);
  GIVES(hclose(b), 0);
}

static coroutine void sleep_until_cancelled(void) {
  FAILS(msleep(-1), ECANCELED);
}

static void many_coroutines_live_at_once(void) {
  int i;
  int b = bundle();
  for (i = 0; i < 2000; ++i) CHECK(bundle_go(b, sleep_until_cancelled()) == 0);
  GIVES(hclose(b), 0);
}

int main(void) {
  a_child_runs_first_and_everybody_takes_turns();
  a_finished_coroutine_leaves_a_bundle_that_can_be_used();
  waiting_ends_with_the_last_coroutine();
  a_wait_that_timed_out_leaves_the_bundle_usable();
  sleepers_wake_in_the_order_of_their_deadlines();
  closing_cancels_and_waits();
  members_are_cancelled_in_the_order_of_starting();
  a_cancelled_coroutine_closes_its_own_bundles_properly();
  what_was_delivered_is_kept_by_a_coroutine_cancelled_afterwards();
  a_coroutine_cannot_close_its_own_bundle();
  everybody_who_waits_is_woken();
  coroutines_run_in_memory_of_the_caller();
  wrong_bundles_are_refused_and_nothing_is_evaluated();
  time_passes_beside_coroutines_that_are_always_ready();
  many_coroutines_live_at_once();
  return 0;
}
