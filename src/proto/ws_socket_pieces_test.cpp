// ws_socket_pieces_test.cpp - messages in pieces that come to an end or do not, and pieces too long
// for one frame.
#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "caraway/memory_pair.hpp"
#include "caraway/shield.hpp"
#include "caraway/sim.hpp"
#include "caraway/task_group.hpp"
#include "caraway/this_task.hpp"
#include "caraway/ws_socket.hpp"
#include "proto/ws_wire.hpp"

namespace caraway::ws {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t fragment = 1000;
const limits in_fragments{.keepalive = keepalive_off, .fragment = fragment};

// A socket, and a peer at which one frame waits at a time.
struct half {
  socket ws;
  stream_ptr peer;

  explicit half(role as = role::server) {
    auto [a, b] = memory_pair({}, {.capacity = 1});
    ws = attach_without_handshake(std::move(a), as, in_fragments);
    peer = std::move(b);
  }
  // "text", "more" and so on, with a dot behind the last frame of a message, and its payload.
  std::string next() {
    const role self = ws.role() == role::server ? role::client : role::server;
    const auto f = wire::read_frame(*peer, self, 10s);
    const std::string name = f.op == opcode::text           ? "text"
                             : f.op == opcode::continuation ? "more"
                             : f.op == opcode::pong         ? "pong"
                                                            : "close";
    return name + (f.fin ? ". " : " ") + f.payload;
  }
};

const std::string cut_off_frame = "close. " + wire::close_payload(1011, "message cut off");

void in_a_world(std::move_only_function<void()> f) {
  sim::run({}, std::move(f));
}

TEST(ws_socket_pieces, a_sender_that_is_cancelled_before_its_first_piece_is_out_has_sent_nothing) {
  in_a_world([] {
    half h;
    h.ws.send("in the way");
    task_group group;
    auto sender = group.go([&] {
      h.ws.begin(message_type::text);
      return h.ws.try_send_part(as_bytes("piece"), never);
    });
    group.go([&] { h.ws.send("another"); });
    caraway::sleep(1s);
    sender.cancel();
    EXPECT_EQ(sender.join().error(), os_error(ECANCELED));
    EXPECT_EQ(h.next(), "text. in the way");
    EXPECT_EQ(h.next(), "text. another");
    EXPECT_TRUE(h.ws.is_open());
  });
}

TEST(ws_socket_pieces, a_sender_that_is_cancelled_in_the_middle_ends_the_conversation_for_all) {
  for (const bool at_the_end : {false, true}) {
    in_a_world([at_the_end] {
      half h;
      task_group group;
      auto sender = group.go([&] {
        h.ws.begin(message_type::text);
        h.ws.send_part(as_bytes("one"));
        return at_the_end ? h.ws.try_end(never) : h.ws.try_send_part(as_bytes("two"), never);
      });
      const bytes another = as_bytes("another");
      auto behind =
          group.go([&] { return h.ws.try_send(message_type::text, parts(&another, 1), never); });
      caraway::sleep(1s);
      sender.cancel();
      EXPECT_EQ(sender.join().error(), os_error(ECANCELED));
      EXPECT_EQ(behind.join().error(), errc::closed);
      EXPECT_FALSE(h.ws.is_open());
      EXPECT_EQ(h.next(), "text one");
      EXPECT_EQ(h.next(), cut_off_frame);
      EXPECT_EQ(h.ws.pending().senders, 0u);
    });
  }
}

TEST(ws_socket_pieces, a_message_goes_on_after_a_piece_that_timed_out) {
  in_a_world([] {
    half h;
    h.ws.begin(message_type::text);
    h.ws.send_part(as_bytes("one"));
    EXPECT_EQ(h.ws.try_send_part(as_bytes("two"), 1s).error(), os_error(ETIMEDOUT));
    EXPECT_EQ(h.ws.try_end(1s).error(), os_error(ETIMEDOUT));
    EXPECT_EQ(h.next(), "text one");
    h.ws.send_part(as_bytes("three"));
    EXPECT_EQ(h.next(), "more three");
    h.ws.end();
    EXPECT_EQ(h.next(), "more. ");
    h.ws.send("four");
    EXPECT_EQ(h.next(), "text. four");
  });
}

TEST(ws_socket_pieces, a_message_that_is_cut_off_has_never_begun_or_ends_the_conversation) {
  half h;
  h.ws.cut_off();
  h.ws.begin(message_type::text);
  h.ws.cut_off();
  h.ws.send("whole");
  EXPECT_EQ(h.next(), "text. whole");
  h.ws.begin(message_type::text);
  h.ws.send_part(as_bytes("half"));
  EXPECT_EQ(h.next(), "text half");
  h.ws.cut_off();
  EXPECT_EQ(h.next(), cut_off_frame);
  h.ws.cut_off();
  EXPECT_EQ(h.ws.try_end(1s).error(), errc::closed);
  h.ws.abort();
  h.ws.cut_off();
  socket().cut_off();
}

TEST(ws_socket_pieces, who_waits_behind_a_message_whose_transport_breaks_hears_of_it) {
  in_a_world([] {
    half h;
    task_group group;
    auto sender = group.go([&] {
      h.ws.begin(message_type::text);
      h.ws.send_part(as_bytes("one"));
      return h.ws.try_send_part(as_bytes("two"), never);
    });
    auto behind = group.go([&] { return h.ws.try_send(message_type::text, {}, never); });
    caraway::sleep(1s);
    h.peer->abort();
    EXPECT_EQ(sender.join().error(), os_error(ECONNRESET));
    EXPECT_FALSE(behind.join());
    EXPECT_EQ(h.ws.pending().senders, 0u);
  });
}

TEST(ws_socket_pieces, a_long_piece_goes_in_frames_of_the_limit_between_which_a_pong_passes) {
  for (const role as : {role::server, role::client}) {
    in_a_world([as] {
      half h(as);
      task_group group;
      group.go([&] { static_cast<void>(h.ws.try_receive(never)); });
      group.go([&] {
        h.ws.begin(message_type::text);
        h.ws.send_part(as_bytes(std::string(2 * fragment + 1, 'x')));
        h.ws.send_part(as_bytes(std::string(fragment, 'y')));
        h.ws.end();
      });
      EXPECT_EQ(h.next(), "text " + std::string(fragment, 'x'));
      h.peer->write(
          wire::frame(as == role::server ? role::client : role::server, opcode::ping, ""));
      std::string all;
      while (!all.ends_with("more. ")) all += h.next() + "\n", all.pop_back();
      EXPECT_TRUE(all.contains("pong")) << all;
      const std::string whole = "more " + std::string(fragment, 'x') + "more xmore " +
                                std::string(fragment, 'y') + "more. ";
      all.erase(all.find("pong. "), 6);
      EXPECT_EQ(all, whole);
      group.cancel();
    });
  }
}

TEST(ws_socket_pieces, the_rest_of_a_long_piece_follows_and_the_next_one_waits_for_it) {
  in_a_world([] {
    half h;
    const std::string text(4 * fragment, 'x');
    h.ws.begin(message_type::text);
    EXPECT_TRUE(h.ws.try_send_part(as_bytes(text), 1s));
    EXPECT_EQ(h.ws.pending().bytes, 3 * fragment);
    EXPECT_EQ(h.ws.pending().senders, 1u);
    EXPECT_EQ(h.ws.try_send_part(as_bytes("early"), 1s).error(), os_error(ETIMEDOUT));
    EXPECT_EQ(h.next(), "text " + std::string(fragment, 'x'));
    caraway::sleep(1s);
    EXPECT_EQ(h.ws.pending().bytes, 2 * fragment);
    task_group group;
    group.go([&] {
      h.ws.send_part(as_bytes("late"));
      h.ws.end();
    });
    for (int n = 0; n < 3; ++n) EXPECT_EQ(h.next(), "more " + std::string(fragment, 'x'));
    EXPECT_EQ(h.next(), "more late");
    EXPECT_EQ(h.next(), "more. ");
    group.wait();
    EXPECT_EQ(h.ws.carried().bytes_sent, 4 * fragment + 4);
  });
}

TEST(ws_socket_pieces, whatever_ends_the_conversation_meanwhile_ends_a_long_piece) {
  enum way { cancelled, closed, aborted, destroyed, ways };
  for (int w = 0; w < ways; ++w) {
    in_a_world([w] {
      half h;
      const std::string text(4 * fragment, 'x');
      task_group group;
      auto sender = group.go([&] {
        h.ws.begin(message_type::text);
        EXPECT_TRUE(h.ws.try_send_part(as_bytes(text), 1s));
        return h.ws.try_send_part(as_bytes("more"), w == destroyed ? 1s : never);
      });
      caraway::sleep(5s);
      const time_point before = now();
      if (w == cancelled) sender.cancel();
      if (w == closed) static_cast<void>(h.ws.try_done(1000, {}, immediately));
      if (w == aborted) h.ws.abort();
      EXPECT_FALSE(sender.join(1s));
      h.ws = socket();
      EXPECT_EQ(now(), before);
    });
  }
}

}  // namespace
}  // namespace caraway::ws
