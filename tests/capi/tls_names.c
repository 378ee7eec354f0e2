/* tls_names.c - for whom the certificate must be, where the program has said whom it connects to. */
#include "tls_pair.h"

/* What the other side does with a connection: it may be a proxy first, and then shows a certificate. */
struct side {
  int ls;
  int port;
  int proxy;
  const char* cert;
  const char* key;
};

static struct side local_side(const char* cert, const char* key) {
  struct side side;
  struct ipaddr any;
  memset(&side, 0, sizeof side);
  GIVES(ipaddr_local(&any, NULL, 0, IPADDR_PREF_IPV6), 0);
  side.ls = tcp_listen(&any, 10);
  CHECK(side.ls > 0);
  side.port = ipaddr_port(&any);
  side.cert = cert;
  side.key = key;
  return side;
}

static void be_a_proxy(int s) {
  struct ipaddr here;
  char host[256];
  int port;
  GIVES(ipaddr_local(&here, "127.0.0.1", 0, 0), 0);
  GIVES(socks5_proxy_auth(s, NULL, -1), 0);
  GIVES(socks5_proxy_recvcommandbyname(s, host, &port, -1), SOCKS5_CONNECT);
  GIVES(socks5_proxy_sendreply(s, SOCKS5_SUCCESS, &here, -1), 0);
}

/* The client looks at it, and leaves. */
static void show_certificate(int s, const struct side* side) {
  s = tls_attach_server(s, side->cert, side->key, now() + 20000);
  if (s < 0) return;
  s = tls_detach(s, now() + 20000);
  if (s > 0) GIVES(hclose(s), 0);
}

static coroutine void serve(const struct side* side) {
  int i;
  int s = tcp_accept(side->ls, NULL, -1);
  CHECK(s > 0);
  for (i = 0; i < side->proxy; ++i) be_a_proxy(s);
  show_certificate(s, side);
}

/* TLS with `side` over `s`: 0, or -1, and then the certificate is for somebody else. */
static int shake(int s) {
  CHECK(s > 0);
  s = tls_attach_client(s, now() + 20000);
  if (s > 0) return hclose(s);
  CHECK(errno == EFAULT);
  CHECK(strcmp(tls_error(), "hostname mismatch") == 0 ||
        strcmp(tls_error(), "IP address mismatch") == 0);
  return -1;
}

static int end(struct side* side, int b, int result) {
  GIVES(bundle_wait(b, now() + 20000), 0);
  GIVES(hclose(b), 0);
  GIVES(hclose(side->ls), 0);
  return result;
}

static int by_name(const char* name, const char* cert, const char* key) {
  struct side side = local_side(cert, key);
  int b = go(serve(&side));
  return end(&side, b, shake(happyeyeballs_connect(name, side.port, now() + 20000)));
}

static void who_connected_by_name_gets_whom_it_named(void) {
  CHECK(by_name("localhost", PEM("server.pem"), PEM("server.key")) == 0);
  CHECK(by_name("localhost", PEM("other_host.pem"), PEM("other_host.key")) == -1);
}

static void the_literal_of_an_address_is_looked_for_as_an_address(void) {
  CHECK(by_name("127.0.0.1", PEM("server.pem"), PEM("server.key")) == 0);
  CHECK(by_name("127.0.0.1", PEM("other_host.pem"), PEM("other_host.key")) == -1);
}

static int connect_to(const struct side* side) {
  struct ipaddr addr;
  GIVES(ipaddr_remote(&addr, "127.0.0.1", side->port, 0, -1), 0);
  return tcp_connect(&addr, now() + 20000);
}

static void who_connected_by_address_has_named_nobody(void) {
  struct side side = local_side(PEM("other_host.pem"), PEM("other_host.key"));
  int b = go(serve(&side));
  CHECK(end(&side, b, shake(connect_to(&side))) == 0);
}

static void the_name_goes_with_the_handle(void) {
  struct side side = local_side(PEM("other_host.pem"), PEM("other_host.key"));
  int b = go(serve(&side));
  int s = hown(happyeyeballs_connect("localhost", side.port, now() + 20000));
  CHECK(end(&side, b, shake(s)) == -1);
}

static void options_alone_say_who_is_looked_for(void) {
  struct side side = local_side(PEM("other_host.pem"), PEM("other_host.key"));
  int b = go(serve(&side));
  int s = happyeyeballs_connect("localhost", side.port, now() + 20000);
  struct tls_opts opts;
  memset(&opts, 0, sizeof opts);
  opts.size = sizeof opts;
  s = tls_attach_client_opts(s, &opts, now() + 20000);
  CHECK(s > 0);
  GIVES(hclose(s), 0);
  end(&side, b, 0);
}

/* --- through a proxy --- */

/* By way of a proxy at localhost to `name`, or to an address if that is NULL. */
static int by_proxy(const char* name, const char* cert, const char* key) {
  struct side side = local_side(cert, key);
  struct ipaddr addr;
  int s, b;
  side.proxy = 1;
  b = go(serve(&side));
  s = happyeyeballs_connect("localhost", side.port, now() + 20000);
  GIVES(ipaddr_remote(&addr, "192.0.2.1", 443, 0, -1), 0);
  if (name != NULL)
    GIVES(socks5_client_connectbyname(s, NULL, NULL, name, 443, now() + 20000), 0);
  else
    GIVES(socks5_client_connect(s, NULL, NULL, &addr, now() + 20000), 0);
  return end(&side, b, shake(s));
}

static void through_a_proxy_it_is_the_target_that_counts(void) {
  CHECK(by_proxy("elsewhere.example", PEM("other_host.pem"), PEM("other_host.key")) == 0);
  CHECK(by_proxy("elsewhere.example", PEM("server.pem"), PEM("server.key")) == -1);
  CHECK(by_proxy("127.0.0.1", PEM("server.pem"), PEM("server.key")) == 0);
  CHECK(by_proxy("[::1]", PEM("server.pem"), PEM("server.key")) == 0);
  CHECK(by_proxy("[::1]", PEM("other_host.pem"), PEM("other_host.key")) == -1);
  CHECK(by_proxy(NULL, PEM("other_host.pem"), PEM("other_host.key")) == 0);
}

static void of_two_proxies_the_second_leads_to_the_target(void) {
  struct side side = local_side(PEM("other_host.pem"), PEM("other_host.key"));
  int s, b;
  side.proxy = 2;
  b = go(serve(&side));
  s = happyeyeballs_connect("localhost", side.port, now() + 20000);
  GIVES(socks5_client_connectbyname(s, NULL, NULL, "proxy.example", 1080, -1), 0);
  GIVES(socks5_client_connectbyname(s, NULL, NULL, "elsewhere.example", 443, -1), 0);
  CHECK(end(&side, b, shake(s)) == 0);
}

static coroutine void refuse_as_a_proxy(const struct side* side) {
  struct ipaddr here;
  char host[256];
  int port;
  int s = tcp_accept(side->ls, NULL, -1);
  CHECK(s > 0);
  GIVES(ipaddr_local(&here, "127.0.0.1", 0, 0), 0);
  GIVES(socks5_proxy_auth(s, NULL, -1), 0);
  GIVES(socks5_proxy_recvcommandbyname(s, host, &port, -1), SOCKS5_CONNECT);
  GIVES(socks5_proxy_sendreply(s, SOCKS5_CONNECTION_NOT_ALLOWED, &here, -1), 0);
  show_certificate(s, side);
}

static void a_target_that_was_refused_is_nobodys_name(void) {
  struct side side = local_side(PEM("server.pem"), PEM("server.key"));
  int b = go(refuse_as_a_proxy(&side));
  int s = happyeyeballs_connect("localhost", side.port, now() + 20000);
  FAILS(socks5_client_connectbyname(s, NULL, NULL, "elsewhere.example", 443, -1), EACCES);
  CHECK(end(&side, b, shake(s)) == 0);
}

/* --- what was said before TLS --- */

static coroutine void serve_after_a_greeting(const struct side* side, int listens) {
  char c = 'x';
  int s = tcp_accept(side->ls, NULL, -1);
  CHECK(s > 0);
  if (listens)
    GIVES(brecv(s, &c, 1, -1), 0);
  else
    GIVES(bsend(s, &c, 1, -1), 0);
  show_certificate(s, side);
}

/* As with the CONNECT of HTTP, by which a connection leads to somebody else. */
static void who_has_spoken_in_the_clear_may_be_led_elsewhere(void) {
  int says;
  for (says = 0; says < 2; ++says) {
    struct side side = local_side(PEM("other_host.pem"), PEM("other_host.key"));
    int b = go(serve_after_a_greeting(&side, says));
    int s = happyeyeballs_connect("localhost", side.port, now() + 20000);
    char c;
    if (says)
      GIVES(bsend(s, "x", 1, -1), 0);
    else
      GIVES(brecv(s, &c, 1, -1), 0);
    CHECK(end(&side, b, shake(s)) == 0);
  }
}

static void a_layer_that_was_there_has_spoken_too(void) {
  struct side side = local_side(PEM("other_host.pem"), PEM("other_host.key"));
  int b = go(serve(&side));
  int s = happyeyeballs_connect("localhost", side.port, now() + 20000);
  s = prefix_attach(s, 2, PREFIX_BIG_ENDIAN);
  CHECK(s > 0);
  CHECK(end(&side, b, shake(prefix_detach(s))) == 0);
}

/* --- what the server is told --- */

/* The name is in the first message of the client as it is; an address is not. */
static coroutine void look_for(const struct side* side, const char* text, int* found) {
  static unsigned char head[5], hello[20000];
  size_t size, i;
  int s = tcp_accept(side->ls, NULL, -1);
  CHECK(s > 0);
  GIVES(brecv(s, head, sizeof head, -1), 0);
  size = (size_t)head[3] << 8 | head[4];
  CHECK(size < sizeof hello);
  GIVES(brecv(s, hello, size, -1), 0);
  for (i = 0; i + strlen(text) <= size; ++i)
    if (memcmp(hello + i, text, strlen(text)) == 0) *found = 1;
  GIVES(hclose(s), 0);
}

static int is_told(const char* name, int insecure) {
  struct side side = local_side(NULL, NULL);
  int found = 0;
  int b = go(look_for(&side, name, &found));
  int s = happyeyeballs_connect(name, side.port, now() + 20000);
  if (insecure) CHECK(setenv("CARAWAY_TLS_INSECURE", "1", 1) == 0);
  CHECK(tls_attach_client(s, now() + 20000) == -1);
  CHECK(unsetenv("CARAWAY_TLS_INSECURE") == 0);
  return end(&side, b, found);
}

static void a_name_is_sent_and_an_address_is_not(void) {
  CHECK(is_told("localhost", 0) == 1);
  CHECK(is_told("127.0.0.1", 0) == 0);
  CHECK(is_told("localhost", 1) == 1);
}

static void the_environment_can_switch_that_off_too(void) {
  CHECK(setenv("CARAWAY_TLS_INSECURE", "1", 1) == 0);
  CHECK(by_name("localhost", PEM("other_host.pem"), PEM("other_host.key")) == 0);
  CHECK(unsetenv("CARAWAY_TLS_INSECURE") == 0);
  CHECK(by_name("localhost", PEM("other_host.pem"), PEM("other_host.key")) == -1);
}

int main(void) {
  trust_the_root_of_the_tests();
  who_connected_by_name_gets_whom_it_named();
  the_literal_of_an_address_is_looked_for_as_an_address();
  who_connected_by_address_has_named_nobody();
  the_name_goes_with_the_handle();
  options_alone_say_who_is_looked_for();
  through_a_proxy_it_is_the_target_that_counts();
  of_two_proxies_the_second_leads_to_the_target();
  a_target_that_was_refused_is_nobodys_name();
  who_has_spoken_in_the_clear_may_be_led_elsewhere();
  a_layer_that_was_there_has_spoken_too();
  a_name_is_sent_and_an_address_is_not();
  the_environment_can_switch_that_off_too();
  return 0;
}
