/* errnos_memory.c - what the calls of handles, coroutines, channels, addresses and transports do when there is
   no memory. */
#include "scarce.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <libdillimpl.h>

static void close_if_made(int h) {
  if (h >= 0) GIVES(hclose(h), 0);
}

static void discard(int s[2]) {
  GIVES(hclose(s[0]), 0);
  GIVES(hclose(s[1]), 0);
}

/* --- coroutines, channels, handles --------------------------------------------------------------- */

static coroutine void nothing(void) {}

static void bundles(void) {
  int b, h;
  SCARCE(b, bundle());
  if (b < 0) return;
  SCARCE(h, bundle_go(b, nothing()));
  if (h >= 0) GIVES(bundle_wait(b, -1), 0);
  GIVES(hclose(b), 0);
}

static void coroutines(void) {
  int h;
  SCARCE(h, go(nothing()));
  close_if_made(h);
}

static void channels(void) {
  int ch[2];
  int rc;
  SCARCE(rc, chmake(ch));
  if (rc >= 0) discard(ch);
}

static coroutine void send_later(int ch) {
  char c = 'x';
  GIVES(yield(), 0);
  GIVES(chsend(ch, &c, 1, -1), 0);
}

static void choices(void) {
  struct chclause clauses[20];
  int ch[2];
  char c = 0;
  int b, i;
  GIVES(chmake(ch), 0);
  for (i = 0; i < 20; ++i) {
    clauses[i].op = CHRECV;
    clauses[i].ch = ch[0];
    clauses[i].val = &c;
    clauses[i].len = 1;
  }
  b = go(send_later(ch[1]));
  SCARCE(i, choose(clauses, 20, -1));
  if (i < 0) i = choose(clauses, 20, -1);
  CHECK(i == 0 && c == 'x');
  GIVES(hclose(b), 0);
  discard(ch);
}

static void* knows_nothing(struct hvfs* vfs, const void* type) {
  (void)vfs;
  (void)type;
  errno = ENOTSUP;
  return NULL;
}
static int objects_closed;
static void close_nothing(struct hvfs* vfs) {
  (void)vfs;
  ++objects_closed;
}

enum { many = 600 };

/* A thread has room for some before it needs more. A handle that cannot be moved is closed. */
static void handles(void) {
  static struct hvfs object = {knows_nothing, close_nothing};
  int h[many];
  int n = 0;
  int moved;
  do {
    SCARCE(h[n], hmake(&object));
  } while (h[n] >= 0 && ++n < many);
  --n;
  objects_closed = 0;
  SCARCE(moved, hown(h[n]));
  CHECK(objects_closed == (moved < 0));
  FAILS(hclose(h[n]), EBADF);
  close_if_made(moved);
  while (n > 0) GIVES(hclose(h[--n]), 0);
}

static void descriptors(void) {
  int fds[2];
  int rc;
  CHECK(pipe(fds) == 0 && write(fds[1], "x", 1) == 1);
  FAILS(fdout(fds[0], 0), ETIMEDOUT);
  SCARCE(rc, fdin(fds[0], -1));
  if (rc < 0) GIVES(fdin(fds[0], -1), 0);
  SCARCE(rc, fdout(fds[1], -1));
  GIVES(fdclean(fds[0]), 0);
  CHECK(close(fds[0]) == 0 && close(fds[1]) == 0);
}

/* --- addresses ----------------------------------------------------------------------------------- */

static void addresses(void) {
  struct ipaddr a;
  int rc;
  SCARCE(rc, ipaddr_local(&a, "lo", 80, 0));
  GIVES(ipaddr_remote(&a, "localhost", 80, 0, -1), 0);
  SCARCE(rc, ipaddr_remote(&a, "localhost", 80, 0, -1));
  SCARCE(rc, ipaddr_remotes(&a, 1, "127.0.0.1", 80, 0, -1));
}

/* --- TCP ----------------------------------------------------------------------------------------- */

static int listen_here(struct ipaddr* here) {
  int ls;
  GIVES(ipaddr_local(here, "127.0.0.1", 0, 0), 0);
  ls = tcp_listen(here, 10);
  CHECK(ls > 0);
  return ls;
}

static void tcp_listeners(void) {
  struct ipaddr here;
  int ls;
  GIVES(ipaddr_local(&here, "127.0.0.1", 0, 0), 0);
  SCARCE(ls, tcp_listen(&here, 10));
  close_if_made(ls);
}

static void tcp_connections(void) {
  struct ipaddr here;
  int ls = listen_here(&here);
  int s[2];
  SCARCE(s[0], tcp_connect(&here, -1));
  if (s[0] >= 0) {
    SCARCE(s[1], tcp_accept(ls, NULL, -1));
    close_if_made(s[1]);
  }
  close_if_made(s[0]);
  GIVES(hclose(ls), 0);
}

static void connections_by_name(void) {
  struct ipaddr here;
  int ls = listen_here(&here);
  int s;
  GIVES(hclose(happyeyeballs_connect("localhost", ipaddr_port(&here), -1)), 0);
  SCARCE(s, happyeyeballs_connect("localhost", ipaddr_port(&here), -1));
  close_if_made(s);
  GIVES(hclose(ls), 0);
}

/* A descriptor that was not taken over stays the program's. */
static void close_unless_taken(int fd, int h) {
  if (h >= 0)
    GIVES(hclose(h), 0);
  else
    CHECK(close(fd) == 0);
}

static void descriptors_of_tcp(void) {
  struct ipaddr here;
  int ls = listen_here(&here);
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  int h;
  CHECK(fd >= 0 && connect(fd, ipaddr_sockaddr(&here), (socklen_t)ipaddr_len(&here)) == 0);
  SCARCE(h, tcp_fromfd(fd));
  close_unless_taken(fd, h);
  GIVES(hclose(ls), 0);
  fd = socket(AF_INET, SOCK_STREAM, 0);
  CHECK(fd >= 0 && listen(fd, 10) == 0);
  SCARCE(h, tcp_listener_fromfd(fd));
  close_unless_taken(fd, h);
}

/* --- Unix sockets -------------------------------------------------------------------------------- */

static const char* path(void) {
  static char name[64];
  snprintf(name, sizeof name, "/tmp/libdill-scarce-%d", (int)getpid());
  return name;
}

static void ipc_listeners(void) {
  int ls;
  SCARCE(ls, ipc_listen(path(), 10));
  close_if_made(ls);
  CHECK((unlink(path()) == 0) == (ls >= 0));
}

static void ipc_connections(void) {
  int ls = ipc_listen(path(), 10);
  int s[2];
  CHECK(ls > 0);
  SCARCE(s[0], ipc_connect(path(), -1));
  if (s[0] >= 0) {
    SCARCE(s[1], ipc_accept(ls, -1));
    close_if_made(s[1]);
  }
  close_if_made(s[0]);
  GIVES(hclose(ls), 0);
  CHECK(unlink(path()) == 0);
}

static void ipc_pairs(void) {
  int s[2];
  int rc;
  SCARCE(rc, ipc_pair(s));
  if (rc >= 0) discard(s);
}

static void descriptors_of_ipc(void) {
  struct sockaddr anywhere;
  int fds[2];
  int h;
  memset(&anywhere, 0, sizeof anywhere);
  anywhere.sa_family = AF_UNIX;
  CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
  SCARCE(h, ipc_fromfd(fds[0]));
  close_unless_taken(fds[0], h);
  CHECK(close(fds[1]) == 0);
  fds[0] = socket(AF_UNIX, SOCK_STREAM, 0);
  CHECK(fds[0] >= 0 && bind(fds[0], &anywhere, sizeof anywhere.sa_family) == 0);
  CHECK(listen(fds[0], 10) == 0);
  SCARCE(h, ipc_listener_fromfd(fds[0]));
  close_unless_taken(fds[0], h);
}

/* A list of many pieces of a byte each. */
static struct iolist* pieces(struct iolist list[many]) {
  static char data[many];
  int i;
  for (i = 0; i < many; ++i) {
    list[i].iol_base = &data[i];
    list[i].iol_len = 1;
    list[i].iol_next = i + 1 < many ? &list[i + 1] : NULL;
    list[i].iol_rsvd = 0;
  }
  return list;
}

static void bytes_sent(void) {
  struct iolist list[many];
  int s[2];
  int rc;
  GIVES(ipc_pair(s), 0);
  pieces(list);
  SCARCE(rc, bsend(s[0], "x", 1, -1));
  if (rc >= 0) SCARCE(rc, bsendl(s[0], &list[0], &list[many - 1], -1));
  discard(s);
}

/* A failure breaks the direction. */
static void bytes_received(void) {
  int fds[2];
  int s, rc;
  CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0 && write(fds[1], "xyz", 3) == 3);
  s = ipc_fromfd(fds[0]);
  CHECK(s > 0);
  SCARCE(rc, brecv(s, NULL, 3, -1));
  if (rc < 0) FAILS(brecv(s, NULL, 3, -1), ECONNRESET);
  GIVES(hclose(s), 0);
  CHECK(close(fds[1]) == 0);
}

/* --- UDP ----------------------------------------------------------------------------------------- */

static void udp_sockets(void) {
  int s;
  SCARCE(s, udp_open(NULL, NULL));
  close_if_made(s);
}

static int udp_socket(struct ipaddr* here) {
  int s;
  GIVES(ipaddr_local(here, "127.0.0.1", 0, 0), 0);
  s = udp_open(here, NULL);
  CHECK(s > 0);
  return s;
}

static void datagrams_sent(void) {
  struct iolist list[many];
  struct ipaddr here;
  int s = udp_socket(&here);
  int rc;
  pieces(list);
  SCARCE(rc, udp_sendl(s, &here, &list[0], &list[many - 1]));
  if (rc < 0) GIVES(udp_sendl(s, &here, &list[0], &list[many - 1]), 0);
  GIVES(hclose(s), 0);
}

static void datagrams_received(void) {
  struct ipaddr here;
  int s = udp_socket(&here);
  ssize_t n;
  char c;
  GIVES(udp_send(s, &here, "x", 1), 0);
  SCARCE(n, udp_recv(s, NULL, &c, 1, -1));
  if (n < 0) GIVES(udp_recv(s, NULL, &c, 1, -1), 1);
  GIVES(hclose(s), 0);
}

int main(void) {
  SWEEP(bundles);
  SWEEP(coroutines);
  SWEEP(channels);
  SWEEP(choices);
  SWEEP(handles);
  SWEEP(descriptors);
  SWEEP(tcp_listeners);
  SWEEP(tcp_connections);
  SWEEP(descriptors_of_tcp);
  SWEEP(ipc_listeners);
  SWEEP(ipc_connections);
  SWEEP(ipc_pairs);
  SWEEP(descriptors_of_ipc);
  SWEEP(bytes_sent);
  SWEEP(bytes_received);
  SWEEP(udp_sockets);
  SWEEP(datagrams_sent);
  SWEEP(datagrams_received);
  /* The line of names to be looked up has a piece of memory more at times. */
  scarce_tolerated = 1;
  SWEEP(addresses);
  SWEEP(connections_by_name);
  every_call_failed();
  return 0;
}
