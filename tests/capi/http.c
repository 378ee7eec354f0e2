/* http.c - heads of HTTP/1.1 between two coroutines, and against bytes written by hand. */
#include "check.h"

#include <libdill.h>

/* A raw bytestream in s[0], HTTP on top of the other end in s[1]. */
static void raw_and_http(int s[2]) {
  GIVES(ipc_pair(s), 0);
  s[1] = http_attach(s[1]);
  CHECK(s[1] > 0);
}

static void discard(int s[2]) {
  GIVES(hclose(s[0]), 0);
  GIVES(hclose(s[1]), 0);
}

static void say(int s, const char* text) {
  GIVES(bsend(s, text, strlen(text), -1), 0);
}

/* The next bytes on `s` are these. */
static void expect(int s, const char* text) {
  char got[512];
  size_t size = strlen(text);
  GIVES(brecv(s, got, size, -1), 0);
  CHECK(memcmp(got, text, size) == 0);
}

static coroutine void ask(int s, struct http_storage* mem) {
  char reason[16], name[16], value[16];
  s = http_attach_mem(s, mem);
  CHECK(s > 0);
  GIVES(http_sendrequest(s, "PUT", "/a/b?c", -1), 0);
  GIVES(http_sendfield(s, "Host", "example.com", -1), 0);
  GIVES(http_sendfield(s, "X-Padded", " \t a  b\t ", -1), 0);
  GIVES(http_done(s, -1), 0);
  GIVES(http_recvstatus(s, reason, sizeof reason, -1), 201);
  CHECK(strcmp(reason, "Made for you") == 0);
  GIVES(http_recvfield(s, name, sizeof name, value, sizeof value, -1), 0);
  CHECK(strcmp(name, "Given") == 0 && strcmp(value, "back") == 0);
  FAILS(http_recvfield(s, name, sizeof name, value, sizeof value, -1), EPIPE);
  s = http_detach(s, -1);
  CHECK(s > 0);
  expect(s, "body");
  GIVES(hclose(s), 0);
}

static void both_sides_exchange_heads_and_part(void) {
  struct http_storage theirs;
  char command[16], resource[16], name[16], value[16];
  int s[2];
  int b, lower;
  GIVES(ipc_pair(s), 0);
  b = go(ask(s[0], &theirs));
  lower = http_attach(s[1]);
  CHECK(lower > 0);
  FAILS(hclose(s[1]), EBADF);
  s[1] = lower;
  GIVES(http_recvrequest(s[1], command, sizeof command, resource, sizeof resource, -1), 0);
  CHECK(strcmp(command, "PUT") == 0 && strcmp(resource, "/a/b?c") == 0);
  GIVES(http_recvfield(s[1], name, sizeof name, value, sizeof value, -1), 0);
  CHECK(strcmp(name, "Host") == 0 && strcmp(value, "example.com") == 0);
  GIVES(http_recvfield(s[1], name, sizeof name, value, sizeof value, -1), 0);
  CHECK(strcmp(name, "X-Padded") == 0 && strcmp(value, "a  b") == 0);
  FAILS(http_recvfield(s[1], name, sizeof name, value, sizeof value, -1), EPIPE);
  FAILS(http_recvfield(s[1], name, sizeof name, value, sizeof value, -1), EPIPE);
  GIVES(http_sendstatus(s[1], 201, "Made for you", -1), 0);
  FAILS(http_sendfield(s[1], "invalid field name ", "x", -1), EINVAL);
  GIVES(http_sendfield(s[1], "Given", "back", -1), 0);
  lower = http_detach(s[1], -1);
  CHECK(lower > 0);
  FAILS(http_detach(s[1], -1), EBADF);
  FAILS(hclose(s[1]), EBADF);
  say(lower, "body");
  GIVES(bundle_wait(b, -1), 0);
  GIVES(hclose(b), 0);
  GIVES(hclose(lower), 0);
}

static void a_client_writes_as_it_should(void) {
  struct http_storage theirs;
  int s[2];
  int b;
  GIVES(ipc_pair(s), 0);
  b = go(ask(s[0], &theirs));
  expect(s[1], "PUT /a/b?c HTTP/1.1\r\nHost: example.com\r\nX-Padded: a  b\r\n\r\n");
  say(s[1], "HTTP/1.1 201 Made for you\r\nGiven:  \tback \t\r\n\r\nbody");
  GIVES(bundle_wait(b, -1), 0);
  GIVES(hclose(b), 0);
  GIVES(hclose(s[1]), 0);
}

static void a_value_may_be_empty(void) {
  char a[4], b[4];
  int s[2];
  raw_and_http(s);
  say(s[0], "GET / HTTP/1.1\r\nA:\r\nB: \t \r\n\r\n");
  GIVES(http_recvrequest(s[1], a, 4, b, 4, -1), 0);
  GIVES(http_recvfield(s[1], a, 4, b, 4, -1), 0);
  CHECK(strcmp(a, "A") == 0 && strcmp(b, "") == 0);
  GIVES(http_recvfield(s[1], a, 4, b, 4, -1), 0);
  CHECK(strcmp(a, "B") == 0 && strcmp(b, "") == 0);
  discard(s);
}

static void what_cannot_be_said_is_refused(void) {
  static const char* const bad[] = {"a b", "a\tb", "a\nb", "a\rb", "a\r\nb: c", "", "a\x7f", NULL};
  static const char* const separators = "(),/:;<=>?@[\\]{}\" \t\r\n";
  int s[2];
  size_t i;
  raw_and_http(s);
  for (i = 0; i < sizeof bad / sizeof bad[0]; ++i) {
    FAILS(http_sendrequest(s[1], bad[i], "/", -1), EINVAL);
    FAILS(http_sendrequest(s[1], "GET", bad[i], -1), EINVAL);
    FAILS(http_sendfield(s[1], bad[i], "x", -1), EINVAL);
  }
  for (i = 0; separators[i] != '\0'; ++i) {
    char name[] = "ab";
    name[1] = separators[i];
    FAILS(http_sendfield(s[1], name, "x", -1), EINVAL);
  }
  FAILS(http_sendstatus(s[1], 99, "x", -1), EINVAL);
  FAILS(http_sendstatus(s[1], 600, "x", -1), EINVAL);
  FAILS(http_sendstatus(s[1], 200, "a\r\nb", -1), EINVAL);
  FAILS(http_sendstatus(s[1], 200, NULL, -1), EINVAL);
  FAILS(http_sendfield(s[1], "a", "b\r\nSet-Cookie: c", -1), EINVAL);
  FAILS(http_sendfield(s[1], "a", "b\rc", -1), EINVAL);
  FAILS(http_sendfield(s[1], "a", "b\n", -1), EINVAL);
  FAILS(http_sendfield(s[1], "a", NULL, -1), EINVAL);
  FAILS(http_sendfield(s[1], "a", "", -1), EPROTO);
  FAILS(http_sendfield(s[1], "a", "  \t ", -1), EPROTO);
  GIVES(http_sendstatus(s[1], 599, "", -1), 0);
  FAILS(http_sendstatus(s[1], 200, "OK", -1), EINVAL);
  FAILS(http_sendrequest(s[1], "GET", "/", -1), EINVAL);
  GIVES(http_done(s[1], -1), 0);
  expect(s[0], "HTTP/1.1 599 Status\r\n\r\n");
  FAILS(brecv(s[0], NULL, 1, 0), ETIMEDOUT);
  discard(s);
}

static void a_head_ends_once(void) {
  int s[2];
  raw_and_http(s);
  GIVES(http_sendstatus(s[1], 100, "Continue", -1), 0);
  GIVES(http_done(s[1], -1), 0);
  FAILS(http_done(s[1], -1), EPIPE);
  FAILS(http_sendfield(s[1], "a", "b", -1), EPIPE);
  GIVES(http_sendstatus(s[1], 200, "OK", -1), 0);
  GIVES(http_sendfield(s[1], "a", "b", -1), 0);
  GIVES(http_done(s[1], -1), 0);
  expect(s[0], "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\na: b\r\n\r\n");
  discard(s);
}

static void after_one_head_comes_the_next(void) {
  char a[16], b[16];
  int s[2];
  raw_and_http(s);
  say(s[0], "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 200\r\nA: b\r\n\r\n");
  GIVES(http_recvstatus(s[1], a, sizeof a, -1), 100);
  FAILS(http_recvfield(s[1], a, sizeof a, b, sizeof b, -1), EPIPE);
  GIVES(http_recvstatus(s[1], a, sizeof a, -1), 200);
  CHECK(strcmp(a, "") == 0);
  FAILS(http_recvstatus(s[1], a, sizeof a, -1), EINVAL);
  GIVES(http_recvfield(s[1], a, sizeof a, b, sizeof b, -1), 0);
  discard(s);
}

static void what_is_no_http_is_a_protocol_error(void) {
  static const char* const requests[] = {"GET /\r\n",
                                         "GET / FTPX/9.9\r\n",
                                         "GET / HTTP/2\r\n",
                                         "GET / HTTP/2.0\r\n",
                                         "\r\n",
                                         "GET\r\n",
                                         " GET / HTTP/1.1\r\n",
                                         "GET / HTTP/1.1 x\r\n",
                                         "GET / HTTP/1.1\n",
                                         "\x16\x03",
                                         "GET  / HTTP/1.1\r\n"};
  static const char* const fields[] = {"no colon\r\n", "Name : x\r\n", ": x\r\n",    " folded\r\n",
                                       "A: b\n",       "A: \x01\r\n",  "A: b\rc\r\n"};
  char a[32], b[32];
  int s[2];
  size_t i;
  for (i = 0; i < sizeof requests / sizeof requests[0]; ++i) {
    raw_and_http(s);
    say(s[0], requests[i]);
    FAILS(http_recvrequest(s[1], a, sizeof a, b, sizeof b, -1), EPROTO);
    FAILS(http_recvrequest(s[1], a, sizeof a, b, sizeof b, -1), ECONNRESET);
    FAILS(http_recvfield(s[1], a, sizeof a, b, sizeof b, -1), ECONNRESET);
    discard(s);
  }
  for (i = 0; i < sizeof fields / sizeof fields[0]; ++i) {
    raw_and_http(s);
    say(s[0], "GET / HTTP/1.0\r\n");
    say(s[0], fields[i]);
    GIVES(http_recvrequest(s[1], a, sizeof a, b, sizeof b, -1), 0);
    FAILS(http_recvfield(s[1], a, sizeof a, b, sizeof b, -1), EPROTO);
    FAILS(http_recvfield(s[1], a, sizeof a, b, sizeof b, -1), ECONNRESET);
    FAILS(http_detach(s[1], -1), EPROTO);
    FAILS(hclose(s[1]), EBADF);
    GIVES(hclose(s[0]), 0);
  }
  raw_and_http(s);
  say(s[0], "ICY 200 OK\r\n");
  FAILS(http_recvstatus(s[1], a, sizeof a, -1), EPROTO);
  FAILS(http_recvstatus(s[1], a, sizeof a, -1), ECONNRESET);
  discard(s);
}

static void a_line_that_does_not_fit_is_dropped(void) {
  struct {
    char text[4];
    char behind[4];
  } a, b;
  int s[2];
  memset(&a, '#', sizeof a);
  memset(&b, '#', sizeof b);
  raw_and_http(s);
  say(s[0], "POST /abc HTTP/1.1\r\nName: x\r\nA: long\r\nB: abc\r\nC: d\r\n\r\n");
  say(s[0], "GET / HTTP/1.1\r\n\r\n");
  FAILS(http_recvrequest(s[1], a.text, 4, b.text, 4, -1), EMSGSIZE);
  FAILS(http_recvfield(s[1], a.text, 4, b.text, 4, -1), EMSGSIZE);
  FAILS(http_recvfield(s[1], a.text, 4, b.text, 4, -1), EMSGSIZE);
  CHECK(memcmp(&a, "########", 8) == 0 && memcmp(&b, "########", 8) == 0);
  GIVES(http_recvfield(s[1], a.text, 4, b.text, 4, -1), 0);
  CHECK(strcmp(a.text, "B") == 0 && strcmp(b.text, "abc") == 0);
  CHECK(memcmp(a.behind, "####", 4) == 0 && memcmp(b.behind, "####", 4) == 0);
  FAILS(http_recvfield(s[1], NULL, 0, NULL, 0, -1), EMSGSIZE);
  FAILS(http_recvfield(s[1], a.text, 4, b.text, 4, -1), EPIPE);
  FAILS(http_recvrequest(s[1], a.text, 0, b.text, 0, -1), EMSGSIZE);
  FAILS(http_recvrequest(s[1], NULL, 4, b.text, 4, -1), EINVAL);
  FAILS(http_recvfield(s[1], NULL, 4, b.text, 4, -1), EINVAL);
  FAILS(http_recvfield(s[1], a.text, 4, NULL, 4, -1), EINVAL);
  FAILS(http_recvstatus(s[1], NULL, 4, -1), EINVAL);
  say(s[0], "HTTP/1.1 404 Not Found\r\n\r\n");
  FAILS(http_recvfield(s[1], a.text, 4, b.text, 4, -1), EPIPE);
  FAILS(http_recvstatus(s[1], a.text, 4, -1), EMSGSIZE);
  discard(s);
}

static void pad(int s, size_t n) {
  static char x[16384];
  memset(x, 'x', sizeof x);
  CHECK(n <= sizeof x);
  GIVES(bsend(s, x, n, -1), 0);
}

static void a_head_has_limits(void) {
  static char value[20000];
  struct http_storage mem;
  char name[4];
  int s[2];
  int i;
  GIVES(ipc_pair(s), 0);
  s[1] = http_attach_mem(s[1], &mem);
  say(s[0], "HTTP/1.1 200 OK\r\nA: ");
  pad(s[0], 16384 - 17 - 3 - 2 - 2);
  say(s[0], "\r\n\r\nHTTP/1.1 200 OK\r\nA: ");
  pad(s[0], 16384 - 17 - 3);
  GIVES(http_recvstatus(s[1], value, sizeof value, -1), 200);
  GIVES(http_recvfield(s[1], name, sizeof name, value, sizeof value, -1), 0);
  CHECK(strlen(value) == 16360);
  FAILS(http_recvfield(s[1], name, sizeof name, value, sizeof value, -1), EPIPE);
  GIVES(http_recvstatus(s[1], value, sizeof value, -1), 200);
  FAILS(http_recvfield(s[1], name, sizeof name, value, sizeof value, -1), EMSGSIZE);
  FAILS(http_recvfield(s[1], name, sizeof name, value, sizeof value, -1), ECONNRESET);
  FAILS(http_detach(s[1], -1), EMSGSIZE);
  GIVES(hclose(s[0]), 0);

  raw_and_http(s);
  say(s[0], "HTTP/1.1 200 OK\r\n");
  for (i = 0; i < 101; ++i) say(s[0], "A: b\r\n");
  GIVES(http_recvstatus(s[1], value, sizeof value, -1), 200);
  for (i = 0; i < 100; ++i)
    GIVES(http_recvfield(s[1], name, sizeof name, value, sizeof value, -1), 0);
  FAILS(http_recvfield(s[1], name, sizeof name, value, sizeof value, -1), EMSGSIZE);
  discard(s);
}

static void a_receive_that_timed_out_can_be_repeated(void) {
  char a[16], b[16];
  int s[2];
  raw_and_http(s);
  say(s[0], "GET /ab");
  FAILS(http_recvrequest(s[1], a, sizeof a, b, sizeof b, 0), ETIMEDOUT);
  say(s[0], "c HTTP/1.1\r");
  FAILS(http_recvrequest(s[1], a, sizeof a, b, sizeof b, now() + 10), ETIMEDOUT);
  say(s[0], "\nHost: ");
  GIVES(http_recvrequest(s[1], a, sizeof a, b, sizeof b, -1), 0);
  CHECK(strcmp(b, "/abc") == 0);
  FAILS(http_recvfield(s[1], a, sizeof a, b, sizeof b, 0), ETIMEDOUT);
  say(s[0], "x\r\n");
  GIVES(http_recvfield(s[1], a, sizeof a, b, sizeof b, -1), 0);
  CHECK(strcmp(a, "Host") == 0 && strcmp(b, "x") == 0);
  discard(s);
}

static void the_end_of_the_stream_is_told_from_that_of_the_head(void) {
  static const char* const cut[] = {"GET", "GET / HTTP/1.1\r\n", "GET / HTTP/1.1\r\nA: b\r\n\r"};
  char a[16], b[16];
  int s[2];
  size_t i;
  raw_and_http(s);
  GIVES(hclose(s[0]), 0);
  FAILS(http_recvrequest(s[1], a, sizeof a, b, sizeof b, -1), EPIPE);
  FAILS(http_recvrequest(s[1], a, sizeof a, b, sizeof b, -1), EPIPE);
  GIVES(hclose(s[1]), 0);
  for (i = 0; i < sizeof cut / sizeof cut[0]; ++i) {
    int rc;
    raw_and_http(s);
    say(s[0], cut[i]);
    GIVES(ipc_done(s[0], -1), 0);
    rc = http_recvrequest(s[1], a, sizeof a, b, sizeof b, -1);
    while (rc == 0) rc = http_recvfield(s[1], a, sizeof a, b, sizeof b, -1);
    CHECK(rc == -1 && errno == EPROTO);
    discard(s);
  }
}

static coroutine void receive_request(int s, int code) {
  char a[16], b[16];
  FAILS(http_recvrequest(s, a, sizeof a, b, sizeof b, -1), code);
}

static void a_second_receiver_is_refused(void) {
  char a[16], b[16];
  int s[2];
  int receiver;
  raw_and_http(s);
  receiver = go(receive_request(s[1], ECANCELED));
  FAILS(http_recvrequest(s[1], a, sizeof a, b, sizeof b, -1), EBUSY);
  FAILS(http_recvstatus(s[1], a, sizeof a, -1), EBUSY);
  FAILS(http_recvfield(s[1], a, sizeof a, b, sizeof b, -1), EBUSY);
  FAILS(http_detach(s[1], -1), EBUSY);
  GIVES(http_sendstatus(s[1], 408, "", -1), 0);
  GIVES(hclose(receiver), 0);
  say(s[0], "GET / HTTP/1.1\r\n");
  GIVES(http_recvrequest(s[1], a, sizeof a, b, sizeof b, -1), 0);
  discard(s);
}

/* Sends fields until that fails. */
static coroutine void flood(int s, int64_t deadline, int* code) {
  static char value[60000];
  memset(value, 'x', sizeof value - 1);
  while (http_sendfield(s, "A", value, deadline) == 0) continue;
  *code = errno;
}

static void a_second_sender_is_refused(void) {
  int code = 0;
  int s[2];
  int sender;
  raw_and_http(s);
  GIVES(http_sendrequest(s[1], "GET", "/", -1), 0);
  sender = go(flood(s[1], -1, &code));
  CHECK(code == 0);
  FAILS(http_sendfield(s[1], "A", "b", -1), EBUSY);
  FAILS(http_sendrequest(s[1], "GET", "/", -1), EBUSY);
  FAILS(http_sendstatus(s[1], 200, "OK", -1), EBUSY);
  FAILS(http_done(s[1], -1), EBUSY);
  GIVES(hclose(sender), 0);
  CHECK(code == ECANCELED);
  discard(s);
}

static void closing_wakes_whoever_is_blocked(void) {
  int code = 0;
  int s[2];
  int sender, receiver;
  raw_and_http(s);
  GIVES(http_sendrequest(s[1], "GET", "/", -1), 0);
  sender = go(flood(s[1], -1, &code));
  receiver = go(receive_request(s[1], ECANCELED));
  GIVES(hclose(s[1]), 0);
  GIVES(bundle_wait(sender, -1), 0);
  GIVES(bundle_wait(receiver, -1), 0);
  CHECK(code == ECANCELED || code == EBADF);
  GIVES(hclose(sender), 0);
  GIVES(hclose(receiver), 0);
  GIVES(hclose(s[0]), 0);
}

static void a_peer_that_takes_nothing_times_out_and_one_that_is_gone_resets(void) {
  int code = 0;
  int s[2];
  raw_and_http(s);
  GIVES(http_sendrequest(s[1], "GET", "/", -1), 0);
  flood(s[1], now() + 20, &code);
  CHECK(code == ETIMEDOUT);
  FAILS(http_sendfield(s[1], "A", "b", 0), ETIMEDOUT);
  FAILS(http_done(s[1], 0), ETIMEDOUT);
  GIVES(hclose(s[0]), 0);
  FAILS(http_sendfield(s[1], "A", "b", -1), ECONNRESET);
  FAILS(http_done(s[1], -1), ECONNRESET);
  GIVES(hclose(s[1]), 0);
  raw_and_http(s);
  GIVES(hclose(s[0]), 0);
  FAILS(http_sendrequest(s[1], "GET", "/", -1), ECONNRESET);
  FAILS(http_sendstatus(s[1], 200, "OK", -1), ECONNRESET);
  FAILS(http_detach(s[1], -1), ECONNRESET);
}

static coroutine void try_it_all_when_cancelled(int* s) {
  char a[16], b[16];
  FAILS(msleep(-1), ECANCELED);
  FAILS(http_recvrequest(s[0], a, sizeof a, b, sizeof b, -1), ECANCELED);
  FAILS(http_recvstatus(s[0], a, sizeof a, -1), ECANCELED);
  FAILS(http_recvfield(s[0], a, sizeof a, b, sizeof b, -1), ECANCELED);
  GIVES(http_sendrequest(s[0], "GET", "/last", -1), 0);
  GIVES(http_done(s[0], -1), 0);
  FAILS(http_detach(s[0], -1), ECANCELED);
  FAILS(http_attach(s[1]), ECANCELED);
  s[0] = s[1] = -1;
}

static void a_cancelled_coroutine_sends_what_needs_no_waiting(void) {
  int s[2];
  int b, pair[2];
  raw_and_http(s);
  GIVES(ipc_pair(pair), 0);
  {
    int raw = s[0];
    s[0] = s[1];
    s[1] = pair[0];
    b = go(try_it_all_when_cancelled(s));
    GIVES(hclose(b), 0);
    CHECK(s[0] == -1 && s[1] == -1);
    expect(raw, "GET /last HTTP/1.1\r\n\r\n");
    GIVES(hclose(raw), 0);
  }
  FAILS(brecv(pair[1], NULL, 1, -1), EPIPE);
  GIVES(hclose(pair[1]), 0);
}

static void detaching_ends_both_heads(void) {
  int s[2];
  raw_and_http(s);
  say(s[0], "HTTP/1.1 200 OK\r\nA: b\r\nwhatever\r\n\r\nrest");
  s[1] = http_detach(s[1], -1);
  CHECK(s[1] > 0);
  expect(s[1], "rest");
  expect(s[0], "\r\n");
  say(s[1], "raw");
  expect(s[0], "raw");
  discard(s);
}

static void detaching_too_late_closes_everything(void) {
  int s[2];
  raw_and_http(s);
  say(s[0], "HTTP/1.1 200 OK\r\n");
  FAILS(http_detach(s[1], now() + 10), ETIMEDOUT);
  FAILS(http_detach(s[1], -1), EBADF);
  FAILS(hclose(s[1]), EBADF);
  expect(s[0], "\r\n");
  CHECK(brecv(s[0], NULL, 1, -1) == -1);
  GIVES(hclose(s[0]), 0);
  raw_and_http(s);
  GIVES(ipc_done(s[0], -1), 0);
  FAILS(http_detach(s[1], -1), EPIPE);
  GIVES(hclose(s[0]), 0);
}

static void handles_of_other_kinds_are_refused(void) {
  char a[4], b[4];
  int ch[2];
  int s[2];
  raw_and_http(s);
  FAILS(http_attach(-1), EBADF);
  FAILS(http_attach_mem(-1, NULL), EBADF);
  FAILS(http_done(-1, -1), EBADF);
  FAILS(http_detach(-1, -1), EBADF);
  FAILS(http_sendrequest(-1, "GET", "/", -1), EBADF);
  FAILS(http_sendstatus(-1, 200, "OK", -1), EBADF);
  FAILS(http_sendfield(-1, "A", "b", -1), EBADF);
  FAILS(http_recvrequest(-1, a, 4, b, 4, -1), EBADF);
  FAILS(http_recvstatus(-1, a, 4, -1), EBADF);
  FAILS(http_recvfield(-1, a, 4, b, 4, -1), EBADF);
  FAILS(http_done(s[0], -1), ENOTSUP);
  FAILS(http_detach(s[0], -1), ENOTSUP);
  FAILS(http_sendrequest(s[0], "GET", "/", -1), ENOTSUP);
  FAILS(http_sendstatus(s[0], 200, "OK", -1), ENOTSUP);
  FAILS(http_sendfield(s[0], "A", "b", -1), ENOTSUP);
  FAILS(http_recvrequest(s[0], a, 4, b, 4, -1), ENOTSUP);
  FAILS(http_recvstatus(s[0], a, 4, -1), ENOTSUP);
  FAILS(http_recvfield(s[0], a, 4, b, 4, -1), ENOTSUP);
  FAILS(bsend(s[1], "x", 1, -1), ENOTSUP);
  FAILS(brecv(s[1], a, 1, -1), ENOTSUP);
  FAILS(msend(s[1], "x", 1, -1), ENOTSUP);
  FAILS(mrecv(s[1], a, 1, -1), ENOTSUP);
  FAILS(http_attach_mem(s[0], NULL), EINVAL);
  FAILS(hclose(s[0]), EBADF);
  FAILS(http_attach(s[1]), ENOTSUP);
  FAILS(hclose(s[1]), EBADF);
  GIVES(chmake(ch), 0);
  FAILS(http_attach(ch[0]), ENOTSUP);
  FAILS(hclose(ch[0]), EBADF);
  GIVES(hclose(ch[1]), 0);
}

static void a_bytestream_that_is_broken_is_refused(void) {
  int s[2];
  GIVES(ipc_pair(s), 0);
  FAILS(brecv(s[1], NULL, 1, 0), ETIMEDOUT);
  FAILS(http_attach(s[1]), ECONNRESET);
  FAILS(hclose(s[1]), EBADF);
  GIVES(hclose(s[0]), 0);
}

static coroutine void receive_a_byte(int s) {
  FAILS(brecv(s, NULL, 1, -1), ECANCELED);
}

static void a_bytestream_that_is_in_use_is_refused(void) {
  int s[2];
  int b;
  GIVES(ipc_pair(s), 0);
  b = go(receive_a_byte(s[1]));
  FAILS(http_attach(s[1]), EBUSY);
  GIVES(bundle_wait(b, -1), 0);
  GIVES(hclose(b), 0);
  GIVES(hclose(s[0]), 0);
}

int main(void) {
  both_sides_exchange_heads_and_part();
  a_client_writes_as_it_should();
  a_value_may_be_empty();
  what_cannot_be_said_is_refused();
  a_head_ends_once();
  after_one_head_comes_the_next();
  what_is_no_http_is_a_protocol_error();
  a_line_that_does_not_fit_is_dropped();
  a_head_has_limits();
  a_receive_that_timed_out_can_be_repeated();
  the_end_of_the_stream_is_told_from_that_of_the_head();
  a_second_receiver_is_refused();
  a_second_sender_is_refused();
  closing_wakes_whoever_is_blocked();
  a_peer_that_takes_nothing_times_out_and_one_that_is_gone_resets();
  a_cancelled_coroutine_sends_what_needs_no_waiting();
  detaching_ends_both_heads();
  detaching_too_late_closes_everything();
  handles_of_other_kinds_are_refused();
  a_bytestream_that_is_broken_is_refused();
  a_bytestream_that_is_in_use_is_refused();
  return 0;
}
