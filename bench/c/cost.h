/* cost.h - how the programs here measure: processor time of the process, for as many operations as make
   it worth looking at the clock. They use nothing but libdill.h, so that they can be built against any
   library that has it; see scripts/bench. */
#ifndef COST_H_INCLUDED
#define COST_H_INCLUDED

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static inline double processor_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* For what must not fail in a measurement. */
static inline void must(int ok, const char* what) {
  if (ok) return;
  perror(what);
  exit(1);
}

/* Calls run(n), which does `per_turn` operations n times, with ever more turns until that takes a third
   of a second; prints what one operation takes. */
static inline void print_cost(const char* operation, double per_turn, void (*run)(long n)) {
  long n;
  for (n = 1000;; n *= 2) {
    double start = processor_ns(), spent;
    run(n);
    spent = processor_ns() - start;
    if (spent < 3e8 && n < 1000000000) continue;
    printf("%.1f ns a %s\n", spent / ((double)n * per_turn), operation);
    return;
  }
}

#endif
