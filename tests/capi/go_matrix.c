/* go_matrix.c - what a compiler may do to go(): built with many flags by go_matrix.sh, and as one test
   like the others. */
#include "check.h"

#include <libdill.h>

struct large {
  long a[6];
};

static int sum;
static int ended;

static coroutine void add(int n, int* counter) {
  CHECK(yield() == 0);
  sum += n;
  ++*counter;
  CHECK(yield() == 0);
  ++ended;
}

static coroutine void add_nine(int a, int b, int c, int d, int e, int f, int g, int h, long i) {
  CHECK(yield() == 0);
  sum += a + b + c + d + e + f + g + h + (int)i;
  CHECK(yield() == 0);
  ++ended;
}

static coroutine void add_struct(struct large l, double d) {
  int i;
  CHECK(yield() == 0);
  for (i = 0; i < 6; ++i) sum += (int)l.a[i];
  sum += (int)d;
  CHECK(yield() == 0);
  ++ended;
}

/* Not marked: must not become part of the function that starts it. (With AddressSanitizer GCC lacks
   the means.) */
#if defined(__SANITIZE_ADDRESS__)
coroutine
#endif
    static void
    keep(int n) {
  char room[200];
  size_t i;
  memset(room, n, sizeof room);
  CHECK(yield() == 0);
  for (i = 0; i < sizeof room; ++i) CHECK(room[i] == (char)n);
  ++ended;
}

static void start_many(int base, long double l, double d, int b) {
  int counter = 0;
  int expected = 0;
  int results = 0;
  struct large s;
  double x = d;
  int i, j;
  for (i = 0; i < 6; ++i) s.a[i] = base + i;
  for (i = 0; i < 5; ++i) {
    results += bundle_go(b, add(i, &counter)) + 1;
    ++s.a[0];
    l *= 1.5L;
    results += bundle_go(b, add_struct(s, x + i)) + 1;
    results += bundle_go(b, add_nine(i, 2, 3, 4, 5, 6, 7, 8, base)) + 1;
    expected += i + (int)(x + i) + i + 35 + base;
    for (j = 0; j < 6; ++j) expected += (int)s.a[j];
    x *= 2;
    results += bundle_go(b, keep(i + base)) + 1;
  }
  CHECK(bundle_wait(b, -1) == 0);
  CHECK(results == 20 && counter == 5 && ended == 20 && sum == expected);
  CHECK(x == d * 32 && l == 3.0L * 1.5L * 1.5L * 1.5L * 1.5L * 1.5L);
}

/* The compiler must not believe that it knows what the coroutine has done. */
static void results_come_back_through_pointers(void) {
  int counter = 0;
  int b = go(add(1, &counter));
  CHECK(b > 0);
  while (counter == 0) CHECK(yield() == 0);
  CHECK(hclose(b) == 0);
}

static void functions_are_called_through_pointers_and_frames_are_aligned(int b) {
  void (*functions[2])(int, int*) = {add, add};
  __attribute__((aligned(64))) char numbers[128];
  int counter = 0;
  int i;
  memset(numbers, 5, sizeof numbers);
  sum = 0;
  for (i = 0; i < 100; ++i) CHECK(bundle_go(b, functions[i % 2](numbers[i], &counter)) == 0);
  CHECK(bundle_wait(b, -1) == 0);
  CHECK(sum == 500 && counter == 100 && ((uintptr_t)numbers & 63) == 0);
}

static coroutine void deep(int n, int b) {
  char room[64];
  memset(room, n, sizeof room);
  if (n > 0) CHECK(bundle_go(b, deep(n - 1, b)) == 0);
  CHECK(yield() == 0);
  CHECK(room[0] == (char)n && room[63] == (char)n);
}

/* Starting for ever must not use the stack up. */
static void a_loop_that_starts_costs_no_stack(int b) {
  int counter = 0;
  int i;
  for (i = 0; i < 100000; ++i) {
    CHECK(bundle_go(b, add(0, &counter)) == 0);
    if (i % 100 == 0) CHECK(bundle_wait(b, -1) == 0);
  }
  CHECK(bundle_wait(b, -1) == 0);
  CHECK(counter == 100000);
}

int main(int argc, char** argv) {
  int b = bundle();
  (void)argv;
  start_many(10 * argc, 3.0L * argc, 2.5 * argc, b);
  results_come_back_through_pointers();
  functions_are_called_through_pointers_and_frames_are_aligned(b);
  CHECK(bundle_go(b, deep(20, b)) == 0);
  CHECK(bundle_wait(b, -1) == 0);
  a_loop_that_starts_costs_no_stack(b);
  CHECK(hclose(b) == 0);
  return 0;
}
