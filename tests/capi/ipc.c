/* ipc.c - Unix sockets, lists of memory, descriptors passed along. */
#include "check.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <libdill.h>

static void pair(int s[2]) {
  GIVES(ipc_pair(s), 0);
}

static void discard(int s[2]) {
  GIVES(hclose(s[0]), 0);
  GIVES(hclose(s[1]), 0);
}

/* A path that nothing is at. */
static const char* new_path(void) {
  static char path[64];
  snprintf(path, sizeof path, "/tmp/libdill-ipc-%d", (int)getpid());
  unlink(path);
  return path;
}

static coroutine void client(const char* path) {
  char text[3];
  int s = ipc_connect(path, -1);
  CHECK(s > 0);
  GIVES(bsend(s, "ABC", 3, -1), 0);
  GIVES(brecv(s, text, 3, -1), 0);
  CHECK(memcmp(text, "GHI", 3) == 0);
  GIVES(ipc_close(s, -1), 0);
}

static void a_path_connects_two_coroutines(void) {
  struct ipc_storage storage;
  const char* path = new_path();
  char text[3];
  int ls, b, s;
  FAILS(ipc_connect(path, -1), ENOENT);
  ls = ipc_listen(path, 10);
  CHECK(ls > 0);
  FAILS(ipc_listen(path, 10), EADDRINUSE);
  FAILS(ipc_accept(ls, now() + 5), ETIMEDOUT);
  b = go(client(path));
  s = ipc_accept_mem(ls, &storage, -1);
  CHECK(s > 0);
  GIVES(brecv(s, text, 3, -1), 0);
  CHECK(memcmp(text, "ABC", 3) == 0);
  GIVES(bsend(s, "GHI", 3, -1), 0);
  FAILS(tcp_close(s, -1), ENOTSUP);
  GIVES(ipc_close(s, -1), 0);
  GIVES(bundle_wait(b, -1), 0);
  GIVES(hclose(b), 0);
  GIVES(ipc_close(ls, -1), 0);
  unlink(path);
  FAILS(ipc_listen(NULL, 1), EINVAL);
}

/* Talks both ways; then both ends part in order. */
static void converse_and_part(int a, int b) {
  char text[3];
  CHECK(a > 0 && b > 0);
  GIVES(bsend(a, "ABC", 3, -1), 0);
  GIVES(brecv(b, text, 3, -1), 0);
  CHECK(memcmp(text, "ABC", 3) == 0);
  GIVES(bsend(b, "DEF", 3, -1), 0);
  GIVES(brecv(a, text, 3, -1), 0);
  CHECK(memcmp(text, "DEF", 3) == 0);
  GIVES(ipc_done(a, -1), 0);
  FAILS(brecv(b, text, 1, -1), EPIPE);
  GIVES(ipc_close(b, -1), 0);
  GIVES(ipc_close(a, -1), 0);
}

static void sockets_live_in_memory_of_the_caller(void) {
  struct ipc_listener_storage listener;
  struct ipc_storage ends[2];
  const char* path = new_path();
  int round;
  for (round = 0; round < 2; ++round) {
    int s[2];
    int ls = ipc_listen_mem(path, 10, &listener);
    CHECK(ls > 0);
    s[0] = ipc_connect_mem(path, &ends[0], -1);
    s[1] = ipc_accept_mem(ls, &ends[1], -1);
    converse_and_part(s[0], s[1]);
    GIVES(ipc_close(ls, -1), 0);
    CHECK(unlink(path) == 0);
  }
  FAILS(ipc_connect_mem(path, &ends[0], -1), ENOENT);
}

/* A descriptor that is bound to `path`; nobody can connect before it listens. */
static int bound_to(const char* path) {
  struct sockaddr_un name;
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  memset(&name, 0, sizeof name);
  name.sun_family = AF_UNIX;
  strcpy(name.sun_path, path);
  CHECK(fd >= 0 && bind(fd, (struct sockaddr*)&name, sizeof name) == 0);
  return fd;
}

static int gone(int fd) {
  return fcntl(fd, F_GETFD) == -1 && errno == EBADF;
}

/* In memory of the caller unless `memory` is NULL. */
static void serve_on_a_descriptor(struct ipc_listener_storage* memory) {
  const char* path = new_path();
  int fd = bound_to(path);
  int ls, client;
  FAILS(memory ? ipc_listener_fromfd_mem(fd, memory) : ipc_listener_fromfd(fd), EINVAL);
  CHECK(!gone(fd) && listen(fd, 5) == 0);
  FAILS(ipc_fromfd(fd), EINVAL);
  FAILS(tcp_listener_fromfd(fd), EINVAL);
  ls = memory ? ipc_listener_fromfd_mem(fd, memory) : ipc_listener_fromfd(fd);
  CHECK(ls > 0 && gone(fd));
  FAILS(ipc_accept(ls, now() + 2), ETIMEDOUT);
  client = ipc_connect(path, -1);
  converse_and_part(client, ipc_accept(ls, -1));
  GIVES(hclose(ls), 0);
  FAILS(ipc_connect(path, -1), ECONNREFUSED);
  CHECK(unlink(path) == 0);
}

static void a_listening_descriptor_is_taken_over(void) {
  struct ipc_listener_storage memory;
  int fds[2];
  serve_on_a_descriptor(NULL);
  serve_on_a_descriptor(&memory);
  serve_on_a_descriptor(&memory);
  CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
  FAILS(ipc_listener_fromfd(fds[0]), EINVAL);
  FAILS(ipc_listener_fromfd_mem(-1, &memory), EINVAL);
  CHECK(close(fds[0]) == 0 && close(fds[1]) == 0);
  FAILS(ipc_listener_fromfd(fds[0]), EBADF);
}

static void connected_descriptors_are_taken_over(void) {
  struct ipc_storage memory;
  int round;
  for (round = 0; round < 2; ++round) {
    int fds[2], s[2];
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
    s[0] = ipc_fromfd(fds[0]);
    CHECK(gone(fds[0]));
    s[1] = ipc_fromfd_mem(fds[1], &memory);
    CHECK(gone(fds[1]));
    converse_and_part(s[0], s[1]);
  }
  FAILS(ipc_fromfd_mem(-1, &memory), EINVAL);
}

static void paths_have_a_longest_length(void) {
  char path[200];
  memset(path, 'a', sizeof path - 1);
  path[sizeof path - 1] = 0;
  FAILS(ipc_listen(path, 1), ENAMETOOLONG);
  FAILS(ipc_connect(path, -1), ENAMETOOLONG);
}

static void bytes_can_be_skipped(void) {
  int s[2];
  char text[2];
  pair(s);
  GIVES(bsend(s[0], "ABCDE", 5, -1), 0);
  GIVES(brecv(s[1], NULL, 3, -1), 0);
  GIVES(brecv(s[1], text, 2, -1), 0);
  CHECK(memcmp(text, "DE", 2) == 0);
  GIVES(ipc_done(s[0], -1), 0);
  FAILS(brecv(s[1], NULL, 5, -1), EPIPE);
  discard(s);
}

static void lists_are_sent_and_received_in_order(void) {
  int s[2];
  char a[2], c[3];
  struct iolist out[3], in[3];
  pair(s);
  out[0].iol_base = (void*)"AB";
  out[0].iol_len = 2;
  out[0].iol_next = &out[1];
  out[0].iol_rsvd = 0;
  out[1] = out[0];
  out[1].iol_len = 0;
  out[1].iol_next = &out[2];
  out[2] = out[0];
  out[2].iol_base = (void*)"CDEF";
  out[2].iol_len = 4;
  out[2].iol_next = NULL;
  memcpy(in, out, sizeof in);
  in[0].iol_base = a;
  in[0].iol_next = &in[1];
  in[1].iol_base = NULL;
  in[1].iol_len = 1;
  in[1].iol_next = &in[2];
  in[2].iol_base = c;
  in[2].iol_len = 3;
  GIVES(bsendl(s[0], &out[0], &out[2], -1), 0);
  GIVES(brecvl(s[1], &in[0], &in[2], -1), 0);
  CHECK(memcmp(a, "AB", 2) == 0 && memcmp(c, "DEF", 3) == 0);
  discard(s);
}

static void lists_of_any_length_are_sent(void) {
  enum { many = 3000 };
  static struct iolist list[many];
  static char text[many];
  int s[2];
  int i;
  pair(s);
  for (i = 0; i < many; ++i) {
    list[i].iol_base = (void*)"abcdefghij";
    list[i].iol_base = (char*)list[i].iol_base + i % 10;
    list[i].iol_len = 1;
    list[i].iol_next = i + 1 < many ? &list[i + 1] : NULL;
  }
  GIVES(bsendl(s[0], list, &list[many - 1], -1), 0);
  GIVES(brecv(s[1], text, many, -1), 0);
  for (i = 0; i < many; ++i) CHECK(text[i] == "abcdefghij"[i % 10]);
  discard(s);
}

static void malformed_lists_are_refused_and_break_nothing(void) {
  int s[2];
  char c = 'x';
  struct iolist list[3];
  int i;
  pair(s);
  for (i = 0; i < 3; ++i) {
    list[i].iol_base = &c;
    list[i].iol_len = 1;
    list[i].iol_next = NULL;
    list[i].iol_rsvd = 0;
  }
  FAILS(bsendl(s[0], NULL, NULL, -1), EINVAL);
  FAILS(brecvl(s[0], NULL, NULL, -1), EINVAL);
  FAILS(bsendl(s[0], &list[0], NULL, -1), EINVAL);
  FAILS(bsendl(s[0], &list[0], &list[1], -1), EINVAL);
  list[0].iol_next = &list[1];
  FAILS(bsendl(s[0], &list[0], &list[0], -1), EINVAL);
  list[1].iol_next = &list[0];
  FAILS(bsendl(s[0], &list[0], &list[2], -1), EINVAL);
  list[1].iol_next = &list[1];
  FAILS(brecvl(s[0], &list[0], &list[2], -1), EINVAL);
  list[1].iol_next = &list[2];
  list[1].iol_rsvd = 1;
  FAILS(bsendl(s[0], &list[0], &list[2], -1), EINVAL);
  list[1].iol_rsvd = 0;
  list[1].iol_base = NULL;
  FAILS(bsendl(s[0], &list[0], &list[2], -1), EINVAL);
  FAILS(bsend(s[0], NULL, 1, -1), EINVAL);
  CHECK(list[0].iol_rsvd == 0 && list[2].iol_rsvd == 0);
  GIVES(bsend(s[0], NULL, 0, -1), 0);
  GIVES(bsend(s[0], &c, 1, -1), 0);
  GIVES(brecv(s[1], &c, 1, -1), 0);
  discard(s);
}

static void descriptors_keep_their_place_among_bytes(void) {
  int s[2];
  char text[3];
  int fds[2];
  int fd;
  pair(s);
  CHECK(pipe(fds) == 0);
  GIVES(bsend(s[0], "ABC", 3, -1), 0);
  GIVES(ipc_sendfd(s[0], fds[1], -1), 0);
  GIVES(bsend(s[0], "DEF", 3, -1), 0);
  GIVES(brecv(s[1], text, 3, -1), 0);
  fd = ipc_recvfd(s[1], -1);
  CHECK(fd >= 0 && fd != fds[1]);
  GIVES(brecv(s[1], text, 3, -1), 0);
  CHECK(memcmp(text, "DEF", 3) == 0);
  CHECK(write(fd, "!", 1) == 1 && read(fds[0], text, 1) == 1 && text[0] == '!');
  FAILS(ipc_recvfd(s[1], 0), ETIMEDOUT);
  FAILS(ipc_recvfd(s[1], now() + 5), ETIMEDOUT);
  FAILS(ipc_sendfd(s[0], -1, -1), EINVAL);
  GIVES(bsend(s[0], "x", 1, -1), 0);
  FAILS(ipc_recvfd(s[1], -1), EPROTO);
  FAILS(ipc_recvfd(s[1], -1), ECONNRESET);
  close(fd);
  close(fds[0]);
  close(fds[1]);
  discard(s);
}

static void a_peer_that_is_gone_is_an_error_and_no_signal(void) {
  int s[2];
  pair(s);
  GIVES(hclose(s[1]), 0);
  FAILS(ipc_sendfd(s[0], 0, -1), ECONNRESET);
  FAILS(bsend(s[0], "x", 1, -1), ECONNRESET);
  GIVES(hclose(s[0]), 0);
}

static void both_ends_close_in_order(void) {
  struct ipc_pair_storage storage;
  int s[2];
  char c;
  GIVES(ipc_pair_mem(&storage, s), 0);
  GIVES(bsend(s[0], "x", 1, -1), 0);
  GIVES(ipc_done(s[0], -1), 0);
  GIVES(brecv(s[1], &c, 1, -1), 0);
  FAILS(brecv(s[1], &c, 1, -1), EPIPE);
  GIVES(ipc_close(s[1], -1), 0);
  GIVES(ipc_close(s[0], -1), 0);
  FAILS(ipc_pair_mem(NULL, s), EINVAL);
  FAILS(hclose(s[0]), EBADF);
}

static coroutine void fill(int s, int* code) {
  static char data[100000];
  while (bsend(s, data, sizeof data, -1) == 0) continue;
  *code = errno;
}

static void a_sender_that_waits_is_woken_by_closing(void) {
  int s[2];
  int code = 0;
  int b;
  pair(s);
  b = go(fill(s[0], &code));
  FAILS(bsend(s[0], "x", 1, -1), EBUSY);
  GIVES(hclose(s[0]), 0);
  GIVES(bundle_wait(b, -1), 0);
  CHECK(code == ECANCELED);
  GIVES(hclose(b), 0);
  GIVES(hclose(s[1]), 0);
}

int main(void) {
  paths_have_a_longest_length();
  bytes_can_be_skipped();
  lists_are_sent_and_received_in_order();
  lists_of_any_length_are_sent();
  malformed_lists_are_refused_and_break_nothing();
  if (!simulated()) {
    a_path_connects_two_coroutines();
    sockets_live_in_memory_of_the_caller();
    a_listening_descriptor_is_taken_over();
    connected_descriptors_are_taken_over();
    descriptors_keep_their_place_among_bytes();
  }
  a_peer_that_is_gone_is_an_error_and_no_signal();
  both_ends_close_in_order();
  a_sender_that_waits_is_woken_by_closing();
  return 0;
}
