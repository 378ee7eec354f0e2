/* happyeyeballs.c - connecting by name, written with nothing but the public names of libdill.h.

   The library has a dill_happyeyeballs_connect() of its own, which fails as soon as there is nothing left to
   try; use that. This file is for programs that include libdill's file of the same name, to put functions
   of their own in the place of dill_ipaddr_remotes() and dill_tcp_connect(). It calls exactly those two,
   and keeps to libdill's times:

   - The addresses for IPv6 and for IPv4 are asked for at once, IPv6 first.
   - The first attempt is to an IPv6 address if there is an answer about those within 50 ms, then to
     whatever is known, or comes first.
   - Every 300 ms there is another one. The families take turns, as far as there are addresses.
   - The first attempt that succeeds ends all others, and the queries. Those that fail are not told: if all
     do, ETIMEDOUT comes at the deadline. */
#include <libdill.h>

#include <errno.h>
#include <string.h>

enum { he_most = 10, he_head_start = 50, he_pause = 300 };

/* The addresses of one family. */
struct he_addresses {
  struct dill_ipaddr all[he_most];
  int count;
  int next;
  int answered;
};

struct he_race {
  struct he_addresses six;
  struct he_addresses four;
  int attempts;
  int winner; /* -1 as long as there is none */
  int news;   /* the end of a channel where it is told that something has changed */
};

static dill_coroutine void he_query(struct he_race* race, struct he_addresses* into,
                                    const char* name, int port, int mode, int64_t deadline) {
  int found = dill_ipaddr_remotes(into->all, he_most, name, port, mode, deadline);
  into->count = found < 0 ? 0 : found;
  into->answered = 1;
  dill_chsend(race->news, NULL, 0, -1);
}

static dill_coroutine void he_attempt(struct he_race* race, const struct dill_ipaddr* to,
                                      int64_t deadline) {
  int s = dill_tcp_connect(to, deadline);
  if (s < 0) return;
  if (race->winner >= 0) {
    dill_hclose(s);
    return;
  }
  race->winner = s;
  dill_chsend(race->news, NULL, 0, -1);
}

/* Where the next address comes from; NULL if there is none at the moment. */
static struct he_addresses* he_next(struct he_race* race, int six_first) {
  struct he_addresses* first = six_first ? &race->six : &race->four;
  struct he_addresses* second = six_first ? &race->four : &race->six;
  if (first->next < first->count) return first;
  return second->next < second->count ? second : NULL;
}

/* Waits until somebody has won, or there is an address and its time has come. 0, or -1 and errno. */
static int he_wait(struct he_race* race, int news, int64_t turn, int64_t deadline) {
  for (;;) {
    int early = race->attempts == 0 && race->six.answered;
    int known = he_next(race, 1) != NULL;
    int64_t until = known && (deadline < 0 || turn < deadline) ? turn : deadline;
    if (race->winner >= 0 || (known && (early || dill_now() >= turn))) return 0;
    if (dill_chrecv(news, NULL, 0, until) == 0) continue;
    if (errno != ETIMEDOUT || until == deadline) return -1;
  }
}

static int he_run(struct he_race* race, int tasks, int news, int64_t deadline) {
  int64_t turn = dill_now() + he_head_start;
  int six_first = 1;
  for (;;) {
    struct he_addresses* from;
    if (he_wait(race, news, turn, deadline) < 0) return -1;
    if (race->winner >= 0) return 0;
    from = he_next(race, six_first);
    six_first = from == &race->four;
    ++race->attempts;
    turn = dill_now() + he_pause;
    if (dill_bundle_go(tasks, he_attempt(race, &from->all[from->next++], deadline)) < 0) return -1;
  }
}

static int he_start(struct he_race* race, int tasks, int news, const char* name, int port,
                    int64_t deadline) {
  if (dill_bundle_go(tasks, he_query(race, &race->six, name, port, DILL_IPADDR_IPV6, deadline)) < 0)
    return -1;
  if (dill_bundle_go(tasks, he_query(race, &race->four, name, port, DILL_IPADDR_IPV4, deadline)) <
      0)
    return -1;
  return he_run(race, tasks, news, deadline);
}

DILL_EXPORT int dill_happyeyeballs_connect(const char* name, int port, int64_t deadline) {
  struct he_race race;
  int ch[2];
  int tasks, rc, code;
  if (name == NULL || port <= 0 || port > 65535) return errno = EINVAL, -1;
  memset(&race, 0, sizeof race);
  race.winner = -1;
  if (dill_chmake(ch) < 0) return -1;
  race.news = ch[0];
  tasks = dill_bundle();
  rc = tasks < 0 ? -1 : he_start(&race, tasks, ch[1], name, port, deadline);
  code = rc == 0 ? 0 : errno;
  if (tasks >= 0) dill_hclose(tasks);
  if (rc < 0 && race.winner >= 0) dill_hclose(race.winner);
  dill_hclose(ch[0]);
  dill_hclose(ch[1]);
  errno = code;
  return rc == 0 ? race.winner : -1;
}
