/* protocol.c - sockets that the program makes itself, below and above those of the library. */
#include "own_sockets.h"

static void messages_pass_through_a_socket_of_the_program(void) {
  struct quux a, b;
  char text[13];
  int s[2];
  GIVES(ipc_pair(s), 0);
  s[0] = quux_attach(&a, s[0]);
  s[1] = quux_attach(&b, s[1]);
  CHECK(msend(s[0], "Hello, world!", 13, -1) == 0);
  CHECK(msend(s[0], "dropped", 7, -1) == 0);
  CHECK(mrecv(s[1], text, sizeof text, -1) == 13);
  CHECK(memcmp(text, "Hello, world!", 13) == 0);
  CHECK(mrecvl(s[1], NULL, NULL, -1) == 7);
  FAILS(bsend(s[0], "x", 1, -1), ENOTSUP);
  FAILS(ws_attach_client(s[0], WS_NOHTTP, NULL, NULL, -1), ENOTSUP);
  FAILS(hclose(s[0]), EBADF);
  FAILS(mrecv(s[1], text, sizeof text, -1), EPIPE);
  GIVES(hclose(s[1]), 0);
}

static coroutine void greet(struct flip* f, int s) {
  char resource[8], host[32], text[8];
  s = flip_attach(f, s);
  CHECK(s > 0);
  s = ws_attach_server(s, WS_TEXT, resource, sizeof resource, host, sizeof host, -1);
  CHECK(s > 0);
  GIVES(mrecv(s, text, sizeof text, -1), 5);
  GIVES(msend(s, text, 5, -1), 0);
  s = ws_detach(s, 1000, NULL, 0, -1);
  CHECK(s > 0);
  memcpy(text, "raw", 3);
  CHECK(bsend(s, text, 3, -1) == 0);
  CHECK(brecv(s, text, 3, -1) == 0);
  GIVES(hclose(s), 0);
}

static void a_websocket_stands_on_a_bytestream_of_the_program(void) {
  struct flip mine, theirs;
  char text[8];
  int s[2];
  int b;
  GIVES(ipc_pair(s), 0);
  b = go(greet(&theirs, s[1]));
  s[0] = flip_attach(&mine, s[0]);
  s[0] = ws_attach_client(s[0], WS_TEXT, "/", "example.com", -1);
  CHECK(s[0] > 0);
  GIVES(msend(s[0], "Hello", 5, -1), 0);
  GIVES(mrecv(s[0], text, sizeof text, -1), 5);
  CHECK(memcmp(text, "Hello", 5) == 0);
  s[0] = ws_detach(s[0], 1000, NULL, 0, -1);
  CHECK(s[0] > 0 && !mine.closed);
  CHECK(brecv(s[0], text, 3, -1) == 0 && memcmp(text, "raw", 3) == 0);
  CHECK(bsend(s[0], text, 3, -1) == 0);
  GIVES(bundle_wait(b, -1), 0);
  GIVES(hclose(b), 0);
  CHECK(theirs.closed);
  GIVES(hclose(s[0]), 0);
  CHECK(mine.closed);
}

static void closing_the_upper_socket_closes_the_lower_one(void) {
  struct flip f;
  int s[2];
  GIVES(ipc_pair(s), 0);
  s[0] = flip_attach(&f, s[0]);
  s[0] = ws_attach_client(s[0], WS_NOHTTP, NULL, NULL, -1);
  CHECK(s[0] > 0);
  GIVES(hclose(s[0]), 0);
  CHECK(f.closed);
  GIVES(hclose(s[1]), 0);
}

static coroutine void serve_a_page(struct flip* f, int s) {
  char command[8], resource[8], name[8], value[8];
  s = http_attach(flip_attach(f, s));
  CHECK(s > 0);
  GIVES(http_recvrequest(s, command, sizeof command, resource, sizeof resource, -1), 0);
  CHECK(strcmp(command, "GET") == 0 && strcmp(resource, "/a") == 0);
  FAILS(http_recvfield(s, name, sizeof name, value, sizeof value, -1), EPIPE);
  GIVES(http_sendstatus(s, 200, "OK", -1), 0);
  GIVES(http_sendfield(s, "A", "b", -1), 0);
  s = http_detach(s, -1);
  CHECK(s > 0);
  memcpy(name, "page", 5);
  CHECK(bsend(s, name, 5, -1) == 0);
  FAILS(brecv(s, name, 1, -1), EPIPE);
  GIVES(hclose(s), 0);
}

static void http_stands_on_a_bytestream_of_the_program(void) {
  struct flip mine, theirs;
  char name[8], value[8];
  int s[2];
  int b;
  GIVES(ipc_pair(s), 0);
  b = go(serve_a_page(&theirs, s[1]));
  s[0] = http_attach(flip_attach(&mine, s[0]));
  CHECK(s[0] > 0);
  GIVES(http_sendrequest(s[0], "GET", "/a", -1), 0);
  GIVES(http_done(s[0], -1), 0);
  GIVES(http_recvstatus(s[0], value, sizeof value, -1), 200);
  GIVES(http_recvfield(s[0], name, sizeof name, value, sizeof value, -1), 0);
  CHECK(strcmp(name, "A") == 0 && strcmp(value, "b") == 0);
  s[0] = http_detach(s[0], -1);
  CHECK(s[0] > 0);
  CHECK(brecv(s[0], value, 5, -1) == 0 && strcmp(value, "page") == 0);
  GIVES(hclose(s[0]), 0);
  GIVES(bundle_wait(b, -1), 0);
  GIVES(hclose(b), 0);
  CHECK(mine.closed && theirs.closed);
}

static int anybody(const char* username, const char* password) {
  return username != NULL && password != NULL;
}

static coroutine void stand_in_between(struct flip* f, int s) {
  struct ipaddr here;
  char host[256];
  int port;
  s = flip_attach(f, s);
  GIVES(ipaddr_local(&here, "127.0.0.1", 1, 0), 0);
  GIVES(socks5_proxy_auth(s, anybody, -1), 0);
  GIVES(socks5_proxy_recvcommandbyname(s, host, &port, -1), SOCKS5_CONNECT);
  CHECK(strcmp(host, "example.org") == 0 && port == 80);
  GIVES(socks5_proxy_sendreply(s, SOCKS5_SUCCESS, &here, -1), 0);
  memcpy(host, "raw", 3);
  CHECK(bsend(s, host, 3, -1) == 0);
  FAILS(brecv(s, host, 1, -1), EPIPE);
  GIVES(hclose(s), 0);
}

static void socks5_is_spoken_over_a_bytestream_of_the_program(void) {
  struct flip mine, theirs;
  char text[3];
  int s[2];
  int b;
  GIVES(ipc_pair(s), 0);
  b = go(stand_in_between(&theirs, s[1]));
  s[0] = flip_attach(&mine, s[0]);
  GIVES(socks5_client_connectbyname(s[0], "u", "p", "example.org", 80, -1), 0);
  CHECK(brecv(s[0], text, 3, -1) == 0 && memcmp(text, "raw", 3) == 0);
  GIVES(hclose(s[0]), 0);
  GIVES(bundle_wait(b, -1), 0);
  GIVES(hclose(b), 0);
}

int main(void) {
  messages_pass_through_a_socket_of_the_program();
  a_websocket_stands_on_a_bytestream_of_the_program();
  closing_the_upper_socket_closes_the_lower_one();
  http_stands_on_a_bytestream_of_the_program();
  socks5_is_spoken_over_a_bytestream_of_the_program();
  return 0;
}
