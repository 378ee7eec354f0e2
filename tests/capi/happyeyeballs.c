/* happyeyeballs.c - connecting by name. */
#include "check.h"

#include <libdill.h>

/* A listener on this machine; its port goes to `port`. */
static int listen_at(const char* name, int mode, int* port) {
  struct ipaddr here;
  int ls;
  GIVES(ipaddr_local(&here, name, 0, mode), 0);
  ls = tcp_listen(&here, 10);
  CHECK(ls > 0);
  *port = ipaddr_port(&here);
  return ls;
}

static void talk_to(int ls, const char* name, int port) {
  char c = 'h';
  int s[2];
  s[0] = happyeyeballs_connect(name, port, now() + 10000);
  CHECK(s[0] > 0 && errno == 0);
  s[1] = tcp_accept(ls, NULL, -1);
  CHECK(s[1] > 0);
  GIVES(bsend(s[0], &c, 1, -1), 0);
  GIVES(brecv(s[1], &c, 1, -1), 0);
  GIVES(tcp_done(s[0], -1), 0);
  GIVES(tcp_close(s[1], -1), 0);
  GIVES(tcp_close(s[0], -1), 0);
}

static void a_literal_is_connected_to(void) {
  int port, ls;
  ls = listen_at("127.0.0.1", 0, &port);
  talk_to(ls, "127.0.0.1", port);
  GIVES(hclose(ls), 0);
  ls = listen_at("::1", IPADDR_IPV6, &port);
  talk_to(ls, "::1", port);
  GIVES(hclose(ls), 0);
}

/* Whatever its addresses are, a listener for everything is at all of them. */
static void a_name_is_connected_to(void) {
  int port;
  int ls = listen_at(NULL, IPADDR_PREF_IPV6, &port);
  talk_to(ls, "localhost", port);
  GIVES(hclose(ls), 0);
}

static void if_every_address_fails_it_is_told_at_once(void) {
  int port;
  int ls = listen_at("127.0.0.1", 0, &port);
  GIVES(hclose(ls), 0);
  FAILS(happyeyeballs_connect("127.0.0.1", port, -1), ECONNREFUSED);
  FAILS(happyeyeballs_connect("localhost", port, -1), ECONNREFUSED);
}

static void a_name_without_an_address_is_told(void) {
  int code;
  CHECK(happyeyeballs_connect("no-such-host.invalid", 80, -1) == -1);
  code = errno;
  /* Without a resolver to ask nobody knows. */
  CHECK(code == EADDRNOTAVAIL || code == EAGAIN);
}

static void what_is_no_name_or_port_is_refused(void) {
  char name[400];
  memset(name, 'a', sizeof name - 1);
  name[sizeof name - 1] = 0;
  FAILS(happyeyeballs_connect(NULL, 80, -1), EINVAL);
  FAILS(happyeyeballs_connect("", 80, -1), EINVAL);
  FAILS(happyeyeballs_connect(name, 80, -1), EINVAL);
  FAILS(happyeyeballs_connect("127.0.0.1", 0, -1), EINVAL);
  FAILS(happyeyeballs_connect("127.0.0.1", -1, -1), EINVAL);
  FAILS(happyeyeballs_connect("127.0.0.1", 65536, -1), EINVAL);
}

static coroutine void connect_when_cancelled(void) {
  FAILS(msleep(-1), ECANCELED);
  FAILS(happyeyeballs_connect("127.0.0.1", 80, -1), ECANCELED);
}

/* A listener that accepts nobody lets its queue fill up; then connecting does not end. */
static coroutine void connect_for_ever(int port, int* ended) {
  FAILS(happyeyeballs_connect("127.0.0.1", port, -1), ECANCELED);
  *ended = 1;
}

static void a_silent_peer_costs_no_more_than_the_deadline(void) {
  struct ipaddr here;
  int s[100];
  int ended = 0;
  int n = 0;
  int ls, b, port;
  GIVES(ipaddr_local(&here, "127.0.0.1", 0, 0), 0);
  ls = tcp_listen(&here, 0);
  CHECK(ls > 0);
  port = ipaddr_port(&here);
  while (n < 100 && (s[n] = tcp_connect(&here, now() + 20)) > 0) ++n;
  FAILS(tcp_connect(&here, now() + 20), ETIMEDOUT);
  FAILS(happyeyeballs_connect("127.0.0.1", port, now() + 20), ETIMEDOUT);
  b = go(connect_for_ever(port, &ended));
  GIVES(hclose(b), 0);
  CHECK(ended);
  while (n > 0) GIVES(hclose(s[--n]), 0);
  GIVES(hclose(ls), 0);
}

int main(void) {
  int b;
  a_literal_is_connected_to();
  a_name_is_connected_to();
  if_every_address_fails_it_is_told_at_once();
  a_name_without_an_address_is_told();
  what_is_no_name_or_port_is_refused();
  b = go(connect_when_cancelled());
  GIVES(hclose(b), 0);
  a_silent_peer_costs_no_more_than_the_deadline();
  return 0;
}
