/* fromfd.c - a descriptor that cannot become a handle stays as it was. */
#include "check.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <libdill.h>

static void expect_untouched(int fd) {
  int flags = fcntl(fd, F_GETFL);
  CHECK(flags >= 0 && (flags & O_NONBLOCK) == 0);
}

static coroutine void refuse_all(int tcp, int tcp_listener, int ipc, int ipc_listener) {
  FAILS(msleep(-1), ECANCELED);
  FAILS(tcp_fromfd(tcp), ECANCELED);
  FAILS(tcp_listener_fromfd(tcp_listener), ECANCELED);
  FAILS(ipc_fromfd(ipc), ECANCELED);
  FAILS(ipc_listener_fromfd(ipc_listener), ECANCELED);
}

static int listener(int family) {
  struct sockaddr_un name;
  int fd = socket(family, SOCK_STREAM, 0);
  CHECK(fd >= 0);
  if (family == AF_UNIX) {
    memset(&name, 0, sizeof name);
    name.sun_family = AF_UNIX;
    CHECK(bind(fd, (struct sockaddr*)&name, sizeof(sa_family_t)) == 0);
  }
  CHECK(listen(fd, 10) == 0);
  return fd;
}

static int connected_to(int listener) {
  struct sockaddr_in at;
  socklen_t size = sizeof at;
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  CHECK(fd >= 0);
  CHECK(getsockname(listener, (struct sockaddr*)&at, &size) == 0);
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  CHECK(connect(fd, (struct sockaddr*)&at, size) == 0);
  return fd;
}

int main(void) {
  int tcp_listener, ipc_listener, tcp, ipc[2], b;
  if (simulated()) return 0;
  tcp_listener = listener(AF_INET);
  ipc_listener = listener(AF_UNIX);
  tcp = connected_to(tcp_listener);
  CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, ipc) == 0);
  b = go(refuse_all(tcp, tcp_listener, ipc[0], ipc_listener));
  GIVES(hclose(b), 0);
  expect_untouched(tcp);
  expect_untouched(tcp_listener);
  expect_untouched(ipc[0]);
  expect_untouched(ipc_listener);
  GIVES(hclose(tcp_fromfd(tcp)), 0);
  GIVES(hclose(ipc_fromfd(ipc[0])), 0);
  CHECK(fcntl(ipc[0], F_GETFL) < 0 && errno == EBADF);
  return 0;
}
