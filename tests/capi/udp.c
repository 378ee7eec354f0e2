/* udp.c - datagrams. */
#include "check.h"

#include <sys/socket.h>

#include <libdillimpl.h>

/* A socket on this machine; its address goes to `here`. */
static int open_here(struct ipaddr* here) {
  int s;
  GIVES(ipaddr_local(here, "127.0.0.1", 0, 0), 0);
  s = udp_open(here, NULL);
  CHECK(s > 0);
  CHECK(ipaddr_port(here) != 0);
  return s;
}

/* Two sockets, each the other's remote. */
static void open_pair(int s[2]) {
  struct ipaddr a, b;
  GIVES(hclose(open_here(&a)), 0);
  s[1] = open_here(&b);
  s[0] = udp_open(&a, &b);
  CHECK(s[0] > 0);
  GIVES(hclose(s[1]), 0);
  s[1] = udp_open(&b, &a);
  CHECK(s[1] > 0);
}

static void discard(int s[2]) {
  GIVES(hclose(s[0]), 0);
  GIVES(hclose(s[1]), 0);
}

static void datagrams_arrive_and_say_where_from(void) {
  struct ipaddr one, two, from;
  char text[16];
  int a = open_here(&one);
  int b = open_here(&two);
  GIVES(udp_send(a, &two, "ABC", 3), 0);
  GIVES(udp_recv(b, &from, text, sizeof text, -1), 3);
  CHECK(memcmp(text, "ABC", 3) == 0 && ipaddr_equal(&from, &one, 0));
  GIVES(udp_send(b, &from, NULL, 0), 0);
  GIVES(udp_recv(a, NULL, text, sizeof text, -1), 0);
  FAILS(udp_send(a, NULL, "ABC", 3), EINVAL);
  GIVES(hclose(a), 0);
  GIVES(hclose(b), 0);
}

static void with_a_remote_it_is_a_message_socket(void) {
  struct ipaddr elsewhere;
  char text[16];
  int s[2];
  int stranger;
  open_pair(s);
  GIVES(msend(s[0], "DEF", 3, 0), 0);
  GIVES(mrecv(s[1], text, sizeof text, -1), 3);
  CHECK(memcmp(text, "DEF", 3) == 0);
  GIVES(udp_send(s[1], NULL, "GHI", 3), 0);
  GIVES(udp_recv(s[0], &elsewhere, text, sizeof text, -1), 3);
  stranger = open_here(&elsewhere);
  GIVES(udp_send(s[0], &elsewhere, "JKL", 3), 0);
  GIVES(udp_recv(stranger, &elsewhere, text, sizeof text, -1), 3);
  GIVES(udp_send(stranger, &elsewhere, "MNO", 3), 0);
  FAILS(mrecv(s[0], text, sizeof text, now() + 5), ETIMEDOUT);
  CHECK(hquery(s[0], msock_type) != NULL);
  CHECK(hquery(s[0], bsock_type) == NULL && errno == ENOTSUP);
  FAILS(bsend(s[0], "x", 1, -1), ENOTSUP);
  GIVES(hclose(stranger), 0);
  discard(s);
}

static void lists_are_one_datagram(void) {
  int s[2];
  char a[2], c[8];
  struct iolist out[2], in[3];
  open_pair(s);
  out[0].iol_base = (void*)"AB";
  out[0].iol_len = 2;
  out[0].iol_next = &out[1];
  out[0].iol_rsvd = 0;
  out[1] = out[0];
  out[1].iol_base = (void*)"CDEF";
  out[1].iol_len = 4;
  out[1].iol_next = NULL;
  in[0] = out[0];
  in[0].iol_base = a;
  in[0].iol_next = &in[1];
  in[1] = out[0];
  in[1].iol_base = NULL;
  in[1].iol_len = 1;
  in[1].iol_next = &in[2];
  in[2] = out[1];
  in[2].iol_base = c;
  in[2].iol_len = sizeof c;
  GIVES(udp_sendl(s[0], NULL, &out[0], &out[1]), 0);
  GIVES(udp_recvl(s[1], NULL, &in[0], &in[2], -1), 6);
  CHECK(memcmp(a, "AB", 2) == 0 && memcmp(c, "DEF", 3) == 0);
  GIVES(msendl(s[0], &out[0], &out[1], -1), 0);
  GIVES(mrecvl(s[1], NULL, NULL, -1), 6);
  FAILS(udp_sendl(s[0], NULL, NULL, NULL), EINVAL);
  FAILS(udp_sendl(s[0], NULL, &out[0], &out[0]), EINVAL);
  out[1].iol_next = &out[0];
  FAILS(udp_sendl(s[0], NULL, &out[0], &out[1]), EINVAL);
  FAILS(udp_recvl(s[0], NULL, &out[0], NULL, -1), EINVAL);
  FAILS(udp_send(s[0], NULL, NULL, 1), EINVAL);
  discard(s);
}

static void a_list_may_have_any_number_of_pieces(void) {
  enum { many = 3000 };
  static struct iolist list[many];
  static char text[many];
  int s[2];
  int i;
  open_pair(s);
  for (i = 0; i < many; ++i) {
    list[i].iol_base = (char*)"abcdefghij" + i % 10;
    list[i].iol_len = 1;
    list[i].iol_next = i + 1 < many ? &list[i + 1] : NULL;
  }
  GIVES(udp_sendl(s[0], NULL, list, &list[many - 1]), 0);
  GIVES(udp_recv(s[1], NULL, text, sizeof text, -1), many);
  for (i = 0; i < many; ++i) CHECK(text[i] == "abcdefghij"[i % 10]);
  discard(s);
}

static void what_does_not_fit_is_told_and_gone(void) {
  static char large[70000];
  int s[2];
  char text[3];
  open_pair(s);
  GIVES(msend(s[0], "ABCD", 4, -1), 0);
  GIVES(msend(s[0], "EFG", 3, -1), 0);
  FAILS(mrecv(s[1], text, sizeof text, -1), EMSGSIZE);
  GIVES(mrecv(s[1], text, sizeof text, -1), 3);
  CHECK(memcmp(text, "EFG", 3) == 0);
  FAILS(msend(s[0], large, sizeof large, -1), EMSGSIZE);
  FAILS(msend(s[0], large, 65508, -1), EMSGSIZE);
  GIVES(msend(s[0], large, 65507, -1), 0);
  GIVES(mrecv(s[1], NULL, SIZE_MAX, -1), 65507);
  discard(s);
}

static void a_receive_that_timed_out_can_be_repeated(void) {
  int s[2];
  char c = 'r';
  open_pair(s);
  FAILS(udp_recv(s[0], NULL, &c, 1, 0), ETIMEDOUT);
  FAILS(udp_recv(s[0], NULL, &c, 1, now() + 5), ETIMEDOUT);
  FAILS(mrecv(s[0], &c, 1, now() + 5), ETIMEDOUT);
  GIVES(msend(s[1], &c, 1, -1), 0);
  GIVES(mrecv(s[0], &c, 1, -1), 1);
  discard(s);
}

static coroutine void receive_until(int s, int code) {
  char c;
  if (code == 0)
    GIVES(udp_recv(s, NULL, &c, 1, -1), 1);
  else
    FAILS(udp_recv(s, NULL, &c, 1, -1), code);
}

static void one_coroutine_receives_and_others_send_meanwhile(void) {
  int s[2];
  char c = 'o';
  int b;
  open_pair(s);
  b = go(receive_until(s[0], 0));
  FAILS(udp_recv(s[0], NULL, &c, 1, -1), EBUSY);
  GIVES(udp_send(s[0], NULL, &c, 1), 0);
  GIVES(udp_recv(s[1], NULL, &c, 1, -1), 1);
  GIVES(udp_send(s[1], NULL, &c, 1), 0);
  GIVES(bundle_wait(b, -1), 0);
  CHECK(bundle_go(b, receive_until(s[0], ECANCELED)) == 0);
  GIVES(hclose(s[0]), 0);
  GIVES(bundle_wait(b, -1), 0);
  FAILS(udp_recv(s[0], NULL, &c, 1, -1), EBADF);
  CHECK(bundle_go(b, receive_until(s[1], ECANCELED)) == 0);
  GIVES(hclose(b), 0);
  FAILS(udp_recv(s[1], NULL, &c, 1, 0), ETIMEDOUT);
  GIVES(hclose(s[1]), 0);
}

static coroutine void last_words(int s) {
  struct ipaddr a;
  char c;
  FAILS(msleep(-1), ECANCELED);
  GIVES(msend(s, "bye", 3, -1), 0);
  GIVES(mrecv(s, &c, 1, -1), 1);
  FAILS(mrecv(s, &c, 1, -1), ECANCELED);
  GIVES(ipaddr_local(&a, "127.0.0.1", 0, 0), 0);
  FAILS(udp_open(&a, NULL), ECANCELED);
}

static void a_cancelled_coroutine_sends_and_receives_what_needs_no_waiting(void) {
  int s[2];
  char text[3];
  int b;
  open_pair(s);
  b = go(last_words(s[0]));
  GIVES(msend(s[1], "?", 1, -1), 0);
  GIVES(hclose(b), 0);
  GIVES(mrecv(s[1], text, sizeof text, -1), 3);
  discard(s);
}

static void nobody_there_is_a_datagram_lost(void) {
  struct ipaddr nowhere;
  char c = 'n';
  int i, s;
  GIVES(hclose(open_here(&nowhere)), 0);
  s = udp_open(NULL, &nowhere);
  CHECK(s > 0);
  for (i = 0; i < 10; ++i) {
    GIVES(udp_send(s, NULL, &c, 1), 0);
    FAILS(udp_recv(s, NULL, &c, 1, now() + 1), ETIMEDOUT);
  }
  GIVES(hclose(s), 0);
}

static void addresses_that_cannot_be_used_are_refused(void) {
  struct ipaddr here, six, elsewhere;
  int s = open_here(&here);
  FAILS(udp_open(&here, NULL), EADDRINUSE);
  GIVES(ipaddr_local(&elsewhere, "192.0.2.1", 0, 0), 0);
  FAILS(udp_open(&elsewhere, NULL), EADDRNOTAVAIL);
  GIVES(ipaddr_local(&six, "::1", 9, IPADDR_IPV6), 0);
  FAILS(udp_open(&here, &six), EINVAL);
  FAILS(udp_send(s, &six, "x", 1), EAFNOSUPPORT);
  memset(&elsewhere, 0, sizeof elsewhere);
  FAILS(udp_open(&elsewhere, NULL), EAFNOSUPPORT);
  FAILS(udp_send(s, &elsewhere, "x", 1), EAFNOSUPPORT);
  GIVES(hclose(s), 0);
}

static void ipv6_works_the_same(void) {
  struct ipaddr here, from;
  char c = '6';
  int a, b;
  GIVES(ipaddr_local(&here, "::1", 0, IPADDR_IPV6), 0);
  a = udp_open(&here, NULL);
  b = udp_open(NULL, &here);
  CHECK(a > 0 && b > 0);
  GIVES(udp_send(b, NULL, &c, 1), 0);
  GIVES(udp_recv(a, &from, &c, 1, -1), 1);
  CHECK(ipaddr_family(&from) == AF_INET6);
  GIVES(hclose(a), 0);
  GIVES(hclose(b), 0);
}

/* Every function here asks for a UDP socket, not for any message socket. */
static void other_handles_are_refused(void) {
  int s[2];
  int b = bundle();
  char c;
  GIVES(ipc_pair(s), 0);
  s[0] = ws_attach_client(s[0], WS_NOHTTP, NULL, NULL, -1);
  CHECK(s[0] > 0);
  FAILS(udp_send(s[0], NULL, "x", 1), ENOTSUP);
  FAILS(udp_recv(s[0], NULL, &c, 1, 0), ENOTSUP);
  FAILS(udp_sendl(b, NULL, NULL, NULL), ENOTSUP);
  FAILS(udp_recvl(b, NULL, NULL, NULL, 0), ENOTSUP);
  FAILS(udp_send(-1, NULL, "x", 1), EBADF);
  FAILS(udp_recv(12345, NULL, &c, 1, 0), EBADF);
  GIVES(hclose(b), 0);
  discard(s);
}

static void a_socket_lives_in_memory_of_the_caller(void) {
  struct {
    char odd;
    struct udp_storage storage;
  } memory;
  struct ipaddr here;
  char c = 'm';
  int s;
  GIVES(ipaddr_local(&here, "127.0.0.1", 0, 0), 0);
  s = udp_open_mem(&here, NULL, &memory.storage);
  CHECK(s > 0);
  GIVES(udp_send(s, &here, &c, 1), 0);
  GIVES(udp_recv(s, NULL, &c, 1, -1), 1);
  GIVES(hclose(s), 0);
  FAILS(udp_open_mem(&here, NULL, NULL), EINVAL);
}

int main(void) {
  datagrams_arrive_and_say_where_from();
  with_a_remote_it_is_a_message_socket();
  lists_are_one_datagram();
  a_list_may_have_any_number_of_pieces();
  what_does_not_fit_is_told_and_gone();
  a_receive_that_timed_out_can_be_repeated();
  one_coroutine_receives_and_others_send_meanwhile();
  a_cancelled_coroutine_sends_and_receives_what_needs_no_waiting();
  nobody_there_is_a_datagram_lost();
  addresses_that_cannot_be_used_are_refused();
  ipv6_works_the_same();
  other_handles_are_refused();
  a_socket_lives_in_memory_of_the_caller();
  return 0;
}
