// utf8_test.cpp - UTF-8 validation against the definition, decoded number by number.
#include "codec/utf8.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <string_view>

#include "codec/guarded_bytes.hpp"
#include "codec/utf8_reference.hpp"

namespace caraway::codec {
namespace {

utf8_state after(std::string_view text) {
  return utf8_advance(utf8_complete, as_bytes(text));
}

// What the definition says about `text` as a first piece.
int kind_of(std::string_view text) {
  switch (utf8_by_definition(as_bytes(text))) {
    case utf8_truth::whole:
      return 0;
    case utf8_truth::incomplete:
      return 1;
    case utf8_truth::wrong:
      return 2;
  }
  return 3;
}

int kind_of_state(utf8_state s) {
  return s == utf8_complete ? 0 : s == utf8_invalid ? 2 : 1;
}

// The text at the front, in the middle and at the end of runs that go through the vectors.
void expect_as_defined(std::string_view text) {
  ASSERT_EQ(kind_of_state(after(text)), kind_of(text));
  static const std::string ascii(70, 'x');
  std::string wide = ascii;
  for (std::size_t at : {3u, 30u, 61u}) {
    wide.assign(ascii).replace(at, text.size(), text);
    ASSERT_EQ(kind_of_state(after(wide)), kind_of(wide)) << "at " << at;
  }
  wide.assign(ascii).append(text);
  ASSERT_EQ(kind_of_state(after(wide)), kind_of(wide));
}

TEST(utf8, empty_text_is_complete) {
  EXPECT_EQ(after(""), utf8_complete);
}

TEST(utf8, every_single_byte) {
  for (int a = 0; a < 256; ++a) expect_as_defined(std::string{char(a)});
}

TEST(utf8, every_two_bytes) {
  for (int a = 0; a < 256; ++a)
    for (int b = 0; b < 256; ++b) expect_as_defined(std::string{char(a), char(b)});
}

// A lead byte and every second and third; the second of 16 values on each side of every border.
TEST(utf8, every_three_bytes_behind_a_lead_byte) {
  for (int a = 0xc0; a < 256; ++a)
    for (int b = 0x70; b < 0xd0; ++b)
      for (int c = 0x70; c < 0xd0; ++c) {
        const std::string text{char(a), char(b), char(c)};
        ASSERT_EQ(kind_of_state(after(text)), kind_of(text)) << a << ' ' << b << ' ' << c;
      }
}

TEST(utf8, every_four_bytes_at_the_borders_in_a_long_run) {
  std::string wide(64 + 32, 'x');
  for (int a : {0xe0, 0xed, 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xf8, 0xff})
    for (int b = 0x7f; b <= 0xc0; ++b)
      for (int c : {0x7f, 0x80, 0xbf, 0xc0})
        for (int d : {0x00, 0x7f, 0x80, 0xbf, 0xc0, 0xff}) {
          const std::string text{char(a), char(b), char(c), char(d)};
          wide.replace(62, 4, text);
          ASSERT_EQ(kind_of_state(after(wide)), kind_of(wide)) << a << ' ' << b << ' ' << c;
        }
}

TEST(utf8, every_code_point_is_valid_and_every_surrogate_is_not) {
  for (unsigned c = 0; c <= 0x110000; ++c) {
    const std::string text = utf8_of(c);
    const bool valid = c <= 0x10ffff && (c < 0xd800 || c > 0xdfff);
    ASSERT_EQ(is_utf8(as_bytes(text)), valid) << std::hex << c;
  }
}

// RFC 6455 section 8.1 through RFC 3629: promptly, not when the sequence is over.
TEST(utf8, a_wrong_second_byte_is_noticed_before_the_sequence_is_complete) {
  for (std::string_view wrong : {"\xe0\x9f", "\xed\xa0", "\xf0\x8f", "\xf4\x90", "\xe1\x7f",
                                 "\xf1\x80\xc0", "\xc0", "\xc1", "\xf5", "\xff", "\x80"}) {
    expect_as_defined(wrong);
    EXPECT_EQ(after(wrong), utf8_invalid) << wrong;
    EXPECT_EQ(after(std::string(100, 'a') + std::string(wrong)), utf8_invalid);
  }
}

TEST(utf8, invalid_stays_invalid) {
  EXPECT_EQ(utf8_advance(utf8_invalid, as_bytes("a")), utf8_invalid);
  EXPECT_EQ(utf8_advance(utf8_invalid, as_bytes(std::string(500, 'a'))), utf8_invalid);
  EXPECT_EQ(utf8_advance(utf8_invalid, as_bytes("\x80")), utf8_invalid);
}

TEST(utf8, all_two_cuts_of_a_text_give_what_the_whole_gives) {
  for (std::string_view tail : {"\xce\xba\xe1\xbd\xb9\xcf\x83", "\xf0\x9f\x8c\xb1", "\xed\xa0\x80",
                                "\xf4\x90\x80\x80", "\xe2\x82", "\xc3"}) {
    const std::string text = "gr\xc3\xbc\xc3\x9f\x65 \xe2\x82\xac\xf0\x9f\x98\x80" +
                             std::string(40, 'y') + std::string(tail);
    for (std::size_t i = 0; i <= text.size(); ++i)
      for (std::size_t k = i; k <= text.size(); ++k) {
        const bytes all = as_bytes(text);
        utf8_state s = utf8_advance(utf8_complete, all.first(i));
        s = utf8_advance(s, all.subspan(i, k - i));
        s = utf8_advance(s, all.subspan(k));
        ASSERT_EQ(s, after(text)) << i << ' ' << k;
      }
  }
}

// Wherever a sequence breaks off in ASCII, no block of the vectors may take the ASCII behind for
// good.
TEST(utf8, a_sequence_broken_off_is_noticed_at_every_place_of_a_run_of_every_size) {
  for (std::string_view broken : {"\xc3", "\xe2", "\xe2\x82", "\xf0", "\xf0\x9f", "\xf0\x9f\x8c"})
    for (std::size_t n : {24u, 40u, 66u, 67u, 68u, 100u, 131u, 200u, 300u})
      for (std::size_t at = 0; at + broken.size() < n; ++at) {
        std::string text(n, 'a');
        text.replace(at, broken.size(), broken);
        ASSERT_EQ(after(text), utf8_invalid) << n << " at " << at;
      }
}

TEST(utf8, a_sequence_that_is_whole_is_right_at_every_place_of_a_run_of_every_size) {
  for (std::string_view whole : {"\xc3\xbc", "\xe2\x82\xac", "\xf0\x9f\x8c\xb1"})
    for (std::size_t n : {24u, 40u, 66u, 67u, 68u, 100u, 131u, 200u, 300u})
      for (std::size_t at = 0; at + whole.size() <= n; ++at) {
        std::string text(n, 'a');
        text.replace(at, whole.size(), whole);
        ASSERT_EQ(after(text), utf8_complete) << n << " at " << at;
      }
}

std::string random_text(std::mt19937& random) {
  std::string text;
  const std::size_t n = random() % 300;
  const unsigned script = random() % 5;
  while (text.size() < n) {
    const unsigned kind = script == 4 ? random() % 4 : random() % 6 == 0 ? random() % 4 : script;
    constexpr unsigned first[] = {0, 0x80, 0x800, 0x10000};
    constexpr unsigned count[] = {0x80, 0x780, 0xd000, 0x100000};
    text += utf8_of(first[kind] + random() % count[kind]);
  }
  for (unsigned mistakes = random() % 3; mistakes > 0 && !text.empty(); --mistakes)
    text[random() % text.size()] = static_cast<char>(random());
  return text;
}

TEST(utf8, random_texts_with_and_without_mistakes_are_judged_as_defined) {
  std::mt19937 random(20111211);
  for (int i = 0; i < 30000; ++i) {
    const std::string text = random_text(random);
    ASSERT_EQ(kind_of_state(after(text)), kind_of(text)) << "text " << i;
  }
}

TEST(utf8, nothing_outside_the_text_is_read) {
  std::mt19937 random(7);
  for (std::size_t n = 0; n < 300; ++n) {
    guarded_bytes ascii(as_bytes(std::string(n, 'a')));
    EXPECT_TRUE(is_utf8(ascii.view()));
    const std::string mixed = random_text(random);
    guarded_bytes text(as_bytes(mixed));
    EXPECT_EQ(kind_of_state(utf8_advance(utf8_complete, text.view())), kind_of(mixed));
  }
}

}  // namespace
}  // namespace caraway::codec
