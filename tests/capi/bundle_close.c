/* bundle_close.c - bundles that are closed by those who are in them, and what happens in one meanwhile. */
#include "check.h"

#include <libdill.h>

static coroutine void sleep_for_ever(void) {
  FAILS(msleep(-1), ECANCELED);
}

static coroutine void close_later(const int* b, int code, int* done) {
  GIVES(yield(), 0);
  if (code == 0)
    GIVES(hclose(*b), 0);
  else
    FAILS(hclose(*b), code);
  *done = 1;
  if (code != 0) FAILS(msleep(-1), ECANCELED);
}

static void wait_until(const int* done) {
  while (!*done) GIVES(yield(), 0);
}

/* --- a circle of those who wait for each other --- */

/* Starts one that closes the bundle that this one is in, and waits for its end. */
static coroutine void be_closed_by_a_child(const int* own, int* done) {
  int inner = go(close_later(own, EDEADLK, done));
  CHECK(inner > 0);
  FAILS(msleep(-1), ECANCELED);
  GIVES(hclose(inner), 0);
}

static void a_child_cannot_close_the_bundle_of_who_waits_for_it(void) {
  int outer, done = 0;
  outer = bundle();
  CHECK(bundle_go(outer, be_closed_by_a_child(&outer, &done)) == 0);
  wait_until(&done);
  GIVES(bundle_wait(outer, -1), 0);
  CHECK(bundle_go(outer, sleep_for_ever()) == 0);
  GIVES(hclose(outer), 0);
}

/* The same with somebody in between. */
static coroutine void have_a_child_that_is(const int* top, int* done) {
  int inner = bundle();
  CHECK(bundle_go(inner, sleep_for_ever()) == 0);
  CHECK(bundle_go(inner, be_closed_by_a_child(top, done)) == 0);
  FAILS(msleep(-1), ECANCELED);
  GIVES(hclose(inner), 0);
}

static void nor_can_a_grandchild(void) {
  int outer, done = 0;
  outer = bundle();
  CHECK(bundle_go(outer, sleep_for_ever()) == 0);
  CHECK(bundle_go(outer, have_a_child_that_is(&outer, &done)) == 0);
  wait_until(&done);
  GIVES(hclose(outer), 0);
}

/* Closes in its turn the bundle of the one that closes it. */
static coroutine void close_the_closer(const int* of_the_closer) {
  FAILS(msleep(-1), ECANCELED);
  FAILS(hclose(*of_the_closer), EDEADLK);
}

static coroutine void close_a_child(const int* own, int* done) {
  int inner = go(close_the_closer(own));
  GIVES(yield(), 0);
  GIVES(hclose(inner), 0);
  *done = 1;
}

static void a_child_that_is_being_closed_cannot_close_the_bundle_of_the_closer(void) {
  int outer = bundle(), done = 0;
  CHECK(bundle_go(outer, close_a_child(&outer, &done)) == 0);
  wait_until(&done);
  GIVES(bundle_wait(outer, -1), 0);
  GIVES(hclose(outer), 0);
}

/* Makes a bundle that others will close. */
static coroutine void leave_a_bundle_behind(const int* own, int* left, int* done) {
  *left = go(close_later(own, 0, done));
  CHECK(*left > 0);
  FAILS(msleep(-1), ECANCELED);
}

static void a_child_that_nobody_waits_for_may(void) {
  int outer, left = 0, done = 0;
  outer = bundle();
  CHECK(bundle_go(outer, leave_a_bundle_behind(&outer, &left, &done)) == 0);
  wait_until(&done);
  FAILS(hclose(outer), EBADF);
  GIVES(hclose(left), 0);
}

/* --- a bundle that is being closed --- */

static coroutine void start_another(int b, int* started) {
  GIVES(yield(), 0);
  CHECK(bundle_go(b, sleep_for_ever()) == 0);
  FAILS(hclose(b), EBADF);
  FAILS(hown(b), EBADF);
  FAILS(bundle_wait(b, -1), EBADF);
  *started = 1;
  FAILS(msleep(-1), ECANCELED);
  FAILS(bundle_go(b, sleep_for_ever()), ECANCELED);
}

static void what_a_member_starts_meanwhile_is_closed_too(void) {
  int started = 0;
  int b = bundle();
  CHECK(bundle_go(b, sleep_for_ever()) == 0);
  CHECK(bundle_go(b, start_another(b, &started)) == 0);
  GIVES(hclose(b), 0);
  CHECK(started);
  FAILS(hclose(b), EBADF);
  FAILS(bundle_go(b, sleep_for_ever()), EBADF);
}

int main(void) {
  a_child_cannot_close_the_bundle_of_who_waits_for_it();
  nor_can_a_grandchild();
  a_child_that_is_being_closed_cannot_close_the_bundle_of_the_closer();
  a_child_that_nobody_waits_for_may();
  what_a_member_starts_meanwhile_is_closed_too();
  return 0;
}
