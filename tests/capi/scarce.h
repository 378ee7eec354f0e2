/* scarce.h - memory that runs out: malloc and its kin, and mmap, fail where a program says so.

   A scenario makes calls in SCARCE(result, call): during these, and only in the thread that makes them, the
   n-th allocation fails, or all from the n-th on. sweep() runs the scenario for every n, each time in a new
   thread, which has no caches yet, until nothing fails any more. A call that has met it returns -1 with
   ENOMEM or succeeds; in the end no memory and no descriptor is left over; and each of the calls has failed at
   least once, or every_call_failed() ends the program. Include it in one file of a program. */
#ifndef SCARCE_H_INCLUDED
#define SCARCE_H_INCLUDED

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "check.h"

#include <dirent.h>
#include <limits.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <libdill.h>

#ifdef __cplusplus
#define NO_THROW noexcept
extern "C" {
#else
#define NO_THROW
#endif

void* __libc_malloc(size_t size);
void* __libc_calloc(size_t count, size_t size);
void* __libc_realloc(void* memory, size_t size);
void* __libc_memalign(size_t alignment, size_t size);
void __libc_free(void* memory);

/* Of the thread: whether allocations count, how many are left, and whether all fail after that. */
static __thread int scarce_armed;
static __thread long scarce_left;
static __thread int scarce_for_good;
static __thread int scarce_failed;
/* Of the process: allocations that have not been freed. */
static long scarce_live;

/* Who always gets memory: code from here to there, of libraries that are not to be trusted with none. */
static const char* scarce_spared[20][2];
static int scarce_spared_count;

/* Spares the library with `name` in its name. */
static inline void scarce_spare(const char* name) {
  char line[1000];
  FILE* maps = fopen("/proc/self/maps", "r");
  CHECK(maps != NULL);
  while (fgets(line, sizeof line, maps) != NULL) {
    char* end;
    const char** range = scarce_spared[scarce_spared_count];
    if (strstr(line, name) == NULL) continue;
    range[0] = (const char*)strtoul(line, &end, 16);
    range[1] = (const char*)strtoul(end + 1, NULL, 16);
    CHECK(++scarce_spared_count < 20);
  }
  fclose(maps);
}

static int scarce_is_spared(const void* caller) {
  const char* at = (const char*)caller;
  int i;
  for (i = 0; i < scarce_spared_count; ++i)
    if (at >= scarce_spared[i][0] && at < scarce_spared[i][1]) return 1;
  return 0;
}

static int scarce_runs_out(const void* caller) {
  if (!scarce_armed || scarce_is_spared(caller)) return 0;
  if (scarce_left > 1) return --scarce_left, 0;
  if (scarce_left == 0 && !scarce_for_good) return 0;
  scarce_left = 0;
  scarce_failed = 1;
  errno = ENOMEM;
  return 1;
}

static void* scarce_count(void* made) {
  if (made != NULL) __atomic_add_fetch(&scarce_live, 1, __ATOMIC_RELAXED);
  return made;
}

#define CALLER __builtin_return_address(0)

void* malloc(size_t size) NO_THROW {
  return scarce_runs_out(CALLER) ? NULL : scarce_count(__libc_malloc(size));
}
void* calloc(size_t count, size_t size) NO_THROW {
  return scarce_runs_out(CALLER) ? NULL : scarce_count(__libc_calloc(count, size));
}
void* realloc(void* memory, size_t size) NO_THROW {
  void* moved = scarce_runs_out(CALLER) ? NULL : __libc_realloc(memory, size);
  return memory == NULL ? scarce_count(moved) : moved;
}
void* memalign(size_t alignment, size_t size) NO_THROW {
  return scarce_runs_out(CALLER) ? NULL : scarce_count(__libc_memalign(alignment, size));
}
void* aligned_alloc(size_t alignment, size_t size) NO_THROW {
  return scarce_runs_out(CALLER) ? NULL : scarce_count(__libc_memalign(alignment, size));
}
int posix_memalign(void** memory, size_t alignment, size_t size) NO_THROW {
  void* made = scarce_runs_out(CALLER) ? NULL : scarce_count(__libc_memalign(alignment, size));
  if (made == NULL) return ENOMEM;
  *memory = made;
  return 0;
}
void free(void* memory) NO_THROW {
  if (memory != NULL) __atomic_sub_fetch(&scarce_live, 1, __ATOMIC_RELAXED);
  __libc_free(memory);
}
void* mmap(void* at, size_t size, int protection, int flags, int fd, off_t offset) NO_THROW {
  if (scarce_runs_out(CALLER)) return MAP_FAILED;
  return (void*)(intptr_t)syscall(SYS_mmap, at, size, protection, flags, fd, offset);
}

#ifdef __cplusplus
}
#endif

/* Where a call is made, and how often it has failed. */
struct scarce_call {
  const char* text;
  int known;
  long failures;
  struct scarce_call* next;
};
static struct scarce_call* scarce_calls;

/* What a call may fail with besides ENOMEM; 0 for nothing. */
static int scarce_also;

static void scarce_begin(struct scarce_call* c) {
  if (!c->known) {
    c->known = 1;
    c->next = scarce_calls;
    scarce_calls = c;
  }
  errno = 0;
  scarce_armed = 1;
}

static void scarce_end(struct scarce_call* c, long result) {
  scarce_armed = 0;
  if (result >= 0) return;
  if (result == -1 && errno == scarce_also) return;
  if (result != -1 || errno != ENOMEM || !scarce_failed) {
    fprintf(stderr, "%s returned %ld, errno %d (%s), %s\n", c->text, result, errno, strerror(errno),
            scarce_failed ? "short of memory" : "though there is memory");
    exit(1);
  }
  ++c->failures;
}

#define SCARCE(result, call)                                      \
  do {                                                            \
    static struct scarce_call scarce_call_ = {#call, 0, 0, NULL}; \
    scarce_begin(&scarce_call_);                                  \
    (result) = (call);                                            \
    scarce_end(&scarce_call_, (long)(result));                    \
  } while (0)

struct scarce_attempt {
  void (*scenario)(void);
  long n;
  int for_good;
  int failed;
};

/* What a thread keeps for itself until its end: a C library that cannot note that it has to be destroyed ends
   the program, so it is made while there is memory. */
static void scarce_warm_up(void) {
  int s[2];
  FAILS(fdin(-1, 0), EBADF);
  GIVES(ipc_pair(s), 0);
  GIVES(hclose(s[0]), 0);
  s[1] = ws_attach_server(s[1], WS_NOHTTP, NULL, 0, NULL, 0, -1);
  GIVES(hclose(s[1]), 0);
}

static void* scarce_run(void* argument) {
  struct scarce_attempt* a = (struct scarce_attempt*)argument;
  scarce_warm_up();
  scarce_failed = 0;
  scarce_left = a->n;
  scarce_for_good = a->for_good;
  a->scenario();
  a->failed = scarce_failed;
  return NULL;
}

static int open_descriptors(void) {
  DIR* all = opendir("/proc/self/fd");
  int n = 0;
  CHECK(all != NULL);
  while (readdir(all) != NULL) ++n;
  closedir(all);
  return n;
}

/* Whether anything has failed. */
static int scarce_attempt(struct scarce_attempt a) {
  pthread_t thread;
  CHECK(pthread_create(&thread, NULL, scarce_run, &a) == 0);
  CHECK(pthread_join(thread, NULL) == 0);
  return a.failed;
}

/* Allocations that may come and go between attempts, whatever fails. */
static long scarce_tolerated;

/* The threads that look names up may not have put everything away yet. */
static int scarce_left_over(long live) {
  int patience = 1000;
  while (labs(scarce_live - live) > scarce_tolerated && --patience > 0) usleep(1000);
  return patience == 0;
}

static void sweep(const char* name, void (*scenario)(void), long most) {
  struct scarce_attempt a = {scenario, 1L << 30, 0, 0};
  int descriptors;
  long live;
  CHECK(!scarce_attempt(a));
  usleep(20000);
  live = scarce_live;
  descriptors = open_descriptors();
  for (a.for_good = 0; a.for_good < 2; ++a.for_good) {
    a.n = 0;
    do {
      ++a.n;
      a.failed = scarce_attempt(a);
      if (scarce_left_over(live) || open_descriptors() != descriptors) {
        fprintf(stderr, "%s: when %s %ld failed, %ld allocations and %d descriptors were left\n",
                name, a.for_good ? "all from allocation" : "allocation", a.n, scarce_live - live,
                open_descriptors() - descriptors);
        exit(1);
      }
    } while (a.failed && a.n < most);
  }
}
#define SWEEP(scenario) sweep(#scenario, scenario, LONG_MAX)

static void every_call_failed(void) {
  const struct scarce_call* c;
  int all = 1;
  for (c = scarce_calls; c != NULL; c = c->next) {
    if (c->failures > 0) continue;
    fprintf(stderr, "%s never failed\n", c->text);
    all = 0;
  }
  CHECK(all);
}

#endif
