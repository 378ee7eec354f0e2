#include "caraway/prefix.hpp"

#include <gtest/gtest.h>

#include <array>
#include <limits>
#include <string>
#include <vector>

#include "caraway/memory_pair.hpp"
#include "caraway/task_group.hpp"
#include "caraway/testing/message_layer_contract.hpp"
#include "caraway/testing/message_stream_contract.hpp"
#include "caraway/this_task.hpp"
#include "proto/record_script.hpp"

namespace caraway::prefix {
namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;
using proto::error_of;
using proto::record_end;
using proto::soon;

record_end open(const options& o, const memory_faults& faults = {}) {
  auto [a, b] = memory_pair(faults);
  return {attach(std::move(a), o), std::move(b)};
}

testing::message_pair layers_of(const options& o, stream_ptr a, stream_ptr b) {
  return {attach(std::move(a), o), attach(std::move(b), o)};
}

testing::message_pair layers(stream_ptr a, stream_ptr b) {
  return layers_of({.width = 4}, std::move(a), std::move(b));
}

testing::message_pair contract_pair() {
  auto [a, b] = memory_pair();
  return layers({std::move(a)}, {std::move(b)});
}

std::string text_of(std::size_t n) {
  return testing::message_stream_contract::letters(n);
}

CARAWAY_MESSAGE_STREAM_CONTRACT(prefix, contract_pair)
CARAWAY_MESSAGE_LAYER_CONTRACT(prefix, layers)

TEST(prefix, keeps_the_contract_of_a_message_layer_with_a_length_of_twelve_bytes) {
  const auto attach_wide = [](stream_ptr a, stream_ptr b) {
    return layers_of({.width = 12, .order = byte_order::little}, std::move(a), std::move(b));
  };
  for (const auto& check : testing::message_layer_checks())
    check.run(attach_wide, testing::contract_report([&](const std::string& what) {
                ADD_FAILURE() << check.name << ": " << what;
              }));
}

TEST(prefix, a_message_goes_out_behind_its_length) {
  const auto big = open({.width = 3});
  big.records->send("ABC");
  EXPECT_EQ(big.sent(), "\0\0\3ABC"s);
  const auto little = open({.width = 3, .order = byte_order::little});
  little.records->send("ABC");
  EXPECT_EQ(little.sent(), "\3\0\0ABC"s);
  const auto wide = open({.width = 12});
  wide.records->send("ABC");
  EXPECT_EQ(wide.sent(), std::string(11, '\0') + "\3ABC");
}

TEST(prefix, the_pieces_of_a_message_are_counted_together) {
  const auto end = open({.width = 1});
  std::vector<bytes> pieces(20, as_bytes("ab"));
  end.records->send(parts(pieces));
  std::string wanted = "\x28";
  for (int i = 0; i < 20; ++i) wanted += "ab";
  EXPECT_EQ(end.sent(), wanted);
}

TEST(prefix, a_message_whose_length_does_not_fit_is_not_sent) {
  const auto end = open({.width = 2});
  EXPECT_EQ(end.error_of_send(std::string(65536, 'x')), os_error(EMSGSIZE));
  EXPECT_EQ(end.sent(), "");
  EXPECT_EQ(end.error_of_send(std::string(65535, 'x')), std::error_code());
  EXPECT_EQ(end.sent().size(), 65537u);
}

TEST(prefix, a_message_is_as_large_as_the_limit_but_not_larger) {
  const auto end = open({.width = 2, .limit = 10});
  end.peer->write("\0\12abcdefghij"s);
  EXPECT_EQ(end.next(), "abcdefghij");
  end.peer->write("\0\13abcdefghijk\0\1x"s);
  EXPECT_EQ(end.error_of_receive(), errc::message_too_big);
  EXPECT_EQ(end.error_of_receive(), errc::message_too_big);
  EXPECT_EQ(end.records->skip(soon), 11u);
  EXPECT_EQ(end.next(), "x");
}

TEST(prefix, a_length_alone_takes_no_memory) {
  const auto end = open({.limit = std::numeric_limits<std::size_t>::max()});
  end.peer->write("\x7f\xff\xff\xff\xff\xff\xff\xff"s + "abc");
  EXPECT_EQ(end.error_of_receive(1ms), os_error(ETIMEDOUT));
  std::array<std::byte, 10> memory;
  EXPECT_EQ(error_of(end.records->try_recv_into(memory, soon)), os_error(EMSGSIZE));
}

TEST(prefix, a_length_beyond_all_memory_cannot_even_be_dropped) {
  const auto end = open({.width = 9, .limit = std::numeric_limits<std::size_t>::max()});
  end.peer->write("\1\0\0\0\0\0\0\0\0"s);
  EXPECT_EQ(end.error_of_receive(), errc::message_too_big);
  EXPECT_EQ(error_of(end.records->try_skip(soon)), errc::message_too_big);
}

TEST(prefix, a_message_of_three_bytes_survives_a_memory_of_one) {
  const auto end = open({.width = 1});
  end.peer->write("\3abc\1d"s);
  std::array<std::byte, 3> memory;
  const mutable_bytes all(memory);
  for (std::size_t room : {1, 0, 2})
    EXPECT_EQ(error_of(end.records->try_recv_into(all.first(room), soon)), os_error(EMSGSIZE));
  EXPECT_EQ(end.records->try_recv_into(all, soon), 3u);
  EXPECT_EQ(as_text(all), "abc");
  EXPECT_EQ(end.next(), "d");
}

// Sends a large message in pieces, with an interrupted receive before each, then receives it.
void expect_kept(std::size_t size, std::size_t step,
                 const std::function<std::error_code(record_stream&, deadline)>& interrupted,
                 const std::function<std::string(record_stream&)>& receive) {
  const auto end = open({.width = 3});
  const std::string text = text_of(size);
  const char length[] = {static_cast<char>(size >> 16), static_cast<char>(size >> 8),
                         static_cast<char>(size)};
  end.peer->write(std::string(length, 3));
  for (std::size_t at = 0; at < size; at += step) {
    EXPECT_EQ(interrupted(*end.records, 1ms), os_error(ETIMEDOUT));
    end.peer->write(text.substr(at, step));
  }
  EXPECT_EQ(receive(*end.records), text);
}

TEST(prefix, what_came_of_a_large_message_is_kept_for_any_kind_of_receive) {
  std::vector<std::byte> memory(400000);
  const auto show = [](record_stream& s, deadline dl) { return error_of(s.try_recv(dl)); };
  const auto into = [&](record_stream& s, deadline dl) {
    return error_of(s.try_recv_into(memory, dl));
  };
  const auto shown = [](record_stream& s) { return std::string(as_text(s.recv(soon))); };
  const auto copied = [&](record_stream& s) {
    const std::size_t n = s.try_recv_into(memory, soon).value();
    return std::string(as_text(bytes(memory).first(n)));
  };
  for (std::size_t size : {20000, 70000, 400000})
    for (std::size_t step : {7001, 150000}) {
      expect_kept(size, step, show, shown);
      expect_kept(size, step, show, copied);
      expect_kept(size, step, into, shown);
      expect_kept(size, step, into, copied);
      int n = 0;
      const auto mixed = [&](record_stream& s, deadline dl) {
        return ++n % 2 == 0 ? show(s, dl) : into(s, dl);
      };
      expect_kept(size, step, mixed, copied);
    }
}

TEST(prefix, a_large_message_that_is_taken_already_may_be_too_large_or_dropped) {
  const auto end = open({.width = 3});
  std::vector<std::byte> memory(100000);
  end.peer->write("\1\x86\xa0"s + std::string(50000, 'x'));
  EXPECT_EQ(error_of(end.records->try_recv_into(memory, 1ms)), os_error(ETIMEDOUT));
  EXPECT_EQ(error_of(end.records->try_recv_into(mutable_bytes(memory).first(99999), soon)),
            os_error(EMSGSIZE));
  EXPECT_EQ(error_of(end.records->try_skip(1ms)), os_error(ETIMEDOUT));
  end.peer->write(std::string(50000, 'x') + "\0\0\3abc"s);
  EXPECT_EQ(end.records->skip(soon), 100000u);
  EXPECT_EQ(end.next(), "abc");
}

TEST(prefix, a_receive_finishes_what_dropping_began) {
  const auto end = open({.width = 1});
  end.peer->write("\5ab"s);
  EXPECT_EQ(error_of(end.records->try_skip(1ms)), os_error(ETIMEDOUT));
  end.peer->write("cde\3new"s);
  EXPECT_EQ(end.next(), "new");
}

TEST(prefix, the_end_inside_a_message_is_a_broken_connection) {
  const std::string whole = "\0\3abc"s;
  for (std::size_t n = 0; n <= whole.size(); ++n) {
    const auto end = open({.width = 2});
    end.peer->write(whole.substr(0, n));
    end.peer->done();
    const bool between = n == 0 || n == whole.size();
    if (n == whole.size()) {
      EXPECT_EQ(end.next(), "abc");
    }
    for (int again = 0; again < 2; ++again)
      EXPECT_EQ(end.error_of_receive(),
                between ? make_error_code(errc::end_of_stream) : os_error(ECONNRESET));
  }
}

TEST(prefix, the_end_inside_a_large_message_or_a_dropped_one_too) {
  for (bool drop : {false, true}) {
    const auto end = open({.width = 3});
    end.peer->write("\1\x86\xa0"s + std::string(99999, 'x'));
    end.peer->done();
    std::vector<std::byte> memory(100000);
    const auto r = drop ? end.records->try_skip(soon) : end.records->try_recv_into(memory, soon);
    EXPECT_EQ(error_of(r), os_error(ECONNRESET));
    EXPECT_EQ(end.error_of_receive(), os_error(ECONNRESET));
  }
}

TEST(prefix, detaching_gives_the_stream_back_behind_the_last_message) {
  auto end = open({.width = 1});
  end.peer->write("\3abcrest"s);
  EXPECT_EQ(end.next(), "abc");
  end.records->send("out");
  const auto below = end.records->detach();
  EXPECT_EQ(as_text(below->fill(4, soon)), "rest");
  below->write("more");
  EXPECT_EQ(as_text(end.peer->fill(8, soon)), "\3outmore");
  EXPECT_EQ(end.error_of_receive(), errc::closed);
  EXPECT_EQ(end.error_of_send("x"), errc::closed);
  EXPECT_EQ(error_of(end.records->try_detach()), errc::closed);
  end.records->abort();
  EXPECT_TRUE(below->healthy());
}

TEST(prefix, detaching_leaves_a_message_that_was_not_received_where_it_is) {
  const auto end = open({.width = 1});
  end.peer->write("\3a"s);
  EXPECT_EQ(end.error_of_receive(1ms), os_error(ETIMEDOUT));
  const auto below = end.records->detach();
  EXPECT_EQ(as_text(below->buffered()), "\3a");
}

TEST(prefix, detaching_waits_for_nobody) {
  const auto end = open({.width = 3});
  task_group group;
  group.go([&] { EXPECT_EQ(end.next(), std::string(100000, 'x')); });
  caraway::sleep(1ms);
  EXPECT_EQ(error_of(end.records->try_detach()), os_error(EBUSY));
  end.peer->write("\1\x86\xa0"s + std::string(100000, 'x'));
  group.wait();
  end.peer->write("\1\x86\xa0"s + std::string(99999, 'x'));
  EXPECT_EQ(end.error_of_receive(1ms), os_error(ETIMEDOUT));
  EXPECT_EQ(error_of(end.records->try_detach()), os_error(EBUSY));
  end.peer->write("x");
  EXPECT_EQ(end.next().size(), 100000u);
  EXPECT_TRUE(end.records->try_detach());
}

TEST(prefix, one_direction_may_end_before_the_other) {
  const auto end = open({.width = 1});
  end.records->send("last");
  end.records->done();
  EXPECT_EQ(end.error_of_send("more"), errc::closed);
  EXPECT_EQ(as_text(end.peer->fill(5, soon)), "\4last");
  EXPECT_EQ(error_of(end.peer->try_fill(6, soon)), errc::end_of_stream);
  end.peer->write("\2ok");
  EXPECT_EQ(end.next(), "ok");
}

TEST(prefix, messages_that_are_there_already_do_not_keep_others_waiting) {
  const auto end = open({.width = 1});
  std::string many;
  for (int i = 0; i < 3000; ++i) many += "\1x";
  end.peer->write(many);
  bool ran = false;
  task_group group;
  group.go([&] {
    for (int i = 0; i < 3000 && !ran; ++i) EXPECT_EQ(end.next(), "x");
    EXPECT_TRUE(ran);
  });
  group.go([&] { ran = true; });
  group.wait();
}

TEST(prefix, a_cancelled_coroutine_does_not_receive) {
  const auto end = open({.width = 1});
  end.peer->write("\1x"s);
  {
    task_group group;
    group.go([&] {
      caraway::yield();
      EXPECT_EQ(end.error_of_receive(), os_error(ECANCELED));
    });
    group.cancel();
  }
  EXPECT_EQ(end.next(), "x");
}

TEST(prefix, a_length_of_no_bytes_or_too_many_is_refused) {
  for (std::size_t width : {0, 4097}) {
    auto [a, b] = memory_pair();
    EXPECT_EQ(error_of(try_attach(std::move(a), {.width = width})), os_error(EINVAL));
    EXPECT_EQ(error_of(b->try_fill(1, soon)), errc::end_of_stream);
  }
}

}  // namespace
}  // namespace caraway::prefix
