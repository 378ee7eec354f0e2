/* wget.c - gets what is at a URL: status and fields to standard error, the body to standard output.

       wget http[s]://HOST[:PORT][/RESOURCE] [PROXY PROXY_PORT [USER PASSWORD]]

   With https it talks to nobody whose certificate is not for HOST. The proxy is one that speaks SOCKS5. The exit status is 0 for an answer that says success. */
#include <libdill.h>

#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { patience = 60000 };

struct url {
  int secure;
  char host[256];
  int port;
  const char* resource;
};

/* 0 if `text` is a URL of a kind that is known here. */
static int parse_url(const char* text, struct url* u) {
  u->secure = strncmp(text, "https://", 8) == 0;
  if (!u->secure && strncmp(text, "http://", 7) != 0) return -1;
  const char* host = text + (u->secure ? 8 : 7);
  size_t whole = strcspn(host, "/?#");
  u->resource = host[whole] == '/' ? host + whole : "/";
  /* The colon before the port, not one of an address in brackets. */
  const char* bracket = (const char*)memchr(host, ']', whole);
  const char* from = bracket != NULL ? bracket : host;
  const char* colon = (const char*)memchr(from, ':', whole - (size_t)(from - host));
  size_t size = colon != NULL ? (size_t)(colon - host) : whole;
  u->port = colon != NULL ? atoi(colon + 1) : u->secure ? 443 : 80;
  if (bracket != NULL && *host == '[') {
    ++host;
    size = (size_t)(bracket - host);
  }
  if (size == 0 || size >= sizeof u->host) return -1;
  memcpy(u->host, host, size);
  u->host[size] = '\0';
  return 0;
}

/* A connection to the server, through the proxy in `argv` if there is one. */
static int open_connection(const struct url* u, int argc, char** argv, int64_t deadline) {
  if (argc < 4) return happyeyeballs_connect(u->host, u->port, deadline);
  const char* user = argc > 5 ? argv[4] : NULL;
  const char* password = argc > 5 ? argv[5] : NULL;
  int s = happyeyeballs_connect(argv[2], atoi(argv[3]), deadline);
  if (s < 0) return -1;
  if (socks5_client_connectbyname(s, user, password, u->host, u->port, deadline) == 0) return s;
  int why = errno;
  hclose(s);
  errno = why;
  return -1;
}

/* TLS on top of `s` that holds the server to its name. */
static int secure(int s, const struct url* u, int64_t deadline) {
  struct tls_opts opts;
  memset(&opts, 0, sizeof opts);
  opts.size = sizeof opts;
  opts.host = u->host;
  opts.alpn = "http/1.1";
  opts.ca_file = getenv("CARAWAY_TLS_CA_FILE");
  s = tls_attach_client_opts(s, &opts, deadline);
  if (s < 0) fprintf(stderr, "TLS: %s\n", tls_error());
  return s;
}

/* --- the head --- */

/* What the head says of the body: its length, or -1 if it does not say. */
struct answer {
  int status;
  int chunked;
  long long length;
};

static int send_request(int s, const struct url* u, int64_t deadline) {
  char host[300];
  const char* form = strchr(u->host, ':') != NULL ? "[%s]:%d" : "%s:%d";
  snprintf(host, sizeof host, form, u->host, u->port);
  if (http_sendrequest(s, "GET", u->resource, deadline) < 0) return -1;
  if (http_sendfield(s, "Host", host, deadline) < 0) return -1;
  if (http_sendfield(s, "Connection", "close", deadline) < 0) return -1;
  return http_done(s, deadline);
}

static int receive_head(int s, struct answer* a, int64_t deadline) {
  char reason[256], name[256], value[8192];
  a->chunked = 0;
  a->length = -1;
  a->status = http_recvstatus(s, reason, sizeof reason, deadline);
  if (a->status < 0) return -1;
  fprintf(stderr, "%d: %s\n", a->status, reason);
  while (http_recvfield(s, name, sizeof name, value, sizeof value, deadline) == 0) {
    fprintf(stderr, "%s: %s\n", name, value);
    if (strcasecmp(name, "Content-Length") == 0) a->length = atoll(value);
    if (strcasecmp(name, "Transfer-Encoding") == 0 && strcasecmp(value, "chunked") == 0)
      a->chunked = 1;
  }
  return errno == EPIPE ? 0 : -1;
}

/* Interim answers come before the one that counts. */
static int receive_answer(int s, struct answer* a, int64_t deadline) {
  do {
    if (receive_head(s, a, deadline) < 0) return -1;
  } while (a->status < 200);
  return 0;
}

/* --- the body --- */

static int copy(int s, unsigned long long size, int64_t deadline) {
  static char buf[65536];
  while (size > 0) {
    size_t n = size < sizeof buf ? (size_t)size : sizeof buf;
    if (brecv(s, buf, n, deadline) < 0) return -1;
    if (fwrite(buf, 1, n, stdout) != n) return -1;
    size -= n;
  }
  return 0;
}

static int copy_to_the_end(int s, int64_t deadline) {
  char c;
  while (brecv(s, &c, 1, deadline) == 0)
    if (putchar(c) == EOF) return -1;
  return errno == EPIPE ? 0 : -1;
}

/* A line of the framing, without its end; EPROTO if it is longer than any has to be. */
static int receive_line(int s, char* line, size_t size, int64_t deadline) {
  size_t n = 0;
  for (;;) {
    if (brecv(s, &line[n], 1, deadline) < 0) return -1;
    if (line[n] == '\n') break;
    if (++n == size) return errno = EPROTO, -1;
  }
  if (n > 0 && line[n - 1] == '\r') --n;
  line[n] = '\0';
  return 0;
}

static int copy_chunks(int s, int64_t deadline) {
  char line[1024];
  char* end;
  for (;;) {
    if (receive_line(s, line, sizeof line, deadline) < 0) return -1;
    unsigned long long size = strtoull(line, &end, 16);
    if (end == line || strchr("; \t", *end) == NULL) return errno = EPROTO, -1;
    if (size == 0) break;
    if (copy(s, size, deadline) < 0) return -1;
    if (receive_line(s, line, sizeof line, deadline) < 0) return -1;
    if (line[0] != '\0') return errno = EPROTO, -1;
  }
  do { /* trailers */
    if (receive_line(s, line, sizeof line, deadline) < 0) return -1;
  } while (line[0] != '\0');
  return 0;
}

static int copy_body(int s, const struct answer* a, int64_t deadline) {
  if (a->status == 204 || a->status == 304) return 0;
  if (a->chunked) return copy_chunks(s, deadline);
  if (a->length >= 0) return copy(s, (unsigned long long)a->length, deadline);
  return copy_to_the_end(s, deadline);
}

static int fail(const char* doing) {
  perror(doing);
  return 1;
}

int main(int argc, char** argv) {
  struct url u;
  if (argc < 2 || argc == 3 || argc == 5 || argc > 6 || parse_url(argv[1], &u) < 0) {
    fprintf(stderr, "usage: wget http[s]://HOST[:PORT][/RESOURCE] [PROXY PORT [USER PASSWORD]]\n");
    return 2;
  }
  int64_t deadline = now() + patience;
  int s = open_connection(&u, argc, argv, deadline);
  if (s < 0) return fail("connect");
  if (u.secure) s = secure(s, &u, deadline);
  if (s < 0) return fail("attach TLS");
  s = http_attach(s);
  if (s < 0) return fail("attach HTTP");
  struct answer a;
  if (send_request(s, &u, deadline) < 0) return fail("send the request");
  if (receive_answer(s, &a, deadline) < 0) return fail("receive the answer");
  s = http_detach(s, deadline);
  if (s < 0) return fail("detach HTTP");
  if (copy_body(s, &a, deadline) < 0 || fflush(stdout) == EOF) return fail("receive the body");
  hclose(s);
  return a.status < 300 ? 0 : 1;
}
