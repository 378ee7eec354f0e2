/* first_call.c - the first call of a thread, when there is no descriptor left for what it needs: every one
   says so, and works once there is one. */
#include "check.h"

#include <pthread.h>
#include <sys/resource.h>

#include <libdillimpl.h>

static coroutine void nothing(void) {}

static void* query(struct hvfs* vfs, const void* type) {
  (void)vfs, (void)type;
  return NULL;
}
static void close_nothing(struct hvfs* vfs) {
  (void)vfs;
}

static void all_fail(void) {
  static char stack[65536];
  static struct bundle_storage mem;
  struct hvfs vfs = {query, close_nothing};
  struct ipaddr here, found;
  char path[64];
  int ch[2], s[2];
  GIVES(ipaddr_local(&here, "127.0.0.1", 0, 0), 0);
  snprintf(path, sizeof path, "/tmp/first-call-%d", (int)getpid());
  FAILS(bundle(), EMFILE);
  FAILS(bundle_mem(&mem), EMFILE);
  FAILS(go(nothing()), EMFILE);
  FAILS(go_mem(nothing(), stack, sizeof stack), EMFILE);
  FAILS(yield(), EMFILE);
  FAILS(msleep(now() + 1), EMFILE);
  FAILS(chmake(ch), EMFILE);
  FAILS(choose(NULL, 0, now() + 1), EMFILE);
  FAILS(hmake(&vfs), EMFILE);
  FAILS(fdin(0, -1), EMFILE);
  FAILS(fdout(0, -1), EMFILE);
  GIVES(fdclean(0), 0);
  FAILS(tcp_listen(&here, 10), EMFILE);
  FAILS(tcp_accept(1, NULL, -1), EMFILE);
  FAILS(tcp_connect(&here, -1), EMFILE);
  FAILS(tcp_fromfd(0), EMFILE);
  FAILS(tcp_listener_fromfd(0), EMFILE);
  FAILS(ipc_listen(path, 10), EMFILE);
  FAILS(ipc_accept(1, -1), EMFILE);
  FAILS(ipc_connect(path, -1), EMFILE);
  FAILS(ipc_fromfd(0), EMFILE);
  FAILS(ipc_pair(s), EMFILE);
  FAILS(udp_open(NULL, NULL), EMFILE);
  FAILS(ipaddr_remote(&found, "localhost", 80, 0, -1), EMFILE);
  FAILS(happyeyeballs_connect("localhost", 80, -1), EMFILE);
  FAILS(hclose(1), EBADF);
  FAILS(hown(1), EBADF);
  FAILS(bundle_wait(1, -1), EBADF);
  FAILS(chsend(1, NULL, 0, -1), EBADF);
  FAILS(chrecv(1, NULL, 0, -1), EBADF);
  FAILS(brecv(1, NULL, 0, -1), EBADF);
  FAILS(tcp_close(1, -1), EBADF);
  CHECK(now() > 0);
}

static struct rlimit before;

static void* first_call(void* unused) {
  int ch[2];
  (void)unused;
  all_fail();
  CHECK(setrlimit(RLIMIT_NOFILE, &before) == 0);
  GIVES(chmake(ch), 0);
  GIVES(msleep(now() + 1), 0);
  GIVES(hclose(ch[0]), 0);
  GIVES(hclose(ch[1]), 0);
  return NULL;
}

int main(void) {
  struct rlimit none;
  pthread_t thread;
  if (simulated()) return 0;
  CHECK(getrlimit(RLIMIT_NOFILE, &before) == 0);
  none = before;
  none.rlim_cur = 0;
  CHECK(setrlimit(RLIMIT_NOFILE, &none) == 0);
  CHECK(pthread_create(&thread, NULL, first_call, NULL) == 0);
  CHECK(pthread_join(thread, NULL) == 0);
  return 0;
}
