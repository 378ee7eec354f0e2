/* fd.c - waiting for descriptors, and time. */
#include "check.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <libdill.h>

static void time_goes_forward(void) {
  int64_t start = now();
  CHECK(start > 0);
  GIVES(msleep(start + 20), 0);
  CHECK(now() >= start + 20);
  GIVES(msleep(start), 0);
  GIVES(msleep(0), 0);
}

static void descriptors_that_are_not_open_are_refused(void) {
  FAILS(fdin(33, -1), EBADF);
  FAILS(fdout(33, -1), EBADF);
  FAILS(fdin(-1, -1), EBADF);
  GIVES(fdclean(33), 0);
  GIVES(fdclean(-1), 0);
}

static void readiness_is_a_state_and_not_an_event(void) {
  int fds[2];
  char c = 'x';
  CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
  FAILS(fdin(fds[0], 0), ETIMEDOUT);
  FAILS(fdin(fds[0], now() + 10), ETIMEDOUT);
  GIVES(fdout(fds[0], -1), 0);
  CHECK(write(fds[1], &c, 1) == 1);
  GIVES(fdin(fds[0], -1), 0);
  GIVES(fdin(fds[0], 0), 0);
  CHECK(read(fds[0], &c, 1) == 1);
  FAILS(fdin(fds[0], 0), ETIMEDOUT);
  GIVES(fdclean(fds[1]), 0);
  close(fds[1]);
  GIVES(fdin(fds[0], -1), 0);
  GIVES(fdout(fds[0], -1), 0);
  GIVES(fdclean(fds[0]), 0);
  close(fds[0]);
}

static coroutine void wait_in(int fd, int code) {
  if (code == 0)
    GIVES(fdin(fd, -1), 0);
  else
    FAILS(fdin(fd, -1), code);
}

static void one_coroutine_waits_for_each_direction(void) {
  int fds[2];
  int b = bundle();
  CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
  CHECK(bundle_go(b, wait_in(fds[0], 0)) == 0);
  FAILS(fdin(fds[0], -1), EBUSY);
  FAILS(fdclean(fds[0]), EBUSY);
  GIVES(fdout(fds[0], -1), 0);
  CHECK(write(fds[1], "", 1) == 1);
  GIVES(bundle_wait(b, -1), 0);
  GIVES(hclose(b), 0);
  b = go(wait_in(fds[1], ECANCELED));
  GIVES(hclose(b), 0);
  FAILS(fdin(fds[1], 0), ETIMEDOUT);
  close(fds[0]);
  close(fds[1]);
}

static void a_number_can_be_used_again(void) {
  int i;
  for (i = 0; i < 3; ++i) {
    int fds[2];
    CHECK(pipe(fds) == 0);
    FAILS(fdin(fds[0], 0), ETIMEDOUT);
    CHECK(write(fds[1], "", 1) == 1);
    GIVES(fdin(fds[0], -1), 0);
    close(fds[0]);
    close(fds[1]);
  }
}

static long turns;

static coroutine void never_rest(void) {
  while (yield() == 0) ++turns;
}

/* A program with something to do all the time must not keep descriptors waiting. */
static void descriptors_are_looked_at_beside_coroutines_that_are_always_ready(void) {
  int fds[2];
  char c;
  int i;
  int b = bundle();
  CHECK(pipe(fds) == 0);
  CHECK(bundle_go(b, never_rest()) == 0);
  CHECK(bundle_go(b, never_rest()) == 0);
  for (i = 0; i < 20; ++i) {
    int waiter;
    FAILS(fdin(fds[0], 0), ETIMEDOUT);
    waiter = go(wait_in(fds[0], 0));
    CHECK(write(fds[1], "", 1) == 1);
    GIVES(bundle_wait(waiter, -1), 0);
    CHECK(read(fds[0], &c, 1) == 1);
    GIVES(hclose(waiter), 0);
  }
  /* A second has millions of turns. */
  CHECK(turns < 20 * 500000L);
  GIVES(hclose(b), 0);
  close(fds[0]);
  close(fds[1]);
}

static void a_regular_file_is_always_ready(void) {
  char name[] = "/tmp/libdill-fd-XXXXXX";
  int fd = mkstemp(name);
  CHECK(fd >= 0);
  unlink(name);
  GIVES(fdin(fd, 0), 0);
  GIVES(fdout(fd, 0), 0);
  close(fd);
}

static int signal_pipe[2];
static void on_signal(int number) {
  ssize_t n = write(signal_pipe[1], &number, 1);
  (void)n;
}

static void signals_do_not_show(void) {
  char c;
  int i;
  CHECK(pipe(signal_pipe) == 0);
  CHECK(signal(SIGUSR1, on_signal) != SIG_ERR);
  for (i = 0; i < 200; ++i) {
    int b = go(wait_in(signal_pipe[0], 0));
    CHECK(raise(SIGUSR1) == 0);
    GIVES(bundle_wait(b, -1), 0);
    CHECK(read(signal_pipe[0], &c, 1) == 1);
    GIVES(hclose(b), 0);
  }
}

static int alarms;
static void on_alarm(int number) {
  (void)number;
  ++alarms;
}

/* These come while the thread sleeps in the kernel: a millisecond apart, all the time. */
static void signals_do_not_end_a_wait(void) {
  struct itimerval often = {{0, 1000}, {0, 1000}};
  struct itimerval never_more = {{0, 0}, {0, 0}};
  int64_t start;
  int fds[2];
  CHECK(pipe(fds) == 0);
  CHECK(signal(SIGALRM, on_alarm) != SIG_ERR);
  CHECK(setitimer(ITIMER_REAL, &often, NULL) == 0);
  start = now();
  FAILS(fdin(fds[0], start + 50), ETIMEDOUT);
  CHECK(now() >= start + 50);
  GIVES(msleep(start + 100), 0);
  CHECK(now() >= start + 100);
  CHECK(setitimer(ITIMER_REAL, &never_more, NULL) == 0);
  CHECK(alarms > 0);
  close(fds[0]);
  close(fds[1]);
}

int main(void) {
  time_goes_forward();
  descriptors_that_are_not_open_are_refused();
  if (simulated()) return 0;
  readiness_is_a_state_and_not_an_event();
  one_coroutine_waits_for_each_direction();
  a_number_can_be_used_again();
  descriptors_are_looked_at_beside_coroutines_that_are_always_ready();
  a_regular_file_is_always_ready();
  signals_do_not_show();
  signals_do_not_end_a_wait();
  return 0;
}
