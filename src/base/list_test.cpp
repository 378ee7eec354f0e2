#include "caraway/list.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace caraway {
namespace {

struct item : list_node {
  explicit item(int v) : value(v) {}
  int value;
};

std::vector<int> values(list<item>& l) {
  std::vector<int> v;
  l.for_each([&](item& i) { v.push_back(i.value); });
  return v;
}

TEST(list, it_keeps_the_order_of_insertion) {
  list<item> l;
  item a(1), b(2), c(3);
  l.push_back(b);
  l.push_back(c);
  l.push_front(a);
  EXPECT_EQ(values(l), (std::vector{1, 2, 3}));
  EXPECT_EQ(l.pop_front().value, 1);
  EXPECT_EQ(values(l), (std::vector{2, 3}));
}

TEST(list, a_node_leaves_when_it_goes) {
  list<item> l;
  item a(1);
  l.push_back(a);
  {
    item b(2);
    l.push_back(b);
  }
  EXPECT_EQ(values(l), std::vector{1});
  a.unlink();
  a.unlink();
  EXPECT_TRUE(l.empty());
  EXPECT_FALSE(a.linked());
}

TEST(list, a_node_may_leave_while_the_list_is_walked) {
  list<item> l;
  item a(1), b(2), c(3);
  for (item* i : {&a, &b, &c}) l.push_back(*i);
  l.for_each([](item& i) {
    if (i.value != 2) i.unlink();
  });
  EXPECT_EQ(values(l), std::vector{2});
}

TEST(list, splicing_moves_everything_behind) {
  list<item> l, m;
  item a(1), b(2), c(3);
  l.push_back(a);
  m.push_back(b);
  m.push_back(c);
  l.splice_back(m);
  EXPECT_EQ(values(l), (std::vector{1, 2, 3}));
  EXPECT_TRUE(m.empty());
}

}  // namespace
}  // namespace caraway
