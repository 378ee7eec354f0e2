// ws_connection_sending_test.cpp - what a connection sends: pongs, close frames, the caller's
// frames, and when not.
#include <gtest/gtest.h>

#include <cerrno>
#include <string>

#include "caraway/ws_connection.hpp"
#include "codec/ws_script.hpp"

namespace caraway::ws {
namespace {

using namespace std::string_literals;

constexpr role both[] = {role::client, role::server};

mutable_bytes writable(std::string& s) {
  return std::as_writable_bytes(std::span(s));
}

std::string sent_by(connection& c) {
  const bytes out = c.pending();
  const std::string frames = read_frames(as_text(out), c.role());
  c.sent(out.size());
  return frames;
}

// 5.5.2, 5.5.3: what is pending

TEST(ws_connection_sending, only_the_latest_of_many_pings_need_be_answered) {
  for (role r : both) {
    ws_wire in(r);
    for (int i = 0; i < 1000; ++i) in.frame(opcode::ping, "ping " + std::to_string(i));
    std::string buffer = in.data();
    mutable_bytes rest = writable(buffer);
    connection c(script_options(r));
    while (!rest.empty()) rest = rest.subspan(c.receive(rest).consumed);
    EXPECT_EQ(sent_by(c), "pong(ping 999)");
    EXPECT_EQ(sent_by(c), "");
    EXPECT_EQ(c.memory(), 0u);
  }
}

TEST(ws_connection_sending, bytes_shown_by_pending_stay_while_more_pings_and_a_close_arrive) {
  for (role r : both) {
    connection c(script_options(r));
    const auto show = [&](const ws_wire& in) {
      std::string buffer = in.data();
      c.receive(writable(buffer));
    };
    show(ws_wire(r).frame(opcode::ping, std::string(125, '1')));
    const bytes out = c.pending();
    const std::string before(as_text(out));
    std::string taken = before.substr(0, 50);
    c.sent(50);
    show(ws_wire(r).frame(opcode::ping, std::string(125, '2')));
    show(ws_wire(r).frame(opcode::ping, std::string(100, '3')));
    show(ws_wire(r).close(1000));
    EXPECT_EQ(as_text(out), before);
    EXPECT_EQ(c.pending().size(), before.size() - 50);
    taken += as_text(c.pending());
    c.sent(c.pending().size());
    taken += as_text(c.pending());
    c.sent(c.pending().size());
    EXPECT_EQ(read_frames(taken, r), "pong(" + std::string(125, '1') + ") pong(" +
                                         std::string(100, '3') + ") close(1000)");
  }
}

TEST(ws_connection_sending, a_pong_that_waits_behind_a_sent_one_still_gives_way_to_a_newer_one) {
  for (role r : both) {
    connection c(script_options(r));
    const auto ping = [&](std::string_view payload) {
      std::string in = ws_wire(r).frame(opcode::ping, payload).data();
      c.receive(writable(in));
    };
    ping("shown");
    const std::size_t shown = c.pending().size();
    ping("waits");
    c.sent(shown);
    ping("newer");
    EXPECT_EQ(sent_by(c), "pong(newer)");
    EXPECT_EQ(sent_by(c), "");
  }
}

TEST(ws_connection_sending, a_pong_may_be_overtaken_by_the_close_it_waits_with) {
  connection c(script_options(role::server));
  std::string first = ws_wire(role::server).frame(opcode::ping, "1").data();
  c.receive(writable(first));
  ASSERT_TRUE(c.close());
  std::string second = ws_wire(role::server).frame(opcode::ping, "22").data();
  c.receive(writable(second));
  EXPECT_EQ(sent_by(c), "close(1000) pong(22)");
}

// 5.5.1, 7: closing

TEST(ws_connection_sending, this_side_closes_first) {
  for (role r : both) {
    connection c(script_options(r));
    ASSERT_TRUE(c.close(1001, "bye"));
    EXPECT_EQ(c.state(), connection_state::closing);
    EXPECT_FALSE(c.is_open());
    EXPECT_EQ(c.own_close(), 1001);
    EXPECT_EQ(sent_by(c), "close(1001)");
    std::string in =
        ws_wire(r).frame(opcode::text, "late").frame(opcode::ping, "p").close(1001).data();
    mutable_bytes rest = writable(in);
    event e = c.receive(rest);
    EXPECT_EQ(as_text(e.payload), "late");
    rest = rest.subspan(e.consumed);
    e = c.receive(rest);
    EXPECT_EQ(e.kind, event_kind::ping);
    EXPECT_EQ(sent_by(c), "pong(p)");
    rest = rest.subspan(e.consumed);
    e = c.receive(rest);
    EXPECT_EQ(e.kind, event_kind::closed);
    EXPECT_EQ(c.state(), connection_state::closed);
    EXPECT_EQ(c.peer_close().code, 1001);
    EXPECT_EQ(sent_by(c), "");
    EXPECT_EQ(c.receive_eof().kind, event_kind::closed);
  }
}

TEST(ws_connection_sending, both_sides_close_at_once) {
  for (role r : both) {
    connection c(script_options(r));
    ASSERT_TRUE(c.close(1000));
    std::string in = ws_wire(r).close(4000, "mine").data();
    EXPECT_EQ(c.receive(writable(in)).kind, event_kind::closed);
    EXPECT_EQ(sent_by(c), "close(1000)");
    EXPECT_EQ(c.peer_close().code, 4000);
    EXPECT_EQ(c.peer_close().reason, "mine");
    EXPECT_EQ(c.own_close(), 1000);
  }
}

TEST(ws_connection_sending, a_broken_frame_after_our_close_sends_no_second_close) {
  for (role r : both) {
    connection c(script_options(r));
    ASSERT_TRUE(c.close(1000));
    EXPECT_EQ(sent_by(c), "close(1000)");
    std::string in = ws_wire(r).frame_of(7, "").data();
    EXPECT_EQ(c.receive(writable(in)).kind, event_kind::failed);
    EXPECT_EQ(sent_by(c), "");
    EXPECT_EQ(c.failure(), 1002);
  }
}

TEST(ws_connection_sending, a_close_without_code_is_an_empty_frame) {
  connection c(script_options(role::server));
  ASSERT_TRUE(c.close(close_code::no_status));
  EXPECT_EQ(as_text(c.pending()), "\x88\x00"s);
  EXPECT_EQ(c.own_close(), close_code::no_status);
}

TEST(ws_connection_sending, close_refuses_what_may_not_be_sent) {
  connection c(script_options(role::client));
  for (std::uint16_t code : {0, 999, 1004, 1006, 1015, 2999, 5000})
    EXPECT_EQ(c.close(code).error(), std::errc::invalid_argument) << code;
  EXPECT_EQ(c.close(close_code::no_status, "x").error(), std::errc::invalid_argument);
  EXPECT_EQ(c.close(1000, std::string(124, 'x')).error(), std::errc::invalid_argument);
  EXPECT_EQ(c.close(1000, "\xff").error(), std::errc::invalid_argument);
  EXPECT_EQ(c.close(1000, "\xe2\x82").error(), std::errc::invalid_argument);
  EXPECT_TRUE(c.is_open());
  EXPECT_TRUE(c.pending().empty());
  EXPECT_TRUE(c.close(1000, std::string(123, 'x')));
  EXPECT_EQ(c.close(1000).error(), make_error_code(errc::closed));
}

// 5.4, 5.6: the caller's frames

TEST(ws_connection_sending, a_server_sends_headers_and_leaves_the_payload_alone) {
  connection c(script_options(role::server));
  const auto h = c.send_header(opcode::text, true, 5);
  ASSERT_TRUE(h);
  EXPECT_EQ(as_text(h->view()), "\x81\x05"s);
  EXPECT_EQ(h->mask, mask_key{});
  EXPECT_EQ(as_text(c.send_header(opcode::binary, true, 65536)->view()),
            "\x82\x7f\x00\x00\x00\x00\x00\x01\x00\x00"s);
}

TEST(ws_connection_sending, a_client_masks_every_frame_with_another_key) {
  connection c(script_options(role::client));
  std::string one(c.frame_size(5), '?'), two = one;
  const bytes pieces[] = {as_bytes("He"), as_bytes(""), as_bytes("llo")};
  EXPECT_EQ(c.send_frame(writable(one), opcode::text, true, pieces), 11u);
  EXPECT_EQ(c.send_frame(writable(two), opcode::text, true, pieces), 11u);
  EXPECT_NE(one, two);
  EXPECT_EQ(read_frames(one + two, role::client), "text(Hello) text(Hello)");
}

TEST(ws_connection_sending, send_frame_needs_room_and_takes_no_more) {
  connection c(script_options(role::client));
  const bytes piece = as_bytes("Hello");
  std::string room(c.frame_size(5) + 3, '?');
  EXPECT_EQ(c.send_frame(writable(room).first(10), opcode::text, false, {&piece, 1}).error(),
            std::errc::no_buffer_space);
  EXPECT_FALSE(c.sending_message());
  EXPECT_EQ(c.send_frame(writable(room), opcode::text, false, {&piece, 1}), 11u);
  EXPECT_TRUE(room.ends_with("???"));
}

TEST(ws_connection_sending, fragments_are_sent_in_order_or_not_at_all) {
  for (role r : both) {
    connection c(script_options(r));
    EXPECT_EQ(c.send_header(opcode::continuation, true, 1).error(), std::errc::invalid_argument);
    EXPECT_TRUE(c.send_header(opcode::text, false, 1));
    EXPECT_TRUE(c.sending_message());
    EXPECT_EQ(c.send_header(opcode::text, true, 1).error(), std::errc::invalid_argument);
    EXPECT_EQ(c.send_header(opcode::binary, false, 1).error(), std::errc::invalid_argument);
    EXPECT_TRUE(c.send_header(opcode::ping, true, 125));
    EXPECT_TRUE(c.send_header(opcode::continuation, false, 0));
    EXPECT_TRUE(c.send_header(opcode::continuation, true, 1));
    EXPECT_FALSE(c.sending_message());
    EXPECT_EQ(c.send_header(opcode::continuation, true, 1).error(), std::errc::invalid_argument);
  }
}

TEST(ws_connection_sending, a_frame_taken_back_was_never_sent) {
  connection c(script_options(role::server));
  EXPECT_TRUE(c.send_header(opcode::text, false, 1));
  c.withdraw();
  EXPECT_TRUE(c.send_header(opcode::binary, false, 1));
  EXPECT_TRUE(c.send_header(opcode::continuation, true, 1));
  c.withdraw();
  EXPECT_TRUE(c.sending_message());
}

TEST(ws_connection_sending, control_frames_that_break_the_rules_are_not_sent) {
  connection c(script_options(role::client));
  EXPECT_EQ(c.send_header(opcode::ping, true, 126).error(), std::errc::invalid_argument);
  EXPECT_EQ(c.send_header(opcode::pong, false, 1).error(), std::errc::invalid_argument);
  EXPECT_EQ(c.send_header(opcode::close, true, 2).error(), std::errc::invalid_argument);
  EXPECT_EQ(c.send_header(opcode{5}, true, 2).error(), std::errc::invalid_argument);
  EXPECT_EQ(c.send_header(opcode::text, true, ~0ull).error(), std::errc::invalid_argument);
}

TEST(ws_connection_sending, nothing_is_sent_after_a_close_frame) {
  for (role r : both) {
    connection own(script_options(r)), theirs(script_options(r)), broken(script_options(r)),
        ended(script_options(r));
    ASSERT_TRUE(own.close());
    std::string close = ws_wire(r).close(1000).data(), bad = ws_wire(r).frame_of(3, "").data();
    theirs.receive(writable(close));
    broken.receive(writable(bad));
    ended.receive_eof();
    for (connection* c : {&own, &theirs, &broken, &ended}) {
      EXPECT_EQ(c->send_header(opcode::text, true, 1).error(), make_error_code(errc::closed));
      EXPECT_EQ(c->send_header(opcode::ping, true, 1).error(), make_error_code(errc::closed));
      EXPECT_EQ(c->close().error(), make_error_code(errc::closed));
    }
  }
}

TEST(ws_connection_sending, what_a_client_sends_a_server_understands_and_the_other_way_round) {
  for (role r : both) {
    const role other = r == role::client ? role::server : role::client;
    connection c(script_options(r));
    ws_wire in(other);
    const auto send = [&](opcode op, bool fin, std::string_view text) {
      const bytes piece = as_bytes(text);
      std::string room(c.frame_size(piece.size()), '?');
      EXPECT_TRUE(c.send_frame(writable(room), op, fin, {&piece, 1}));
      in.raw(room);
    };
    send(opcode::text, true, "whole");
    send(opcode::binary, false, "frag");
    send(opcode::ping, true, "p");
    send(opcode::continuation, true, "ments");
    ASSERT_TRUE(c.close(3000, "done"));
    in.raw(as_text(c.pending()));
    EXPECT_EQ(hear(in),
              "text(whole) ping(p) binary(fragments) closed(3000 done) > pong(p) close(3000)");
  }
}

TEST(ws_connection_sending, a_moved_connection_goes_on_where_it_was) {
  connection a(script_options(role::client));
  std::string first =
      ws_wire(role::client).frame(opcode::text, "a", false).frame(opcode::ping, "p").data();
  EXPECT_EQ(a.receive(writable(first)).kind, event_kind::ping);
  connection b(std::move(a));
  EXPECT_EQ(sent_by(b), "pong(p)");
  std::string second = ws_wire(role::client).frame(opcode::continuation, "b").data();
  EXPECT_EQ(as_text(b.receive(writable(second)).payload), "ab");
}

}  // namespace
}  // namespace caraway::ws
