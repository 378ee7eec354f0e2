#include "caraway/term.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

#include "caraway/memory_pair.hpp"
#include "caraway/prefix.hpp"
#include "caraway/suffix.hpp"
#include "caraway/task_group.hpp"
#include "caraway/testing/message_layer_contract.hpp"
#include "caraway/testing/message_stream_contract.hpp"
#include "caraway/this_task.hpp"
#include "proto/record_script.hpp"

namespace caraway::term {
namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;
using proto::error_of;
using proto::soon;

record_ptr lined(stream_ptr s, std::size_t limit = std::size_t{1} << 20) {
  return suffix::attach(std::move(s), {.delimiter = as_bytes("\r\n"), .limit = limit});
}

// A socket over lines, and the bare stream that it talks to.
struct end {
  socket_ptr term;
  stream_ptr peer;

  std::string next() const { return std::string(as_text(term->recv(soon))); }
  std::error_code error_of_receive(deadline dl = soon) const {
    return error_of(term->try_recv(dl));
  }
  std::error_code error_of_send(std::string_view text) const {
    const bytes b = as_bytes(text);
    return error_of(term->try_send(parts(&b, 1), soon));
  }
  std::string sent() const {
    term->flush(soon);
    static_cast<void>(peer->try_fill(peer->buffered().size() + 1, immediately));
    const std::string all(as_text(peer->buffered()));
    peer->consume(all.size());
    return all;
  }
};

end open(std::string_view terminator, std::size_t limit = std::size_t{1} << 20) {
  auto [a, b] = memory_pair();
  return {attach(lined(std::move(a), limit), as_bytes(terminator)), std::move(b)};
}

testing::message_pair layers(stream_ptr a, stream_ptr b) {
  const bytes terminator = as_bytes("\n");
  return {attach(prefix::attach(std::move(a), {.width = 4}), terminator),
          attach(prefix::attach(std::move(b), {.width = 4}), terminator)};
}

testing::message_pair contract_pair() {
  auto [a, b] = memory_pair();
  return layers(std::move(a), std::move(b));
}

CARAWAY_MESSAGE_STREAM_CONTRACT(term, contract_pair)
CARAWAY_MESSAGE_LAYER_CONTRACT(term, layers)

TEST(term, the_terminator_is_a_message_of_the_stream_below) {
  const auto e = open("STOP");
  e.term->send("Hello");
  e.term->done();
  EXPECT_EQ(e.sent(), "Hello\r\nSTOP\r\n");
}

TEST(term, nothing_is_sent_behind_the_terminator) {
  const auto e = open("STOP");
  e.term->done();
  EXPECT_EQ(e.error_of_send("more"), errc::closed);
  EXPECT_EQ(error_of(e.term->try_done(soon)), errc::closed);
  EXPECT_EQ(e.sent(), "STOP\r\n");
}

TEST(term, only_done_sends_the_terminator) {
  const auto e = open("STOP");
  EXPECT_EQ(e.error_of_send("STOP"), os_error(EINVAL));
  const std::array<bytes, 3> ps = {as_bytes("ST"), bytes(), as_bytes("OP")};
  EXPECT_EQ(error_of(e.term->try_send(ps, soon)), os_error(EINVAL));
  for (const char* text : {"STO", "STOPS", "STOp", ""}) e.term->send(text);
  EXPECT_EQ(e.sent(), "STO\r\nSTOPS\r\nSTOp\r\n\r\n");
}

TEST(term, every_receive_behind_the_terminator_says_that_it_is_over) {
  const auto e = open("STOP");
  e.peer->write("a\r\nSTOP\r\nbeyond\r\n");
  EXPECT_EQ(e.next(), "a");
  std::array<std::byte, 10> memory;
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(e.error_of_receive(), errc::end_of_stream);
    EXPECT_EQ(error_of(e.term->try_recv_into(memory, soon)), errc::end_of_stream);
    EXPECT_EQ(error_of(e.term->try_skip(soon)), errc::end_of_stream);
  }
}

TEST(term, an_empty_message_may_be_the_terminator) {
  const auto e = open("");
  e.peer->write("a\r\n\r\nbody");
  EXPECT_EQ(e.error_of_send(""), os_error(EINVAL));
  EXPECT_EQ(e.next(), "a");
  EXPECT_EQ(error_of(e.term->try_recv_into({}, soon)), errc::end_of_stream);
  e.term->done();
  EXPECT_EQ(e.sent(), "\r\n");
}

TEST(term, the_terminator_is_known_whatever_memory_there_is_for_it) {
  for (std::size_t room : {0, 1, 3, 4, 10}) {
    const auto e = open("STOP");
    std::vector<std::byte> memory(room);
    e.peer->write("STOP\r\n");
    EXPECT_EQ(error_of(e.term->try_recv_into(memory, soon)), errc::end_of_stream);
  }
}

TEST(term, a_message_smaller_than_the_terminator_waits_for_more_room) {
  const auto e = open("STOP");
  std::array<std::byte, 4> memory;
  const mutable_bytes all(memory);
  e.peer->write("abc\r\nd\r\nefg\r\nhij\r\n");
  for (std::size_t room : {1, 0, 2})
    EXPECT_EQ(error_of(e.term->try_recv_into(all.first(room), soon)), os_error(EMSGSIZE));
  EXPECT_EQ(e.term->try_recv_into(all.first(3), soon), 3u);
  EXPECT_EQ(as_text(all.first(3)), "abc");
  EXPECT_EQ(error_of(e.term->try_recv_into({}, soon)), os_error(EMSGSIZE));
  EXPECT_EQ(e.next(), "d");
  EXPECT_EQ(error_of(e.term->try_recv_into(all.first(1), soon)), os_error(EMSGSIZE));
  EXPECT_EQ(e.term->skip(soon), 3u);
  EXPECT_EQ(e.next(), "hij");
}

TEST(term, a_message_larger_than_memory_and_terminator_stays_below) {
  const auto e = open("STOP");
  std::array<std::byte, 4> memory;
  e.peer->write("abcdefgh\r\nx\r\n");
  EXPECT_EQ(error_of(e.term->try_recv_into(memory, soon)), os_error(EMSGSIZE));
  EXPECT_EQ(error_of(e.term->try_recv_into(mutable_bytes(memory).first(2), soon)),
            os_error(EMSGSIZE));
  EXPECT_EQ(e.next(), "abcdefgh");
  EXPECT_EQ(e.next(), "x");
}

TEST(term, messages_beyond_the_limit_below_can_be_dropped) {
  const auto e = open("STOP", 10);
  e.peer->write(std::string(50, 'x') + "\r\nSTOP\r\n");
  EXPECT_EQ(e.error_of_receive(), errc::message_too_big);
  EXPECT_EQ(e.term->skip(soon), 50u);
  EXPECT_EQ(e.error_of_receive(), errc::end_of_stream);
}

TEST(term, dropping_in_several_calls_drops_one_message) {
  const auto e = open("STOP");
  e.peer->write("abcdefgh");
  EXPECT_EQ(error_of(e.term->try_skip(1ms)), os_error(ETIMEDOUT));
  e.peer->write("ij\r\nSTOP\r\n");
  EXPECT_EQ(e.term->skip(soon), 10u);
  EXPECT_EQ(error_of(e.term->try_skip(soon)), errc::end_of_stream);
}

TEST(term, a_receive_between_two_droppings_begins_anew) {
  const auto e = open("STOP");
  e.peer->write("abcdefgh");
  EXPECT_EQ(error_of(e.term->try_skip(1ms)), os_error(ETIMEDOUT));
  e.peer->write("ij\r\n");
  EXPECT_EQ(e.error_of_receive(1ms), os_error(ETIMEDOUT));
  e.peer->write("STOP\r\n");
  EXPECT_EQ(error_of(e.term->try_skip(soon)), errc::end_of_stream);
}

TEST(term, an_end_without_a_terminator_is_a_broken_connection) {
  const auto e = open("STOP");
  e.peer->write("a\r\n");
  e.peer->done();
  EXPECT_EQ(e.next(), "a");
  EXPECT_EQ(e.error_of_receive(), os_error(ECONNRESET));
  EXPECT_EQ(error_of(e.term->try_skip(soon)), os_error(ECONNRESET));
}

TEST(term, detaching_says_goodbye_and_gives_the_stream_back_behind_the_peers_goodbye) {
  const auto e = open("STOP", 100);
  e.peer->write("dropped\r\n" + std::string(1000, 'x') + "\r\nSTOP\r\nbeyond\r\n");
  const auto below = e.term->detach(soon);
  EXPECT_EQ(as_text(below->recv(soon)), "beyond");
  EXPECT_EQ(as_text(e.peer->fill(6, soon)), "STOP\r\n");
  EXPECT_EQ(e.error_of_receive(), errc::closed);
  EXPECT_EQ(e.error_of_send("x"), errc::closed);
  EXPECT_EQ(error_of(e.term->try_detach(soon)), errc::closed);
  EXPECT_EQ(error_of(e.term->try_flush(soon)), errc::closed);
  EXPECT_EQ(error_of(e.term->try_close(soon)), errc::closed);
  e.term->abort();
  below->send("still here");
  EXPECT_EQ(as_text(e.peer->fill(18, soon)).substr(6), "still here\r\n");
}

TEST(term, detaching_after_both_goodbyes_only_gives_the_stream_back) {
  const auto e = open("STOP");
  e.peer->write("STOP\r\nbeyond\r\n");
  e.term->done();
  EXPECT_EQ(e.error_of_receive(), errc::end_of_stream);
  EXPECT_EQ(as_text(e.term->detach(immediately)->recv(soon)), "beyond");
  EXPECT_EQ(as_text(e.peer->fill(6, soon)), "STOP\r\n");
}

TEST(term, detaching_drops_a_message_that_waited_for_more_room) {
  const auto e = open("STOP");
  e.peer->write("abc\r\nSTOP\r\n");
  EXPECT_EQ(error_of(e.term->try_recv_into({}, soon)), os_error(EMSGSIZE));
  EXPECT_TRUE(e.term->try_detach(soon));
}

TEST(term, detaching_from_a_silent_peer_ends_at_the_deadline_and_closes) {
  const auto e = open("STOP");
  EXPECT_EQ(error_of(e.term->try_detach(1ms)), os_error(ETIMEDOUT));
  EXPECT_EQ(e.error_of_receive(), errc::closed);
  EXPECT_FALSE(e.peer->try_fill(7, soon));
}

TEST(term, a_flood_does_not_extend_the_deadline_of_detaching) {
  const auto e = open("STOP");
  task_group group;
  group.go([&] {
    while (e.peer->try_write({}, soon)) {
      const bytes line = as_bytes("and on and on\r\n");
      if (!e.peer->try_write(parts(&line, 1), soon)) return;
      caraway::sleep(1ms);
    }
  });
  EXPECT_EQ(error_of(e.term->try_detach(20ms)), os_error(ETIMEDOUT));
  group.cancel();
}

TEST(term, detaching_waits_for_nobody) {
  const auto e = open("STOP");
  task_group group;
  group.go([&] { EXPECT_EQ(e.next(), "x"); });
  caraway::sleep(1ms);
  EXPECT_EQ(error_of(e.term->try_detach(soon)), os_error(EBUSY));
  e.peer->write("x\r\n");
  group.wait();
}

TEST(term, aborting_wakes_who_detaches) {
  const auto e = open("STOP");
  task_group group;
  group.go([&] { EXPECT_EQ(error_of(e.term->try_detach(soon)), os_error(ECANCELED)); });
  caraway::sleep(1ms);
  EXPECT_EQ(error_of(e.term->try_flush(soon)), errc::closed);
  EXPECT_EQ(e.error_of_receive(), os_error(EBUSY));
  e.term->abort();
  group.wait();
}

TEST(term, closing_says_goodbye_first) {
  const auto e = open("STOP");
  task_group group;
  group.go([&] { EXPECT_FALSE(error_of(e.term->try_close(soon))); });
  EXPECT_EQ(as_text(e.peer->fill(6, soon)), "STOP\r\n");
  EXPECT_EQ(error_of(e.peer->try_fill(7, soon)), errc::end_of_stream);
  e.peer->close(soon);
  group.wait();
}

TEST(term, layers_stand_on_each_other) {
  auto [a, b] = memory_pair();
  auto inner = attach(lined(std::move(a)), as_bytes("inner"));
  auto outer = attach(std::move(inner), as_bytes("outer"));
  b->write("x\r\nouter\r\ny\r\ninner\r\nz\r\n");
  EXPECT_EQ(as_text(outer->recv(soon)), "x");
  auto below = outer->detach(soon);
  EXPECT_EQ(as_text(below->recv(soon)), "y");
  EXPECT_EQ(error_of(below->try_recv(soon)), errc::end_of_stream);
}

}  // namespace
}  // namespace caraway::term
