/* errnos.c - what the manual pages of channels, descriptors, addresses, TCP and IPC list as errors, as far as
   the files about these have not provoked it. */
#include "check.h"

#include <netinet/in.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <libdill.h>

/* More than the kernel holds between two ends of a connection. */
static char data[40000000];

static int listen_here(struct ipaddr* here, int backlog) {
  int ls;
  GIVES(ipaddr_local(here, "127.0.0.1", 0, 0), 0);
  ls = tcp_listen(here, backlog);
  CHECK(ls > 0);
  return ls;
}

static coroutine void accept_one(int ls, int* s) {
  *s = tcp_accept(ls, NULL, -1);
  CHECK(*s > 0);
}

static void connect_here(int s[2]) {
  struct ipaddr here;
  int ls = listen_here(&here, 10);
  int b = go(accept_one(ls, &s[1]));
  s[0] = tcp_connect(&here, -1);
  CHECK(s[0] > 0);
  GIVES(bundle_wait(b, -1), 0);
  GIVES(hclose(b), 0);
  GIVES(hclose(ls), 0);
}

static void discard(int s[2]) {
  GIVES(hclose(s[0]), 0);
  GIVES(hclose(s[1]), 0);
}

static void ebadf_for_a_number_that_is_no_handle(void) {
  char c = 0;
  FAILS(chsend(-1, &c, 1, -1), EBADF);
  FAILS(chrecv(-1, &c, 1, -1), EBADF);
  FAILS(chdone(-1), EBADF);
  FAILS(brecv(-1, &c, 1, -1), EBADF);
  FAILS(msend(-1, &c, 1, -1), EBADF);
  FAILS(tcp_accept(-1, NULL, -1), EBADF);
  FAILS(tcp_done(-1, -1), EBADF);
  FAILS(ipc_accept(-1, -1), EBADF);
  FAILS(ipc_done(-1, -1), EBADF);
  FAILS(ipc_close(-1, -1), EBADF);
  FAILS(ipc_sendfd(-1, 0, -1), EBADF);
  FAILS(ipc_recvfd(-1, -1), EBADF);
  FAILS(tcp_fromfd(999), EBADF);
  FAILS(ipc_fromfd(999), EBADF);
}

static void enotsup_for_a_handle_of_another_kind(void) {
  char c = 0;
  int b = bundle();
  CHECK(b > 0);
  FAILS(chsend(b, &c, 1, -1), ENOTSUP);
  FAILS(chrecv(b, &c, 1, -1), ENOTSUP);
  FAILS(tcp_done(b, -1), ENOTSUP);
  FAILS(ipc_accept(b, -1), ENOTSUP);
  FAILS(ipc_done(b, -1), ENOTSUP);
  FAILS(ipc_sendfd(b, 0, -1), ENOTSUP);
  FAILS(ipc_recvfd(b, -1), ENOTSUP);
  GIVES(hclose(b), 0);
}

static coroutine void send_an_int(int ch) {
  int value = 1;
  FAILS(chsend(ch, &value, sizeof value, -1), EMSGSIZE);
}

static void emsgsize_on_both_sides_of_a_channel(void) {
  int ch[2], b;
  char c;
  GIVES(chmake(ch), 0);
  b = go(send_an_int(ch[0]));
  FAILS(chrecv(ch[1], &c, 1, -1), EMSGSIZE);
  GIVES(bundle_wait(b, -1), 0);
  GIVES(hclose(b), 0);
  discard(ch);
}

/* Everything that waits, and everything that makes a handle, in a coroutine that is cancelled. */
static coroutine void everything_fails(int ch, int other, int ls, struct ipaddr here) {
  struct ipaddr found;
  char c = 0;
  int s[2];
  FAILS(msleep(-1), ECANCELED);
  FAILS(chsend(ch, &c, 1, -1), ECANCELED);
  FAILS(chrecv(ch, &c, 1, -1), ECANCELED);
  FAILS(bundle_wait(other, -1), ECANCELED);
  FAILS(bundle(), ECANCELED);
  FAILS(tcp_listen(&here, 10), ECANCELED);
  FAILS(tcp_accept(ls, NULL, -1), ECANCELED);
  FAILS(tcp_connect(&here, -1), ECANCELED);
  FAILS(ipc_listen("/tmp/none", 10), ECANCELED);
  FAILS(ipc_connect("/tmp/none", -1), ECANCELED);
  FAILS(ipc_accept(ls, -1), ECANCELED);
  FAILS(ipc_pair(s), ECANCELED);
  FAILS(ipaddr_remote(&found, "localhost", 80, 0, -1), ECANCELED);
}

static void ecanceled_in_a_coroutine_whose_bundle_is_closed(void) {
  struct ipaddr here;
  int ls = listen_here(&here, 10);
  int other = bundle();
  int ch[2], b;
  CHECK(other > 0);
  GIVES(chmake(ch), 0);
  b = go(everything_fails(ch[0], other, ls, here));
  GIVES(hclose(b), 0);
  discard(ch);
  GIVES(hclose(other), 0);
  GIVES(hclose(ls), 0);
}

static coroutine void fill_and_be_cancelled(int s) {
  FAILS(bsend(s, data, sizeof data, -1), ECANCELED);
}

static coroutine void end_and_be_cancelled(int s, int is_tcp) {
  if (is_tcp)
    FAILS(tcp_close(s, -1), ECANCELED);
  else
    FAILS(ipc_close(s, -1), ECANCELED);
}

static void ecanceled_for_what_has_to_wait(void) {
  int s[2], b;
  GIVES(ipc_pair(s), 0);
  b = go(fill_and_be_cancelled(s[0]));
  GIVES(hclose(b), 0);
  FAILS(ipc_done(s[0], -1), ECONNRESET);
  FAILS(ipc_close(s[0], -1), ECONNRESET);
  b = go(end_and_be_cancelled(s[1], 0));
  GIVES(hclose(b), 0);

  connect_here(s);
  b = go(end_and_be_cancelled(s[0], 1));
  GIVES(hclose(b), 0);
  GIVES(hclose(s[1]), 0);
}

static coroutine void wait_for_a_descriptor(int s) {
  FAILS(ipc_recvfd(s, -1), ECANCELED);
}

static void ebusy_while_another_is_in_the_same_direction(void) {
  int s[2], b;
  GIVES(ipc_pair(s), 0);
  b = go(fill_and_be_cancelled(s[0]));
  FAILS(ipc_done(s[0], -1), EBUSY);
  if (!simulated()) FAILS(ipc_sendfd(s[0], 0, -1), EBUSY);
  GIVES(hclose(b), 0);
  discard(s);

  if (!simulated()) {
    GIVES(ipc_pair(s), 0);
    b = go(wait_for_a_descriptor(s[0]));
    FAILS(ipc_recvfd(s[0], -1), EBUSY);
    GIVES(hclose(b), 0);
    discard(s);
  }

  connect_here(s);
  b = go(fill_and_be_cancelled(s[0]));
  FAILS(tcp_done(s[0], -1), EBUSY);
  GIVES(hclose(b), 0);
  FAILS(tcp_done(s[0], -1), ECONNRESET);
  discard(s);
}

static void etimedout_when_there_is_no_room(void) {
  int s[2];
  GIVES(ipc_pair(s), 0);
  FAILS(bsend(s[0], data, sizeof data, now() + 20), ETIMEDOUT);
  discard(s);

  GIVES(ipc_pair(s), 0);
  FAILS(ipc_close(s[0], now() + 20), ETIMEDOUT);
  GIVES(hclose(s[1]), 0);
}

static void epipe_after_the_end_of_a_direction(void) {
  int s[2];
  GIVES(ipc_pair(s), 0);
  GIVES(ipc_done(s[0], -1), 0);
  FAILS(ipc_done(s[0], -1), EPIPE);
  FAILS(ipc_sendfd(s[0], 0, -1), EPIPE);
  discard(s);
}

static void addresses_that_do_not_serve(void) {
  struct ipaddr here, there, none;
  int ls = listen_here(&here, 10);
  memset(&none, 0, sizeof none);
  FAILS(tcp_listen(&here, 10), EADDRINUSE);
  FAILS(tcp_listen(&none, 10), EAFNOSUPPORT);
  FAILS(tcp_connect(&none, -1), EAFNOSUPPORT);
  GIVES(ipaddr_local(&there, "192.0.2.1", 0, 0), 0);
  if (!simulated()) FAILS(tcp_listen(&there, 10), EADDRNOTAVAIL);
  GIVES(hclose(ls), 0);
  FAILS(ipc_accept_mem(1, NULL, -1), EINVAL);
  FAILS(ipc_connect(NULL, -1), EINVAL);
  FAILS(ipc_fromfd(-1), EINVAL);
  if (!simulated()) FAILS(ipc_listen("/nonexistent/socket", 10), ENOENT);
}

/* A file that nobody listens at any more, and a line that is full. */
static void peers_that_are_not_there(void) {
  char path[64];
  int ls, s[64], n = 0;
  if (simulated()) return;
  snprintf(path, sizeof path, "/tmp/errnos-%d", (int)getpid());
  unlink(path);
  ls = ipc_listen(path, 0);
  CHECK(ls > 0);
  do {
    s[n] = ipc_connect(path, now() + 20);
  } while (s[n] >= 0 && ++n < 64);
  CHECK(n < 64 && errno == ETIMEDOUT);
  FAILS(ipc_connect(path, now() + 20), ETIMEDOUT);
  while (n > 0) GIVES(hclose(s[--n]), 0);
  GIVES(hclose(ls), 0);
  FAILS(ipc_connect(path, -1), ECONNREFUSED);
  unlink(path);
}

static void descriptors_of_the_wrong_kind(void) {
  int fds[2], fd;
  if (simulated()) return;
  CHECK(pipe(fds) == 0);
  FAILS(tcp_fromfd(fds[0]), ENOTSOCK);
  FAILS(ipc_fromfd(fds[0]), ENOTSOCK);
  CHECK(close(fds[0]) == 0 && close(fds[1]) == 0);
  fd = socket(AF_INET, SOCK_STREAM, 0);
  CHECK(fd >= 0);
  FAILS(tcp_fromfd(fd), ENOTCONN);
  FAILS(ipc_fromfd(fd), EINVAL);
  CHECK(close(fd) == 0);
}

static int connected_fd(const struct ipaddr* to) {
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  CHECK(fd >= 0 && connect(fd, ipaddr_sockaddr(to), (socklen_t)ipaddr_len(to)) == 0);
  return fd;
}

/* A descriptor that was not taken over is still the program's. */
static coroutine void take_over_when_cancelled(int tcp, int ipc) {
  FAILS(msleep(-1), ECANCELED);
  FAILS(tcp_fromfd(tcp), ECANCELED);
  FAILS(ipc_fromfd(ipc), ECANCELED);
}

static void descriptors_are_not_taken_over_in_a_cancelled_coroutine(void) {
  struct ipaddr here;
  int fds[2], fd, ls, b;
  if (simulated()) return;
  ls = listen_here(&here, 10);
  fd = connected_fd(&here);
  CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
  b = go(take_over_when_cancelled(fd, fds[0]));
  GIVES(hclose(b), 0);
  CHECK(close(fd) == 0 && close(fds[0]) == 0 && close(fds[1]) == 0);
  fd = socket(AF_UNIX, SOCK_STREAM, 0);
  CHECK(fd >= 0);
  FAILS(ipc_fromfd(fd), ENOTCONN);
  CHECK(close(fd) == 0);
  GIVES(hclose(ls), 0);
}

static coroutine void receive_a_datagram_and_be_cancelled(int s) {
  char c;
  FAILS(udp_recv(s, NULL, &c, 1, -1), ECANCELED);
}

/* To all of a network only who has asked for that may send. */
static void datagrams_that_are_too_large_or_for_everybody(void) {
  struct ipaddr here, everybody;
  int s, b;
  char c;
  GIVES(ipaddr_local(&here, "127.0.0.1", 0, 0), 0);
  s = udp_open(&here, NULL);
  CHECK(s > 0);
  FAILS(udp_send(s, &here, data, 70000), EMSGSIZE);
  GIVES(udp_send(s, &here, "two", 2), 0);
  FAILS(udp_recv(s, NULL, &c, 1, -1), EMSGSIZE);
  GIVES(ipaddr_local(&everybody, "127.255.255.255", 9, 0), 0);
  if (!simulated()) FAILS(udp_send(s, &everybody, "x", 1), EACCES);
  b = go(receive_a_datagram_and_be_cancelled(s));
  GIVES(hclose(b), 0);
  GIVES(hclose(s), 0);
}

static coroutine void accept_and_be_cancelled(int ls) {
  FAILS(ipc_accept(ls, -1), ECANCELED);
}

static void ebusy_while_another_accepts(void) {
  char path[64];
  int ls, b;
  snprintf(path, sizeof path, "/tmp/errnos-%d", (int)getpid());
  if (!simulated()) unlink(path);
  ls = ipc_listen(path, 10);
  CHECK(ls > 0);
  b = go(accept_and_be_cancelled(ls));
  FAILS(ipc_accept(ls, -1), EBUSY);
  GIVES(hclose(b), 0);
  GIVES(hclose(ls), 0);
  if (!simulated()) unlink(path);
}

/* From now on no descriptor can be had; gives what the limit was before. */
static struct rlimit forbid_descriptors(void) {
  struct rlimit before, none;
  CHECK(getrlimit(RLIMIT_NOFILE, &before) == 0);
  none = before;
  none.rlim_cur = 0;
  CHECK(setrlimit(RLIMIT_NOFILE, &none) == 0);
  return before;
}

/* Valgrind, which keeps count of descriptors itself, lets a pair pass. */
static void emfile_when_there_is_no_descriptor_left(void) {
  struct ipaddr here, there;
  struct rlimit before;
  char path[64];
  int ls, s[2], fd;
  if (simulated()) return;
  snprintf(path, sizeof path, "/tmp/errnos-%d", (int)getpid());
  ls = listen_here(&here, 10);
  there = here;
  ipaddr_setport(&there, 0);
  fd = connected_fd(&here);
  before = forbid_descriptors();
  FAILS(tcp_listen(&there, 10), EMFILE);
  FAILS(tcp_connect(&here, -1), EMFILE);
  FAILS(tcp_accept(ls, NULL, now() + 100), EMFILE);
  if (!under_valgrind()) FAILS(ipc_pair(s), EMFILE);
  FAILS(ipc_listen(path, 10), EMFILE);
  FAILS(ipc_connect(path, -1), EMFILE);
  FAILS(udp_open(NULL, NULL), EMFILE);
  CHECK(setrlimit(RLIMIT_NOFILE, &before) == 0);
  CHECK(close(fd) == 0);
  GIVES(hclose(ls), 0);
}

/* To duplicate a descriptor, as taking one over does, the limit has to be above it. */
static void emfile_when_a_descriptor_cannot_be_duplicated(void) {
  struct ipaddr here;
  struct rlimit before, few;
  int ls, fd, fds[2], filler[64], n = 0;
  if (simulated()) return;
  ls = listen_here(&here, 10);
  fd = connected_fd(&here);
  CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
  CHECK(getrlimit(RLIMIT_NOFILE, &before) == 0);
  few = before;
  few.rlim_cur = 60;
  CHECK(setrlimit(RLIMIT_NOFILE, &few) == 0);
  while (n < 64 && (filler[n] = dup(fd)) >= 0) ++n;
  FAILS(tcp_fromfd(fd), EMFILE);
  FAILS(ipc_fromfd(fds[0]), EMFILE);
  while (n > 0) CHECK(close(filler[--n]) == 0);
  CHECK(setrlimit(RLIMIT_NOFILE, &before) == 0);
  CHECK(close(fd) == 0 && close(fds[0]) == 0 && close(fds[1]) == 0);
  GIVES(hclose(ls), 0);
}

int main(void) {
  ebadf_for_a_number_that_is_no_handle();
  enotsup_for_a_handle_of_another_kind();
  emsgsize_on_both_sides_of_a_channel();
  ecanceled_in_a_coroutine_whose_bundle_is_closed();
  ecanceled_for_what_has_to_wait();
  ebusy_while_another_is_in_the_same_direction();
  etimedout_when_there_is_no_room();
  epipe_after_the_end_of_a_direction();
  addresses_that_do_not_serve();
  peers_that_are_not_there();
  descriptors_of_the_wrong_kind();
  descriptors_are_not_taken_over_in_a_cancelled_coroutine();
  ebusy_while_another_accepts();
  datagrams_that_are_too_large_or_for_everybody();
  emfile_when_there_is_no_descriptor_left();
  emfile_when_a_descriptor_cannot_be_duplicated();
  return 0;
}
