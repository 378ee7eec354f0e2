#include "codec/delimiter.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "codec/guarded_bytes.hpp"

namespace caraway::codec {
namespace {

delimiter made(std::string_view text) {
  return delimiter(as_bytes(text));
}

bool ends_well(const std::vector<std::string_view>& pieces, std::string_view end) {
  std::vector<bytes> ps;
  for (std::string_view p : pieces) ps.push_back(as_bytes(p));
  return ends_where_it_should(ps, made(end));
}

std::optional<std::size_t> find(std::string_view text, std::string_view end) {
  const guarded_bytes in(as_bytes(text));
  delimiter_search search(made(end));
  return search.find(in.view());
}

// All strings of `n` letters a and b.
std::vector<std::string> words(std::size_t n) {
  std::vector<std::string> all;
  for (unsigned bits = 0; bits < 1u << n; ++bits) {
    std::string word;
    for (std::size_t i = 0; i < n; ++i) word += (bits >> i & 1) != 0 ? 'b' : 'a';
    all.push_back(word);
  }
  return all;
}

TEST(delimiter, is_found_where_it_begins_first) {
  EXPECT_EQ(find("abc\r\ndef\r\n", "\r\n"), 3u);
  EXPECT_EQ(find("\r\n", "\r\n"), 0u);
  EXPECT_EQ(find("a\r\r\n", "\r\n"), 2u);
  EXPECT_EQ(find("", "\n"), std::nullopt);
  EXPECT_EQ(find("abc\r", "\r\n"), std::nullopt);
}

TEST(delimiter, may_be_of_any_bytes) {
  EXPECT_EQ(find(std::string_view("a\0b\0\0c", 6), std::string_view("\0\0", 2)), 3u);
  const std::string end(max_delimiter, '\xff');
  EXPECT_EQ(find("x" + end, end), 1u);
}

TEST(delimiter, is_found_however_the_bytes_come) {
  for (std::size_t m : {1, 2, 3, 4})
    for (const std::string& end : words(m))
      for (const std::string& text : words(7))
        for (std::size_t cut = 0; cut <= text.size(); ++cut) {
          delimiter_search search(made(end));
          auto at = search.find(as_bytes(text).first(cut));
          if (!at) at = search.find(as_bytes(text));
          EXPECT_EQ(at.value_or(std::string::npos), text.find(end)) << text << " " << end;
        }
}

TEST(delimiter, what_is_needed_at_least_never_reaches_beyond_the_delimiter) {
  for (std::size_t m : {1, 2, 3, 4})
    for (const std::string& end : words(m))
      for (const std::string& message : words(5)) {
        const std::string text = message + end;
        const std::size_t whole = text.find(end) + end.size();
        delimiter_search search(made(end));
        for (std::size_t n = 0;;) {
          const auto at = search.find(as_bytes(text).first(n));
          if (at) break;
          n += search.need();
          ASSERT_LE(n, whole) << text << " " << end;
        }
      }
}

TEST(delimiter, what_may_be_its_beginning_is_told_from_the_message) {
  delimiter_search search(made("STOP"));
  EXPECT_FALSE(search.find(as_bytes("abcST")));
  EXPECT_EQ(search.open(), 2u);
  EXPECT_EQ(search.need(), 2u);
  EXPECT_FALSE(search.find(as_bytes("abcSTx")));
  EXPECT_EQ(search.open(), 0u);
  search.restart();
  EXPECT_EQ(search.find(as_bytes("STOP")), 0u);
}

TEST(delimiter, is_found_in_time_in_bytes_that_look_like_it) {
  const std::string end = std::string(31, 'a') + "b";
  const std::string text = std::string(1 << 20, 'a') + "b";
  delimiter_search search(made(end));
  for (std::size_t n = 0; n < text.size(); n += 4096)
    EXPECT_FALSE(search.find(as_bytes(text).first(n)));
  EXPECT_EQ(search.find(as_bytes(text)), text.size() - end.size());
}

TEST(delimiter, must_not_be_found_before_the_end_of_a_message) {
  for (std::size_t m : {1, 2, 3, 4})
    for (const std::string& end : words(m))
      for (const std::string& message : words(5)) {
        const bool well = (message + end).find(end) == message.size();
        EXPECT_EQ(ends_well({message}, end), well) << message << " " << end;
      }
}

TEST(delimiter, is_seen_across_the_pieces_of_a_message) {
  for (const std::string& end : words(3))
    for (const std::string& message : words(6)) {
      const bool well = (message + end).find(end) == message.size();
      const std::string_view text = message;
      for (std::size_t i = 0; i <= text.size(); ++i)
        for (std::size_t j = i; j <= text.size(); ++j)
          EXPECT_EQ(ends_well({text.substr(0, i), text.substr(i, j - i), {}, text.substr(j)}, end),
                    well);
    }
}

TEST(delimiter, an_empty_message_ends_well) {
  EXPECT_TRUE(ends_well({}, "\r\n"));
  EXPECT_TRUE(ends_well({""}, "\r\n"));
  EXPECT_TRUE(ends_well({}, "aa"));
}

}  // namespace
}  // namespace caraway::codec
