/* webapp.c - a web application in one program: a page over HTTP, and behind it a countdown over
   WebSocket.

       webapp [HTTP_PORT [WS_PORT [MILLISECONDS]]]

   Then open http://127.0.0.1:8080/ in a browser. The third argument is the pace. */
#include <libdill.h>

#include <stdio.h>
#include <string.h>

enum { patience = 10000 };

static char page[1024];
static int pace = 1000;

static void write_page(int ws_port) {
  snprintf(page, sizeof page,
           "<!doctype html>\n"
           "<title>Countdown</title>\n"
           "<p id=\"show\">...</p>\n"
           "<script>\n"
           "  const socket = new WebSocket('ws://' + location.hostname + ':%d/');\n"
           "  const show = document.getElementById('show');\n"
           "  socket.onmessage = (event) => { show.textContent = event.data; };\n"
           "  socket.onclose = (event) => { document.title = `closed ${event.code}`; };\n"
           "</script>\n",
           ws_port);
}

/* --- the page --- */

/* Reads the request; what to answer, or -1 if there is nobody to answer to. */
static int read_request(int s, int64_t deadline) {
  char command[16], resource[256], name[64], value[256];
  int status = 200;
  if (http_recvrequest(s, command, sizeof command, resource, sizeof resource, deadline) < 0) {
    if (errno != EMSGSIZE) return -1;
    status = 414;
  } else if (strcmp(command, "GET") != 0) {
    status = 405;
  } else if (strcmp(resource, "/") != 0) {
    status = 404;
  }
  /* The fields do not matter here, not even those that do not fit. */
  while (http_recvfield(s, name, sizeof name, value, sizeof value, deadline) == 0 ||
         errno == EMSGSIZE)
    continue;
  return errno == EPIPE ? status : -1;
}

static int send_head(int s, int status, size_t size, int64_t deadline) {
  char length[32];
  snprintf(length, sizeof length, "%zu", size);
  if (http_sendstatus(s, status, "", deadline) < 0) return -1;
  if (http_sendfield(s, "Content-Type", "text/html", deadline) < 0) return -1;
  if (http_sendfield(s, "Content-Length", length, deadline) < 0) return -1;
  if (http_sendfield(s, "Connection", "close", deadline) < 0) return -1;
  return http_done(s, deadline);
}

static coroutine void serve_page(int s) {
  int64_t deadline = now() + patience;
  s = http_attach(s);
  if (s < 0) return;
  int status = read_request(s, deadline);
  const char* body = status == 200 ? page : "Nothing to see here.\n";
  if (status < 0 || send_head(s, status, strlen(body), deadline) < 0) {
    hclose(s);
    return;
  }
  s = http_detach(s, deadline);
  if (s < 0) return;
  bsend(s, body, strlen(body), deadline);
  tcp_close(s, deadline);
}

/* --- the countdown --- */

static int count_down(int s) {
  for (char c = '9'; c >= '0'; --c) {
    if (msend(s, &c, 1, now() + patience) < 0) return -1;
    if (msleep(now() + pace) < 0) return -1;
  }
  return msend(s, "Boom!", 5, now() + patience);
}

static coroutine void serve_countdown(int s) {
  char resource[256], host[256];
  s = ws_attach_server(s, WS_TEXT, resource, sizeof resource, host, sizeof host, now() + patience);
  if (s < 0) return;
  if (count_down(s) < 0) {
    hclose(s);
    return;
  }
  s = ws_detach(s, 1000, "OK", 2, now() + patience);
  if (s >= 0) tcp_close(s, now() + patience);
}

/* --- both servers --- */

static coroutine void accept_all(int listener, int clients, int countdown) {
  for (;;) {
    int s = tcp_accept(listener, NULL, -1);
    if (s < 0) {
      if (errno == ECANCELED) return;
      perror("accept");
      msleep(now() + 100); /* out of descriptors, perhaps: some will be closed */
      continue;
    }
    int rc = countdown ? bundle_go(clients, serve_countdown(s)) : bundle_go(clients, serve_page(s));
    if (rc < 0) hclose(s);
  }
}

static int listen_at(int port, int* chosen) {
  struct ipaddr addr;
  if (ipaddr_local(&addr, "127.0.0.1", port, 0) < 0) return -1;
  int listener = tcp_listen(&addr, 128);
  *chosen = ipaddr_port(&addr);
  return listener;
}

static int fail(const char* doing) {
  perror(doing);
  return 1;
}

int main(int argc, char** argv) {
  int http_port, ws_port;
  int pages = listen_at(argc > 1 ? atoi(argv[1]) : 8080, &http_port);
  if (pages < 0) return fail("listen");
  int countdowns = listen_at(argc > 2 ? atoi(argv[2]) : 8081, &ws_port);
  if (countdowns < 0) return fail("listen");
  if (argc > 3) pace = atoi(argv[3]);
  write_page(ws_port);
  int clients = bundle();
  if (clients < 0) return fail("bundle");
  int b = go(accept_all(countdowns, clients, 1));
  if (b < 0) return fail("go");
  printf("open http://127.0.0.1:%d/ (countdown at port %d)\n", http_port, ws_port);
  fflush(stdout);
  accept_all(pages, clients, 0);
  return 0;
}
