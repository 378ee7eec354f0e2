/* ws_send.c - sends one message to a WebSocket server and prints what comes back.

       ws_send HOST PORT [TARGET] */
#include <libdill.h>

#include <stdio.h>
#include <string.h>

static int fail(const char* doing) {
  perror(doing);
  return 1;
}

int main(int argc, char** argv) {
  if (argc < 3) {
    fprintf(stderr, "usage: ws_send HOST PORT [TARGET]\n");
    return 2;
  }
  const char* target = argc > 3 ? argv[3] : "/";
  int64_t deadline = now() + 10000;

  struct ipaddr addr;
  if (ipaddr_remote(&addr, argv[1], atoi(argv[2]), 0, deadline) < 0) return fail("resolve");
  int s = tcp_connect(&addr, deadline);
  if (s < 0) return fail("connect");
  s = ws_attach_client(s, WS_TEXT, target, argv[1], deadline);
  if (s < 0) return fail("shake hands");

  if (ws_send(s, WS_TEXT, "Hello, world!", 13, deadline) < 0) return fail("send");
  int flags;
  char buf[256];
  ssize_t size = ws_recv(s, &flags, buf, sizeof buf, deadline);
  if (size < 0) return fail("receive");
  printf("%s: %.*s\n", flags & WS_TEXT ? "text" : "binary", (int)size, buf);

  s = ws_detach(s, deadline);
  if (s < 0) return fail("close");
  return tcp_close(s, deadline) < 0 ? fail("disconnect") : 0;
}
