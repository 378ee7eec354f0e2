#include "caraway/ws_writer.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <stdexcept>
#include <utility>

#include "caraway/memory_pair.hpp"
#include "caraway/task_group.hpp"
#include "caraway/this_task.hpp"
#include "proto/ws_wire.hpp"

namespace caraway::ws {
namespace {

using namespace std::chrono_literals;

struct pair {
  socket ws, peer;

  explicit pair(std::size_t capacity = memory_faults().capacity) {
    auto [a, b] = memory_pair({}, {.capacity = capacity});
    ws = attach_without_handshake(std::move(a), role::server);
    peer = attach_without_handshake(std::move(b), role::client, {.keepalive = keepalive_off});
  }
};

TEST(ws_writer, sends_one_message_whatever_it_is_made_of) {
  pair p;
  {
    writer w(p.ws, message_type::text);
    w.end();
  }
  EXPECT_EQ(p.peer.recv(1s)->text(), "");
  auto begun = writer::try_begin(p.ws, message_type::binary, 1s);
  writer w = std::move(*begun);
  w.send("o");
  w.send(as_bytes("ne"));
  w.end();
  EXPECT_EQ(p.peer.recv(1s)->text(), "one");
  EXPECT_EQ(w.try_send({}, 1s).error(), os_error(EINVAL));
  EXPECT_EQ(w.try_end(1s).error(), os_error(EINVAL));
  p.ws.send("next");
  EXPECT_EQ(p.peer.recv(1s)->text(), "next");
}

TEST(ws_writer, one_that_goes_before_anything_is_out_has_sent_nothing) {
  pair p;
  {
    const writer w(p.ws, message_type::text);
  }
  p.ws.send("whole");
  EXPECT_EQ(p.peer.recv(1s)->text(), "whole");
}

TEST(ws_writer, an_exception_in_the_middle_cuts_the_message_off) {
  pair p;
  try {
    writer w(p.ws, message_type::text);
    w.send("half");
    throw std::runtime_error("no more");
  } catch (const std::runtime_error&) {
    EXPECT_FALSE(p.ws.is_open());
  }
  EXPECT_EQ(p.peer.try_receive(1s).error(), errc::peer_closed);
  EXPECT_EQ(p.peer.close_code(), close_code::internal_error);
}

TEST(ws_writer, a_piece_that_timed_out_can_be_sent_again) {
  pair p(1);
  writer w(p.ws, message_type::text);
  w.send("one that fills the way, ");
  EXPECT_EQ(w.try_send(as_bytes("two"), immediately).error(), os_error(ETIMEDOUT));
  EXPECT_EQ(p.peer.recv_part(1s)->data.size(), 24u);
  w.send("two");
  EXPECT_EQ(as_text(p.peer.recv_part(1s)->data), "two");
  w.end();
  EXPECT_TRUE(p.peer.recv_part(1s)->last);
}

TEST(ws_writer, a_sender_that_is_cancelled_lets_those_behind_it_go) {
  for (const bool begun : {false, true}) {
    pair p(1);
    task_group group;
    if (!begun) p.ws.send("in the way");
    auto sender = group.go([&] {
      writer w(p.ws, message_type::text);
      if (begun) w.send("half");
      return w.try_send(as_bytes("more"), never);
    });
    auto behind = group.go([&] { return p.ws.try_send(message_type::text, {}, never); });
    yield();
    sender.cancel();
    EXPECT_EQ(sender.join().error(), os_error(ECANCELED));
    if (!begun) {
      EXPECT_EQ(p.peer.recv(1s)->text(), "in the way");
      EXPECT_EQ(p.peer.recv(1s)->text(), "");
      EXPECT_TRUE(behind.join());
    } else {
      EXPECT_EQ(behind.join().error(), errc::closed);
      EXPECT_EQ(p.peer.try_receive(1s).error(), errc::peer_closed);
    }
  }
}

TEST(ws_writer, one_whose_conversation_ended_harms_nobody) {
  pair p;
  writer w(p.ws, message_type::text);
  p.ws.abort();
  EXPECT_EQ(w.try_send(as_bytes("late"), 1s).error(), errc::closed);
  EXPECT_EQ(w.try_send(as_bytes("later"), 1s).error(), os_error(EINVAL));
}

}  // namespace
}  // namespace caraway::ws
