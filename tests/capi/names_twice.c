/* names_twice.c - a program that finds two copies of each header, in different folders: they are one. */
#include <libdill.h>
#include COPY_OF_LIBDILL_H
#include <libdill.h>

#include COPY_OF_LIBDILLIMPL_H
#include <libdillimpl.h>

#include "check.h"

#if !defined(LIBDILL_H_INCLUDED) || !defined(LIBDILLIMPL_H_INCLUDED)
#error "the guards have other names"
#endif

static int closed;

static void* no_answer(struct hvfs* vfs, const void* type) {
  (void)vfs;
  (void)type;
  errno = ENOTSUP;
  return NULL;
}

static void note(struct hvfs* vfs) {
  (void)vfs;
  ++closed;
}

int main(void) {
  struct hvfs vfs = {no_answer, note};
  int h = hmake(&vfs);
  CHECK(h > 0);
  FAILS(bsend(h, "x", 1, -1), ENOTSUP);
  GIVES(hclose(h), 0);
  CHECK(closed == 1);
  return 0;
}
