/* records.h - what the programs about prefix and suffix have in common. */
#ifndef RECORDS_H_INCLUDED
#define RECORDS_H_INCLUDED

#include "check.h"

#include <libdill.h>

/* Sends and receives `n` bytes of plain text on a bytestream. */
static inline void say(int s, const char* text, size_t n) {
  GIVES(bsend(s, text, n, -1), 0);
}
static inline void hear(int s, const char* text, size_t n) {
  char got[64];
  CHECK(n <= sizeof got);
  GIVES(brecv(s, got, n, -1), 0);
  CHECK(memcmp(got, text, n) == 0);
}

/* The next message is `text`. */
static inline void expect_message(int s, const char* text) {
  char got[64];
  GIVES(mrecv(s, got, sizeof got, -1), strlen(text));
  CHECK(memcmp(got, text, strlen(text)) == 0);
}

/* From memory that a bytestream of the program may change on the way. */
static inline void send_message(int s, const char* text) {
  char copy[64];
  size_t n = strlen(text);
  CHECK(n <= sizeof copy);
  memcpy(copy, text, n);
  GIVES(msend(s, copy, n, -1), 0);
}

static inline void close_both(int s[2]) {
  GIVES(hclose(s[0]), 0);
  GIVES(hclose(s[1]), 0);
}

/* Two ends of a TCP connection. */
static coroutine void accept_tcp(int ls, int* s) {
  *s = tcp_accept(ls, NULL, -1);
  CHECK(*s > 0);
}
static inline void tcp_pair(int s[2]) {
  struct ipaddr here;
  int ls, b;
  GIVES(ipaddr_local(&here, "127.0.0.1", 0, 0), 0);
  ls = tcp_listen(&here, 10);
  CHECK(ls > 0);
  b = go(accept_tcp(ls, &s[1]));
  s[0] = tcp_connect(&here, -1);
  CHECK(s[0] > 0);
  GIVES(bundle_wait(b, -1), 0);
  GIVES(hclose(b), 0);
  GIVES(hclose(ls), 0);
}

/* Receives and expects the errno `code`. */
static coroutine void fail_to_receive(int s, int code) {
  char c;
  FAILS(mrecv(s, &c, 1, -1), code);
}

/* Sends until that fails with `code`; how many messages went before. */
static coroutine void flood(int s, int64_t patience, int code, int* sent) {
  static char message[60000];
  for (*sent = 0;; ++*sent)
    if (msend(s, message, sizeof message, patience < 0 ? -1 : now() + patience) < 0) break;
  CHECK(errno == code);
}

/* Receives all that flood() sent, whole. */
static inline void expect_flood(int s, int sent) {
  static char message[60000];
  int i;
  for (i = 0; i < sent; ++i) GIVES(mrecv(s, message, sizeof message, -1), sizeof message);
}

#endif
