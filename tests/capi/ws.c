/* ws.c - WebSocket between two coroutines, and against bytes written by hand. */
#include "check.h"

#include <libdill.h>

/* A raw bytestream in s[0], a server on top of the other end in s[1]. */
static void raw_and_server(int s[2], int flags) {
  GIVES(ipc_pair(s), 0);
  s[1] = ws_attach_server(s[1], flags | WS_NOHTTP, NULL, 0, NULL, 0, -1);
  CHECK(s[1] > 0);
}

static void client_and_server(int s[2], int flags) {
  raw_and_server(s, flags);
  s[0] = ws_attach_client(s[0], flags | WS_NOHTTP, NULL, NULL, -1);
  CHECK(s[0] > 0);
}

static void discard(int s[2]) {
  GIVES(hclose(s[0]), 0);
  GIVES(hclose(s[1]), 0);
}

static coroutine void serve_one(int s, struct ws_storage* mem) {
  char resource[32], host[32];
  int lower;
  s = ws_attach_server_mem(s, WS_TEXT, resource, sizeof resource, host, sizeof host, mem, -1);
  CHECK(s > 0);
  CHECK(strcmp(resource, "/chat?x=1") == 0 && strcmp(host, "example.com:80") == 0);
  GIVES(msend(s, "ABC", 3, -1), 0);
  FAILS(mrecv(s, NULL, 0, -1), EPIPE);
  lower = ws_detach(s, 1000, "OK", 2, -1);
  CHECK(lower > 0);
  GIVES(bsend(lower, "after", 5, -1), 0);
  GIVES(hclose(lower), 0);
}

static void both_sides_shake_hands_and_part(void) {
  struct ws_storage mine, theirs;
  char text[5];
  int flags = -1;
  int s[2];
  int b, c;
  GIVES(ipc_pair(s), 0);
  b = go(serve_one(s[1], &theirs));
  c = ws_attach_client_mem(s[0], WS_TEXT, "/chat?x=1", "example.com:80", &mine, -1);
  CHECK(c > 0);
  FAILS(hclose(s[0]), EBADF);
  GIVES(ws_recv(c, &flags, text, 3, -1), 3);
  CHECK(flags == WS_TEXT && memcmp(text, "ABC", 3) == 0);
  c = ws_detach(c, -1);
  CHECK(c > 0);
  GIVES(brecv(c, text, 5, -1), 0);
  CHECK(memcmp(text, "after", 5) == 0);
  FAILS(brecv(c, text, 1, -1), EPIPE);
  GIVES(hclose(c), 0);
  GIVES(bundle_wait(b, -1), 0);
  GIVES(hclose(b), 0);
}

static void frames_of_a_server_are_as_short_as_can_be(void) {
  static const unsigned char expected[] = {0x81, 3, 'A',  'B', 'C',  0x82, 2,   'A', 'B',
                                           0x81, 0, 0x88, 4,   0x03, 0xe8, 'O', 'K'};
  unsigned char bytes[sizeof expected];
  int s[2];
  raw_and_server(s, WS_TEXT);
  GIVES(msend(s[1], "ABC", 3, -1), 0);
  GIVES(ws_send(s[1], WS_BINARY, "AB", 2, -1), 0);
  GIVES(ws_send(s[1], WS_TEXT, NULL, 0, -1), 0);
  GIVES(ws_done(s[1], 1000, "OK", 2, -1), 0);
  FAILS(ws_done(s[1], 1000, "OK", 2, -1), EPIPE);
  FAILS(ws_send(s[1], WS_TEXT, "x", 1, -1), EPIPE);
  FAILS(msend(s[1], "x", 1, -1), EPIPE);
  GIVES(brecv(s[0], bytes, sizeof bytes, -1), 0);
  CHECK(memcmp(bytes, expected, sizeof bytes) == 0);
  discard(s);
}

static void masks_run_on_over_pieces_of_memory(void) {
  struct iolist out[3], in[3];
  char a[1], c[6], d[8];
  int flags = -1;
  int s[2];
  memset(out, 0, sizeof out);
  memset(in, 0, sizeof in);
  client_and_server(s, WS_BINARY);
  out[0].iol_base = (void*)"Hel";
  out[0].iol_len = 3;
  out[0].iol_next = &out[1];
  out[1].iol_base = (void*)"lo, w";
  out[1].iol_len = 5;
  out[1].iol_next = &out[2];
  out[2].iol_base = (void*)"orld";
  out[2].iol_len = 4;
  in[0].iol_base = a;
  in[0].iol_len = 1;
  in[0].iol_next = &in[1];
  in[1].iol_base = c;
  in[1].iol_len = 6;
  in[1].iol_next = &in[2];
  in[2].iol_base = d;
  in[2].iol_len = sizeof d;
  GIVES(ws_sendl(s[0], WS_TEXT, &out[0], &out[2], -1), 0);
  GIVES(ws_recvl(s[1], &flags, &in[0], &in[2], -1), 12);
  CHECK(flags == WS_TEXT);
  CHECK(a[0] == 'H' && memcmp(c, "ello, ", 6) == 0 && memcmp(d, "world", 5) == 0);
  GIVES(ws_sendl(s[1], WS_BINARY, NULL, NULL, -1), 0);
  GIVES(ws_recv(s[0], &flags, a, 1, -1), 0);
  CHECK(flags == WS_BINARY);
  FAILS(msendl(s[0], NULL, NULL, -1), EINVAL);
  FAILS(ws_sendl(s[0], WS_TEXT, &out[0], &out[1], -1), EINVAL);
  discard(s);
}

static void fragments_come_together_and_pings_are_answered_meanwhile(void) {
  static const unsigned char sent[] = {0x01, 0x82, 0, 0, 0, 0, 'A', 'B',      /* TEXT "AB" */
                                       0x89, 0x83, 0, 0, 0, 0, 'p', 'n', 'g', /* PING "png" */
                                       0x80, 0x81, 0, 0, 0, 0, 'C'};          /* "C", the end */
  static const unsigned char pong[] = {0x8a, 3, 'p', 'n', 'g'};
  unsigned char answer[sizeof pong];
  char text[3];
  int s[2];
  raw_and_server(s, WS_TEXT);
  GIVES(bsend(s[0], sent, sizeof sent, -1), 0);
  GIVES(mrecv(s[1], text, sizeof text, -1), 3);
  CHECK(memcmp(text, "ABC", 3) == 0);
  FAILS(mrecv(s[1], text, sizeof text, 0), ETIMEDOUT);
  GIVES(brecv(s[0], answer, sizeof answer, -1), 0);
  CHECK(memcmp(answer, pong, sizeof pong) == 0);
  discard(s);
}

static void a_message_that_does_not_fit_stays(void) {
  struct iolist in[2];
  char little[2], enough[5];
  int s[2];
  client_and_server(s, WS_TEXT);
  GIVES(msend(s[0], "Hello", 5, -1), 0);
  GIVES(msend(s[0], "World", 5, -1), 0);
  GIVES(msend(s[0], "again", 5, -1), 0);
  FAILS(mrecv(s[1], little, sizeof little, -1), EMSGSIZE);
  memset(in, 0, sizeof in);
  in[0].iol_base = little;
  in[0].iol_len = 1;
  in[0].iol_next = &in[1];
  in[1].iol_base = little + 1;
  in[1].iol_len = 1;
  FAILS(mrecvl(s[1], &in[0], &in[1], -1), EMSGSIZE);
  GIVES(mrecv(s[1], enough, sizeof enough, -1), 5);
  CHECK(memcmp(enough, "Hello", 5) == 0);
  FAILS(mrecv(s[1], little, sizeof little, -1), EMSGSIZE);
  GIVES(mrecvl(s[1], NULL, NULL, -1), 5);
  GIVES(mrecv(s[1], NULL, SIZE_MAX, -1), 5);
  FAILS(mrecv(s[1], enough, sizeof enough, 0), ETIMEDOUT);
  discard(s);
}

static void a_receive_that_timed_out_can_be_repeated(void) {
  static const unsigned char head[] = {0x82, 0x83, 0, 0};
  static const unsigned char rest[] = {0, 0, 'X', 'Y', 'Z'};
  char text[3];
  int s[2];
  raw_and_server(s, WS_BINARY);
  GIVES(bsend(s[0], head, sizeof head, -1), 0);
  FAILS(mrecv(s[1], text, sizeof text, now() + 5), ETIMEDOUT);
  GIVES(bsend(s[0], rest, sizeof rest, -1), 0);
  GIVES(mrecv(s[1], text, sizeof text, -1), 3);
  CHECK(memcmp(text, "XYZ", 3) == 0);
  discard(s);
}

static void a_message_of_the_other_type_is_dropped_with_an_error(void) {
  char text[3];
  int s[2];
  client_and_server(s, WS_TEXT);
  GIVES(ws_send(s[0], WS_BINARY, "bin", 3, -1), 0);
  GIVES(ws_send(s[0], WS_TEXT, "txt", 3, -1), 0);
  FAILS(mrecv(s[1], text, sizeof text, -1), EPROTO);
  GIVES(mrecv(s[1], text, sizeof text, -1), 3);
  CHECK(memcmp(text, "txt", 3) == 0);
  discard(s);
}

static coroutine void detach_from(int s, int status, const char* reason) {
  s = ws_detach(s, status, reason, reason == NULL ? 0 : strlen(reason), -1);
  CHECK(s > 0);
  GIVES(hclose(s), 0);
}

static void the_reason_of_a_close_can_be_asked(void) {
  char reason[8];
  int status = -1;
  int s[2];
  int b, lower;
  client_and_server(s, WS_TEXT);
  FAILS(ws_status(s[1], &status, reason, sizeof reason), EAGAIN);
  b = go(detach_from(s[0], 4000, "over"));
  FAILS(mrecv(s[1], reason, sizeof reason, -1), EPIPE);
  FAILS(mrecv(s[1], reason, sizeof reason, -1), EPIPE);
  GIVES(ws_status(s[1], &status, reason, sizeof reason), 4);
  CHECK(status == 4000 && memcmp(reason, "over", 4) == 0);
  FAILS(ws_status(s[1], &status, reason, 3), EMSGSIZE);
  FAILS(ws_status(s[1], &status, NULL, 3), EINVAL);
  GIVES(ws_status(s[1], NULL, NULL, 0), 4);
  lower = ws_detach(s[1], 0, NULL, 0, -1);
  CHECK(lower > 0);
  FAILS(ws_detach(s[1], 0, NULL, 0, -1), EBADF);
  GIVES(bundle_wait(b, -1), 0);
  GIVES(hclose(b), 0);
  GIVES(hclose(lower), 0);
}

static void a_close_without_status_is_status_zero(void) {
  int status = -1;
  int s[2];
  int b;
  client_and_server(s, WS_TEXT);
  b = go(detach_from(s[0], 0, NULL));
  FAILS(mrecvl(s[1], NULL, NULL, -1), EPIPE);
  GIVES(ws_status(s[1], &status, NULL, 0), 0);
  CHECK(status == 0);
  FAILS(ws_done(s[1], 999, NULL, 0, -1), EINVAL);
  FAILS(ws_done(s[1], 5000, NULL, 0, -1), EINVAL);
  FAILS(ws_done(s[1], 1000, NULL, 1, -1), EINVAL);
  FAILS(ws_detach(s[1], 12, NULL, 0, -1), EINVAL);
  GIVES(ws_done(s[1], 1000, NULL, 0, -1), 0);
  FAILS(ws_done(s[1], 1000, NULL, 0, -1), EPIPE);
  s[1] = ws_detach(s[1], 0, NULL, 0, -1);
  CHECK(s[1] > 0);
  GIVES(bundle_wait(b, -1), 0);
  GIVES(hclose(b), 0);
  GIVES(hclose(s[1]), 0);
}

static void messages_on_their_way_are_dropped_by_a_detach(void) {
  int s[2];
  int b;
  client_and_server(s, WS_TEXT);
  GIVES(msend(s[0], "unread", 6, -1), 0);
  GIVES(msend(s[1], "unread", 6, -1), 0);
  b = go(detach_from(s[0], 1000, "OK"));
  s[1] = ws_detach(s[1], 1000, NULL, 0, -1);
  CHECK(s[1] > 0);
  GIVES(bundle_wait(b, -1), 0);
  GIVES(hclose(b), 0);
  GIVES(hclose(s[1]), 0);
}

static void a_transport_that_ends_without_a_close_is_told_by_the_status(void) {
  char c;
  int s[2];
  raw_and_server(s, WS_TEXT);
  GIVES(ipc_done(s[0], -1), 0);
  FAILS(mrecv(s[1], &c, 1, -1), EPIPE);
  FAILS(ws_status(s[1], NULL, NULL, 0), EAGAIN);
  discard(s);
}

static void a_broken_frame_is_a_protocol_error(void) {
  static const unsigned char unmasked[] = {0x82, 1, 'x'};
  char c;
  int s[2];
  raw_and_server(s, WS_BINARY);
  GIVES(bsend(s[0], unmasked, sizeof unmasked, -1), 0);
  FAILS(mrecv(s[1], &c, 1, -1), EPROTO);
  discard(s);
}

static void keys_are_made_and_answered(void) {
  char key[WS_KEY_SIZE], answer[WS_KEY_SIZE];
  GIVES(ws_request_key(key), 0);
  CHECK(strlen(key) == 24);
  GIVES(ws_response_key(key, answer), 0);
  CHECK(strlen(answer) == 28);
  GIVES(ws_response_key("dGhlIHNhbXBsZSBub25jZQ==", answer), 0);
  CHECK(strcmp(answer, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=") == 0);
  FAILS(ws_request_key(NULL), EINVAL);
  FAILS(ws_response_key(NULL, answer), EINVAL);
  FAILS(ws_response_key(key, NULL), EINVAL);
  FAILS(ws_response_key("too short", answer), EPROTO);
}

static void a_failed_attach_closes_what_it_was_given(void) {
  int s[2];
  int ch[2];
  GIVES(ipc_pair(s), 0);
  FAILS(ws_attach_client(s[0], WS_TEXT, NULL, NULL, -1), EINVAL);
  FAILS(hclose(s[0]), EBADF);
  FAILS(ws_attach_server_mem(s[1], WS_NOHTTP, NULL, 0, NULL, 0, NULL, -1), EINVAL);
  FAILS(hclose(s[1]), EBADF);
  GIVES(chmake(ch), 0);
  FAILS(ws_attach_client(ch[0], WS_NOHTTP, NULL, NULL, -1), ENOTSUP);
  FAILS(hclose(ch[0]), EBADF);
  GIVES(hclose(ch[1]), 0);
  FAILS(ws_attach_client(ch[0], WS_NOHTTP, NULL, NULL, -1), EBADF);
}

static coroutine void answer_with(int s, const char* text) {
  char c;
  GIVES(brecv(s, &c, 1, -1), 0);
  GIVES(bsend(s, text, strlen(text), -1), 0);
  GIVES(ipc_done(s, -1), 0);
}

static void a_server_that_refuses_is_a_protocol_error(void) {
  int s[2];
  int b;
  GIVES(ipc_pair(s), 0);
  b = go(answer_with(s[1], "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"));
  FAILS(ws_attach_client(s[0], WS_TEXT, "/", "example.com", -1), EPROTO);
  FAILS(hclose(s[0]), EBADF);
  GIVES(hclose(s[1]), 0);
  GIVES(hclose(b), 0);
}

static coroutine void refuse_a_long_target(int s) {
  char resource[4], host[64];
  FAILS(ws_attach_server(s, WS_TEXT, resource, sizeof resource, host, sizeof host, -1), EMSGSIZE);
}

static void a_target_that_does_not_fit_is_refused_politely(void) {
  static const char request[] =
      "GET /much-too-long HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\n"
      "Connection: keep-alive, Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
      "Sec-WebSocket-Version: 13\r\n\r\n";
  char status[12];
  int s[2];
  int b;
  GIVES(ipc_pair(s), 0);
  b = go(refuse_a_long_target(s[1]));
  GIVES(bsend(s[0], request, sizeof request - 1, -1), 0);
  GIVES(brecv(s[0], status, sizeof status, -1), 0);
  CHECK(memcmp(status, "HTTP/1.1 414", 12) == 0);
  GIVES(hclose(s[0]), 0);
  GIVES(bundle_wait(b, -1), 0);
  GIVES(hclose(b), 0);
}

static void a_browser_is_let_in(void) {
  static const char request[] =
      "GET / HTTP/1.1\r\nHost: example.com:8081\r\nOrigin: http://example.com:8080\r\n"
      "Upgrade: websocket\r\nConnection: keep-alive, Upgrade\r\nCookie: id=0123456789\r\n"
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
      "\x81\x81\0\0\0\0x";
  char resource[64], host[64], text[1];
  int s[2];
  GIVES(ipc_pair(s), 0);
  GIVES(bsend(s[0], request, sizeof request - 1, -1), 0);
  s[1] = ws_attach_server(s[1], WS_TEXT, resource, sizeof resource, host, sizeof host, -1);
  CHECK(s[1] > 0);
  CHECK(strcmp(resource, "/") == 0 && strcmp(host, "example.com:8081") == 0);
  GIVES(mrecv(s[1], text, 1, -1), 1);
  CHECK(text[0] == 'x');
  discard(s);
}

static void large_messages_arrive_whole(void) {
  enum { size = 300000 };
  char* out = (char*)malloc(size);
  char* in = (char*)malloc(size);
  int s[2];
  int i, b;
  for (i = 0; i < size; ++i) out[i] = (char)(i * 31);
  client_and_server(s, WS_BINARY);
  b = go((void)msend(s[0], out, size, -1));
  GIVES(mrecv(s[1], in, size, -1), size);
  CHECK(memcmp(in, out, size) == 0);
  GIVES(hclose(b), 0);
  discard(s);
  free(out);
  free(in);
}

static void functions_have_addresses(void) {
  int (*attach)(int, int, const char*, const char*, int64_t) = ws_attach_client;
  int (*detach)(int, int, const void*, size_t, int64_t) = ws_detach;
  FAILS(attach(-1, WS_NOHTTP, NULL, NULL, -1), EBADF);
  FAILS(detach(-1, 0, NULL, 0, -1), EBADF);
}

int main(void) {
  both_sides_shake_hands_and_part();
  frames_of_a_server_are_as_short_as_can_be();
  masks_run_on_over_pieces_of_memory();
  fragments_come_together_and_pings_are_answered_meanwhile();
  a_message_that_does_not_fit_stays();
  a_receive_that_timed_out_can_be_repeated();
  a_message_of_the_other_type_is_dropped_with_an_error();
  the_reason_of_a_close_can_be_asked();
  a_close_without_status_is_status_zero();
  messages_on_their_way_are_dropped_by_a_detach();
  a_transport_that_ends_without_a_close_is_told_by_the_status();
  a_broken_frame_is_a_protocol_error();
  keys_are_made_and_answered();
  a_failed_attach_closes_what_it_was_given();
  a_server_that_refuses_is_a_protocol_error();
  a_target_that_does_not_fit_is_refused_politely();
  a_browser_is_let_in();
  large_messages_arrive_whole();
  functions_have_addresses();
  return 0;
}
