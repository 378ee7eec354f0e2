/* rbtree_compat.c - compat/rbtree.c against an array that is kept in order. */
#include "../../compat/rbtree.c"

#include "check.h"

enum { most = 500, many = 100000 };

/* What the tree must have, in order. */
static struct dill_rbtree_item* sorted[most];
static int count;

static void put_into_array(struct dill_rbtree_item* item, int64_t val) {
  int at = count++;
  for (; at > 0 && sorted[at - 1]->val > val; --at) sorted[at] = sorted[at - 1];
  sorted[at] = item;
}

static void take_from_array(struct dill_rbtree_item* item) {
  int at = 0;
  while (sorted[at] != item) ++at;
  for (--count; at < count; ++at) sorted[at] = sorted[at + 1];
}

static void has_what_the_array_has(struct dill_rbtree* tree) {
  struct dill_rbtree_item* item = dill_rbtree_first(tree);
  int i;
  CHECK(dill_rbtree_empty(tree) == (count == 0));
  for (i = 0; i < count; ++i) {
    CHECK(item == sorted[i]);
    item = dill_rbtree_next(tree, item);
  }
  CHECK(item == NULL);
}

static void a_tree_without_items_is_empty(void) {
  struct dill_rbtree tree;
  memset(&tree, 0xa5, sizeof tree);
  dill_rbtree_init(&tree);
  CHECK(dill_rbtree_empty(&tree) == 1);
  CHECK(dill_rbtree_first(&tree) == NULL);
}

static void extremes_come_first_and_last(void) {
  struct dill_rbtree tree;
  struct dill_rbtree_item low, middle, high;
  dill_rbtree_init(&tree);
  dill_rbtree_insert(&tree, INT64_MAX, &high);
  dill_rbtree_insert(&tree, INT64_MIN, &low);
  dill_rbtree_insert(&tree, -1, &middle);
  CHECK(dill_rbtree_first(&tree) == &low);
  CHECK(dill_rbtree_next(&tree, &low) == &middle);
  CHECK(dill_rbtree_next(&tree, &middle) == &high);
  CHECK(dill_rbtree_next(&tree, &high) == NULL);
}

static void items_of_one_number_stay_in_the_order_they_came_in(void) {
  struct dill_rbtree tree;
  static struct dill_rbtree_item items[50];
  struct dill_rbtree_item* at;
  int i;
  dill_rbtree_init(&tree);
  for (i = 0; i < 50; ++i) dill_rbtree_insert(&tree, 7, &items[i]);
  at = dill_rbtree_first(&tree);
  for (i = 0; i < 50; ++i, at = dill_rbtree_next(&tree, at)) CHECK(at == &items[i]);
}

/* Few numbers, so that many are there twice. */
static void whatever_comes_and_goes_the_order_is_kept(void) {
  static struct dill_rbtree_item items[most];
  static char inside[most];
  struct dill_rbtree tree;
  int round;
  srand(1);
  dill_rbtree_init(&tree);
  for (round = 0; round < 20000; ++round) {
    int i = rand() % most;
    if (inside[i]) {
      take_from_array(&items[i]);
      dill_rbtree_erase(&tree, &items[i]);
    } else {
      int64_t val = rand() % 300 - 150;
      put_into_array(&items[i], val);
      dill_rbtree_insert(&tree, val, &items[i]);
    }
    inside[i] = !inside[i];
    if (round % 50 == 0) has_what_the_array_has(&tree);
  }
  while (count > 0) {
    struct dill_rbtree_item* item = sorted[rand() % count];
    take_from_array(item);
    dill_rbtree_erase(&tree, item);
    if (count % 50 == 0) has_what_the_array_has(&tree);
  }
}

static int depth(const struct dill_rbtree_item* item) {
  int above = 0;
  for (; item->up != NULL; item = item->up) ++above;
  return above;
}

/* About twice the logarithm to the base 2 is usual; a list would be as deep as it is long. */
static void numbers_that_only_rise_make_no_list(void) {
  struct dill_rbtree_item* items = (struct dill_rbtree_item*)calloc(many, sizeof *items);
  struct dill_rbtree tree;
  int i;
  CHECK(items != NULL);
  dill_rbtree_init(&tree);
  for (i = 0; i < many; ++i) dill_rbtree_insert(&tree, i, &items[i]);
  for (i = 0; i < many; ++i) CHECK(depth(&items[i]) < 70);
  free(items);
}

int main(void) {
  a_tree_without_items_is_empty();
  extremes_come_first_and_last();
  items_of_one_number_stay_in_the_order_they_came_in();
  whatever_comes_and_goes_the_order_is_kept();
  numbers_that_only_rise_make_no_list();
  return 0;
}
