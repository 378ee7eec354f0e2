/* own_sockets.h - sockets that a program makes itself: a bytestream and a message socket. */
#ifndef OWN_SOCKETS_H_INCLUDED
#define OWN_SOCKETS_H_INCLUDED

#include "check.h"

#include <libdillimpl.h>

/* A bytestream that turns every byte around on its way. */
struct flip {
  struct hvfs hvfs;
  struct bsock_vfs bvfs;
  int lower;
  int closed;
};

static void turn(struct iolist* first) {
  for (; first != NULL; first = first->iol_next) {
    size_t i;
    for (i = 0; i < first->iol_len; ++i) ((char*)first->iol_base)[i] ^= 0x55;
  }
}

static void* flip_query(struct hvfs* vfs, const void* type) {
  struct flip* self = (struct flip*)vfs;
  if (type == bsock_type) return &self->bvfs;
  errno = ENOTSUP;
  return NULL;
}

static void flip_close(struct hvfs* vfs) {
  struct flip* self = (struct flip*)vfs;
  hclose(self->lower);
  self->closed = 1;
}

static struct flip* flip_of(struct bsock_vfs* vfs) {
  return (struct flip*)(void*)((char*)vfs - offsetof(struct flip, bvfs));
}

static int flip_bsendl(struct bsock_vfs* vfs, struct iolist* first, struct iolist* last,
                       int64_t deadline) {
  int rc;
  turn(first);
  rc = bsendl(flip_of(vfs)->lower, first, last, deadline);
  turn(first);
  return rc;
}

static int flip_brecvl(struct bsock_vfs* vfs, struct iolist* first, struct iolist* last,
                       int64_t deadline) {
  int rc = brecvl(flip_of(vfs)->lower, first, last, deadline);
  if (rc == 0) turn(first);
  return rc;
}

static inline int flip_attach(struct flip* self, int s) {
  memset(self, 0, sizeof *self);
  self->hvfs.query = flip_query;
  self->hvfs.close = flip_close;
  self->bvfs.bsendl = flip_bsendl;
  self->bvfs.brecvl = flip_brecvl;
  self->lower = hown(s);
  CHECK(self->lower > 0);
  return hmake(&self->hvfs);
}

/* Messages of at most 255 bytes behind a byte with their length. */
struct quux {
  struct hvfs hvfs;
  struct msock_vfs mvfs;
  int lower;
};

static void* quux_query(struct hvfs* vfs, const void* type) {
  struct quux* self = (struct quux*)vfs;
  if (type == msock_type) return &self->mvfs;
  errno = ENOTSUP;
  return NULL;
}

static void quux_close(struct hvfs* vfs) {
  hclose(((struct quux*)vfs)->lower);
}

static struct quux* quux_of(struct msock_vfs* vfs) {
  return (struct quux*)(void*)((char*)vfs - offsetof(struct quux, mvfs));
}

static int quux_msendl(struct msock_vfs* vfs, struct iolist* first, struct iolist* last,
                       int64_t deadline) {
  unsigned char size = 0;
  struct iolist* at;
  struct iolist head = {NULL, 1, NULL, 0};
  for (at = first; at != NULL; at = at->iol_next) size = (unsigned char)(size + at->iol_len);
  head.iol_base = &size;
  head.iol_next = first;
  return bsendl(quux_of(vfs)->lower, &head, last, deadline);
}

static ssize_t quux_mrecvl(struct msock_vfs* vfs, struct iolist* first, struct iolist* last,
                           int64_t deadline) {
  unsigned char size = 0;
  int lower = quux_of(vfs)->lower;
  (void)last;
  if (brecv(lower, &size, 1, deadline) < 0) return -1;
  if (first == NULL) return brecv(lower, NULL, size, deadline) < 0 ? -1 : size;
  if (size > first->iol_len) return errno = EMSGSIZE, -1;
  return brecv(lower, first->iol_base, size, deadline) < 0 ? -1 : size;
}

static inline int quux_attach(struct quux* self, int s) {
  memset(self, 0, sizeof *self);
  self->hvfs.query = quux_query;
  self->hvfs.close = quux_close;
  self->mvfs.msendl = quux_msendl;
  self->mvfs.mrecvl = quux_mrecvl;
  self->lower = hown(s);
  CHECK(self->lower > 0);
  return hmake(&self->hvfs);
}

#endif
