/* handle.c - numbers, owners, queries. */
#include "check.h"

#include <libdillimpl.h>

struct thing {
  struct hvfs hvfs;
  int closed;
  int queried;
  int blocking_in_close;
};

static const int thing_type = 0;

static void* thing_query(struct hvfs* vfs, const void* type) {
  struct thing* self = (struct thing*)vfs;
  ++self->queried;
  if (type == &thing_type) return self;
  errno = ENOTSUP;
  return NULL;
}

static void thing_close(struct hvfs* vfs) {
  struct thing* self = (struct thing*)vfs;
  self->closed = 1;
  self->blocking_in_close = msleep(now() + 1000) == 0 ? 0 : errno;
}

static struct thing new_thing(void) {
  struct thing t;
  memset(&t, 0, sizeof t);
  t.hvfs.query = thing_query;
  t.hvfs.close = thing_close;
  return t;
}

static void an_object_answers_for_its_types_and_is_asked_once(void) {
  struct thing t = new_thing();
  int h = hmake(&t.hvfs);
  CHECK(h > 0);
  CHECK(hquery(h, &thing_type) == &t);
  CHECK(hquery(h, &thing_type) == &t);
  CHECK(t.queried == 1);
  CHECK(hquery(h, bsock_type) == NULL && errno == ENOTSUP);
  GIVES(hclose(h), 0);
  CHECK(t.closed);
}

static void blocking_in_a_close_function_is_cancelled(void) {
  struct thing t = new_thing();
  int h = hmake(&t.hvfs);
  GIVES(hclose(h), 0);
  CHECK(t.blocking_in_close == ECANCELED);
  GIVES(yield(), 0);
}

static void a_closed_number_stays_invalid(void) {
  struct thing t = new_thing();
  int i;
  int h = hmake(&t.hvfs);
  GIVES(hclose(h), 0);
  FAILS(hclose(h), EBADF);
  for (i = 0; i < 3000; ++i) {
    int other = hmake(&t.hvfs);
    CHECK(other > 0 && other != h);
    GIVES(hclose(other), 0);
  }
  FAILS(hown(h), EBADF);
  CHECK(hquery(h, &thing_type) == NULL && errno == EBADF);
}

static void a_new_owner_has_a_new_number(void) {
  struct thing t = new_thing();
  int h = hmake(&t.hvfs);
  int moved = hown(h);
  CHECK(moved > 0 && moved != h);
  FAILS(hclose(h), EBADF);
  CHECK(hquery(moved, &thing_type) == &t);
  GIVES(hclose(moved), 0);
}

static void thousands_of_handles_are_distinct(void) {
  static int handles[5000];
  struct thing t = new_thing();
  int i;
  for (i = 0; i < 5000; ++i) CHECK((handles[i] = hmake(&t.hvfs)) > 0);
  for (i = 0; i < 5000; ++i) CHECK(hquery(handles[i], &thing_type) == &t);
  for (i = 0; i < 5000; ++i) GIVES(hclose(handles[i]), 0);
}

static void incomplete_tables_are_refused(void) {
  struct thing t = new_thing();
  FAILS(hmake(NULL), EINVAL);
  t.hvfs.close = NULL;
  FAILS(hmake(&t.hvfs), EINVAL);
  t = new_thing();
  t.hvfs.query = NULL;
  FAILS(hmake(&t.hvfs), EINVAL);
}

static void numbers_that_are_no_handles_are_invalid_everywhere(void) {
  static const int numbers[] = {-1, 0, 1000000, 0x7fffffff, -0x7fffffff};
  size_t i;
  for (i = 0; i < sizeof numbers / sizeof numbers[0]; ++i) {
    int h = numbers[i];
    FAILS(hclose(h), EBADF);
    FAILS(bundle_wait(h, 0), EBADF);
    FAILS(chsend(h, "", 1, 0), EBADF);
    FAILS(bsend(h, "", 1, 0), EBADF);
    FAILS(mrecvl(h, NULL, NULL, 0), EBADF);
    FAILS(tcp_close(h, 0), EBADF);
    FAILS(ws_detach(h, 0), EBADF);
  }
}

static coroutine void make_when_cancelled(struct thing* t, int* h) {
  FAILS(msleep(-1), ECANCELED);
  FAILS(hmake(&t->hvfs), ECANCELED);
  FAILS(hown(*h), ECANCELED);
  FAILS(hclose(*h), EBADF);
}

static void a_cancelled_coroutine_makes_no_handles_and_loses_what_it_moves(void) {
  struct thing t = new_thing();
  struct thing victim = new_thing();
  int h = hmake(&victim.hvfs);
  int b = go(make_when_cancelled(&t, &h));
  GIVES(hclose(b), 0);
  CHECK(victim.closed && !t.closed);
}

/* An object that answers everything is not taken for one of the library's. */
static void* boast(struct hvfs* vfs, const void* type) {
  (void)type;
  return vfs;
}

static void an_object_of_the_program_is_no_bundle_whatever_it_answers(void) {
  struct thing t = new_thing();
  int h;
  t.hvfs.query = boast;
  h = hmake(&t.hvfs);
  CHECK(hquery(h, NULL) == &t);
  FAILS(bundle_wait(h, 0), ENOTSUP);
  FAILS(chdone(h), ENOTSUP);
  FAILS(tcp_close(h, 0), ENOTSUP);
  FAILS(ws_status(h, NULL, NULL, 0), ENOTSUP);
  GIVES(hclose(h), 0);
}

int main(void) {
  an_object_answers_for_its_types_and_is_asked_once();
  blocking_in_a_close_function_is_cancelled();
  a_closed_number_stays_invalid();
  a_new_owner_has_a_new_number();
  thousands_of_handles_are_distinct();
  incomplete_tables_are_refused();
  numbers_that_are_no_handles_are_invalid_everywhere();
  a_cancelled_coroutine_makes_no_handles_and_loses_what_it_moves();
  an_object_of_the_program_is_no_bundle_whatever_it_answers();
  return 0;
}
