/* errnos_memory_protocols.c - what the protocols do when there is no memory. The bytes of the peer are there
   already; only a WebSocket client needs one that answers. */
#include "scarce.h"

#include <sys/socket.h>

#include "own_sockets.h"

/* A layer that could not be put on a socket has closed it. */
static void close_layer(int layer, int below) {
  FAILS(hclose(below), EBADF);
  if (layer >= 0) GIVES(hclose(layer), 0);
}

/* s[0] is a bytestream whose peer has sent `bytes`, s[1] a descriptor. */
static void hears(int s[2], const char* bytes, size_t size) {
  CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, s) == 0);
  CHECK(write(s[1], bytes, size) == (ssize_t)size);
  s[0] = ipc_fromfd(s[0]);
  CHECK(s[0] > 0);
}
#define HEARS(s, text) hears((s), (text), sizeof(text) - 1)

/* --- messages ------------------------------------------------------------------------------------ */

static void prefixes(void) {
  int s[2];
  int layer;
  HEARS(s, "");
  SCARCE(layer, prefix_attach(s[0], 2, PREFIX_BIG_ENDIAN));
  close_layer(layer, s[0]);
  CHECK(close(s[1]) == 0);
}

static void suffixes(void) {
  int s[2];
  int layer;
  HEARS(s, "");
  SCARCE(layer, suffix_attach(s[0], "\r\n", 2));
  close_layer(layer, s[0]);
  CHECK(close(s[1]) == 0);
}

static void terms(void) {
  int s[2];
  int layer;
  HEARS(s, "");
  s[0] = prefix_attach(s[0], 2, PREFIX_BIG_ENDIAN);
  SCARCE(layer, term_attach(s[0], "STOP", 4));
  close_layer(layer, s[0]);
  CHECK(close(s[1]) == 0);
}

static void layers_on_own_sockets(void) {
  struct flip flip;
  struct quux quux;
  int s[2];
  int own, layer;
  HEARS(s, "");
  own = flip_attach(&flip, s[0]);
  SCARCE(layer, prefix_attach(own, 2, PREFIX_BIG_ENDIAN));
  close_layer(layer, own);
  CHECK(close(s[1]) == 0);
  HEARS(s, "");
  own = quux_attach(&quux, s[0]);
  SCARCE(layer, term_attach(own, "STOP", 4));
  close_layer(layer, own);
  CHECK(close(s[1]) == 0);
}

/* A message that was not sent or received for want of memory is when there is some. */
static void exchange(int s, const char* text) {
  char got[100];
  struct iolist two = {got + 1, 99, NULL, 0};
  struct iolist one = {got, 1, &two, 0};
  ssize_t n;
  int rc;
  SCARCE(rc, msend(s, "hello", 5, -1));
  if (rc < 0) GIVES(msend(s, "hello", 5, -1), 0);
  SCARCE(n, mrecv(s, got, sizeof got, -1));
  if (n < 0) n = mrecv(s, got, sizeof got, -1);
  CHECK(n == (ssize_t)strlen(text) && memcmp(got, text, (size_t)n) == 0);
  SCARCE(n, mrecvl(s, &one, &two, -1));
  if (n < 0) n = mrecvl(s, &one, &two, -1);
  CHECK(n == (ssize_t)strlen(text) && memcmp(got, text, (size_t)n) == 0);
}

static void messages_of_prefix(void) {
  int s[2];
  HEARS(s, "\0\2hi\0\2hi");
  s[0] = prefix_attach(s[0], 2, PREFIX_BIG_ENDIAN);
  exchange(s[0], "hi");
  GIVES(hclose(prefix_detach(s[0])), 0);
  CHECK(close(s[1]) == 0);
}

static void messages_of_suffix(void) {
  int s[2];
  HEARS(s, "hi\r\nhi\r\n");
  s[0] = suffix_attach(s[0], "\r\n", 2);
  exchange(s[0], "hi");
  GIVES(hclose(suffix_detach(s[0], -1)), 0);
  CHECK(close(s[1]) == 0);
}

static void messages_of_term(void) {
  int s[2];
  HEARS(s, "\0\2hi\0\2hi\0\4STOP");
  s[0] = term_attach(prefix_attach(s[0], 2, PREFIX_BIG_ENDIAN), "STOP", 4);
  exchange(s[0], "hi");
  GIVES(hclose(term_detach(s[0], -1)), 0);
  CHECK(close(s[1]) == 0);
}

static void messages_on_own_sockets(void) {
  struct flip flip;
  struct quux quux;
  char got[100];
  int s[2];
  ssize_t n;
  HEARS(s, "UWxy");
  s[0] = prefix_attach(flip_attach(&flip, s[0]), 2, PREFIX_BIG_ENDIAN);
  SCARCE(n, mrecv(s[0], got, sizeof got, -1));
  if (n < 0) n = mrecv(s[0], got, sizeof got, -1);
  CHECK(n == 2 && memcmp(got, "-,", 2) == 0);
  GIVES(hclose(s[0]), 0);
  CHECK(close(s[1]) == 0);
  HEARS(s, "\2hi");
  s[0] = term_attach(quux_attach(&quux, s[0]), "STOP", 4);
  SCARCE(n, mrecv(s[0], got, sizeof got, -1));
  if (n < 0) n = mrecv(s[0], got, sizeof got, -1);
  CHECK(n == 2 && memcmp(got, "hi", 2) == 0);
  SCARCE(n, msend(s[0], "hi", 2, -1));
  GIVES(hclose(s[0]), 0);
  CHECK(close(s[1]) == 0);
}

/* --- HTTP ---------------------------------------------------------------------------------------- */

static void heads(void) {
  int s[2];
  int h;
  HEARS(s, "");
  SCARCE(h, http_attach(s[0]));
  close_layer(h, s[0]);
  CHECK(close(s[1]) == 0);
}

static void requests(void) {
  char a[100], b[100];
  int s[2];
  int rc;
  HEARS(s, "GET /there HTTP/1.1\r\nHost: example.org\r\n\r\n");
  s[0] = http_attach(s[0]);
  SCARCE(rc, http_recvrequest(s[0], a, sizeof a, b, sizeof b, -1));
  if (rc < 0) rc = http_recvrequest(s[0], a, sizeof a, b, sizeof b, -1);
  CHECK(rc == 0 && strcmp(a, "GET") == 0 && strcmp(b, "/there") == 0);
  SCARCE(rc, http_recvfield(s[0], a, sizeof a, b, sizeof b, -1));
  if (rc < 0) rc = http_recvfield(s[0], a, sizeof a, b, sizeof b, -1);
  CHECK(rc == 0 && strcmp(a, "Host") == 0 && strcmp(b, "example.org") == 0);
  SCARCE(rc, http_sendstatus(s[0], 200, "OK", -1));
  if (rc < 0) GIVES(http_sendstatus(s[0], 200, "OK", -1), 0);
  SCARCE(rc, http_sendfield(s[0], "Server", "caraway", -1));
  if (rc < 0) GIVES(http_sendfield(s[0], "Server", "caraway", -1), 0);
  GIVES(http_done(s[0], -1), 0);
  GIVES(hclose(http_detach(s[0], -1)), 0);
  CHECK(close(s[1]) == 0);
}

static void statuses(void) {
  char text[100];
  int s[2];
  int rc;
  HEARS(s, "HTTP/1.1 200 OK\r\n\r\n");
  s[0] = http_attach(s[0]);
  SCARCE(rc, http_sendrequest(s[0], "GET", "/", -1));
  if (rc < 0) GIVES(http_sendrequest(s[0], "GET", "/", -1), 0);
  SCARCE(rc, http_recvstatus(s[0], text, sizeof text, -1));
  if (rc < 0) rc = http_recvstatus(s[0], text, sizeof text, -1);
  CHECK(rc == 200);
  GIVES(hclose(http_detach(s[0], -1)), 0);
  CHECK(close(s[1]) == 0);
}

static void ends_of_heads(void) {
  int s[2];
  int rc;
  HEARS(s, "");
  s[0] = http_attach(s[0]);
  SCARCE(rc, http_done(s[0], -1));
  if (rc < 0) GIVES(http_done(s[0], -1), 0);
  GIVES(hclose(s[0]), 0);
  CHECK(close(s[1]) == 0);
}

static void ends_of_http(void) {
  int s[2];
  int rc;
  HEARS(s, "HTTP/1.1 200 OK\r\nServer: example\r\n\r\n");
  s[0] = http_attach(s[0]);
  SCARCE(rc, http_detach(s[0], -1));
  close_layer(rc, s[0]);
  CHECK(close(s[1]) == 0);
}

/* --- SOCKS5 -------------------------------------------------------------------------------------- */

static int everybody(const char* username, const char* password) {
  return username != NULL && password != NULL;
}

static void clients_of_a_proxy(void) {
  struct ipaddr to;
  int s[2];
  int rc;
  GIVES(ipaddr_remote(&to, "192.0.2.1", 80, 0, -1), 0);
  HEARS(s, "\5\2\1\0\5\0\0\1\0\0\0\0\0\0");
  SCARCE(rc, socks5_client_connect(s[0], "ann", "secret", &to, -1));
  GIVES(hclose(s[0]), 0);
  CHECK(close(s[1]) == 0);
}

static void clients_of_a_proxy_by_name(void) {
  int s[2];
  int rc;
  HEARS(s, "\5\0\5\0\0\1\0\0\0\0\0\0");
  SCARCE(rc, socks5_client_connectbyname(s[0], NULL, NULL, "h", 80, -1));
  GIVES(hclose(s[0]), 0);
  CHECK(close(s[1]) == 0);
}

static void proxies(void) {
  struct ipaddr asked;
  int s[2];
  int rc;
  HEARS(s, "\5\1\2\1\3ann\6secret\5\1\0\1\300\0\2\1\0\120");
  SCARCE(rc, socks5_proxy_auth(s[0], everybody, -1));
  if (rc >= 0) SCARCE(rc, socks5_proxy_recvcommand(s[0], &asked, -1));
  if (rc >= 0) SCARCE(rc, socks5_proxy_sendreply(s[0], SOCKS5_SUCCESS, &asked, -1));
  GIVES(hclose(s[0]), 0);
  CHECK(close(s[1]) == 0);
}

static void proxies_by_name(void) {
  char host[256];
  int s[2];
  int port, rc;
  HEARS(s, "\5\1\0\5\1\0\3\11localhost\0\120");
  SCARCE(rc, socks5_proxy_auth(s[0], NULL, -1));
  if (rc >= 0) SCARCE(rc, socks5_proxy_recvcommandbyname(s[0], host, &port, -1));
  GIVES(hclose(s[0]), 0);
  CHECK(close(s[1]) == 0);
}

/* --- WebSocket ----------------------------------------------------------------------------------- */

static void servers(void) {
  char resource[100], host[100], answer[1000] = "";
  int s[2];
  int ws;
  HEARS(s,
        "GET /chat HTTP/1.1\r\nHost: example.org\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n");
  SCARCE(ws, ws_attach_server(s[0], WS_TEXT, resource, sizeof resource, host, sizeof host, -1));
  GIVES(msleep(now() + 1), 0);
  close_layer(ws, s[0]);
  /* What it has told its client is true. */
  if (read(s[1], answer, sizeof answer - 1) > 0)
    CHECK(strstr(answer, "Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n") != NULL);
  CHECK(close(s[1]) == 0);
}

/* Answers a client, or sees it go. */
static void* answer_client(void* fd) {
  char head[1000], key[WS_KEY_SIZE] = "", accept_key[WS_KEY_SIZE];
  size_t size = 0;
  const char* at;
  ssize_t n;
  do {
    n = read(*(int*)fd, head + size, sizeof head - 1 - size);
    if (n <= 0) return NULL;
    size += (size_t)n;
    head[size] = '\0';
  } while (strstr(head, "\r\n\r\n") == NULL);
  at = strstr(head, "Sec-WebSocket-Key: ");
  CHECK(at != NULL);
  memcpy(key, at + 19, 24);
  CHECK(ws_response_key(key, accept_key) == 0);
  n = snprintf(head, sizeof head,
               "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
               "Sec-WebSocket-Accept: %s\r\n\r\n",
               accept_key);
  send(*(int*)fd, head, (size_t)n, MSG_NOSIGNAL);
  return NULL;
}

static void clients(void) {
  pthread_t peer;
  int s[2];
  int ws;
  HEARS(s, "");
  CHECK(pthread_create(&peer, NULL, answer_client, &s[1]) == 0);
  SCARCE(ws, ws_attach_client(s[0], WS_TEXT, "/chat", "example.org", -1));
  CHECK(pthread_join(peer, NULL) == 0);
  close_layer(ws, s[0]);
  CHECK(close(s[1]) == 0);
}

/* s[0] is a server without a handshake that hears all that a client says. */
static int hears_frames(int s[2], const char* frames, size_t size) {
  int rc;
  hears(s, frames, size);
  CHECK(shutdown(s[1], SHUT_WR) == 0);
  SCARCE(rc, ws_attach_server(s[0], WS_TEXT | WS_NOHTTP, NULL, 0, NULL, 0, -1));
  if (rc < 0) {
    close_layer(rc, s[0]);
    CHECK(close(s[1]) == 0);
  }
  s[0] = rc;
  return rc;
}
#define HEARS_FRAMES(s, text) hears_frames((s), (text), sizeof(text) - 1)

static void conversations(void) {
  int s[2];
  int rc;
  if (HEARS_FRAMES(s,
                   "\x81\x82\0\0\0\0hi\x81\x82\0\0\0\0hi"
                   "\x88\x82\0\0\0\0\3\350") < 0)
    return;
  exchange(s[0], "hi");
  SCARCE(rc, ws_done(s[0], 1000, "bye", 3, -1));
  if (rc < 0) GIVES(ws_done(s[0], 1000, "bye", 3, -1), 0);
  SCARCE(rc, ws_detach(s[0], 1000, NULL, 0, -1));
  close_layer(rc, s[0]);
  CHECK(close(s[1]) == 0);
}

/* The pieces of a message need memory of their own; without it the conversation ends with ENOMEM. */
static void messages_in_pieces(void) {
  char text[10];
  int s[2];
  ssize_t n;
  if (HEARS_FRAMES(s, "\x01\x81\0\0\0\0h\x80\x81\0\0\0\0i") < 0) return;
  SCARCE(n, ws_recv(s[0], NULL, text, sizeof text, -1));
  if (n < 0) n = ws_recv(s[0], NULL, text, sizeof text, -1);
  CHECK(n < 0 ? errno == ENOMEM : n == 2 && memcmp(text, "hi", 2) == 0);
  GIVES(hclose(s[0]), 0);
  CHECK(close(s[1]) == 0);
}

static void messages_sent(void) {
  int s[2];
  int rc;
  if (HEARS_FRAMES(s, "") < 0) return;
  SCARCE(rc, ws_send(s[0], WS_TEXT, "hello", 5, -1));
  if (rc < 0) GIVES(ws_send(s[0], WS_TEXT, "hello", 5, -1), 0);
  GIVES(hclose(s[0]), 0);
  CHECK(close(s[1]) == 0);
}

static void goodbyes(void) {
  int s[2];
  int rc;
  if (HEARS_FRAMES(s, "\x88\x82\0\0\0\0\3\350") < 0) return;
  SCARCE(rc, ws_detach(s[0], 1000, "bye", 3, -1));
  close_layer(rc, s[0]);
  CHECK(close(s[1]) == 0);
}

static void keys(void) {
  char key[WS_KEY_SIZE], other[WS_KEY_SIZE];
  int rc;
  SCARCE(rc, ws_request_key(key));
  if (rc >= 0) SCARCE(rc, ws_response_key(key, other));
}

int main(void) {
  SWEEP(prefixes);
  SWEEP(suffixes);
  SWEEP(terms);
  SWEEP(layers_on_own_sockets);
  SWEEP(messages_of_prefix);
  SWEEP(messages_of_suffix);
  SWEEP(messages_of_term);
  SWEEP(messages_on_own_sockets);
  SWEEP(heads);
  SWEEP(requests);
  SWEEP(statuses);
  SWEEP(ends_of_heads);
  SWEEP(ends_of_http);
  SWEEP(clients_of_a_proxy);
  SWEEP(clients_of_a_proxy_by_name);
  SWEEP(proxies);
  SWEEP(proxies_by_name);
  SWEEP(servers);
  SWEEP(clients);
  SWEEP(conversations);
  SWEEP(messages_in_pieces);
  SWEEP(messages_sent);
  SWEEP(goodbyes);
  SWEEP(keys);
  every_call_failed();
  return 0;
}
