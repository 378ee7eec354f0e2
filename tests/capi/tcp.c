/* tcp.c - TCP connections and listeners. */
#include "check.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <libdill.h>

static struct ipaddr here;

static int listen_here(void) {
  int ls;
  GIVES(ipaddr_local(&here, "127.0.0.1", 0, 0), 0);
  ls = tcp_listen(&here, 10);
  CHECK(ls > 0);
  CHECK(ipaddr_port(&here) != 0);
  return ls;
}

static coroutine void accept_one(int ls, int* s) {
  struct ipaddr from;
  *s = tcp_accept(ls, &from, -1);
  CHECK(*s > 0);
  CHECK(ipaddr_family(&from) == AF_INET && ipaddr_port(&from) != 0);
}

/* Two ends of one connection. */
static void connect_here(int s[2]) {
  int ls = listen_here();
  int b = go(accept_one(ls, &s[1]));
  s[0] = tcp_connect(&here, -1);
  CHECK(s[0] > 0);
  GIVES(bundle_wait(b, -1), 0);
  GIVES(hclose(b), 0);
  GIVES(tcp_close(ls, -1), 0);
}

static void bytes_arrive_whatever_the_sizes(void) {
  static const size_t sizes[] = {1, 1000, 2000, 2001, 3000, 0, 6998};
  static char out[15000], in[15000];
  int s[2];
  size_t i, at = 0;
  connect_here(s);
  for (i = 0; i < sizeof out; ++i) out[i] = (char)(i * 7);
  GIVES(bsend(s[0], out, sizeof out, -1), 0);
  for (i = 0; i < sizeof sizes / sizeof sizes[0]; ++i) {
    GIVES(brecv(s[1], in + at, sizes[i], -1), 0);
    at += sizes[i];
  }
  CHECK(at == sizeof in && memcmp(in, out, at) == 0);
  GIVES(hclose(s[0]), 0);
  GIVES(hclose(s[1]), 0);
}

static void a_stream_is_no_message_socket(void) {
  int s[2];
  char c;
  connect_here(s);
  FAILS(msend(s[0], "", 1, -1), ENOTSUP);
  FAILS(mrecv(s[0], &c, 1, -1), ENOTSUP);
  FAILS(ipc_close(s[0], -1), ENOTSUP);
  FAILS(tcp_accept(s[0], NULL, -1), ENOTSUP);
  FAILS(bundle_wait(s[0], -1), ENOTSUP);
  GIVES(hclose(s[0]), 0);
  GIVES(hclose(s[1]), 0);
}

static void a_receive_that_timed_out_leaves_its_direction_broken(void) {
  int s[2];
  char c = 'x';
  connect_here(s);
  FAILS(brecv(s[0], &c, 1, now() + 5), ETIMEDOUT);
  FAILS(brecv(s[0], &c, 1, -1), ECONNRESET);
  GIVES(bsend(s[0], &c, 1, -1), 0);
  GIVES(brecv(s[1], &c, 1, -1), 0);
  FAILS(tcp_close(s[0], -1), ECONNRESET);
  FAILS(tcp_close(s[0], -1), EBADF);
  GIVES(hclose(s[1]), 0);
}

static void a_send_that_timed_out_leaves_its_direction_broken(void) {
  static char data[100000];
  int s[2];
  char c;
  connect_here(s);
  while (bsend(s[0], data, sizeof data, now() + 20) == 0) continue;
  CHECK(errno == ETIMEDOUT);
  FAILS(bsend(s[0], data, 1, -1), ECONNRESET);
  GIVES(bsend(s[1], "x", 1, -1), 0);
  GIVES(brecv(s[0], &c, 1, -1), 0);
  GIVES(hclose(s[0]), 0);
  GIVES(hclose(s[1]), 0);
}

static coroutine void talk_and_close(int s) {
  char text[3];
  GIVES(brecv(s, text, 3, -1), 0);
  CHECK(memcmp(text, "ABC", 3) == 0);
  FAILS(brecv(s, text, 1, -1), EPIPE);
  FAILS(brecv(s, text, 1, -1), EPIPE);
  GIVES(bsend(s, "DEF", 3, -1), 0);
  GIVES(tcp_close(s, -1), 0);
}

static void done_ends_one_direction(void) {
  int s[2];
  char text[3];
  int b;
  connect_here(s);
  b = go(talk_and_close(s[1]));
  GIVES(bsend(s[0], "ABC", 3, -1), 0);
  GIVES(tcp_done(s[0], -1), 0);
  FAILS(tcp_done(s[0], -1), EPIPE);
  FAILS(bsend(s[0], "x", 1, -1), EPIPE);
  GIVES(brecv(s[0], text, 3, -1), 0);
  CHECK(memcmp(text, "DEF", 3) == 0);
  FAILS(brecv(s[0], text, 1, -1), EPIPE);
  GIVES(tcp_close(s[0], -1), 0);
  GIVES(bundle_wait(b, -1), 0);
  GIVES(hclose(b), 0);
}

static void nothing_is_lost_when_a_finished_connection_is_closed(void) {
  enum { size = 20000 };
  char* data = (char*)calloc(1, size);
  int s[2];
  connect_here(s);
  GIVES(bsend(s[0], data, size, -1), 0);
  GIVES(tcp_done(s[0], -1), 0);
  GIVES(hclose(s[0]), 0);
  GIVES(brecv(s[1], data, size, -1), 0);
  FAILS(brecv(s[1], data, 1, -1), EPIPE);
  GIVES(tcp_close(s[1], -1), 0);
  free(data);
}

static coroutine void send_for_ever(int s) {
  static char data[10000];
  while (bsend(s, data, sizeof data, -1) == 0) continue;
  CHECK(errno == ECONNRESET);
  FAILS(tcp_close(s, -1), ECONNRESET);
}

static void closing_gives_up_on_a_peer_that_never_stops(void) {
  int s[2];
  int b;
  connect_here(s);
  b = go(send_for_ever(s[1]));
  FAILS(tcp_close(s[0], now() + 50), ETIMEDOUT);
  GIVES(bundle_wait(b, -1), 0);
  GIVES(hclose(b), 0);
}

static coroutine void receive_until(int s, int code) {
  char c;
  FAILS(brecv(s, &c, 1, -1), code);
}

static void a_second_receiver_is_refused(void) {
  int s[2];
  int b;
  char c;
  connect_here(s);
  b = go(receive_until(s[0], ECANCELED));
  FAILS(brecv(s[0], &c, 1, -1), EBUSY);
  GIVES(bsend(s[0], "x", 1, -1), 0);
  GIVES(hclose(s[0]), 0);
  GIVES(bundle_wait(b, -1), 0);
  GIVES(hclose(b), 0);
  GIVES(hclose(s[1]), 0);
}

static coroutine void receive_one(int s, char* c) {
  GIVES(brecv(s, c, 1, -1), 0);
}

static void one_receives_while_another_sends(void) {
  int s[2];
  int b;
  char here = 0;
  char there = 0;
  connect_here(s);
  b = go(receive_one(s[0], &here));
  GIVES(bsend(s[0], "x", 1, -1), 0);
  GIVES(brecv(s[1], &there, 1, -1), 0);
  GIVES(bsend(s[1], "y", 1, -1), 0);
  GIVES(bundle_wait(b, -1), 0);
  CHECK(here == 'y' && there == 'x');
  GIVES(hclose(b), 0);
  GIVES(hclose(s[0]), 0);
  GIVES(hclose(s[1]), 0);
}

static coroutine void accept_until(int ls, int code) {
  FAILS(tcp_accept(ls, NULL, -1), code);
}

static void closing_a_listener_wakes_who_accepts(void) {
  int ls = listen_here();
  int b = go(accept_until(ls, ECANCELED));
  FAILS(tcp_accept(ls, NULL, -1), EBUSY);
  GIVES(hclose(ls), 0);
  GIVES(bundle_wait(b, -1), 0);
  GIVES(hclose(b), 0);
  ls = listen_here();
  b = go(accept_until(ls, ECANCELED));
  GIVES(hclose(b), 0);
  FAILS(tcp_accept(ls, NULL, 0), ETIMEDOUT);
  FAILS(tcp_accept(ls, NULL, now() + 5), ETIMEDOUT);
  FAILS(bsend(ls, "x", 1, -1), ENOTSUP);
  GIVES(hclose(ls), 0);
}

static void connections_that_nobody_wants_are_refused(void) {
  struct tcp_storage memory;
  int ls = listen_here();
  GIVES(hclose(ls), 0);
  FAILS(tcp_connect(&here, -1), ECONNREFUSED);
  FAILS(tcp_connect(NULL, -1), EINVAL);
  FAILS(tcp_listen(NULL, 10), EINVAL);
  FAILS(tcp_connect_mem(&here, NULL, -1), EINVAL);
  FAILS(tcp_connect_mem(&here, &memory, -1), ECONNREFUSED);
}

/* Talks both ways; then both ends part in order. */
static void converse_and_part(int a, int b) {
  char text[3];
  CHECK(a > 0 && b > 0);
  GIVES(bsend(a, "ABC", 3, -1), 0);
  GIVES(brecv(b, text, 3, -1), 0);
  CHECK(memcmp(text, "ABC", 3) == 0);
  GIVES(bsend(b, "DEF", 3, -1), 0);
  GIVES(brecv(a, text, 3, -1), 0);
  CHECK(memcmp(text, "DEF", 3) == 0);
  GIVES(tcp_done(a, -1), 0);
  FAILS(brecv(b, text, 1, -1), EPIPE);
  GIVES(tcp_close(b, -1), 0);
  GIVES(tcp_close(a, -1), 0);
}

static void sockets_live_in_memory_of_the_caller(void) {
  struct tcp_listener_storage listener;
  struct tcp_storage ends[2];
  int s[2];
  int ls;
  GIVES(ipaddr_local(&here, "127.0.0.1", 0, 0), 0);
  ls = tcp_listen_mem(&here, 10, &listener);
  CHECK(ls > 0);
  s[0] = tcp_connect_mem(&here, &ends[0], -1);
  s[1] = tcp_accept_mem(ls, NULL, &ends[1], -1);
  converse_and_part(s[0], s[1]);
  GIVES(hclose(ls), 0);
  FAILS(tcp_accept_mem(ls, NULL, NULL, -1), EINVAL);
}

/* A descriptor bound to a free port of this machine, and where that is. */
static int bound_here(struct ipaddr* to) {
  struct sockaddr_in any;
  socklen_t n = sizeof *to;
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  memset(&any, 0, sizeof any);
  any.sin_family = AF_INET;
  any.sin_addr.s_addr = htonl(0x7f000001);
  CHECK(fd >= 0 && bind(fd, (struct sockaddr*)&any, sizeof any) == 0);
  CHECK(getsockname(fd, (struct sockaddr*)to, &n) == 0);
  return fd;
}

static int connected_to(const struct ipaddr* to) {
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  CHECK(connect(fd, ipaddr_sockaddr(to), (socklen_t)ipaddr_len(to)) == 0);
  return fd;
}

static int gone(int fd) {
  return fcntl(fd, F_GETFD) == -1 && errno == EBADF;
}

struct memory {
  struct tcp_listener_storage listener;
  struct tcp_storage connection;
};

/* In memory of the caller unless `m` is NULL. */
static void talk_over_descriptors(struct memory* m) {
  struct ipaddr to;
  int ls, s, client;
  int fd = bound_here(&to);
  FAILS(m ? tcp_listener_fromfd_mem(fd, &m->listener) : tcp_listener_fromfd(fd), EINVAL);
  CHECK(!gone(fd) && listen(fd, 5) == 0);
  FAILS(m ? tcp_fromfd_mem(fd, &m->connection) : tcp_fromfd(fd), EINVAL);
  FAILS(ipc_listener_fromfd(fd), EINVAL);
  ls = m ? tcp_listener_fromfd_mem(fd, &m->listener) : tcp_listener_fromfd(fd);
  CHECK(ls > 0 && gone(fd));
  FAILS(tcp_accept(ls, NULL, now() + 2), ETIMEDOUT);
  client = connected_to(&to);
  s = m ? tcp_fromfd_mem(client, &m->connection) : tcp_fromfd(client);
  CHECK(s > 0 && gone(client));
  converse_and_part(s, tcp_accept(ls, NULL, -1));
  GIVES(hclose(ls), 0);
  FAILS(tcp_connect(&to, -1), ECONNREFUSED);
}

static void descriptors_are_taken_over(void) {
  struct memory m;
  talk_over_descriptors(NULL);
  talk_over_descriptors(&m);
  talk_over_descriptors(&m);
  FAILS(tcp_fromfd(-1), EINVAL);
  FAILS(tcp_fromfd(900), EBADF);
}

static coroutine void close_when_cancelled(int s) {
  char c;
  FAILS(brecv(s, &c, 1, -1), ECANCELED);
  FAILS(tcp_close(s, -1), ECONNRESET);
}

static void cancellation_reaches_a_receiver(void) {
  int s[2];
  int b;
  connect_here(s);
  b = go(close_when_cancelled(s[0]));
  GIVES(hclose(b), 0);
  GIVES(hclose(s[1]), 0);
}

static coroutine void say_goodbye_when_cancelled(int s) {
  FAILS(msleep(-1), ECANCELED);
  GIVES(bsend(s, "bye", 3, -1), 0);
  GIVES(tcp_done(s, -1), 0);
}

static void a_cancelled_coroutine_may_send_what_needs_no_waiting(void) {
  char text[3];
  int s[2];
  int b;
  connect_here(s);
  b = go(say_goodbye_when_cancelled(s[0]));
  GIVES(hclose(b), 0);
  GIVES(brecv(s[1], text, 3, -1), 0);
  CHECK(memcmp(text, "bye", 3) == 0);
  GIVES(hclose(s[0]), 0);
  GIVES(hclose(s[1]), 0);
}

int main(void) {
  bytes_arrive_whatever_the_sizes();
  a_stream_is_no_message_socket();
  a_receive_that_timed_out_leaves_its_direction_broken();
  a_send_that_timed_out_leaves_its_direction_broken();
  done_ends_one_direction();
  nothing_is_lost_when_a_finished_connection_is_closed();
  /* Virtual time stands still while bytes can be moved. */
  if (!simulated()) closing_gives_up_on_a_peer_that_never_stops();
  a_second_receiver_is_refused();
  one_receives_while_another_sends();
  closing_a_listener_wakes_who_accepts();
  connections_that_nobody_wants_are_refused();
  sockets_live_in_memory_of_the_caller();
  if (!simulated()) descriptors_are_taken_over();
  cancellation_reaches_a_receiver();
  a_cancelled_coroutine_may_send_what_needs_no_waiting();
  return 0;
}
