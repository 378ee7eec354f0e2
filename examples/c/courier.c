/* courier.c - a protocol of the program's own, on top of any bytestream: messages behind one byte that
   says how long they are.

   Each side begins with a byte for the version of the protocol. A message has 0 to 254 bytes; a length
   of 255 is the end of what that side has to say. A courier is made of these:

       int courier_attach(int s, int64_t deadline);   takes the bytestream s
       int courier_done(int h, int64_t deadline);     says that nothing more comes
       int courier_detach(int h, int64_t deadline);   both sides at their ends: the bytestream again

   and, since it answers msock_type, msend() and mrecv() work on it, and protocols that want a message
   socket. The functions follow the rules of the library: attach closes what it was given when it fails,
   a socket that failed in the middle says ECONNRESET from then on, the end is EPIPE. */
#include <libdillimpl.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { VERSION = 1, END = 255 };

struct courier {
  struct hvfs hvfs;
  struct msock_vfs mvfs;
  int lower;
  /* What further sends and receives fail with, 0 for not at all. */
  int out;
  int in;
};

/* Known by its address. */
static const int courier_type_id;
static const void* const courier_type = &courier_type_id;

static struct courier* courier_of(struct msock_vfs* mvfs) {
  return (struct courier*)(void*)((char*)mvfs - offsetof(struct courier, mvfs));
}

static int fail(int code) {
  errno = code;
  return -1;
}

/* Part of a message may have been moved: what follows would be misunderstood. And a bytestream must not
   end before the byte that says so. */
static int break_off(int* direction) {
  *direction = ECONNRESET;
  return fail(errno == EPIPE ? ECONNRESET : errno);
}

static int courier_msendl(struct msock_vfs* mvfs, struct iolist* first, struct iolist* last,
                          int64_t deadline) {
  struct courier* self = courier_of(mvfs);
  size_t size = 0;
  unsigned char head;
  struct iolist list = {&head, 1, first, 0};
  if (self->out != 0) return fail(self->out);
  for (const struct iolist* it = first; it != NULL; it = it->iol_next) size += it->iol_len;
  if (size >= END) return fail(EMSGSIZE);
  head = (unsigned char)size;
  return bsendl(self->lower, &list, last, deadline) == 0 ? 0 : break_off(&self->out);
}

/* The length of the next message; the end is EPIPE. */
static int receive_head(struct courier* self, int64_t deadline) {
  unsigned char head;
  if (self->in != 0) return fail(self->in);
  if (brecv(self->lower, &head, 1, deadline) < 0) return break_off(&self->in);
  if (head != END) return head;
  self->in = EPIPE;
  return fail(EPIPE);
}

/* Fills the list, as far as `size` bytes go, with what comes. */
static int receive_body(struct courier* self, const struct iolist* it, size_t size,
                        int64_t deadline) {
  for (; size > 0; it = it->iol_next) {
    size_t piece = it->iol_len < size ? it->iol_len : size;
    if (brecv(self->lower, it->iol_base, piece, deadline) < 0) return -1;
    size -= piece;
  }
  return 0;
}

static ssize_t courier_mrecvl(struct msock_vfs* mvfs, struct iolist* first, struct iolist* last,
                              int64_t deadline) {
  struct courier* self = courier_of(mvfs);
  struct iolist nowhere = {NULL, END, NULL, 0};
  size_t room = 0;
  int size;
  (void)last;
  size = receive_head(self, deadline);
  if (size < 0) return -1;
  if (first == NULL) first = &nowhere;
  for (const struct iolist* it = first; it != NULL; it = it->iol_next) room += it->iol_len;
  /* A message that does not fit is dropped, so that the next one can be received. */
  if (room < (size_t)size) first = &nowhere;
  if (receive_body(self, first, (size_t)size, deadline) < 0) return break_off(&self->in);
  return room < (size_t)size ? fail(EMSGSIZE) : size;
}

static void* courier_query(struct hvfs* hvfs, const void* type) {
  struct courier* self = (struct courier*)(void*)hvfs;
  if (type == msock_type) return &self->mvfs;
  if (type == courier_type) return self;
  errno = ENOTSUP;
  return NULL;
}

static void courier_close(struct hvfs* hvfs) {
  struct courier* self = (struct courier*)(void*)hvfs;
  if (self->lower >= 0) hclose(self->lower);
  free(self);
}

/* Both versions must be the same; EPROTO. */
static int greet(int s, int64_t deadline) {
  unsigned char mine = VERSION, theirs;
  if (bsend(s, &mine, 1, deadline) < 0 || brecv(s, &theirs, 1, deadline) < 0) return -1;
  return theirs == VERSION ? 0 : fail(EPROTO);
}

static int close_and_fail(int s) {
  int code = errno;
  hclose(s);
  return fail(code);
}

int courier_attach(int s, int64_t deadline) {
  struct courier* self;
  int h;
  s = hown(s);
  if (s < 0) return -1;
  if (hquery(s, bsock_type) == NULL || greet(s, deadline) < 0) return close_and_fail(s);
  self = malloc(sizeof *self);
  if (self == NULL) return close_and_fail(s);
  self->hvfs.query = courier_query;
  self->hvfs.close = courier_close;
  self->mvfs.msendl = courier_msendl;
  self->mvfs.mrecvl = courier_mrecvl;
  self->lower = s;
  self->out = self->in = 0;
  h = hmake(&self->hvfs);
  if (h >= 0) return h;
  h = close_and_fail(s);
  free(self);
  return h;
}

int courier_done(int h, int64_t deadline) {
  unsigned char end = END;
  struct courier* self = hquery(h, courier_type);
  if (self == NULL) return -1;
  if (self->out != 0) return fail(self->out);
  if (bsend(self->lower, &end, 1, deadline) < 0) return break_off(&self->out);
  self->out = EPIPE;
  return 0;
}

/* What is left in the object goes with its handle, whose close function leaves the lower socket alone. */
int courier_detach(int h, int64_t deadline) {
  struct courier* self = hquery(h, courier_type);
  int lower;
  if (self == NULL) return -1;
  if (self->out != EPIPE && courier_done(h, deadline) < 0) return close_and_fail(h);
  while (mrecvl(h, NULL, NULL, deadline) >= 0) continue;
  if (errno != EPIPE) return close_and_fail(h);
  lower = self->lower;
  self->lower = -1;
  hclose(h);
  return lower;
}

/* The other side of the conversation in main(). */
static coroutine void answer(int s, int64_t deadline) {
  static const char reply[] = "Good, and you?";
  char text[256];
  ssize_t size;
  s = courier_attach(s, deadline);
  if (s < 0) return;
  size = mrecv(s, text, sizeof text, deadline);
  if (size >= 0) printf("received: %.*s\n", (int)size, text);
  if (size < 0 || msend(s, reply, strlen(reply), deadline) < 0) perror("answer");
  s = courier_detach(s, deadline);
  if (s < 0) return;
  if (bsend(s, "plain bytes", 11, deadline) < 0) perror("answer");
  hclose(s);
}

int main(void) {
  struct iolist question[2] = {{"How are ", 8, &question[1], 0}, {"you?", 4, NULL, 0}};
  int64_t deadline = now() + 5000;
  char text[256];
  ssize_t size;
  int ends[2], b, s;
  if (ipc_pair(ends) < 0) return 1;
  b = go(answer(ends[1], deadline));
  s = courier_attach(ends[0], deadline);
  if (b < 0 || s < 0) return 1;

  if (msendl(s, &question[0], &question[1], deadline) < 0) return 1;
  size = mrecv(s, text, sizeof text, deadline);
  if (size < 0) return 1;
  printf("received: %.*s\n", (int)size, text);

  s = courier_detach(s, deadline);
  if (s < 0 || brecv(s, text, 11, deadline) < 0) return 1;
  printf("received: %.*s\n", 11, text);
  hclose(s);
  hclose(b);
  return 0;
}
