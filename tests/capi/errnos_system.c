/* errnos_system.c - what the kernel and the resolver may say that cannot be had from them for the asking: this
   program has their functions itself, and each fails once when it is told to. With io_uring connections are
   accepted where nobody can stand between, so it runs on the other pollers. */
#include "check.h"

#include <ifaddrs.h>
#include <netdb.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <libdill.h>

/* Which function fails next, and with what. */
static const char* failing;
static int failure;

static int fails_now(const char* function) {
  if (failing == NULL || strcmp(failing, function) != 0) return 0;
  failing = NULL;
  errno = failure;
  return 1;
}

/* Keeps names from being looked up as long as it is locked. */
static pthread_mutex_t resolver = PTHREAD_MUTEX_INITIALIZER;
static int resolver_answer;

#ifdef __cplusplus
#define NO_THROW noexcept
extern "C" {
#else
#define NO_THROW
#endif

int socket(int domain, int type, int protocol) NO_THROW {
  return fails_now("socket") ? -1 : (int)syscall(SYS_socket, domain, type, protocol);
}
int socketpair(int domain, int type, int protocol, int fds[2]) NO_THROW {
  return fails_now("socketpair") ? -1 : (int)syscall(SYS_socketpair, domain, type, protocol, fds);
}
int bind(int fd, const struct sockaddr* address, socklen_t size) NO_THROW {
  return fails_now("bind") ? -1 : (int)syscall(SYS_bind, fd, address, size);
}
int connect(int fd, const struct sockaddr* address, socklen_t size) {
  return fails_now("connect") ? -1 : (int)syscall(SYS_connect, fd, address, size);
}
int accept4(int fd, struct sockaddr* address, socklen_t* size, int flags) {
  return fails_now("accept4") ? -1 : (int)syscall(SYS_accept4, fd, address, size, flags);
}
ssize_t sendmsg(int fd, const struct msghdr* message, int flags) {
  return fails_now("sendmsg") ? -1 : syscall(SYS_sendmsg, fd, message, flags);
}
/* This machine has no interface. */
int getifaddrs(struct ifaddrs** all) NO_THROW {
  *all = NULL;
  return fails_now("getifaddrs") ? -1 : 0;
}
/* And no name has an address. */
int getaddrinfo(const char* name, const char* service, const struct addrinfo* hints,
                struct addrinfo** all) {
  (void)name;
  (void)service;
  (void)hints;
  (void)all;
  pthread_mutex_lock(&resolver);
  pthread_mutex_unlock(&resolver);
  return resolver_answer;
}

#ifdef __cplusplus
}
#endif

/* The next call of `function` fails with `code`, and so does `call`. */
#define LET(function, call, code) \
  do {                            \
    failing = (function);         \
    failure = (code);             \
    FAILS(call, code);            \
    CHECK(failing == NULL);       \
  } while (0)

static struct ipaddr local_address(void) {
  struct ipaddr here;
  GIVES(ipaddr_local(&here, "127.0.0.1", 0, 0), 0);
  return here;
}

static void listeners(void) {
  struct ipaddr here = local_address();
  LET("socket", tcp_listen(&here, 10), ENFILE);
  LET("bind", tcp_listen(&here, 10), EACCES);
  LET("socket", ipc_listen("/tmp/libdill-system", 10), ENFILE);
  LET("bind", ipc_listen("/tmp/libdill-system", 10), EACCES);
}

/* The connection waits until it can be accepted. */
static void connections_accepted(void) {
  struct ipaddr here = local_address();
  char path[64];
  int ls = tcp_listen(&here, 10);
  int s[2];
  CHECK(ls > 0);
  s[0] = tcp_connect(&here, -1);
  CHECK(s[0] > 0);
  LET("accept4", tcp_accept(ls, NULL, -1), ENFILE);
  LET("accept4", tcp_accept(ls, NULL, -1), EMFILE);
  s[1] = tcp_accept(ls, NULL, -1);
  CHECK(s[1] > 0);
  GIVES(hclose(s[0]), 0);
  GIVES(hclose(s[1]), 0);
  GIVES(hclose(ls), 0);

  snprintf(path, sizeof path, "/tmp/libdill-system-%d", (int)getpid());
  ls = ipc_listen(path, 10);
  CHECK(ls > 0);
  s[0] = ipc_connect(path, -1);
  CHECK(s[0] > 0);
  LET("accept4", ipc_accept(ls, -1), ENFILE);
  LET("accept4", ipc_accept(ls, -1), EMFILE);
  s[1] = ipc_accept(ls, -1);
  CHECK(s[1] > 0);
  GIVES(hclose(s[0]), 0);
  GIVES(hclose(s[1]), 0);
  GIVES(hclose(ls), 0);
  CHECK(unlink(path) == 0);
}

static void connections_made(void) {
  struct ipaddr there = local_address();
  int s[2];
  ipaddr_setport(&there, 80);
  LET("socket", tcp_connect(&there, -1), ENFILE);
  LET("connect", tcp_connect(&there, -1), ENETUNREACH);
  LET("connect", tcp_connect(&there, -1), EHOSTUNREACH);
  LET("connect", tcp_connect(&there, -1), EADDRNOTAVAIL);
  LET("connect", tcp_connect(&there, -1), EACCES);
  LET("socket", ipc_connect("/tmp/libdill-system", -1), ENFILE);
  LET("connect", ipc_connect("/tmp/libdill-system", -1), EACCES);
  LET("socketpair", ipc_pair(s), ENFILE);
}

static void datagrams(void) {
  struct ipaddr here = local_address();
  struct ipaddr there = here;
  int s;
  ipaddr_setport(&there, 80);
  LET("socket", udp_open(&here, NULL), ENFILE);
  LET("bind", udp_open(&here, NULL), EACCES);
  LET("connect", udp_open(NULL, &there), ENETUNREACH);
  s = udp_open(&here, NULL);
  CHECK(s > 0);
  LET("sendmsg", udp_send(s, &there, "x", 1), ENETUNREACH);
  GIVES(hclose(s), 0);
}

static void interfaces(void) {
  struct ipaddr a;
  LET("getifaddrs", ipaddr_local(&a, "lo", 0, 0), EMFILE);
  LET("getifaddrs", ipaddr_local(&a, "lo", 0, 0), ENOMEM);
  FAILS(ipaddr_local(&a, "lo", 0, 0), ENODEV);
}

static void names(void) {
  struct ipaddr a;
  int s[2];
  resolver_answer = EAI_NONAME;
  FAILS(ipaddr_remote(&a, "example.org", 80, 0, -1), EADDRNOTAVAIL);
  FAILS(happyeyeballs_connect("example.org", 80, -1), EADDRNOTAVAIL);
  resolver_answer = EAI_MEMORY;
  FAILS(ipaddr_remote(&a, "example.org", 80, 0, -1), ENOMEM);
  FAILS(happyeyeballs_connect("example.org", 80, -1), ENOMEM);
  resolver_answer = EAI_AGAIN;
  FAILS(ipaddr_remote(&a, "example.org", 80, 0, -1), EAGAIN);
  FAILS(happyeyeballs_connect("example.org", 80, -1), EAGAIN);
  GIVES(ipc_pair(s), 0);
  GIVES(bsend(s[0], "\5\1\0\3\13example.org\0\120", 18, -1), 0);
  FAILS(socks5_proxy_recvcommand(s[1], &a, -1), EAGAIN);
  GIVES(hclose(s[0]), 0);
  GIVES(hclose(s[1]), 0);
  CHECK(pthread_mutex_lock(&resolver) == 0);
  FAILS(ipaddr_remote(&a, "example.org", 80, 0, now() + 20), ETIMEDOUT);
  FAILS(happyeyeballs_connect("example.org", 80, now() + 20), ETIMEDOUT);
  CHECK(pthread_mutex_unlock(&resolver) == 0);
}

/* The first failure counts, and a literal is all the addresses there are. */
static void connections_by_name(void) {
  LET("socket", happyeyeballs_connect("127.0.0.1", 80, -1), EMFILE);
  LET("socket", happyeyeballs_connect("127.0.0.1", 80, -1), ENFILE);
  LET("connect", happyeyeballs_connect("127.0.0.1", 80, -1), ENETUNREACH);
  LET("connect", happyeyeballs_connect("127.0.0.1", 80, -1), EHOSTUNREACH);
  LET("connect", happyeyeballs_connect("127.0.0.1", 80, -1), EADDRNOTAVAIL);
  LET("connect", happyeyeballs_connect("127.0.0.1", 80, -1), EACCES);
}

int main(void) {
  listeners();
  connections_accepted();
  connections_made();
  datagrams();
  interfaces();
  names();
  connections_by_name();
  return 0;
}
