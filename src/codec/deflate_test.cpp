#include "codec/deflate.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

namespace caraway::codec {
namespace {

// Text that repeats itself, as JSON does.
std::string sample(std::size_t n) {
  std::string text;
  for (int i = 0; text.size() < n; ++i)
    text += "{\"id\":" + std::to_string(i) +
            ",\"name\":\"caraway\",\"price\":" + std::to_string(i * 7919 % 1000) + "}";
  return text.substr(0, n);
}

// Bytes that cannot be made smaller.
std::string noise(std::size_t n) {
  std::string text(n, ' ');
  unsigned seed = 1;
  for (char& c : text) c = static_cast<char>((seed = seed * 1664525 + 1013904223) >> 24);
  return text;
}

std::string from_hex(std::string_view hex) {
  std::string out;
  for (std::size_t i = 0; i < hex.size(); i += 3)
    out += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
  return out;
}

std::string deflated(deflater& d, std::string_view text, bool last = true) {
  growing_bytes out;
  const bytes all = as_bytes(text);
  if (!d.add(parts(&all, 1), last, out)) return "no memory";
  return std::string(as_text(out.all()));
}

std::string deflated(std::string_view text, const deflate_setting& s = {}) {
  return deflated(*deflater::make(s), text);
}

// Takes a message apart in pieces of `piece` bytes into rooms of `room` bytes.
std::string inflated(inflater& i, std::string_view message, std::size_t piece = 1000000,
                     std::size_t room = 1000000) {
  std::string out;
  std::vector<std::byte> memory(room);
  const auto feed = [&](bytes in) {
    for (inflate_state state = inflate_state::full; state == inflate_state::full;) {
      mutable_bytes free(memory);
      state = i.go_on(in, free);
      if (state == inflate_state::wrong || state == inflate_state::no_memory) return false;
      out += as_text(bytes(memory).first(memory.size() - free.size()));
    }
    return true;
  };
  for (; !message.empty(); message.remove_prefix(std::min(piece, message.size())))
    if (!feed(as_bytes(message.substr(0, piece)))) return "wrong";
  if (!i.at_end() && !feed(inflater::message_tail())) return "wrong";
  return i.at_end() ? out : "not at its end";
}

std::string inflated(std::string_view message) {
  return inflated(*inflater::make(15), message);
}

TEST(deflate, is_here) {
  EXPECT_TRUE(can_deflate());
}

// 7.2.3

TEST(deflate, makes_what_the_rfc_shows) {
  const std::string hello = from_hex("f2 48 cd c9 c9 07 00");
  auto d = deflater::make({.level = 6, .window_bits = 15, .memory_level = 8});
  EXPECT_EQ(deflated(*d, "Hello"), hello);
  EXPECT_EQ(deflated(*d, "Hello"), from_hex("f2 00 11 00 00"));
  d->reset();
  EXPECT_EQ(deflated(*d, "Hello"), hello);
}

TEST(deflate, reads_what_the_rfc_shows) {
  auto i = inflater::make(15);
  EXPECT_EQ(inflated(*i, from_hex("f2 48 cd c9 c9 07 00")), "Hello");
  EXPECT_EQ(inflated(*i, from_hex("f2 00 11 00 00")), "Hello");
  // A block without compression; a last block, and another behind it; two blocks.
  EXPECT_EQ(inflated(from_hex("00 05 00 fa ff 48 65 6c 6c 6f 00")), "Hello");
  EXPECT_EQ(inflated(from_hex("f3 48 cd c9 c9 07 00 00")), "Hello");
  EXPECT_EQ(inflated(from_hex("f2 48 05 00 00 00 ff ff ca c9 c9 07 00")), "Hello");
  EXPECT_EQ(inflated(from_hex("00")), "");
}

// Each of them is two bytes that make none.
TEST(deflate, last_blocks_without_end_take_no_memory) {
  const auto in = inflater::make(15);
  std::string blocks;
  for (int i = 0; i < 100'000; ++i) blocks += std::string("\x03\0", 2);
  bytes left = as_bytes(blocks);
  std::array<std::byte, 8> some;
  mutable_bytes room = some;
  std::size_t taken = 0;
  for (int i = 0; i < 3; ++i) {
    left = as_bytes(blocks);
    EXPECT_EQ(in->go_on(left, room), inflate_state::hungry);
    EXPECT_TRUE(left.empty());
    EXPECT_EQ(room.size(), some.size());
    if (i == 0) taken = in->memory();
    EXPECT_EQ(in->memory(), taken);
  }
  EXPECT_TRUE(in->at_end());
}

TEST(deflate, what_comes_behind_a_last_block_may_refer_to_what_was_before) {
  auto i = inflater::make(15);
  EXPECT_EQ(inflated(*i, from_hex("f3 48 cd c9 c9 07 00 00")), "Hello");
  EXPECT_EQ(inflated(*i, from_hex("f2 00 11 00 00")), "Hello");
  EXPECT_EQ(inflated(*i, from_hex("f3 48 cd c9 c9 07 00 f3 00 11 00 00")), "HelloHello");
}

TEST(deflate, an_end_that_was_not_cut_off_is_an_end_too) {
  EXPECT_EQ(inflated(from_hex("f2 48 cd c9 c9 07 00 00 00 ff ff")), "Hello");
  EXPECT_EQ(inflated(from_hex("f3 48 cd c9 c9 07 00")), "Hello");
  auto i = inflater::make(15);
  for (int n = 0; n < 3; ++n) EXPECT_EQ(inflated(*i, ""), "");
  EXPECT_EQ(inflated(*i, from_hex("f2 48 cd c9 c9 07 00")), "Hello");
}

TEST(deflate, an_empty_message_is_one_byte) {
  EXPECT_EQ(deflated(""), std::string(1, '\0'));
  auto d = deflater::make({});
  EXPECT_EQ(deflated(*d, "", false), "");
  EXPECT_EQ(deflated(*d, "Hello", false), from_hex("f2 48 cd c9 c9 07 00 00 00 ff ff"));
  EXPECT_EQ(deflated(*d, "", true), from_hex("00"));
}

// There and back

TEST(deflate, everything_comes_back_whatever_the_setting) {
  for (int level : {0, 1, 6})
    for (int window : {9, 12, 15})
      for (int memory : {1, 5, 9}) {
        auto d = deflater::make({.level = level, .window_bits = window, .memory_level = memory});
        auto i = inflater::make(window);
        for (const std::string& text : {sample(0), sample(1), sample(100), sample(70000), noise(5),
                                        noise(100000), std::string(70000, 'a'), sample(300)})
          EXPECT_EQ(inflated(*i, deflated(*d, text)), text) << level << window << memory;
      }
}

TEST(deflate, everything_comes_back_however_it_is_cut) {
  auto d = deflater::make({});
  auto i = inflater::make(12);
  const std::string text = sample(3000) + noise(300);
  for (std::size_t piece : {1, 2, 3, 7, 100})
    for (std::size_t room : {1, 2, 5, 258, 1000})
      EXPECT_EQ(inflated(*i, deflated(*d, text), piece, room), text);
}

TEST(deflate, the_parts_of_a_message_follow_each_other) {
  const std::string a = sample(500), b = noise(40);
  const std::array<bytes, 5> ps = {bytes(), as_bytes(a), bytes(), as_bytes(b), bytes()};
  growing_bytes out;
  ASSERT_TRUE(deflater::make({})->add(ps, true, out));
  EXPECT_EQ(inflated(as_text(out.all())), a + b);
}

TEST(deflate, a_message_in_pieces_is_whole_again) {
  auto d = deflater::make({});
  std::string wire = deflated(*d, sample(100), false);
  wire += deflated(*d, "", false);
  wire += deflated(*d, noise(10), false);
  wire += deflated(*d, sample(200), true);
  EXPECT_EQ(inflated(wire), sample(100) + noise(10) + sample(200));
}

TEST(deflate, a_deflater_that_is_reset_goes_on_for_the_same_inflater) {
  auto d = deflater::make({});
  auto i = inflater::make(12);
  for (int n = 0; n < 5; ++n) {
    EXPECT_EQ(inflated(*i, deflated(*d, sample(5000))), sample(5000));
    deflated(*d, "never seen by the peer");
    d->reset();
  }
}

TEST(deflate, takeover_makes_the_second_message_smaller) {
  auto d = deflater::make({});
  const std::size_t first = deflated(*d, sample(500)).size();
  EXPECT_LT(deflated(*d, sample(500)).size() * 5, first);
}

TEST(deflate, room_before_the_first_byte_stays_free) {
  growing_bytes out(14);
  const std::string text = noise(100000);
  const bytes all = as_bytes(text);
  ASSERT_TRUE(deflate_message({}, parts(&all, 1), out));
  EXPECT_EQ(inflated(as_text(out.all())), text);
  std::ranges::fill(out.prepend(14), std::byte{'h'});
  EXPECT_EQ(as_text(out.all()).substr(0, 15), std::string(14, 'h') + as_text(out.all())[14]);
  const auto [memory, begin] = std::move(out).take();
  EXPECT_EQ(begin, 0u);
  EXPECT_EQ(memory[13], std::byte{'h'});
}

// Wrong data

TEST(deflate, what_is_no_deflated_data_is_refused) {
  EXPECT_EQ(inflated(from_hex("06")), "wrong");                    // no such kind of block
  EXPECT_EQ(inflated(from_hex("00 05 00 fa fe 48")), "wrong");     // length and complement differ
  EXPECT_EQ(inflated(from_hex("f2 00 11 00 00")), "wrong");        // refers to before the beginning
  EXPECT_EQ(inflated(from_hex("01 05 00 fa ff 48 65")), "wrong");  // too short
  EXPECT_EQ(inflated(from_hex("00 09 00 f6 ff 48 65")), "not at its end");
  EXPECT_EQ(inflated(from_hex("f2 48 cd c9")), "not at its end");
  EXPECT_EQ(inflated(noise(1000)), "wrong");
}

TEST(deflate, a_reference_beyond_the_agreed_window_is_refused) {
  const std::string text = noise(2000) + noise(100);
  const std::string wire = deflated(text, {.level = 9, .window_bits = 15, .memory_level = 9});
  ASSERT_LT(wire.size(), 2080u);
  EXPECT_EQ(inflated(*inflater::make(15), wire, 10, 10), text);
  EXPECT_EQ(inflated(*inflater::make(9), wire, 10, 10), "wrong");
}

TEST(deflate, an_inflater_that_was_reset_knows_nothing_of_before) {
  auto i = inflater::make(15);
  EXPECT_EQ(inflated(*i, from_hex("f2 48 cd c9 c9 07 00")), "Hello");
  i->reset();
  EXPECT_EQ(inflated(*i, from_hex("f2 00 11 00 00")), "wrong");
  i->reset();
  EXPECT_EQ(inflated(*i, from_hex("f2 48 cd c9 c9 07 00")), "Hello");
}

// No more comes out than there is room for, whatever the input holds.
TEST(deflate, a_bomb_goes_off_one_room_at_a_time) {
  const std::string bomb = deflated(std::string(10000000, '\0'), {.level = 9});
  EXPECT_LT(bomb.size(), 20000u);
  auto i = inflater::make(15);
  std::array<std::byte, 100> memory;
  bytes in = as_bytes(bomb);
  mutable_bytes room(memory);
  EXPECT_EQ(i->go_on(in, room), inflate_state::full);
  EXPECT_TRUE(room.empty());
  EXPECT_GT(in.size() + 100, bomb.size());
  EXPECT_LE(i->memory(), 50000u);
}

// Memory

TEST(deflate, a_deflater_takes_the_memory_that_its_setting_says) {
  const std::size_t usual = deflater::make({})->memory();
  EXPECT_GT(usual, 20000u);
  EXPECT_LT(usual, 40000u);
  EXPECT_GT(deflater::make({.window_bits = 15, .memory_level = 8})->memory(), 200000u);
  EXPECT_LT(deflater::make({.window_bits = 9, .memory_level = 1})->memory(), 12000u);
}

TEST(deflate, an_inflater_takes_a_window_when_it_needs_one) {
  auto i = inflater::make(12);
  EXPECT_LT(i->memory(), 10000u);
  EXPECT_EQ(inflated(*i, deflated(sample(20000))), sample(20000));
  EXPECT_LT(i->memory(), 10000u + 4096u);
}

TEST(deflate, a_thread_lends_what_was_given_back) {
  auto first = borrow_deflater({});
  const deflater* const same = first.get();
  EXPECT_NE(deflated(*first, sample(100)), "");
  give_back(std::move(first));
  EXPECT_GT(lendable_memory(), 0u);
  EXPECT_NE(borrow_deflater({.level = 2}).get(), same);
  auto second = borrow_deflater({});
  EXPECT_EQ(second.get(), same);
  EXPECT_EQ(deflated(*second, sample(100)), deflated(sample(100)));
  EXPECT_NE(borrow_deflater({}).get(), same);
}

TEST(deflate, a_thread_keeps_only_a_few_to_lend) {
  std::vector<std::unique_ptr<inflater>> many;
  for (int n = 0; n < 10; ++n) many.push_back(borrow_inflater());
  const std::size_t each = many.front()->memory();
  for (auto& i : many) give_back(std::move(i));
  for (int level = 1; level < 9; ++level) give_back(borrow_deflater({.level = level}));
  EXPECT_LE(lendable_memory(), 2 * (each + deflater::make({})->memory()));
  EXPECT_EQ(inflated(*borrow_inflater(), deflated("once more")), "once more");
}

}  // namespace
}  // namespace caraway::codec
