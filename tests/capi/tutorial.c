/* tutorial.c - the server that libdill's tutorial builds up step by step, each step against clients: that
   its habits still work, such as handles that are never closed, and errno as the result of a dialogue. The
   last steps are programs of their own, examples/c/greeter.c, wget.c and courier.c. */
#include <libdill.h>

#include "check.h"

enum { clients = 3 };

static int listen_here(struct ipaddr* addr) {
  int ls;
  GIVES(ipaddr_local(addr, "127.0.0.1", 0, 0), 0);
  ls = tcp_listen(addr, 10);
  CHECK(ls > 0);
  return ls;
}

static int accept_one(int ls) {
  int s = tcp_accept(ls, NULL, -1);
  CHECK(s > 0);
  return s;
}

/* --- the clients --- */

static int come(const struct ipaddr* addr) {
  int s = tcp_connect(addr, now() + 20000);
  CHECK(s > 0);
  return s;
}

static void read_line(int s, const char* wanted) {
  char text[64];
  size_t size = strlen(wanted);
  GIVES(brecv(s, text, size, now() + 20000), 0);
  CHECK(memcmp(text, wanted, size) == 0);
}

/* What the server has said is there, although it has closed its end without ceremony. */
static void be_greeted(int s, const char* name) {
  char line[64];
  char c;
  read_line(s, "What's your name?\r\n");
  snprintf(line, sizeof line, "%s\r\n", name);
  GIVES(bsend(s, line, strlen(line), now() + 20000), 0);
  snprintf(line, sizeof line, "Hello, %s!\r\n", name);
  read_line(s, line);
  FAILS(brecv(s, &c, 1, now() + 20000), ECONNRESET);
  GIVES(hclose(s), 0);
}

static coroutine void visit(const struct ipaddr* addr, const char* name) {
  be_greeted(come(addr), name);
}

/* --- step 1: taking connections --- */

static coroutine void drop_each(int ls, int n) {
  while (n-- > 0) GIVES(hclose(accept_one(ls)), 0);
}

static void connections_are_taken_and_dropped(void) {
  struct ipaddr addr;
  int ls = listen_here(&addr);
  int server = go(drop_each(ls, clients));
  int i;
  char c;
  for (i = 0; i < clients; ++i) {
    int s = come(&addr);
    CHECK(brecv(s, &c, 1, now() + 20000) == -1 && (errno == EPIPE || errno == ECONNRESET));
    GIVES(hclose(s), 0);
  }
  GIVES(bundle_wait(server, -1), 0);
  GIVES(hclose(server), 0);
  GIVES(hclose(ls), 0);
}

/* --- step 2: a dialogue --- */

/* 0, or -1 and errno; the socket is closed. */
static int dialogue(int s, int64_t deadline) {
  char name[256], greeting[300];
  ssize_t size;
  int code = 0;
  s = suffix_attach(s, "\r\n", 2);
  CHECK(s > 0);
  if (msend(s, "What's your name?", 17, deadline) != 0) goto end;
  size = mrecv(s, name, sizeof name - 1, deadline);
  if (size < 0) goto end;
  name[size] = 0;
  size = snprintf(greeting, sizeof greeting, "Hello, %s!", name);
  if (msend(s, greeting, (size_t)size, deadline) != 0) goto end;
end:
  code = errno;
  GIVES(hclose(s), 0);
  errno = code;
  return code == 0 ? 0 : -1;
}

static coroutine void greet_each(int ls, int n) {
  while (n-- > 0) CHECK(dialogue(accept_one(ls), -1) == 0);
}

static void one_client_after_the_other_is_greeted(void) {
  struct ipaddr addr;
  int ls = listen_here(&addr);
  int server = go(greet_each(ls, 2));
  visit(&addr, "Alice");
  visit(&addr, "Bob");
  GIVES(bundle_wait(server, -1), 0);
  GIVES(hclose(server), 0);
  GIVES(hclose(ls), 0);
}

/* --- step 3: a coroutine for each client, whose handle nobody looks at while there are clients --- */

static int forgotten[clients];

static coroutine void greet(int s, int64_t patience) {
  (void)dialogue(s, patience < 0 ? -1 : now() + patience);
}

static coroutine void greet_all(int ls, int n) {
  while (n-- > 0) {
    int s = accept_one(ls);
    forgotten[n] = go(greet(s, -1));
    CHECK(forgotten[n] > 0);
  }
}

static void clients_do_not_wait_for_each_other(void) {
  struct ipaddr addr;
  int ls = listen_here(&addr);
  int server = go(greet_all(ls, clients));
  int first = come(&addr), second = come(&addr), i;
  visit(&addr, "Carol");
  be_greeted(second, "Bob");
  be_greeted(first, "Alice");
  for (i = 0; i < clients; ++i) GIVES(hclose(forgotten[i]), 0);
  GIVES(bundle_wait(server, -1), 0);
  GIVES(hclose(server), 0);
  GIVES(hclose(ls), 0);
}

/* --- step 4: a bundle, which ends with whoever is still in it --- */

static void closing_the_bundle_ends_those_who_still_talk(void) {
  struct ipaddr addr;
  int ls = listen_here(&addr);
  int b = bundle();
  int slow = come(&addr), visitor, s;
  char c;
  s = accept_one(ls);
  CHECK(bundle_go(b, greet(s, -1)) == 0);
  visitor = go(visit(&addr, "Alice"));
  s = accept_one(ls);
  CHECK(bundle_go(b, greet(s, -1)) == 0);
  GIVES(bundle_wait(visitor, -1), 0);
  GIVES(hclose(visitor), 0);
  read_line(slow, "What's your name?\r\n");
  GIVES(hclose(b), 0);
  GIVES(hclose(ls), 0);
  FAILS(brecv(slow, &c, 1, now() + 20000), ECONNRESET);
  GIVES(hclose(slow), 0);
}

/* --- step 5: deadlines --- */

static void nobody_is_waited_for_for_ever(void) {
  struct ipaddr addr;
  int ls = listen_here(&addr);
  int b = bundle();
  int silent = come(&addr);
  int s = accept_one(ls);
  char c;
  CHECK(bundle_go(b, greet(s, 50)) == 0);
  GIVES(bundle_wait(b, now() + 10000), 0);
  GIVES(hclose(b), 0);
  read_line(silent, "What's your name?\r\n");
  FAILS(brecv(silent, &c, 1, now() + 20000), ECONNRESET);
  GIVES(hclose(silent), 0);
  GIVES(hclose(ls), 0);
}

/* --- step 6: a coroutine that counts --- */

enum { came, left, failed };

static coroutine void count(int from, int counts[3]) {
  int what;
  while (chrecv(from, &what, sizeof what, -1) == 0) ++counts[what];
  CHECK(errno == ECANCELED);
}

static coroutine void greet_and_tell(int s, int to) {
  int what = came;
  GIVES(chsend(to, &what, sizeof what, -1), 0);
  (void)dialogue(s, now() + 60000);
  what = errno == 0 ? left : failed;
  GIVES(chsend(to, &what, sizeof what, -1), 0);
}

static void errno_tells_how_a_dialogue_went(void) {
  struct ipaddr addr;
  int counts[3] = {0, 0, 0};
  int ls = listen_here(&addr);
  int b = bundle();
  int ch[2], counter, i, gone = come(&addr);
  GIVES(chmake(ch), 0);
  counter = go(count(ch[1], counts));
  for (i = 0; i < clients; ++i) {
    int s = accept_one(ls);
    CHECK(bundle_go(b, greet_and_tell(s, ch[0])) == 0);
    if (i < clients - 1) CHECK(bundle_go(b, visit(&addr, "Alice")) == 0);
  }
  GIVES(hclose(gone), 0);
  GIVES(bundle_wait(b, now() + 20000), 0);
  GIVES(hclose(counter), 0);
  CHECK(counts[came] == clients && counts[left] == clients - 1 && counts[failed] == 1);
  GIVES(hclose(b), 0);
  GIVES(hclose(ch[0]), 0);
  GIVES(hclose(ch[1]), 0);
  GIVES(hclose(ls), 0);
}

int main(void) {
  connections_are_taken_and_dropped();
  one_client_after_the_other_is_greeted();
  clients_do_not_wait_for_each_other();
  closing_the_bundle_ends_those_who_still_talk();
  nobody_is_waited_for_for_ever();
  errno_tells_how_a_dialogue_went();
  return 0;
}
