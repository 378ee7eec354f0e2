/* check.h - what the C programs here assert with. A failed check says where and ends the program. */
#ifndef CHECK_H_INCLUDED
#define CHECK_H_INCLUDED

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(condition)                                                                   \
  do {                                                                                     \
    if (!(condition)) {                                                                    \
      fprintf(stderr, "%s:%d: %s (errno %d: %s)\n", __FILE__, __LINE__, #condition, errno, \
              strerror(errno));                                                            \
      exit(1);                                                                             \
    }                                                                                      \
  } while (0)

/* The call returns -1 and sets errno to `code`. */
#define FAILS(call, code)                                                                    \
  do {                                                                                       \
    long check_result_;                                                                      \
    errno = 0;                                                                               \
    check_result_ = (long)(call);                                                            \
    if (check_result_ != -1 || errno != (code)) {                                            \
      fprintf(stderr, "%s:%d: %s returned %ld, errno %d (%s), not %s\n", __FILE__, __LINE__, \
              #call, check_result_, errno, strerror(errno), #code);                          \
      exit(1);                                                                               \
    }                                                                                        \
  } while (0)

/* The call returns `value` and leaves errno 0. */
#define GIVES(call, value)                                                                   \
  do {                                                                                       \
    long check_result_;                                                                      \
    errno = EDOM;                                                                            \
    check_result_ = (long)(call);                                                            \
    if (check_result_ != (long)(value) || errno != 0) {                                      \
      fprintf(stderr, "%s:%d: %s returned %ld, errno %d (%s), not %s\n", __FILE__, __LINE__, \
              #call, check_result_, errno, strerror(errno), #value);                         \
      exit(1);                                                                               \
    }                                                                                        \
  } while (0)

/* True in a build for Valgrind. */
static inline int under_valgrind(void) {
#ifdef CARAWAY_VALGRIND
  return 1;
#else
  return 0;
#endif
}

/* True on the simulator, which knows nothing of descriptors of the operating system. */
static inline int simulated(void) {
  const char* poller = getenv("CARAWAY_POLLER");
  return poller != NULL && strcmp(poller, "sim") == 0;
}

#endif
