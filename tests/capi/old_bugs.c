/* old_bugs.c - what libdill gets wrong and nobody relies on: closing WebSockets, handshakes of browsers,
   several descriptors at once, lists longer than a stack. */
#include "check.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <libdill.h>

static void discard(int s[2]) {
  GIVES(hclose(s[0]), 0);
  GIVES(hclose(s[1]), 0);
}

/* s[0] is the bytestream of a client, s[1] a server. */
static void raw_and_server(int s[2]) {
  GIVES(ipc_pair(s), 0);
  s[1] = ws_attach_server(s[1], WS_TEXT | WS_NOHTTP, NULL, 0, NULL, 0, -1);
  CHECK(s[1] > 0);
}

/* --- the end of a WebSocket --- */

static void close_frames_that_must_not_be_are_not_sent(void) {
  static const int forbidden[] = {1, 999, 1005, 1006, 1015, 5000, -1};
  char reason[124];
  size_t i;
  int s[2];
  memset(reason, 'r', sizeof reason);
  raw_and_server(s);
  FAILS(ws_done(s[1], 0, "why", 3, -1), EINVAL);
  FAILS(ws_detach(s[1], 0, "why", 3, -1), EINVAL);
  FAILS(ws_done(s[1], 1000, reason, 124, -1), EINVAL);
  FAILS(ws_detach(s[1], 1000, reason, 124, -1), EINVAL);
  FAILS(ws_done(s[1], 1000, "\xff\xfe", 2, -1), EINVAL);
  FAILS(ws_detach(s[1], 1000, "\xff\xfe", 2, -1), EINVAL);
  for (i = 0; i < sizeof forbidden / sizeof forbidden[0]; ++i) {
    FAILS(ws_done(s[1], forbidden[i], NULL, 0, -1), EINVAL);
    FAILS(ws_detach(s[1], forbidden[i], NULL, 0, -1), EINVAL);
  }
  GIVES(ws_done(s[1], 1000, reason, 123, -1), 0);
  GIVES(brecv(s[0], NULL, 2 + 2 + 123, -1), 0);
  FAILS(brecv(s[0], NULL, 1, 0), ETIMEDOUT);
  discard(s);
}

static void a_detach_that_fails_leaves_no_handle(void) {
  int s[2];
  raw_and_server(s);
  FAILS(ws_detach(s[1], 1000, NULL, 0, now() + 20), ETIMEDOUT);
  FAILS(hclose(s[1]), EBADF);
  GIVES(hclose(s[0]), 0);
}

static void a_close_frame_inside_a_message_is_heard(void) {
  static const char frames[] = "\x01\x81\0\0\0\0h\x88\x85\0\0\0\0\3\351bye";
  char reason[123];
  int status = 0;
  int s[2];
  raw_and_server(s);
  GIVES(bsend(s[0], frames, sizeof frames - 1, -1), 0);
  FAILS(ws_recv(s[1], NULL, reason, sizeof reason, -1), EPIPE);
  GIVES(ws_status(s[1], &status, reason, sizeof reason), 3);
  CHECK(status == 1001 && memcmp(reason, "bye", 3) == 0);
  discard(s);
}

/* --- handshakes --- */

static void a_handshake_may_have_a_long_cookie(void) {
  char head[4000], cookie[2000];
  char host[64];
  int s[2];
  memset(cookie, 'c', sizeof cookie - 1);
  cookie[sizeof cookie - 1] = '\0';
  snprintf(head, sizeof head,
           "GET / HTTP/1.1\r\nHost: example.org\r\nCookie: id=%s\r\nUpgrade: websocket\r\n"
           "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
           "Sec-WebSocket-Version: 13\r\n\r\n",
           cookie);
  GIVES(ipc_pair(s), 0);
  GIVES(bsend(s[0], head, strlen(head), -1), 0);
  s[1] = ws_attach_server(s[1], WS_TEXT, NULL, 0, host, sizeof host, -1);
  CHECK(s[1] > 0 && strcmp(host, "example.org") == 0);
  discard(s);
}

static void a_handshake_must_have_a_host(void) {
  static const char head[] =
      "GET / HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
  char host[64];
  int s[2];
  GIVES(ipc_pair(s), 0);
  GIVES(bsend(s[0], head, sizeof head - 1, -1), 0);
  GIVES(ipc_done(s[0], -1), 0);
  FAILS(ws_attach_server(s[1], WS_TEXT, NULL, 0, host, sizeof host, -1), EPROTO);
  GIVES(brecv(s[0], host, 12, -1), 0);
  CHECK(memcmp(host, "HTTP/1.1 400", 12) == 0);
  GIVES(hclose(s[0]), 0);
}

/* --- descriptors --- */

static void send_two_descriptors(int through, int fd) {
  union {
    struct cmsghdr header;
    char room[CMSG_SPACE(2 * sizeof(int))];
  } control;
  const int both[2] = {fd, fd};
  char byte = (char)0xcc;
  struct iovec piece = {&byte, 1};
  struct msghdr message;
  memset(&control, 0, sizeof control);
  memset(&message, 0, sizeof message);
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = &control;
  message.msg_controllen = sizeof control;
  control.header.cmsg_level = SOL_SOCKET;
  control.header.cmsg_type = SCM_RIGHTS;
  control.header.cmsg_len = CMSG_LEN(sizeof both);
  memcpy(CMSG_DATA(&control.header), both, sizeof both);
  CHECK(sendmsg(through, &message, 0) == 1);
}

/* Nobody knows which of them is meant, and none stays open. */
static void of_two_descriptors_none_is_kept(void) {
  int fds[2], ends[2], s;
  char c;
  if (simulated()) return;
  CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
  CHECK(pipe(ends) == 0);
  s = ipc_fromfd(fds[0]);
  CHECK(s > 0);
  send_two_descriptors(fds[1], ends[1]);
  CHECK(close(ends[1]) == 0);
  FAILS(ipc_recvfd(s, -1), EPROTO);
  /* The pipe has ended, so nobody holds its other end. */
  GIVES(fdin(ends[0], now() + 5000), 0);
  CHECK(read(ends[0], &c, 1) == 0);
  CHECK(close(ends[0]) == 0 && close(fds[1]) == 0);
  GIVES(hclose(s), 0);
}

/* --- lists --- */

enum { many = 100000 };

static coroutine void send_long_list(int s, int ch, int* done) {
  static struct iolist list[many];
  static struct chclause clauses[many];
  static char data[many];
  char c;
  int i;
  for (i = 0; i < many; ++i) {
    list[i].iol_base = &data[i];
    list[i].iol_len = 1;
    list[i].iol_next = i + 1 < many ? &list[i + 1] : NULL;
    clauses[i].op = CHRECV;
    clauses[i].ch = ch;
    clauses[i].val = &c;
    clauses[i].len = 1;
  }
  GIVES(bsendl(s, &list[0], &list[many - 1], -1), 0);
  FAILS(choose(clauses, many, now() + 2), ETIMEDOUT);
  *done = 1;
}

static void lists_may_be_longer_than_a_stack(void) {
  int s[2], ch[2], b;
  int done = 0;
  GIVES(ipc_pair(s), 0);
  GIVES(chmake(ch), 0);
  b = go(send_long_list(s[0], ch[0], &done));
  GIVES(brecv(s[1], NULL, many, -1), 0);
  GIVES(bundle_wait(b, -1), 0);
  CHECK(done);
  GIVES(hclose(b), 0);
  discard(ch);
  discard(s);
}

int main(void) {
  close_frames_that_must_not_be_are_not_sent();
  a_detach_that_fails_leaves_no_handle();
  a_close_frame_inside_a_message_is_heard();
  a_handshake_may_have_a_long_cookie();
  a_handshake_must_have_a_host();
  of_two_descriptors_none_is_kept();
  lists_may_be_longer_than_a_stack();
  return 0;
}
