/* half_over.c - layers on a bytestream whose one direction is over: whoever has said all may still read the
   answer line by line, and whoever has heard all may still answer. */
#include "check.h"

#include <libdill.h>

static void say(int s, const char* text) {
  GIVES(bsend(s, text, strlen(text), -1), 0);
}

static void expect_message(int s, const char* text) {
  char got[64];
  GIVES(mrecv(s, got, sizeof got, -1), strlen(text));
  CHECK(memcmp(got, text, strlen(text)) == 0);
}

static void the_answer_is_read_line_by_line(void) {
  char got[8];
  int s[2];
  GIVES(ipc_pair(s), 0);
  say(s[0], "question");
  GIVES(ipc_done(s[0], -1), 0);
  say(s[1], "two\r\nlines\r\nrest");
  GIVES(ipc_done(s[1], -1), 0);
  s[0] = suffix_attach(s[0], "\r\n", 2);
  CHECK(s[0] > 0);
  FAILS(msend(s[0], "more", 4, -1), EPIPE);
  expect_message(s[0], "two");
  expect_message(s[0], "lines");
  s[0] = suffix_detach(s[0], -1);
  CHECK(s[0] > 0);
  FAILS(bsend(s[0], "more", 4, -1), EPIPE);
  FAILS(ipc_done(s[0], -1), EPIPE);
  GIVES(brecv(s[0], got, 4, -1), 0);
  FAILS(brecv(s[0], got, 1, -1), EPIPE);
  GIVES(brecv(s[1], got, 8, -1), 0);
  GIVES(ipc_close(s[0], -1), 0);
  GIVES(ipc_close(s[1], -1), 0);
}

static void the_answer_is_sent_message_by_message(void) {
  char got[8];
  int s[2];
  GIVES(ipc_pair(s), 0);
  say(s[0], "question");
  GIVES(ipc_done(s[0], -1), 0);
  GIVES(brecv(s[1], got, 8, -1), 0);
  FAILS(brecv(s[1], got, 1, -1), EPIPE);
  s[1] = prefix_attach(s[1], 1, 0);
  CHECK(s[1] > 0);
  FAILS(mrecv(s[1], got, sizeof got, -1), EPIPE);
  GIVES(msend(s[1], "answer", 6, -1), 0);
  s[1] = prefix_detach(s[1]);
  CHECK(s[1] > 0);
  FAILS(brecv(s[1], got, 1, -1), EPIPE);
  GIVES(ipc_close(s[1], -1), 0);
  GIVES(brecv(s[0], got, 7, -1), 0);
  CHECK(memcmp(got, "\6answer", 7) == 0);
  GIVES(ipc_close(s[0], -1), 0);
}

static void a_head_of_http_is_read_that_way(void) {
  char text[64], value[64];
  int s[2];
  GIVES(ipc_pair(s), 0);
  say(s[0], "GET / HTTP/1.1\r\n\r\n");
  GIVES(ipc_done(s[0], -1), 0);
  say(s[1], "HTTP/1.1 200 OK\r\nA: b\r\n\r\n");
  s[0] = http_attach(s[0]);
  CHECK(s[0] > 0);
  FAILS(http_sendrequest(s[0], "GET", "/", -1), EPIPE);
  GIVES(http_recvstatus(s[0], text, sizeof text, -1), 200);
  GIVES(http_recvfield(s[0], text, sizeof text, value, sizeof value, -1), 0);
  FAILS(http_recvfield(s[0], text, sizeof text, value, sizeof value, -1), EPIPE);
  GIVES(hclose(s[0]), 0);
  GIVES(hclose(s[1]), 0);
}

static coroutine void accept_one(int ls, int* s) {
  *s = tcp_accept(ls, NULL, -1);
  CHECK(*s > 0);
}

/* What was said before the layer came arrives, however the layers end. */
static void closing_the_layers_resets_nothing(int (*attach)(int s)) {
  static char data[200000];
  struct ipaddr here;
  int s[2], ls, b;
  GIVES(ipaddr_local(&here, "127.0.0.1", 0, 0), 0);
  ls = tcp_listen(&here, 10);
  CHECK(ls > 0);
  b = go(accept_one(ls, &s[1]));
  s[0] = tcp_connect(&here, -1);
  CHECK(s[0] > 0);
  GIVES(bundle_wait(b, -1), 0);
  GIVES(bsend(s[0], data, 50000, -1), 0);
  GIVES(tcp_done(s[0], -1), 0);
  s[0] = attach(s[0]);
  CHECK(s[0] > 0);
  GIVES(hclose(s[0]), 0);
  GIVES(brecv(s[1], data, 50000, -1), 0);
  FAILS(brecv(s[1], data, 1, -1), EPIPE);
  GIVES(hclose(s[1]), 0);
  GIVES(hclose(b), 0);
  GIVES(hclose(ls), 0);
}

static int lines(int s) {
  return suffix_attach(s, "\r\n", 2);
}

static int lines_up_to_an_empty_one(int s) {
  return term_attach(lines(s), NULL, 0);
}

int main(void) {
  the_answer_is_read_line_by_line();
  the_answer_is_sent_message_by_message();
  a_head_of_http_is_read_that_way();
  closing_the_layers_resets_nothing(lines);
  closing_the_layers_resets_nothing(lines_up_to_an_empty_one);
  closing_the_layers_resets_nothing(http_attach);
  return 0;
}
