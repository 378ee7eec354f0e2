/* happyeyeballs_compat.c - compat/happyeyeballs.c with a resolver and a network that do as the test says, and
   note when they are asked. For virtual time only: a busy machine is late for any order of the clock's. */
#define dill_ipaddr_remotes play_remotes
#define dill_tcp_connect play_connect
#define dill_happyeyeballs_connect played_connect
#include "../../compat/happyeyeballs.c"

#include "check.h"

#include <sys/socket.h>

enum { nobody = -1, winner = 5 };

/* After how many milliseconds names are answered for a family, and with how many addresses. */
struct answer {
  int after;
  int addresses;
};

static struct answer six, four;
static int winning_attempt; /* which of them succeeds, from 1 on */
static int connecting;      /* how long one takes */

static int64_t start;
static struct {
  char what;
  int when;
} events[32];
static int event_count;

static void note(char what) {
  events[event_count].what = what;
  events[event_count++].when = (int)(now() - start);
}

int play_remotes(struct ipaddr* addrs, int naddrs, const char* name, int port, int mode,
                 int64_t deadline) {
  const struct answer* a = mode == IPADDR_IPV6 ? &six : &four;
  int i;
  (void)deadline;
  note(mode == IPADDR_IPV6 ? '?' : '!');
  CHECK(strcmp(name, "example.org") == 0 && port == 80);
  if (msleep(a->after < 0 ? -1 : start + a->after) != 0) {
    CHECK(errno == ECANCELED);
    note('c');
    return -1;
  }
  CHECK(a->addresses <= naddrs);
  for (i = 0; i < a->addresses; ++i)
    CHECK(ipaddr_local(&addrs[i], mode == IPADDR_IPV6 ? "::1" : "127.0.0.1", i, mode) == 0);
  return a->addresses;
}

int play_connect(const struct ipaddr* addr, int64_t deadline) {
  static int attempt;
  int mine;
  (void)deadline;
  if (addr == NULL) return attempt = 0;
  mine = ++attempt;
  note(ipaddr_family(addr) == AF_INET6 ? '6' : '4');
  if (msleep(connecting < 0 ? -1 : now() + connecting) != 0) {
    CHECK(errno == ECANCELED);
    note('c');
    return -1;
  }
  if (mine == winning_attempt) return winner;
  errno = ECONNREFUSED;
  return -1;
}

/* Plays one connect; `wanted` is what must be asked for, in order, without what is cancelled. */
static int played(const char* wanted, int result, int code, int64_t patience) {
  int i, n = 0;
  int s;
  event_count = 0;
  play_connect(NULL, 0);
  start = now();
  s = played_connect("example.org", 80, patience < 0 ? -1 : start + patience);
  CHECK(s == result && (s >= 0 || errno == code));
  for (i = 0; i < event_count; ++i) {
    if (events[i].what == 'c') continue;
    CHECK(wanted[n] != '\0' && events[i].what == wanted[n]);
    ++n;
  }
  CHECK(wanted[n] == '\0');
  return event_count;
}

/* Event `i` happened at about `when`, of virtual time. */
static void at(int i, int when) {
  CHECK(events[i].when >= when && events[i].when <= when + 2);
}

static void ipv6_comes_first_if_it_is_known_in_time(void) {
  six.after = 20;
  six.addresses = 1;
  four.after = 0;
  four.addresses = 1;
  connecting = 5;
  winning_attempt = 1;
  played("?!6", winner, 0, -1);
  at(2, 20);
}

static void ipv4_goes_ahead_if_ipv6_is_late(void) {
  six.after = 5000;
  winning_attempt = 1;
  played("?!4", winner, 0, -1);
  at(2, 50);
  CHECK(events[event_count - 1].what == 'c');
}

static void families_take_turns_every_300_ms(void) {
  six.after = four.after = 0;
  six.addresses = 2;
  four.addresses = 3;
  connecting = -1;
  winning_attempt = nobody;
  played("?!6464", nobody, ETIMEDOUT, 1000);
  at(2, 0);
  at(3, 300);
  at(4, 600);
  at(5, 900);
}

static void what_comes_first_is_tried_first_if_all_are_late(void) {
  six.after = 90;
  six.addresses = 1;
  four.after = 70;
  four.addresses = 1;
  connecting = -1;
  played("?!46", nobody, ETIMEDOUT, 500);
  at(2, 70);
  at(3, 370);
}

static void failures_and_missing_answers_end_at_the_deadline(void) {
  six.after = -1;
  four.after = 0;
  connecting = 1;
  winning_attempt = nobody;
  played("?!4", nobody, ETIMEDOUT, 200);
  four.addresses = 0;
  six.after = 0;
  six.addresses = 0;
  played("?!", nobody, ETIMEDOUT, 100);
  CHECK(played_connect(NULL, 80, -1) == -1 && errno == EINVAL);
  CHECK(played_connect("example.org", 0, -1) == -1 && errno == EINVAL);
}

static coroutine void connect_for_ever(int* ended) {
  CHECK(played_connect("example.org", 80, -1) == -1 && errno == ECANCELED);
  *ended = 1;
}

static void a_caller_that_is_cancelled_leaves_nothing_running(void) {
  int ended = 0;
  int b;
  six.after = four.after = -1;
  event_count = 0;
  start = now();
  b = go(connect_for_ever(&ended));
  GIVES(msleep(now() + 1), 0);
  GIVES(hclose(b), 0);
  CHECK(ended && event_count == 4);
}

int main(void) {
  ipv6_comes_first_if_it_is_known_in_time();
  ipv4_goes_ahead_if_ipv6_is_late();
  families_take_turns_every_300_ms();
  what_comes_first_is_tried_first_if_all_are_late();
  failures_and_missing_answers_end_at_the_deadline();
  a_caller_that_is_cancelled_leaves_nothing_running();
  return 0;
}
