#include "codec/ws_extension.hpp"

#include <gtest/gtest.h>

namespace caraway::ws {
namespace {

// "a;b=c;d, e" as it was understood, or "malformed".
std::string understood(const http::field_list& fields) {
  const auto all = parse_extensions(fields);
  if (!all) return "malformed";
  std::string text;
  for (const extension& e : *all) {
    text += (text.empty() ? "" : ", ") + e.name;
    for (const extension_parameter& p : e.parameters)
      text += ";" + p.name + (p.value ? "=" + *p.value : "");
  }
  return text;
}

std::string understood(std::string value) {
  return understood({{"Sec-WebSocket-Extensions", std::move(value)}});
}

TEST(ws_extension, lists_are_read_with_and_without_space) {
  EXPECT_EQ(understood("foo"), "foo");
  EXPECT_EQ(understood("foo, bar; baz=2"), "foo, bar;baz=2");
  EXPECT_EQ(understood("foo,bar;baz=2;qux"), "foo, bar;baz=2;qux");
  EXPECT_EQ(understood(" foo ;\ta = 1 ; b\t, bar "), "foo;a=1;b, bar");
}

TEST(ws_extension, several_fields_are_one_list) {
  EXPECT_EQ(understood({{"Sec-WebSocket-Extensions", "a; b"},
                        {"Host", "h"},
                        {"sec-websocket-extensions", "c, d"}}),
            "a;b, c, d");
  EXPECT_EQ(understood(http::field_list{}), "");
}

TEST(ws_extension, empty_members_count_for_nothing) {
  EXPECT_EQ(understood(""), "");
  EXPECT_EQ(understood(", ,"), "");
  EXPECT_EQ(understood(",a,, b,"), "a, b");
}

TEST(ws_extension, quotes_around_a_value_are_no_part_of_it) {
  EXPECT_EQ(understood("a; b=\"10\""), "a;b=10");
  EXPECT_EQ(understood("a; b=\"1\\0\" ; c"), "a;b=10;c");
}

TEST(ws_extension, what_does_not_follow_the_grammar_is_malformed) {
  for (const char* text : {";",           "=",          "a;",        "a;;b",         "a; =1",
                           "a; b=",       "a=1",        "a b",       "a; b c",       "a; b=1 2",
                           "a; b=\"",     "a; b=\"1",   "a; b=\"\"", "a; b=\"1 2\"", "a; b=\"1,2\"",
                           "a; b=\"1\"2", "a; b=\"1\\", "a; \"b\"",  "\"a\"",        "a; b=c=d",
                           "(",           "a, (",       "a; b=/"})
    EXPECT_EQ(understood(text), "malformed") << text;
}

}  // namespace
}  // namespace caraway::ws
