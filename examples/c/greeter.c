/* greeter.c - a server that asks each client for a name and greets it, all of them at the same time.

       greeter [PORT [CLIENTS]]

   Lines end with CR LF: try `nc -C 127.0.0.1 5555`. Every client has a coroutine and a minute; they live
   in one bundle, and tell what becomes of them through a channel to a coroutine that counts. After
   CLIENTS connections (3) the server takes no more, gives those that are there ten seconds, cancels the
   rest, and prints how it went. */
#include <libdill.h>

#include <stdio.h>
#include <string.h>

enum happening { CAME, WAS_GREETED, FAILED, HAPPENINGS };

static const char* const happening_names[HAPPENINGS] = {"came", "were greeted", "failed"};

/* Counts until it is cancelled. */
static coroutine void count(int from, int counts[HAPPENINGS]) {
  enum happening what;
  while (chrecv(from, &what, sizeof what, -1) == 0) ++counts[what];
}

/* 0 if it went as it should; -1 and errno. `s` is a socket of messages, each a line. */
static int converse(int s, int64_t deadline) {
  static const char question[] = "What's your name?";
  char name[128], greeting[160];
  ssize_t size;
  int length;
  if (msend(s, question, strlen(question), deadline) < 0) return -1;
  size = mrecv(s, name, sizeof name, deadline);
  if (size < 0) return -1;
  length = snprintf(greeting, sizeof greeting, "Hello, %.*s!", (int)size, name);
  return msend(s, greeting, (size_t)length, deadline);
}

static void tell(int to, enum happening what) {
  /* Nobody listens any more only when the program ends. */
  (void)chsend(to, &what, sizeof what, -1);
}

/* Owns the connection `s`. */
static coroutine void greet(int s, int report) {
  int64_t deadline = now() + 60000;
  int rc = -1;
  tell(report, CAME);
  /* On failure s is closed. */
  s = suffix_attach(s, "\r\n", 2);
  if (s >= 0) rc = converse(s, deadline);
  tell(report, rc == 0 ? WAS_GREETED : FAILED);
  if (s < 0) return;
  s = suffix_detach(s, deadline);
  if (s >= 0) tcp_close(s, deadline);
}

static int serve(int listener, int clients, int report) {
  int dialogues = bundle();
  if (dialogues < 0) return -1;
  for (int i = 0; i < clients; ++i) {
    int s = tcp_accept(listener, NULL, -1);
    if (s < 0 || bundle_go(dialogues, greet(s, report)) < 0) {
      perror("Cannot take a client");
      if (s >= 0) hclose(s);
    }
  }
  if (bundle_wait(dialogues, now() + 10000) < 0) fprintf(stderr, "Somebody was too slow\n");
  return hclose(dialogues);
}

static int run(int port, int clients) {
  int counts[HAPPENINGS] = {0};
  int report[2], counter, listener, rc;
  struct ipaddr addr;
  if (ipaddr_local(&addr, NULL, port, 0) < 0) return -1;
  listener = tcp_listen(&addr, 10);
  if (listener < 0 || chmake(report) < 0) return -1;
  counter = go(count(report[1], counts));
  if (counter < 0) return -1;
  printf("Listening at port %d\n", ipaddr_port(&addr));
  fflush(stdout);

  rc = serve(listener, clients, report[0]);

  hclose(counter);
  hclose(report[0]);
  hclose(report[1]);
  hclose(listener);
  for (int i = 0; i < HAPPENINGS; ++i) printf("%d %s\n", counts[i], happening_names[i]);
  return rc;
}

int main(int argc, char** argv) {
  int port = argc > 1 ? atoi(argv[1]) : 5555;
  int clients = argc > 2 ? atoi(argv[2]) : 3;
  if (run(port, clients) < 0) {
    perror("greeter");
    return 1;
  }
  return 0;
}
