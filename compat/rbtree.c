/* rbtree.c - items in the order of a number, written for programs that include libdill's file of the same
   name. The library itself keeps its timers elsewhere.

   The memory is the program's: an item is part of what it sorts, and an item is in one tree at most. Items of
   the same number stay in the order they came in.

       struct dill_rbtree tree;
       dill_rbtree_init(&tree);
       dill_rbtree_insert(&tree, 20, &late->item);
       dill_rbtree_insert(&tree, 10, &soon->item);
       first = dill_rbtree_first(&tree);         soon, then dill_rbtree_next(&tree, first) is late

   It is no red-black tree but a treap, which does the same in less: beside its number every item has a random
   weight, and none is heavier than the one above it. So the tree looks as if the items had come in the order
   of their weights, at random: inserting and erasing take O(log n) whatever the numbers are. */
#include <stddef.h>
#include <stdint.h>

struct dill_rbtree_item {
  int64_t val;
  uint32_t weight;
  struct dill_rbtree_item* up;
  struct dill_rbtree_item* down[2]; /* smaller; the same or larger */
};

struct dill_rbtree {
  struct dill_rbtree_item* root;
  uint32_t random; /* of the last weight */
};

void dill_rbtree_init(struct dill_rbtree* self) {
  self->root = NULL;
  self->random = 2463534242u;
}

int dill_rbtree_empty(struct dill_rbtree* self) {
  return self->root == NULL;
}

/* The next one by Marsaglia's xorshift. */
static uint32_t dill_rbtree_weight(struct dill_rbtree* self) {
  self->random ^= self->random << 13;
  self->random ^= self->random >> 17;
  self->random ^= self->random << 5;
  return self->random;
}

/* Where the tree has a pointer to `item`. */
static struct dill_rbtree_item** dill_rbtree_place(struct dill_rbtree* self,
                                                   struct dill_rbtree_item* item) {
  if (item->up == NULL) return &self->root;
  return &item->up->down[item->up->down[1] == item];
}

/* Exchanges `item` and the one above it; the order of the numbers stays. */
static void dill_rbtree_lift(struct dill_rbtree* self, struct dill_rbtree_item* item) {
  struct dill_rbtree_item* above = item->up;
  int side = above->down[1] == item;
  struct dill_rbtree_item* between = item->down[!side];
  *dill_rbtree_place(self, above) = item;
  item->up = above->up;
  item->down[!side] = above;
  above->up = item;
  above->down[side] = between;
  if (between != NULL) between->up = above;
}

void dill_rbtree_insert(struct dill_rbtree* self, int64_t val, struct dill_rbtree_item* item) {
  struct dill_rbtree_item** at = &self->root;
  item->val = val;
  item->weight = dill_rbtree_weight(self);
  item->up = item->down[0] = item->down[1] = NULL;
  while (*at != NULL) {
    item->up = *at;
    at = &(*at)->down[val >= (*at)->val];
  }
  *at = item;
  while (item->up != NULL && item->up->weight < item->weight) dill_rbtree_lift(self, item);
}

/* `item` is in the tree. */
void dill_rbtree_erase(struct dill_rbtree* self, struct dill_rbtree_item* item) {
  struct dill_rbtree_item *smaller, *larger;
  while (item->down[0] != NULL || item->down[1] != NULL) {
    smaller = item->down[0];
    larger = item->down[1];
    if (larger == NULL || (smaller != NULL && smaller->weight > larger->weight))
      dill_rbtree_lift(self, smaller);
    else
      dill_rbtree_lift(self, larger);
  }
  *dill_rbtree_place(self, item) = NULL;
}

/* The item of the smallest number; NULL if the tree is empty. */
struct dill_rbtree_item* dill_rbtree_first(struct dill_rbtree* self) {
  struct dill_rbtree_item* item = self->root;
  while (item != NULL && item->down[0] != NULL) item = item->down[0];
  return item;
}

/* The one after `item`; NULL if that is the last. */
struct dill_rbtree_item* dill_rbtree_next(struct dill_rbtree* self, struct dill_rbtree_item* item) {
  (void)self;
  if (item->down[1] == NULL) {
    while (item->up != NULL && item->up->down[1] == item) item = item->up;
    return item->up;
  }
  item = item->down[1];
  while (item->down[0] != NULL) item = item->down[0];
  return item;
}
