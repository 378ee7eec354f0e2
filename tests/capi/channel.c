/* channel.c - channels and choose. */
#include "check.h"

#include <libdill.h>

static coroutine void send_one(int ch, int value, int code) {
  if (code == 0)
    GIVES(chsend(ch, &value, sizeof value, -1), 0);
  else
    FAILS(chsend(ch, &value, sizeof value, -1), code);
}

static coroutine void receive_one(int ch, int value, int code) {
  int got = -1;
  if (code == 0) {
    GIVES(chrecv(ch, &got, sizeof got, -1), 0);
    CHECK(got == value);
  } else {
    FAILS(chrecv(ch, &got, sizeof got, -1), code);
  }
}

static void make(int ch[2]) {
  GIVES(chmake(ch), 0);
}

static void finish(int ch[2], int b) {
  GIVES(hclose(b), 0);
  GIVES(hclose(ch[0]), 0);
  GIVES(hclose(ch[1]), 0);
}

static void messages_go_both_ways_first_come_first_served(void) {
  int ch[2];
  int value;
  int b = bundle();
  make(ch);
  CHECK(bundle_go(b, send_one(ch[0], 1, 0)) == 0);
  CHECK(bundle_go(b, send_one(ch[0], 2, 0)) == 0);
  CHECK(bundle_go(b, send_one(ch[1], 3, 0)) == 0);
  GIVES(chrecv(ch[1], &value, sizeof value, -1), 0);
  CHECK(value == 1);
  GIVES(chrecv(ch[0], &value, sizeof value, 0), 0);
  CHECK(value == 3);
  GIVES(chrecv(ch[1], &value, sizeof value, -1), 0);
  CHECK(value == 2);
  CHECK(bundle_go(b, receive_one(ch[1], 4, 0)) == 0);
  CHECK(bundle_go(b, receive_one(ch[1], 5, 0)) == 0);
  value = 4;
  GIVES(chsend(ch[0], &value, sizeof value, 0), 0);
  value = 5;
  GIVES(chsend(ch[0], &value, sizeof value, -1), 0);
  GIVES(bundle_wait(b, -1), 0);
  finish(ch, b);
}

static void empty_messages_need_no_memory(void) {
  int ch[2];
  int b = bundle();
  make(ch);
  CHECK(bundle_go(b, (void)chsend(ch[0], NULL, 0, -1)) == 0);
  GIVES(chrecv(ch[1], NULL, 0, -1), 0);
  FAILS(chsend(ch[0], NULL, 1, -1), EINVAL);
  FAILS(chrecv(ch[0], NULL, 1, -1), EINVAL);
  finish(ch, b);
}

static void different_sizes_fail_on_both_sides(void) {
  int ch[2];
  char little = 0;
  int b = bundle();
  make(ch);
  CHECK(bundle_go(b, send_one(ch[0], 1, EMSGSIZE)) == 0);
  FAILS(chrecv(ch[1], &little, sizeof little, -1), EMSGSIZE);
  GIVES(bundle_wait(b, -1), 0);
  finish(ch, b);
}

static void deadlines_pass(void) {
  int ch[2];
  int value = 0;
  int64_t start = now();
  int b = bundle();
  make(ch);
  FAILS(chsend(ch[0], &value, sizeof value, 0), ETIMEDOUT);
  FAILS(chrecv(ch[0], &value, sizeof value, now() + 10), ETIMEDOUT);
  CHECK(now() >= start + 10);
  CHECK(bundle_go(b, send_one(ch[0], 9, 0)) == 0);
  GIVES(chrecv(ch[1], &value, sizeof value, 0), 0);
  CHECK(value == 9);
  finish(ch, b);
}

static void done_ends_one_direction_for_good(void) {
  int ch[2];
  int value = 5;
  int b = bundle();
  make(ch);
  CHECK(bundle_go(b, receive_one(ch[1], 0, EPIPE)) == 0);
  CHECK(bundle_go(b, receive_one(ch[0], 5, 0)) == 0);
  GIVES(chdone(ch[0]), 0);
  FAILS(chdone(ch[0]), EPIPE);
  FAILS(chsend(ch[0], &value, sizeof value, -1), EPIPE);
  FAILS(chrecv(ch[1], &value, sizeof value, -1), EPIPE);
  FAILS(chrecv(ch[1], &value, sizeof value, -1), EPIPE);
  GIVES(chsend(ch[1], &value, sizeof value, -1), 0);
  GIVES(bundle_wait(b, -1), 0);
  finish(ch, b);
}

static void who_is_blocked_when_a_channel_closes_sees_its_end(void) {
  int ch[2];
  int b = bundle();
  make(ch);
  CHECK(bundle_go(b, send_one(ch[0], 1, EPIPE)) == 0);
  CHECK(bundle_go(b, receive_one(ch[0], 1, EPIPE)) == 0);
  GIVES(hclose(ch[0]), 0);
  FAILS(chsend(ch[1], "", 1, -1), EPIPE);
  GIVES(hclose(ch[1]), 0);
  FAILS(chsend(ch[1], "", 1, -1), EBADF);
  GIVES(hclose(b), 0);
}

static void a_channel_lives_in_memory_of_the_caller(void) {
  struct {
    char odd;
    struct chstorage storage;
  } memory;
  int ch[2];
  int value = 0;
  int b = bundle();
  GIVES(chmake_mem(&memory.storage, ch), 0);
  CHECK(bundle_go(b, send_one(ch[1], 8, 0)) == 0);
  GIVES(chrecv(ch[0], &value, sizeof value, -1), 0);
  CHECK(value == 8);
  finish(ch, b);
  FAILS(chmake_mem(NULL, ch), EINVAL);
  FAILS(chmake(NULL), EINVAL);
}

static void choose_takes_the_first_clause_that_can_go_on(void) {
  int one[2], two[2];
  int a = 0, c = 0;
  int b = bundle();
  struct chclause clauses[2];
  make(one);
  make(two);
  clauses[0].op = CHRECV;
  clauses[0].ch = one[0];
  clauses[0].val = &a;
  clauses[0].len = sizeof a;
  clauses[1] = clauses[0];
  clauses[1].ch = two[0];
  clauses[1].val = &c;
  FAILS(choose(clauses, 2, 0), ETIMEDOUT);
  FAILS(choose(clauses, 2, now() + 5), ETIMEDOUT);
  CHECK(bundle_go(b, send_one(two[1], 2, 0)) == 0);
  CHECK(bundle_go(b, send_one(one[1], 1, 0)) == 0);
  GIVES(choose(clauses, 2, -1), 0);
  CHECK(a == 1);
  GIVES(choose(clauses, 2, -1), 1);
  CHECK(c == 2);
  CHECK(bundle_go(b, (void)msleep(now() + 5)) == 0);
  CHECK(bundle_go(b, send_one(two[1], 3, 0)) == 0);
  clauses[0].ch = two[0];
  GIVES(choose(clauses, 2, -1), 0);
  CHECK(a == 3);
  GIVES(hclose(one[0]), 0);
  GIVES(hclose(one[1]), 0);
  finish(two, b);
}

static coroutine void choose_between(int first, int second, int index) {
  int value = 3;
  struct chclause clauses[2] = {{CHSEND, first, NULL, 0}, {CHSEND, second, NULL, 0}};
  clauses[0].val = clauses[1].val = &value;
  clauses[0].len = clauses[1].len = sizeof value;
  GIVES(choose(clauses, 2, -1), index);
}

static void choose_waits_and_leaves_the_other_queues(void) {
  int one[2], two[2];
  int value = 0;
  int b = bundle();
  make(one);
  make(two);
  CHECK(bundle_go(b, choose_between(one[0], two[0], 1)) == 0);
  GIVES(chrecv(two[1], &value, sizeof value, -1), 0);
  CHECK(value == 3);
  GIVES(bundle_wait(b, -1), 0);
  FAILS(chrecv(one[1], &value, sizeof value, 0), ETIMEDOUT);
  GIVES(hclose(one[0]), 0);
  GIVES(hclose(one[1]), 0);
  finish(two, b);
}

static coroutine void wait_for_two_bytes(int ch) {
  char two[2];
  FAILS(chrecv(ch, two, sizeof two, -1), EMSGSIZE);
}

static void choose_reports_what_is_wrong_with_a_clause(void) {
  int ch[2];
  int value = 0;
  int b = bundle();
  struct chclause clause = {CHRECV, -1, NULL, 4};
  make(ch);
  clause.val = &value;
  CHECK(choose(&clause, 1, -1) == 0 && errno == EBADF);
  clause.ch = b;
  CHECK(choose(&clause, 1, -1) == 0 && errno == ENOTSUP);
  clause.ch = ch[0];
  clause.op = 3;
  CHECK(choose(&clause, 1, -1) == 0 && errno == EINVAL);
  clause.op = CHSEND;
  clause.val = NULL;
  CHECK(choose(&clause, 1, -1) == 0 && errno == EINVAL);
  clause.val = &value;
  CHECK(bundle_go(b, wait_for_two_bytes(ch[1])) == 0);
  CHECK(choose(&clause, 1, -1) == 0 && errno == EMSGSIZE);
  GIVES(chdone(ch[0]), 0);
  CHECK(choose(&clause, 1, -1) == 0 && errno == EPIPE);
  FAILS(choose(NULL, 1, -1), EINVAL);
  FAILS(choose(&clause, -1, -1), EINVAL);
  FAILS(choose(NULL, 0, now() + 5), ETIMEDOUT);
  finish(ch, b);
}

static coroutine void send_after_a_turn(int ch, int value) {
  GIVES(yield(), 0);
  GIVES(chsend(ch, &value, sizeof value, -1), 0);
}

static void choose_among_many(void) {
  enum { many = 40 };
  int ch[many][2];
  int values[many];
  struct chclause clauses[many];
  int i;
  int b = bundle();
  for (i = 0; i < many; ++i) {
    make(ch[i]);
    values[i] = 0;
    clauses[i].op = CHRECV;
    clauses[i].ch = ch[i][0];
    clauses[i].val = &values[i];
    clauses[i].len = sizeof values[i];
  }
  CHECK(bundle_go(b, (void)msleep(-1)) == 0);
  CHECK(bundle_go(b, send_after_a_turn(ch[33][1], 33)) == 0);
  GIVES(choose(clauses, many, -1), 33);
  CHECK(values[33] == 33);
  GIVES(hclose(b), 0);
  for (i = 0; i < many; ++i) {
    GIVES(hclose(ch[i][0]), 0);
    GIVES(hclose(ch[i][1]), 0);
  }
}

static coroutine void whisper(int left, int right) {
  int value;
  if (chrecv(right, &value, sizeof value, -1) != 0) return;
  ++value;
  GIVES(chsend(left, &value, sizeof value, -1), 0);
}

static void whispers_pass_down_a_line(void) {
  enum { people = 500 };
  int ch[people + 1][2];
  int i;
  int value = 0;
  int b = bundle();
  for (i = 0; i <= people; ++i) make(ch[i]);
  for (i = 0; i < people; ++i) CHECK(bundle_go(b, whisper(ch[i][0], ch[i + 1][1])) == 0);
  GIVES(chsend(ch[people][0], &value, sizeof value, -1), 0);
  GIVES(chrecv(ch[0][1], &value, sizeof value, -1), 0);
  CHECK(value == people);
  GIVES(hclose(b), 0);
  for (i = 0; i <= people; ++i) {
    GIVES(hclose(ch[i][0]), 0);
    GIVES(hclose(ch[i][1]), 0);
  }
}

int main(void) {
  messages_go_both_ways_first_come_first_served();
  empty_messages_need_no_memory();
  different_sizes_fail_on_both_sides();
  deadlines_pass();
  done_ends_one_direction_for_good();
  who_is_blocked_when_a_channel_closes_sees_its_end();
  a_channel_lives_in_memory_of_the_caller();
  choose_takes_the_first_clause_that_can_go_on();
  choose_waits_and_leaves_the_other_queues();
  choose_reports_what_is_wrong_with_a_clause();
  choose_among_many();
  whispers_pass_down_a_line();
  return 0;
}
