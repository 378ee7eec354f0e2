// outgoing_test.cpp - a write is shown, counted and copied piece by piece without losing its place.
#include "io/outgoing.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace caraway::io {
namespace {

std::string text_of(parts ps) {
  std::string all;
  for (bytes p : ps) all += as_text(p);
  return all;
}

TEST(outgoing, advances_over_every_boundary) {
  const std::array<bytes, 4> ps = {as_bytes("ab"), bytes(), as_bytes("c"), as_bytes("defg")};
  const std::string all = "headabcdefg";
  for (std::size_t first = 0; first <= all.size(); ++first) {
    for (std::size_t second = 0; first + second <= all.size(); ++second) {
      outgoing o(as_bytes("head"), ps);
      o.advance(first);
      o.advance(second);
      std::array<bytes, 8> room;
      EXPECT_EQ(text_of(o.show(room)), all.substr(first + second));
      EXPECT_EQ(o.left(), all.size() - first - second);
      EXPECT_EQ(o.left_of_head(), first + second < 4 ? 4 - first - second : 0);
      EXPECT_EQ(o.empty(), first + second == all.size());
    }
  }
}

TEST(outgoing, shows_no_more_pieces_than_there_is_room_for) {
  const std::array<bytes, 3> ps = {as_bytes("a"), as_bytes("b"), as_bytes("c")};
  const outgoing o(bytes(), ps);
  std::array<bytes, 2> room;
  EXPECT_EQ(text_of(o.show(room)), "ab");
}

TEST(outgoing, copies_what_comes_next) {
  const std::array<bytes, 3> ps = {as_bytes("one"), bytes(), as_bytes("two")};
  outgoing o(as_bytes("h"), ps);
  std::string copy(5, ' ');
  o.copy(reinterpret_cast<std::byte*>(copy.data()), 5);
  EXPECT_EQ(copy, "honet");
  EXPECT_EQ(o.left(), 2u);
}

}  // namespace
}  // namespace caraway::io
