#include "caraway/ws_meter.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <optional>
#include <thread>

namespace caraway::ws {
namespace {

TEST(ws_meter, numbers_add_up) {
  meter m;
  meter::add(m.numbers().opened, 3);
  meter::add(m.numbers().ended);
  meter::add(m.numbers().traffic.bytes_sent, 1000);
  meter::add(m.numbers().closes.of(1001));
  totals sum = m.read();
  EXPECT_EQ(sum.open(), 2u);
  sum += m.read();
  EXPECT_EQ(sum.opened, 6u);
  EXPECT_EQ(sum.traffic.bytes_sent, 2000u);
  EXPECT_EQ(sum.closes.standard[1], 2u);
}

TEST(ws_meter, every_number_is_read_and_added) {
  meter m;
  totals& n = m.numbers();
  auto* const first = reinterpret_cast<std::uint64_t*>(&n);
  constexpr std::size_t count = sizeof(totals) / sizeof(std::uint64_t);
  for (std::size_t i = 0; i < count; ++i) meter::add(first[i], i + 1);
  totals twice = m.read();
  twice += m.read();
  for (std::size_t i = 0; i < count; ++i)
    EXPECT_EQ(reinterpret_cast<std::uint64_t*>(&twice)[i], 2 * (i + 1)) << i;
}

TEST(ws_meter, codes_have_their_places) {
  close_counts c;
  for (const std::uint16_t code : {1000, 1006, 1014, 3000, 3999, 4000, 4999}) ++c.of(code);
  EXPECT_EQ(c.standard[0], 1u);
  EXPECT_EQ(c.standard[6], 1u);
  EXPECT_EQ(c.standard[14], 1u);
  EXPECT_EQ(c.registered, 2u);
  EXPECT_EQ(c.own, 2u);
}

TEST(ws_meter, the_process_remembers_meters_that_are_gone) {
  const std::uint64_t before = process_totals().opened;
  {
    meter here, there;
    meter::add(here.numbers().opened, 5);
    meter::add(there.numbers().opened, 7);
    EXPECT_EQ(process_totals().opened, before + 12);
  }
  EXPECT_EQ(process_totals().opened, before + 12);
}

TEST(ws_meter, every_thread_has_its_own_and_the_process_has_all) {
  const std::uint64_t before = process_totals().traffic.messages_sent;
  const auto mine = thread_meter();
  EXPECT_EQ(mine, thread_meter());
  meter::add(mine->numbers().traffic.messages_sent);
  std::thread other([&] {
    EXPECT_NE(thread_meter(), mine);
    meter::add(thread_meter()->numbers().traffic.messages_sent);
  });
  other.join();
  EXPECT_EQ(process_totals().traffic.messages_sent, before + 2);
}

TEST(ws_meter, may_be_read_while_another_thread_counts) {
  meter m;
  constexpr std::uint64_t most = 100000;
  std::thread counting([&] {
    for (std::uint64_t i = 0; i < most; ++i) meter::add(m.numbers().traffic.bytes_received);
  });
  std::uint64_t last = 0;
  for (int i = 0; i < 1000; ++i) {
    const std::uint64_t now = m.read().traffic.bytes_received;
    EXPECT_GE(now, last);
    last = now;
  }
  counting.join();
  EXPECT_EQ(m.read().traffic.bytes_received, most);
}

TEST(ws_meter, nothing_is_ever_open_less_than_not_at_all) {
  totals t;
  t.opened = 2;
  t.ended = 3;
  EXPECT_EQ(t.open(), 0u);
  t.opened = 5;
  EXPECT_EQ(t.open(), 2u);
}

TEST(ws_meter, whoever_reads_from_another_thread_sees_no_end_without_its_beginning) {
  meter m;
  std::atomic<bool> done = false;
  std::thread counting([&] {
    for (int i = 0; i < 500000; ++i) {
      meter::add(m.numbers().opened);
      meter::add(m.numbers().ended);
    }
    done = true;
  });
  while (!done) {
    const totals t = m.read();
    EXPECT_LE(t.ended, t.opened);
  }
  counting.join();
}

}  // namespace
}  // namespace caraway::ws
