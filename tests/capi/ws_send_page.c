/* ws_send_page.c - the program of the manual page ws_send(3), as it stands there. Only the name of the
   host leads to a server of this program's own. */
#include "check.h"

#include <assert.h>

#include <libdill.h>

static struct ipaddr here;
static int served;

static coroutine void serve(int ls) {
  char resource[8], host[32], text[32];
  int flags = -1;
  int s = tcp_accept(ls, NULL, -1);
  CHECK(s > 0);
  s = ws_attach_server(s, WS_TEXT, resource, sizeof resource, host, sizeof host, -1);
  CHECK(s > 0);
  CHECK(strcmp(resource, "/") == 0 && strcmp(host, "www.example.org") == 0);
  GIVES(ws_recv(s, &flags, text, sizeof text, -1), 13);
  CHECK(flags == WS_TEXT && memcmp(text, "Hello, world!", 13) == 0);
  GIVES(ws_send(s, WS_TEXT, text, 13, -1), 0);
  s = ws_detach(s, -1);
  CHECK(s > 0);
  GIVES(tcp_close(s, -1), 0);
  served = 1;
}

static int find_here(struct ipaddr* addr, const char* name, int port, int mode, int64_t deadline) {
  CHECK(strcmp(name, "www.example.org") == 0 && port == 80 && mode == 0 && deadline == -1);
  *addr = here;
  return 0;
}

#undef ipaddr_remote
#define ipaddr_remote find_here

static void the_page(void) {
#include "ws_send_page.inc"
  CHECK(sz == 13 && memcmp(buf, "Hello, world!", 13) == 0 && flags == WS_TEXT);
  FAILS(hclose(s), EBADF);
}

int main(void) {
  int ls, b;
  GIVES(ipaddr_local(&here, "127.0.0.1", 0, 0), 0);
  ls = tcp_listen(&here, 10);
  CHECK(ls > 0);
  b = go(serve(ls));
  CHECK(b > 0);
  the_page();
  GIVES(bundle_wait(b, -1), 0);
  CHECK(served);
  GIVES(hclose(b), 0);
  GIVES(hclose(ls), 0);
  return 0;
}
