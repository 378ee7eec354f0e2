#include "caraway/suffix.hpp"

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

namespace caraway::suffix {
namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;
using proto::error_of;
using proto::record_end;
using proto::soon;

record_end open(std::string_view delimiter, std::size_t limit = 1024 * 1024,
                const memory_faults& faults = {}) {
  auto [a, b] = memory_pair(faults);
  return {attach(std::move(a), {.delimiter = as_bytes(delimiter), .limit = limit}), std::move(b)};
}

testing::message_pair layers_of(std::string_view delimiter, stream_ptr a, stream_ptr b) {
  const options o{.delimiter = as_bytes(delimiter)};
  return {attach(std::move(a), o), attach(std::move(b), o)};
}

testing::message_pair layers(stream_ptr a, stream_ptr b) {
  return layers_of("\r\n", std::move(a), std::move(b));
}

testing::message_pair contract_pair() {
  auto [a, b] = memory_pair();
  return layers(std::move(a), std::move(b));
}

CARAWAY_MESSAGE_STREAM_CONTRACT(suffix, contract_pair)
CARAWAY_MESSAGE_LAYER_CONTRACT(suffix, layers)

TEST(suffix, keeps_the_contract_of_a_message_layer_with_the_longest_delimiter) {
  const auto attach_long = [](stream_ptr a, stream_ptr b) {
    return layers_of("0123456789abcdef0123456789ABCDEF", std::move(a), std::move(b));
  };
  for (const auto& check : testing::message_layer_checks())
    check.run(attach_long, testing::contract_report([&](const std::string& what) {
                ADD_FAILURE() << check.name << ": " << what;
              }));
}

TEST(suffix, a_message_goes_out_before_its_delimiter) {
  const auto end = open("\r\n");
  const std::array<bytes, 3> ps = {as_bytes("USER "), bytes(), as_bytes("kitty")};
  end.records->send(ps);
  end.records->send("");
  EXPECT_EQ(end.sent(), "USER kitty\r\n\r\n");
}

TEST(suffix, a_message_may_be_shorter_than_its_delimiter) {
  const auto end = open("--- END ---");
  end.peer->write("a--- END ------ END ---bc--- END ---");
  EXPECT_EQ(end.next(), "a");
  EXPECT_EQ(end.next(), "");
  EXPECT_EQ(end.next(), "bc");
}

TEST(suffix, message_and_delimiter_are_any_bytes) {
  const auto end = open(std::string_view("\0\xff\0", 3));
  end.records->send("\0\xff\1\xff"s);
  const std::string wire = end.sent();
  EXPECT_EQ(wire, "\0\xff\1\xff\0\xff\0"s);
  end.peer->write(wire);
  EXPECT_EQ(end.next(), "\0\xff\1\xff"s);
}

TEST(suffix, a_message_that_would_be_cut_by_its_delimiter_is_not_sent) {
  const auto end = open("\r\n");
  EXPECT_EQ(end.error_of_send("one\r\ntwo"), os_error(EINVAL));
  EXPECT_EQ(end.error_of_send("\r\n"), os_error(EINVAL));
  const std::array<bytes, 2> ps = {as_bytes("one\r"), as_bytes("\ntwo")};
  EXPECT_EQ(error_of(end.records->try_send(ps, soon)), os_error(EINVAL));
  EXPECT_EQ(end.error_of_send("\r"), std::error_code());
  EXPECT_EQ(end.sent(), "\r\r\n");
  EXPECT_EQ(open("aa").error_of_send("xa"), os_error(EINVAL));
}

TEST(suffix, a_message_is_as_long_as_the_limit_but_not_longer) {
  const auto end = open("\r\n", 5);
  end.peer->write("abcde\r\nabcdef\r\nx\r\n");
  EXPECT_EQ(end.next(), "abcde");
  EXPECT_EQ(end.error_of_receive(), errc::message_too_big);
  EXPECT_EQ(end.error_of_receive(), errc::message_too_big);
  EXPECT_EQ(end.records->skip(soon), 6u);
  EXPECT_EQ(end.next(), "x");
}

TEST(suffix, the_limit_is_noticed_before_the_delimiter_comes) {
  const auto end = open("\r\n", 5);
  end.peer->write("abcde\r");
  EXPECT_EQ(end.error_of_receive(1ms), os_error(ETIMEDOUT));
  end.peer->write("\r");
  EXPECT_EQ(end.error_of_receive(), errc::message_too_big);
}

TEST(suffix, a_message_of_three_bytes_survives_a_memory_of_one) {
  const auto end = open("\n");
  end.peer->write("abc\nd\n");
  std::array<std::byte, 3> memory;
  const mutable_bytes all(memory);
  for (std::size_t room : {1, 0, 2})
    EXPECT_EQ(error_of(end.records->try_recv_into(all.first(room), soon)), os_error(EMSGSIZE));
  EXPECT_EQ(end.records->try_recv_into(all, soon), 3u);
  EXPECT_EQ(as_text(all), "abc");
  EXPECT_EQ(end.next(), "d");
}

TEST(suffix, a_memory_that_is_too_small_is_noticed_before_the_delimiter_comes) {
  const auto end = open("\r\n");
  end.peer->write("abcd");
  std::array<std::byte, 3> memory;
  EXPECT_EQ(error_of(end.records->try_recv_into(memory, soon)), os_error(EMSGSIZE));
  end.peer->write("ef\r\n");
  EXPECT_EQ(end.next(), "abcdef");
}

TEST(suffix, a_message_beyond_every_limit_is_dropped_as_it_comes) {
  const auto end = open("STOP", 100);
  std::string line;
  while (line.size() < 3000000) line += "SSTSTO STO";
  task_group group;
  group.go([&] {
    for (std::size_t at = 0; at < line.size(); at += 50000) {
      end.peer->write(line.substr(at, 50000), soon);
      caraway::yield();
    }
    end.peer->write("STOPnextSTOP", soon);
  });
  EXPECT_EQ(end.records->skip(soon), line.size());
  EXPECT_EQ(end.next(), "next");
}

TEST(suffix, a_receive_finishes_what_dropping_began) {
  const auto end = open("\r\n");
  end.peer->write("ab");
  EXPECT_EQ(error_of(end.records->try_skip(1ms)), os_error(ETIMEDOUT));
  EXPECT_EQ(error_of(end.records->try_detach()), os_error(EBUSY));
  end.peer->write("cde\r\nnew\r\n");
  EXPECT_EQ(end.next(), "new");
}

TEST(suffix, dropping_in_several_calls_tells_the_whole_size) {
  const auto end = open("\r\n");
  for (const char* piece : {"ab", "c\r", "\r", "x"}) {
    end.peer->write(piece);
    EXPECT_EQ(error_of(end.records->try_skip(1ms)), os_error(ETIMEDOUT));
  }
  end.peer->write("\r\n");
  EXPECT_EQ(end.records->skip(soon), 6u);
}

TEST(suffix, a_long_line_may_come_byte_by_byte) {
  const std::string delimiter = std::string(31, 'a') + "b";
  const auto end = open(delimiter, 1024 * 1024, {.chop = 1});
  const std::string line = std::string(20000, 'a') + 'c';
  end.peer->write(line + delimiter);
  EXPECT_EQ(end.next(), line);
}

TEST(suffix, the_end_inside_a_message_is_a_broken_connection) {
  const std::string whole = "abc\r\n";
  for (std::size_t n = 0; n <= whole.size(); ++n) {
    const auto end = open("\r\n");
    end.peer->write(whole.substr(0, n));
    end.peer->done();
    const bool between = n == 0 || n == whole.size();
    if (n == whole.size()) {
      EXPECT_EQ(end.next(), "abc");
    }
    for (int again = 0; again < 2; ++again)
      EXPECT_EQ(end.error_of_receive(),
                between ? make_error_code(errc::end_of_stream) : os_error(ECONNRESET));
    if (!between) {
      EXPECT_EQ(as_text(end.records->detach()->buffered()), whole.substr(0, n));
    }
  }
}

TEST(suffix, detaching_gives_the_stream_back_behind_the_last_message) {
  auto end = open("\n");
  end.peer->write("abc\nrest");
  EXPECT_EQ(end.next(), "abc");
  EXPECT_EQ(end.error_of_receive(1ms), os_error(ETIMEDOUT));
  const auto below = end.records->detach();
  EXPECT_EQ(as_text(below->fill(4, soon)), "rest");
  EXPECT_EQ(end.error_of_receive(), errc::closed);
}

TEST(suffix, a_delimiter_of_no_bytes_or_too_many_is_refused) {
  for (std::size_t size : {0, 33}) {
    auto [a, b] = memory_pair();
    const std::string delimiter(size, 'x');
    EXPECT_EQ(error_of(try_attach(std::move(a), {.delimiter = as_bytes(delimiter)})),
              os_error(EINVAL));
    EXPECT_EQ(error_of(b->try_fill(1, soon)), errc::end_of_stream);
  }
}

}  // namespace
}  // namespace caraway::suffix
