/* misuse.c - what a program should not do is an errno, never the end of the process. */
#include "check.h"

#include <limits.h>
#include <sys/socket.h>

#include <libdillimpl.h>

static void pair(int s[2]) {
  GIVES(ipc_pair(s), 0);
}

/* --- closing what somebody waits on --- */

static coroutine void receive(int s, int code) {
  char c;
  FAILS(brecv(s, &c, 1, -1), code);
}

static coroutine void receive_descriptor(int s, int code) {
  FAILS(ipc_recvfd(s, -1), code);
}

static coroutine void receive_message(int s, int code) {
  char c;
  FAILS(mrecv(s, &c, 1, -1), code);
}

static coroutine void receive_from_channel(int ch, int code) {
  FAILS(chrecv(ch, NULL, 0, -1), code);
}

static coroutine void choose_from_channel(int ch, int code) {
  struct chclause clause = {CHRECV, 0, NULL, 0};
  clause.ch = ch;
  CHECK(choose(&clause, 1, -1) == 0 && errno == code);
}

static coroutine void wait_for_bundle(int b, int code) {
  FAILS(bundle_wait(b, -1), code);
}

static coroutine void accept_connection(int ls, int code) {
  FAILS(ipc_accept(ls, -1), code);
}

static coroutine void sleep_for_ever(void) {
  FAILS(msleep(-1), ECANCELED);
}

static void a_handle_may_be_closed_under_those_who_wait_on_it(void) {
  struct ipaddr here;
  int s[2], ch[2];
  int u, inner;
  int b = bundle();
  pair(s);
  CHECK(bundle_go(b, receive(s[0], ECANCELED)) == 0);
  GIVES(hclose(s[0]), 0);
  GIVES(hclose(s[1]), 0);
  pair(s);
  CHECK(bundle_go(b, receive(s[0], ECANCELED)) == 0);
  FAILS(ipc_close(s[0], -1), ECONNRESET);
  FAILS(ipc_close(s[0], -1), EBADF);
  GIVES(hclose(s[1]), 0);
  GIVES(ipaddr_local(&here, "127.0.0.1", 0, 0), 0);
  u = udp_open(&here, NULL);
  CHECK(u > 0);
  CHECK(bundle_go(b, receive_message(u, ECANCELED)) == 0);
  GIVES(hclose(u), 0);
  GIVES(chmake(ch), 0);
  CHECK(bundle_go(b, receive_from_channel(ch[0], EPIPE)) == 0);
  CHECK(bundle_go(b, choose_from_channel(ch[0], EPIPE)) == 0);
  GIVES(hclose(ch[0]), 0);
  GIVES(hclose(ch[1]), 0);
  inner = go(sleep_for_ever());
  CHECK(bundle_go(b, wait_for_bundle(inner, ECANCELED)) == 0);
  GIVES(hclose(inner), 0);
  GIVES(bundle_wait(b, -1), 0);
  GIVES(hclose(b), 0);
}

/* Those need a file or a descriptor of the operating system. */
static void so_may_a_listener_and_a_receiver_of_descriptors(void) {
  char path[64];
  int s[2];
  int ls;
  int b = bundle();
  snprintf(path, sizeof path, "/tmp/libdill-misuse-%d", (int)getpid());
  unlink(path);
  ls = ipc_listen(path, 1);
  CHECK(ls > 0);
  CHECK(bundle_go(b, accept_connection(ls, ECANCELED)) == 0);
  GIVES(hclose(ls), 0);
  unlink(path);
  pair(s);
  CHECK(bundle_go(b, receive_descriptor(s[0], ECANCELED)) == 0);
  FAILS(ipc_recvfd(s[0], -1), EBUSY);
  GIVES(hclose(s[0]), 0);
  GIVES(hclose(s[1]), 0);
  GIVES(bundle_wait(b, -1), 0);
  GIVES(hclose(b), 0);
}

static coroutine void close_a_bundle(int* b, int code) {
  if (code == 0)
    GIVES(hclose(*b), 0);
  else
    FAILS(hclose(*b), code);
}

static coroutine void close_it_later(int* b, int code) {
  GIVES(yield(), 0);
  close_a_bundle(b, code);
}

static void a_bundle_is_not_closed_by_its_own_but_by_any_other(void) {
  int inner = bundle();
  int outer = bundle();
  CHECK(bundle_go(inner, close_it_later(&inner, EDEADLK)) == 0);
  GIVES(bundle_wait(inner, -1), 0);
  CHECK(bundle_go(inner, sleep_for_ever()) == 0);
  CHECK(bundle_go(outer, close_a_bundle(&inner, 0)) == 0);
  GIVES(bundle_wait(outer, -1), 0);
  FAILS(hclose(inner), EBADF);
  GIVES(hclose(outer), 0);
}

/* --- numbers --- */

static void a_number_is_used_up_by_whatever_ends_the_handle(void) {
  struct ipaddr here;
  int s[2], ch[2];
  int b, moved, ls;
  pair(s);
  GIVES(hclose(s[0]), 0);
  FAILS(hclose(s[0]), EBADF);
  GIVES(ipc_done(s[1], -1), 0);
  GIVES(ipc_close(s[1], -1), 0);
  FAILS(ipc_close(s[1], -1), EBADF);
  FAILS(hclose(s[1]), EBADF);
  FAILS(ipc_done(s[1], -1), EBADF);
  GIVES(chmake(ch), 0);
  GIVES(hclose(ch[0]), 0);
  FAILS(chdone(ch[0]), EBADF);
  FAILS(hclose(ch[0]), EBADF);
  GIVES(hclose(ch[1]), 0);
  b = bundle();
  moved = hown(b);
  FAILS(bundle_wait(b, -1), EBADF);
  FAILS(hown(b), EBADF);
  GIVES(hclose(moved), 0);
  FAILS(hclose(moved), EBADF);
  GIVES(ipaddr_local(&here, "127.0.0.1", 0, 0), 0);
  ls = tcp_listen(&here, 1);
  GIVES(tcp_close(ls, -1), 0);
  FAILS(tcp_close(ls, -1), EBADF);
}

static void closing_and_detaching_give_the_number_back(void) {
  int s[2];
  int i;
  for (i = 0; i < 3000; ++i) {
    pair(s);
    GIVES(ipc_done(s[0], -1), 0);
    GIVES(ipc_close(s[1], -1), 0);
    GIVES(ipc_close(s[0], -1), 0);
    CHECK((s[0] & 0xffff) < 2048 && (s[1] & 0xffff) < 2048);
  }
}

static coroutine void make_many(struct hvfs* vfs, int* handles, int n) {
  int i;
  GIVES(yield(), 0);
  for (i = 0; i < n; ++i) CHECK((handles[i] = hmake(vfs)) > 0);
}

static coroutine void take_a_turn_to_end(int ch) {
  FAILS(msleep(-1), ECANCELED);
  FAILS(chsend(ch, NULL, 0, -1), ECANCELED);
}

static void* no_answer(struct hvfs* vfs, const void* type) {
  (void)vfs;
  (void)type;
  errno = ENOTSUP;
  return NULL;
}

static void no_end(struct hvfs* vfs) {
  (void)vfs;
}

/* The table of handles grows while hclose waits for the coroutines of a bundle. */
static void the_table_may_grow_while_a_handle_is_closed(void) {
  static int handles[5000];
  struct hvfs vfs = {no_answer, no_end};
  int ch[2];
  int i;
  int maker = bundle();
  int victim = bundle();
  GIVES(chmake(ch), 0);
  CHECK(bundle_go(victim, take_a_turn_to_end(ch[0])) == 0);
  CHECK(bundle_go(maker, make_many(&vfs, handles, 5000)) == 0);
  GIVES(hclose(victim), 0);
  GIVES(bundle_wait(maker, -1), 0);
  for (i = 0; i < 5000; ++i) GIVES(hclose(handles[i]), 0);
  GIVES(hclose(maker), 0);
  GIVES(hclose(ch[0]), 0);
  GIVES(hclose(ch[1]), 0);
}

/* --- sizes and memory --- */

static void hostile_sizes_are_refused_or_wait(void) {
  static struct chclause clauses[100000];
  struct iolist list[2];
  char c = 'h';
  int s[2], ch[2];
  int i;
  pair(s);
  GIVES(chmake(ch), 0);
  FAILS(chsend(ch[0], NULL, SIZE_MAX, 0), EINVAL);
  FAILS(chsend(ch[0], &c, SIZE_MAX, 0), ETIMEDOUT);
  for (i = 0; i < 100000; ++i) {
    clauses[i].op = CHRECV;
    clauses[i].ch = ch[0];
    clauses[i].val = &c;
    clauses[i].len = 1;
  }
  FAILS(choose(clauses, 100000, now() + 2), ETIMEDOUT);
  FAILS(choose(clauses, INT_MIN, 0), EINVAL);
  GIVES(bsend(s[1], "ABC", 3, -1), 0);
  FAILS(brecv(s[0], NULL, SIZE_MAX, now() + 2), ETIMEDOUT);
  FAILS(brecv(s[0], &c, 1, -1), ECONNRESET);
  list[0].iol_base = NULL;
  list[0].iol_len = SIZE_MAX;
  list[0].iol_next = &list[1];
  list[0].iol_rsvd = 0;
  list[1] = list[0];
  list[1].iol_next = NULL;
  FAILS(brecvl(s[1], &list[0], &list[1], 0), ETIMEDOUT);
  FAILS(bsendl(s[1], &list[0], &list[1], 0), EINVAL);
  GIVES(hclose(s[0]), 0);
  GIVES(hclose(s[1]), 0);
  GIVES(hclose(ch[0]), 0);
  GIVES(hclose(ch[1]), 0);
}

static coroutine void nothing(void) {}

static void memory_that_is_missing_or_too_small_is_told(void) {
  static char memory[300];
  struct ipaddr here;
  int s[2];
  size_t len;
  for (len = 0; len < sizeof memory; ++len) FAILS(go_mem(nothing(), memory, len), ENOMEM);
  FAILS(go_mem(nothing(), NULL, SIZE_MAX - 1), EINVAL);
  GIVES(ipaddr_local(&here, "127.0.0.1", 0, 0), 0);
  FAILS(bundle_mem(NULL), EINVAL);
  FAILS(chmake_mem(NULL, s), EINVAL);
  FAILS(tcp_listen_mem(&here, 1, NULL), EINVAL);
  FAILS(tcp_accept_mem(-1, NULL, NULL, 0), EINVAL);
  FAILS(tcp_fromfd_mem(0, NULL), EINVAL);
  FAILS(tcp_listener_fromfd_mem(0, NULL), EINVAL);
  FAILS(ipc_listen_mem("/tmp/unused", 1, NULL), EINVAL);
  FAILS(ipc_accept_mem(-1, NULL, 0), EINVAL);
  FAILS(ipc_connect_mem("/tmp/unused", NULL, 0), EINVAL);
  FAILS(ipc_fromfd_mem(0, NULL), EINVAL);
  FAILS(ipc_listener_fromfd_mem(0, NULL), EINVAL);
  FAILS(ipc_pair_mem(NULL, s), EINVAL);
  FAILS(ipc_pair(NULL), EINVAL);
  FAILS(udp_open_mem(&here, NULL, NULL), EINVAL);
}

/* --- addresses --- */

/* Its handle is hidden, but who asked for its functions before still has them. */
static void a_stream_below_a_layer_is_busy(void) {
  int s[2];
  struct bsock_vfs* below;
  struct iolist one = {(void*)"x", 1, NULL, 0};
  pair(s);
  below = (struct bsock_vfs*)hquery(s[0], bsock_type);
  CHECK(below != NULL);
  s[0] = prefix_attach(s[0], 2, PREFIX_BIG_ENDIAN);
  FAILS(below->bsendl(below, &one, &one, -1), EBUSY);
  FAILS(below->brecvl(below, &one, &one, -1), EBUSY);
  GIVES(hclose(s[0]), 0);
  GIVES(hclose(s[1]), 0);
}

static void no_mode_and_no_port_is_too_strange(void) {
  static const int modes[] = {-1, 5, 6, 100, INT_MAX, INT_MIN};
  static const int ports[] = {-1, 65536, INT_MAX, INT_MIN};
  struct ipaddr a[2];
  size_t i;
  for (i = 0; i < sizeof modes / sizeof modes[0]; ++i) {
    FAILS(ipaddr_local(a, NULL, 80, modes[i]), EINVAL);
    FAILS(ipaddr_local(a, "127.0.0.1", 80, modes[i]), EINVAL);
    FAILS(ipaddr_remote(a, "127.0.0.1", 80, modes[i], 0), EINVAL);
    FAILS(ipaddr_remotes(a, 2, "127.0.0.1", 80, modes[i], 0), EINVAL);
  }
  for (i = 0; i < sizeof ports / sizeof ports[0]; ++i) {
    FAILS(ipaddr_local(a, NULL, ports[i], 0), EINVAL);
    FAILS(ipaddr_local(a, "lo", ports[i], 0), EINVAL);
    FAILS(ipaddr_remote(a, "127.0.0.1", ports[i], 0, 0), EINVAL);
    FAILS(ipaddr_remotes(a, 2, "localhost", ports[i], 0, 0), EINVAL);
    FAILS(happyeyeballs_connect("127.0.0.1", ports[i], 0), EINVAL);
  }
  FAILS(ipaddr_remotes(a, INT_MIN, "127.0.0.1", 80, 0, 0), EINVAL);
  FAILS(ipaddr_local(NULL, "127.0.0.1", 80, 0), EINVAL);
  FAILS(ipaddr_remote(NULL, "127.0.0.1", 80, 0, 0), EINVAL);
}

static void bytes_that_are_no_address_are_refused(void) {
  struct ipaddr junk;
  memset(&junk, 0x5a, sizeof junk);
  FAILS(tcp_listen(&junk, 1), EAFNOSUPPORT);
  FAILS(tcp_connect(&junk, -1), EAFNOSUPPORT);
  FAILS(udp_open(&junk, NULL), EAFNOSUPPORT);
  FAILS(udp_open(NULL, &junk), EAFNOSUPPORT);
  CHECK(!ipaddr_equal(&junk, &junk, 1));
}

/* --- descriptors --- */

static coroutine void wait_and_do_not_mind(int fd, int64_t deadline) {
  fdin(fd, deadline);
}

static void descriptors_may_be_any_number_and_go_at_any_time(void) {
  static const int numbers[] = {-1, INT_MIN, INT_MAX, 1 << 20, 999};
  int fds[2];
  size_t i;
  int b;
  for (i = 0; i < sizeof numbers / sizeof numbers[0]; ++i) {
    FAILS(fdin(numbers[i], 0), EBADF);
    FAILS(fdout(numbers[i], -1), EBADF);
    GIVES(fdclean(numbers[i]), 0);
    CHECK(ipc_fromfd(numbers[i]) == -1 && (errno == EBADF || errno == EINVAL));
    CHECK(tcp_listener_fromfd(numbers[i]) == -1 && (errno == EBADF || errno == EINVAL));
  }
  CHECK(pipe(fds) == 0);
  FAILS(ipc_fromfd(fds[0]), ENOTSOCK);
  FAILS(tcp_fromfd(fds[0]), ENOTSOCK);
  b = go(wait_and_do_not_mind(fds[0], now() + 20));
  close(fds[0]);
  close(fds[1]);
  GIVES(bundle_wait(b, -1), 0);
  CHECK(pipe(fds) == 0);
  CHECK(write(fds[1], "", 1) == 1);
  GIVES(fdin(fds[0], -1), 0);
  close(fds[0]);
  close(fds[1]);
  CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
  FAILS(fdin(fds[0], now() + 2), ETIMEDOUT);
  GIVES(fdout(fds[0], -1), 0);
  close(fds[0]);
  close(fds[1]);
  GIVES(hclose(b), 0);
}

int main(void) {
  a_handle_may_be_closed_under_those_who_wait_on_it();
  a_bundle_is_not_closed_by_its_own_but_by_any_other();
  a_number_is_used_up_by_whatever_ends_the_handle();
  closing_and_detaching_give_the_number_back();
  the_table_may_grow_while_a_handle_is_closed();
  hostile_sizes_are_refused_or_wait();
  memory_that_is_missing_or_too_small_is_told();
  a_stream_below_a_layer_is_busy();
  no_mode_and_no_port_is_too_strange();
  bytes_that_are_no_address_are_refused();
  if (simulated()) return 0;
  so_may_a_listener_and_a_receiver_of_descriptors();
  descriptors_may_be_any_number_and_go_at_any_time();
  return 0;
}
