/* socks5.c - clients and proxies of SOCKS version 5, against each other and against bytes written by
   hand. */
#include "check.h"

#include <libdill.h>

static void discard(int s[2]) {
  GIVES(hclose(s[0]), 0);
  GIVES(hclose(s[1]), 0);
}

static void say(int s, const void* bytes, size_t size) {
  GIVES(bsend(s, bytes, size, -1), 0);
}
#define SAY(s, text) say((s), (text), sizeof(text) - 1)

static void expect(int s, const void* bytes, size_t size) {
  char got[600];
  GIVES(brecv(s, got, size, -1), 0);
  CHECK(memcmp(got, bytes, size) == 0);
}
#define EXPECT(s, text) expect((s), (text), sizeof(text) - 1)

static struct ipaddr address(const char* text, int port) {
  struct ipaddr addr;
  GIVES(ipaddr_remote(&addr, text, port, 0, -1), 0);
  return addr;
}

static int is_ann(const char* username, const char* password) {
  return strcmp(username, "ann") == 0 && strcmp(password, "secret") == 0;
}

static int everybody(const char* username, const char* password) {
  return username != NULL && password != NULL;
}

/* --- both sides, as programs have them ---------------------------------------------------------- */

static coroutine void proxy_by_address(int s, dill_socks5_auth_function* auth) {
  struct ipaddr asked;
  struct ipaddr mine = address("192.0.2.9", 9);
  struct ipaddr wanted = address("192.0.2.1", 80);
  GIVES(socks5_proxy_auth(s, auth, -1), 0);
  GIVES(socks5_proxy_recvcommand(s, &asked, -1), SOCKS5_CONNECT);
  CHECK(ipaddr_equal(&asked, &wanted, 0));
  GIVES(socks5_proxy_sendreply(s, SOCKS5_SUCCESS, &mine, -1), 0);
}

static coroutine void proxy_by_name(int s, dill_socks5_auth_function* auth) {
  char host[256];
  int port = 0;
  struct ipaddr mine = address("2001:db8::9", 9);
  GIVES(socks5_proxy_auth(s, auth, -1), 0);
  GIVES(socks5_proxy_recvcommandbyname(s, host, &port, -1), SOCKS5_CONNECT);
  CHECK(strcmp(host, "192.0.2.1") == 0 && port == 80);
  GIVES(socks5_proxy_sendreply(s, SOCKS5_SUCCESS, &mine, -1), 0);
}

static void client_by_address(int s, const char* username, const char* password) {
  struct ipaddr to = address("192.0.2.1", 80);
  GIVES(socks5_client_connect(s, username, password, &to, -1), 0);
}

static void client_by_name(int s, const char* username, const char* password) {
  GIVES(socks5_client_connectbyname(s, username, password, "192.0.2.1", 80, -1), 0);
}

typedef void proxy_function(int s, dill_socks5_auth_function* auth);
typedef void client_function(int s, const char* username, const char* password);

/* All of it over the same two sockets, which stay what they are. */
static void every_client_gets_through_every_proxy(void) {
  static proxy_function* const proxies[] = {proxy_by_address, proxy_by_name};
  static client_function* const clients[] = {client_by_address, client_by_name};
  int s[2];
  int round, b;
  GIVES(ipc_pair(s), 0);
  for (round = 0; round < 8; ++round) {
    proxy_function* proxy = proxies[round % 2];
    dill_socks5_auth_function* auth = round / 4 != 0 ? is_ann : NULL;
    b = bundle();
    CHECK(bundle_go(b, (proxy)(s[1], auth)) == 0);
    clients[round / 2 % 2](s[0], auth != NULL ? "ann" : NULL, auth != NULL ? "secret" : NULL);
    GIVES(bundle_wait(b, -1), 0);
    GIVES(hclose(b), 0);
    FAILS(tcp_close(s[0], -1), ENOTSUP);
    FAILS(tcp_close(s[1], -1), ENOTSUP);
    SAY(s[1], "through");
    EXPECT(s[0], "through");
  }
  discard(s);
}

static void names_are_resolved_for_a_proxy_that_wants_addresses(void) {
  struct ipaddr asked;
  struct ipaddr wanted = address("127.0.0.1", 80);
  int s[2];
  GIVES(ipc_pair(s), 0);
  SAY(s[0], "\5\1\0\3\11localhost\0\120");
  GIVES(socks5_proxy_recvcommand(s[1], &asked, -1), SOCKS5_CONNECT);
  CHECK(ipaddr_equal(&asked, &wanted, 0));
  SAY(s[0], "\5\2\0\3\14name.invalid\0\120");
  FAILS(socks5_proxy_recvcommand(s[1], &asked, -1), EADDRNOTAVAIL);
  GIVES(socks5_proxy_sendreply(s[1], SOCKS5_HOST_UNREACHABLE, &wanted, -1), 0);
  EXPECT(s[0], "\5\4\0\1\177\0\0\1\0\120");
  discard(s);
}

/* --- the client --------------------------------------------------------------------------------- */

static void every_reply_has_an_errno(void) {
  static const int expected[] = {
      0, EIO, EACCES, ENETUNREACH, EHOSTUNREACH, ECONNREFUSED, ETIMEDOUT, EOPNOTSUPP, EAFNOSUPPORT};
  char reply[] = "\5\0\5\0\0\1\0\0\0\0\0\0";
  int s[2];
  int code;
  for (code = 1; code <= 8; ++code) {
    GIVES(ipc_pair(s), 0);
    reply[3] = (char)code;
    say(s[1], reply, 12);
    FAILS(socks5_client_connectbyname(s[0], NULL, NULL, "h", 80, -1), expected[code]);
    EXPECT(s[1], "\5\1\0\5\1\0\3\1h\0\120");
    /* The reply was ETIMEDOUT perhaps, but nothing is broken. */
    SAY(s[0], "x");
    EXPECT(s[1], "x");
    discard(s);
  }
}

/* What connecting fails with if the proxy says `bytes`. */
static void against(const char* bytes, size_t size, const char* password, int code) {
  struct ipaddr to = address("192.0.2.1", 80);
  int s[2];
  GIVES(ipc_pair(s), 0);
  say(s[1], bytes, size);
  GIVES(ipc_done(s[1], -1), 0);
  FAILS(socks5_client_connectbyname(s[0], "ann", password, "h", 80, -1), code);
  discard(s);
  GIVES(ipc_pair(s), 0);
  say(s[1], bytes, size);
  GIVES(ipc_done(s[1], -1), 0);
  FAILS(socks5_client_connect(s[0], "ann", password, &to, -1), code);
  discard(s);
}
#define AGAINST(text, password, code) against((text), sizeof(text) - 1, (password), (code))

static void a_proxy_cannot_trip_its_client(void) {
  AGAINST("\4\0", NULL, EPROTO);
  AGAINST("\5\2", NULL, EPROTO); /* a method that was not offered */
  AGAINST("\5\1", "secret", EPROTO);
  AGAINST("\5\200", "secret", EPROTO);
  AGAINST("\5\377", NULL, EACCES);
  AGAINST("\5\2\1\1", "secret", EACCES);
  AGAINST("\5\2\5\0", "secret", EPROTO);
  AGAINST("\5\0\5\11\0\1\0", NULL, EPROTO);
  AGAINST("\5\0\5\0\1\1\0", NULL, EPROTO);
  AGAINST("\5\0\5\0\0\2\0", NULL, EPROTO);
  AGAINST("\5\0\5\0\0\3\0", NULL, EPROTO);
  AGAINST("HTTP/1.1 400 Bad Request\r\n", NULL, EPROTO);
  AGAINST("", NULL, EPIPE);
  AGAINST("\5\0\5\0\0\1\0\0", NULL, EPIPE);
}

static void what_cannot_be_said_is_refused_before_anything_is(void) {
  char long_one[257];
  struct ipaddr no_port = address("192.0.2.1", 0);
  struct ipaddr to = address("192.0.2.1", 80);
  struct ipaddr nonsense;
  int s[2];
  memset(long_one, 'x', 256);
  long_one[256] = '\0';
  memset(&nonsense, 0x7f, sizeof nonsense);
  GIVES(ipc_pair(s), 0);
  FAILS(socks5_client_connectbyname(s[0], long_one, "p", "h", 80, -1), EINVAL);
  FAILS(socks5_client_connectbyname(s[0], "u", long_one, "h", 80, -1), EINVAL);
  FAILS(socks5_client_connectbyname(s[0], NULL, NULL, long_one, 80, -1), EINVAL);
  FAILS(socks5_client_connectbyname(s[0], NULL, NULL, NULL, 80, -1), EINVAL);
  FAILS(socks5_client_connectbyname(s[0], NULL, NULL, "", 80, -1), EINVAL);
  FAILS(socks5_client_connectbyname(s[0], NULL, NULL, "a b", 80, -1), EINVAL);
  FAILS(socks5_client_connectbyname(s[0], NULL, NULL, "h", 0, -1), EINVAL);
  FAILS(socks5_client_connectbyname(s[0], NULL, NULL, "h", 65536, -1), EINVAL);
  FAILS(socks5_client_connect(s[0], long_one, "p", &to, -1), EINVAL);
  FAILS(socks5_client_connect(s[0], NULL, NULL, &no_port, -1), EINVAL);
  FAILS(socks5_client_connect(s[0], NULL, NULL, NULL, -1), EINVAL);
  FAILS(socks5_client_connect(s[0], NULL, NULL, &nonsense, -1), EAFNOSUPPORT);
  FAILS(socks5_proxy_sendreply(s[0], 9, &to, -1), EINVAL);
  FAILS(socks5_proxy_sendreply(s[0], -1, &to, -1), EINVAL);
  FAILS(socks5_proxy_sendreply(s[0], SOCKS5_SUCCESS, NULL, -1), EINVAL);
  FAILS(socks5_proxy_sendreply(s[0], SOCKS5_SUCCESS, &nonsense, -1), EAFNOSUPPORT);
  FAILS(socks5_proxy_recvcommand(s[0], NULL, -1), EINVAL);
  FAILS(socks5_proxy_recvcommandbyname(s[0], NULL, NULL, -1), EINVAL);
  FAILS(brecv(s[1], NULL, 1, 0), ETIMEDOUT);
  discard(s);
}

static coroutine void let_everybody_in(int s) {
  char host[256];
  int port;
  GIVES(socks5_proxy_auth(s, everybody, -1), 0);
  GIVES(socks5_proxy_recvcommandbyname(s, host, &port, -1), SOCKS5_CONNECT);
  CHECK(strlen(host) == 255);
}

static void texts_of_the_greatest_length_arrive(void) {
  char text[256];
  int s[2];
  int b;
  memset(text, 'x', 255);
  text[255] = '\0';
  GIVES(ipc_pair(s), 0);
  b = go(let_everybody_in(s[1]));
  FAILS(socks5_client_connectbyname(s[0], text, text, text, 65535, now() + 50), ETIMEDOUT);
  FAILS(brecv(s[0], NULL, 1, -1), ECONNRESET); /* as brecv() leaves it */
  GIVES(bundle_wait(b, -1), 0);
  GIVES(hclose(b), 0);
  discard(s);
}

/* --- the proxy ---------------------------------------------------------------------------------- */

static void a_client_that_is_not_let_in_is_told_so(void) {
  int s[2];
  GIVES(ipc_pair(s), 0);
  SAY(s[0], "\5\1\2");
  FAILS(socks5_proxy_auth(s[1], NULL, -1), EACCES);
  EXPECT(s[0], "\5\377");
  SAY(s[0], "\5\1\0");
  FAILS(socks5_proxy_auth(s[1], is_ann, -1), EACCES);
  EXPECT(s[0], "\5\377");
  SAY(s[0], "\5\2\0\2\1\3ann\5wrong");
  FAILS(socks5_proxy_auth(s[1], is_ann, -1), EACCES);
  EXPECT(s[0], "\5\2\1\377");
  /* A zero inside does not make a good password of a bad one. */
  SAY(s[0], "\5\1\2\1\3ann\15secret\0and so");
  FAILS(socks5_proxy_auth(s[1], is_ann, -1), EACCES);
  EXPECT(s[0], "\5\2\1\377");
  SAY(s[0], "\5\2\0\2\1\3ann\6secret");
  GIVES(socks5_proxy_auth(s[1], is_ann, -1), 0);
  EXPECT(s[0], "\5\2\1\0");
  discard(s);
}

static void a_client_cannot_trip_its_proxy(void) {
  struct ipaddr asked;
  char host[256];
  int port;
  int s[2];
  GIVES(ipc_pair(s), 0);
  SAY(s[0], "\4\1");
  FAILS(socks5_proxy_auth(s[1], NULL, -1), EPROTO);
  discard(s);
  GIVES(ipc_pair(s), 0);
  SAY(s[0], "\5\0");
  FAILS(socks5_proxy_auth(s[1], NULL, -1), EPROTO);
  discard(s);
  GIVES(ipc_pair(s), 0);
  SAY(s[0], "\5\1\2\2");
  FAILS(socks5_proxy_auth(s[1], is_ann, -1), EPROTO);
  discard(s);
  GIVES(ipc_pair(s), 0);
  SAY(s[0], "\5\4\0\1\0");
  FAILS(socks5_proxy_recvcommand(s[1], &asked, -1), EPROTO);
  EXPECT(s[0], "\5\7\0\1\0\0\0\0\0\0");
  discard(s);
  GIVES(ipc_pair(s), 0);
  SAY(s[0], "\5\1\0\2\0");
  FAILS(socks5_proxy_recvcommandbyname(s[1], host, &port, -1), EPROTO);
  EXPECT(s[0], "\5\10\0\1\0\0\0\0\0\0");
  discard(s);
  GIVES(ipc_pair(s), 0);
  SAY(s[0], "\5\3\0\3\3a\0b\0\120");
  FAILS(socks5_proxy_recvcommandbyname(s[1], host, &port, -1), EPROTO);
  EXPECT(s[0], "\5\1\0\1\0\0\0\0\0\0");
  SAY(s[0], "\5\2\0\3\3a.b\0\0");
  GIVES(socks5_proxy_recvcommandbyname(s[1], host, &port, -1), SOCKS5_BIND);
  discard(s);
}

static int victim;

static int close_the_socket(const char* username, const char* password) {
  GIVES(hclose(victim), 0);
  return username != NULL && password != NULL;
}

static void a_socket_may_be_closed_while_a_password_is_checked(void) {
  int s[2];
  GIVES(ipc_pair(s), 0);
  victim = s[1];
  SAY(s[0], "\5\1\2\1\3ann\6secret");
  FAILS(socks5_proxy_auth(s[1], close_the_socket, -1), EBADF);
  GIVES(hclose(s[0]), 0);
}

/* --- errors of every function ------------------------------------------------------------------- */

static void handles_of_other_kinds_are_refused(void) {
  struct ipaddr addr = address("192.0.2.1", 80);
  char host[256];
  int port;
  int ch[2];
  FAILS(socks5_client_connect(-1, NULL, NULL, &addr, -1), EBADF);
  FAILS(socks5_client_connectbyname(-1, NULL, NULL, "h", 80, -1), EBADF);
  FAILS(socks5_proxy_auth(-1, NULL, -1), EBADF);
  FAILS(socks5_proxy_recvcommand(-1, &addr, -1), EBADF);
  FAILS(socks5_proxy_recvcommandbyname(-1, host, &port, -1), EBADF);
  FAILS(socks5_proxy_sendreply(-1, SOCKS5_SUCCESS, &addr, -1), EBADF);
  GIVES(chmake(ch), 0);
  FAILS(socks5_client_connect(ch[0], NULL, NULL, &addr, -1), ENOTSUP);
  FAILS(socks5_client_connectbyname(ch[0], NULL, NULL, "h", 80, -1), ENOTSUP);
  FAILS(socks5_proxy_auth(ch[0], NULL, -1), ENOTSUP);
  FAILS(socks5_proxy_recvcommand(ch[0], &addr, -1), ENOTSUP);
  FAILS(socks5_proxy_recvcommandbyname(ch[0], host, &port, -1), ENOTSUP);
  FAILS(socks5_proxy_sendreply(ch[0], SOCKS5_SUCCESS, &addr, -1), ENOTSUP);
  discard(ch);
}

/* Every function on a socket that fails so. */
static void all_fail(int s, int receiving, int sending) {
  struct ipaddr addr = address("192.0.2.1", 80);
  char host[256];
  int port;
  FAILS(socks5_proxy_auth(s, NULL, 0), receiving);
  FAILS(socks5_proxy_recvcommand(s, &addr, 0), receiving);
  FAILS(socks5_proxy_recvcommandbyname(s, host, &port, 0), receiving);
  FAILS(socks5_client_connect(s, NULL, NULL, &addr, 0), sending);
  FAILS(socks5_client_connectbyname(s, NULL, NULL, "h", 80, 0), sending);
  FAILS(socks5_proxy_sendreply(s, SOCKS5_SUCCESS, &addr, 0), sending);
}

static void a_bytestream_that_is_over_or_broken_says_so(void) {
  int s[2];
  GIVES(ipc_pair(s), 0);
  GIVES(ipc_done(s[0], -1), 0);
  GIVES(ipc_done(s[1], -1), 0);
  all_fail(s[1], EPIPE, EPIPE);
  discard(s);
  GIVES(ipc_pair(s), 0);
  FAILS(brecv(s[1], NULL, 1, 0), ETIMEDOUT);
  GIVES(hclose(s[0]), 0);
  all_fail(s[1], ECONNRESET, ECONNRESET);
  GIVES(hclose(s[1]), 0);
}

static void a_silent_peer_times_out(void) {
  struct ipaddr addr = address("192.0.2.1", 80);
  char host[256];
  int port;
  int s[2];
  GIVES(ipc_pair(s), 0);
  FAILS(socks5_proxy_auth(s[1], NULL, now() + 10), ETIMEDOUT);
  FAILS(socks5_client_connect(s[0], NULL, NULL, &addr, now() + 10), ETIMEDOUT);
  discard(s);
  GIVES(ipc_pair(s), 0);
  FAILS(socks5_proxy_recvcommand(s[1], &addr, 0), ETIMEDOUT);
  FAILS(socks5_proxy_recvcommandbyname(s[0], host, &port, 0), ETIMEDOUT);
  discard(s);
}

static coroutine void receive_a_byte(int s) {
  FAILS(brecv(s, NULL, 1, -1), ECANCELED);
}

static coroutine void flood(int s) {
  static char data[400000];
  while (bsend(s, data, sizeof data, -1) == 0) continue;
}

static void a_bytestream_that_is_in_use_is_busy(void) {
  int s[2];
  int receiver, sender;
  GIVES(ipc_pair(s), 0);
  receiver = go(receive_a_byte(s[1]));
  sender = go(flood(s[1]));
  all_fail(s[1], EBUSY, EBUSY);
  GIVES(hclose(receiver), 0);
  GIVES(hclose(sender), 0);
  discard(s);
}

static coroutine void authenticate(int s, int code) {
  FAILS(socks5_proxy_auth(s, NULL, -1), code);
}

static coroutine void fail_when_cancelled(const int s[3]) {
  struct ipaddr addr = address("192.0.2.1", 80);
  char host[256];
  int port;
  FAILS(msleep(-1), ECANCELED);
  FAILS(socks5_client_connect(s[0], NULL, NULL, &addr, -1), ECANCELED);
  FAILS(socks5_proxy_recvcommand(s[1], &addr, -1), ECANCELED);
  FAILS(socks5_proxy_recvcommandbyname(s[2], host, &port, -1), ECANCELED);
}

static void a_cancelled_coroutine_waits_for_nobody(void) {
  int a[2], c[2];
  int s[3];
  int b;
  GIVES(ipc_pair(a), 0);
  GIVES(ipc_pair(c), 0);
  s[0] = a[0];
  s[1] = a[1];
  s[2] = c[0];
  b = go(fail_when_cancelled(s));
  CHECK(bundle_go(b, authenticate(c[1], ECANCELED)) == 0);
  GIVES(hclose(b), 0);
  discard(a);
  discard(c);
  GIVES(ipc_pair(a), 0);
  b = go(authenticate(a[0], ECANCELED));
  GIVES(hclose(a[0]), 0);
  GIVES(bundle_wait(b, -1), 0);
  GIVES(hclose(b), 0);
  GIVES(hclose(a[1]), 0);
}

static coroutine void close_when_told(int c, int s) {
  GIVES(brecv(c, NULL, 1, -1), 0);
  GIVES(hclose(s), 0);
}

/* Both have been woken when the first of them closes what the other goes on with. */
static void a_socket_may_be_closed_when_its_bytes_have_come(void) {
  int c[2], s[2];
  int b = bundle();
  GIVES(ipc_pair(c), 0);
  GIVES(ipc_pair(s), 0);
  CHECK(bundle_go(b, close_when_told(c[1], s[1])) == 0);
  CHECK(bundle_go(b, authenticate(s[1], ECANCELED)) == 0);
  SAY(c[0], "x");
  SAY(s[0], "\5\1\0");
  GIVES(bundle_wait(b, -1), 0);
  GIVES(hclose(b), 0);
  GIVES(hclose(s[0]), 0);
  discard(c);
}

int main(void) {
  every_client_gets_through_every_proxy();
  if (!simulated()) names_are_resolved_for_a_proxy_that_wants_addresses();
  every_reply_has_an_errno();
  a_proxy_cannot_trip_its_client();
  what_cannot_be_said_is_refused_before_anything_is();
  texts_of_the_greatest_length_arrive();
  a_client_that_is_not_let_in_is_told_so();
  a_client_cannot_trip_its_proxy();
  a_socket_may_be_closed_while_a_password_is_checked();
  handles_of_other_kinds_are_refused();
  a_bytestream_that_is_over_or_broken_says_so();
  a_silent_peer_times_out();
  a_bytestream_that_is_in_use_is_busy();
  a_cancelled_coroutine_waits_for_nobody();
  a_socket_may_be_closed_when_its_bytes_have_come();
  return 0;
}
