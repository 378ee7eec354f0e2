// closing_test.cpp - RFC 6455 sections 5.5.1, 7.1 and 7.4 on real sockets: who closes first, what is
// on its way meanwhile, which codes may be sent and received, and the silence behind a close frame.
#include <gtest/gtest.h>

#include <array>
#include <cerrno>

#include "over_tcp.hpp"

namespace caraway::conformance {
namespace {

class closing : public testing::TestWithParam<ws::role> {
 protected:
  ws::ws_wire wire() const { return ws::ws_wire(GetParam()); }

  // Sends `w` from the peer.
  static void say(tested& t, const ws::ws_wire& w, std::size_t each = 0) {
    write_in_pieces(*t.peer, w.data(), each);
  }

  // All that the socket has sent, once it has closed its end.
  std::string all_sent(tested& t) const {
    static_cast<void>(t.peer->try_done(patience));
    return ws::read_frames(read_to_the_end(*t.peer), GetParam());
  }

  std::string next_sent(tested& t) const { return read_one(*t.peer, GetParam()); }

  // Closes the socket beside the peer, who reads to the end; what it has read.
  std::string closed_and_all_sent(tested& t) const {
    task_group tasks;
    tasks.go([&] { static_cast<void>(t.socket.try_close(patience)); });
    std::string sent = all_sent(t);
    tasks.wait(patience);
    return sent;
  }

  tested t = make_tested(GetParam());
};

INSTANTIATE_TEST_SUITE_P(rfc6455, closing, testing::ValuesIn(both_roles), name_of_role);

TEST_P(closing, the_peer_first) {
  say(t, wire().close(1000, "done"));
  EXPECT_EQ(everything_received(t.socket), "closed(1000 done)");
  EXPECT_TRUE(t.socket.peer_has_closed());
  EXPECT_EQ(closed_and_all_sent(t), "close(1000)");
}

TEST_P(closing, the_peer_first_byte_by_byte) {
  say(t, wire().frame(ws::opcode::text, "last").close(4321, "why"), 1);
  EXPECT_EQ(everything_received(t.socket), "text(last) closed(4321 why)");
  EXPECT_EQ(closed_and_all_sent(t), "close(4321)");
}

TEST_P(closing, the_peer_first_and_it_ends_the_connection_at_once) {
  say(t, wire().close(1001));
  t.peer->done(patience);
  EXPECT_EQ(everything_received(t.socket), "closed(1001)");
  EXPECT_EQ(closed_and_all_sent(t), "close(1001)");
}

TEST_P(closing, this_side_first) {
  task_group tasks;
  tasks.go([&] { t.socket.close(4000, "enough", patience); });
  EXPECT_EQ(next_sent(t), "close(4000)");
  say(t, wire().close(4000));
  EXPECT_EQ(all_sent(t), "");
  tasks.wait(patience);
  EXPECT_EQ(t.socket.close_code(), 4000);
}

TEST_P(closing, this_side_first_and_the_peer_answers_with_another_code) {
  t.socket.try_done(1001, "", patience);
  EXPECT_EQ(next_sent(t), "close(1001)");
  say(t, wire().close(1000, "as you like"));
  EXPECT_EQ(everything_received(t.socket), "closed(1000 as you like)");
  EXPECT_EQ(closed_and_all_sent(t), "");
}

TEST_P(closing, this_side_first_and_the_peer_answers_without_a_code) {
  t.socket.try_done(ws::close_code::no_status, "", patience);
  EXPECT_EQ(next_sent(t), "close()");
  say(t, wire().frame(ws::opcode::close, ""));
  EXPECT_EQ(everything_received(t.socket), "closed(1005)");
  EXPECT_EQ(closed_and_all_sent(t), "");
}

TEST_P(closing, both_at_once) {
  say(t, wire().close(1000, "me first"));
  EXPECT_TRUE(t.socket.try_done(1001, "no, me", patience));
  EXPECT_EQ(everything_received(t.socket), "closed(1000 me first)");
  EXPECT_EQ(closed_and_all_sent(t), "close(1001)");
}

TEST_P(closing, two_of_our_sockets_at_once) {
  auto [a, b] = connected();
  ws::socket one = ws::attach_without_handshake(std::move(a), GetParam());
  ws::socket two = ws::attach_without_handshake(std::move(b), other(GetParam()));
  task_group tasks;
  tasks.go([&] { one.close(4001, "one", patience); });
  tasks.go([&] { two.close(4002, "two", patience); });
  tasks.wait(patience);
  EXPECT_EQ(one.close_code(), 4002);
  EXPECT_EQ(two.close_code(), 4001);
}

TEST_P(closing, messages_on_their_way_are_received_behind_our_close_frame) {
  t.socket.try_done(1000, "", patience);
  say(t,
      wire()
          .frame(ws::opcode::text, "a")
          .frame(ws::opcode::binary, "b", false)
          .frame(ws::opcode::continuation, "c")
          .close(1000),
      1);
  EXPECT_EQ(everything_received(t.socket), "text(a) binary(bc) closed(1000)");
  EXPECT_EQ(closed_and_all_sent(t), "close(1000)");
}

TEST_P(closing, messages_on_their_way_are_dropped_by_close) {
  task_group tasks;
  tasks.go([&] { t.socket.close(1000, "", patience); });
  EXPECT_EQ(next_sent(t), "close(1000)");
  say(t, wire().frame(ws::opcode::binary, std::string(100000, 'd')).close(1000));
  EXPECT_EQ(all_sent(t), "");
  tasks.wait(patience);
  EXPECT_EQ(t.socket.close_code(), 1000);
}

TEST_P(closing, messages_of_ours_leave_before_our_close_frame) {
  task_group tasks;
  const std::string large(200000, 'l');
  tasks.go([&] {
    t.socket.send("first");
    t.socket.send(large);
    t.socket.close(1000, "", patience);
  });
  say(t, wire().close(1000));
  EXPECT_EQ(all_sent(t), "text(first) text(" + large + ") close(1000)");
  tasks.wait(patience);
}

TEST_P(closing, a_close_frame_amid_a_message_of_the_peer_ends_the_message) {
  say(t, wire().frame(ws::opcode::text, "half", false).close(1000));
  EXPECT_EQ(everything_received(t.socket), "closed(1000)");
  EXPECT_EQ(closed_and_all_sent(t), "close(1000)");
}

TEST_P(closing, the_peer_finishes_a_large_frame_behind_our_close_frame) {
  const std::string frame =
      wire().frame(ws::opcode::binary, std::string(100000, 'f')).close(1000).data();
  task_group tasks;
  write_in_pieces(*t.peer, std::string_view(frame).substr(0, 50000), 0);
  tasks.go([&] { t.socket.close(1000, "", patience); });
  EXPECT_EQ(next_sent(t), "close(1000)");
  write_in_pieces(*t.peer, std::string_view(frame).substr(50000), 0);
  EXPECT_EQ(all_sent(t), "");
  tasks.wait(patience);
  EXPECT_EQ(t.socket.close_code(), 1000);
}

TEST_P(closing, a_broken_frame_behind_our_close_frame_is_not_answered_by_a_second) {
  t.socket.try_done(1000, "", patience);
  say(t, wire().frame_of(3, "reserved"));
  EXPECT_EQ(everything_received(t.socket), "failed");
  EXPECT_EQ(closed_and_all_sent(t), "close(1000)");
}

// 5.5.2: answered unless the peer's close frame has come.
TEST_P(closing, a_ping_behind_our_close_frame_is_answered) {
  t.socket.try_done(1000, "", patience);
  say(t, wire().frame(ws::opcode::ping, "still").close(1000));
  EXPECT_EQ(everything_received(t.socket), "closed(1000)");
  EXPECT_EQ(closed_and_all_sent(t), "close(1000) pong(still)");
}

TEST_P(closing, nothing_of_ours_leaves_behind_our_close_frame) {
  EXPECT_TRUE(t.socket.try_done(1000, "", patience));
  const bytes late = as_bytes("late");
  EXPECT_EQ(t.socket.try_send(ws::message_type::text, parts(&late, 1), patience).error(),
            errc::closed);
  EXPECT_EQ(t.socket.try_ping(late, patience).error(), errc::closed);
  EXPECT_EQ(t.socket.try_begin(ws::message_type::binary, patience).error(), errc::closed);
  EXPECT_EQ(t.socket.try_done(1001, "", patience).error(), errc::closed);
  say(t, wire().close(1000));
  EXPECT_EQ(everything_received(t.socket), "closed(1000)");
  EXPECT_EQ(closed_and_all_sent(t), "close(1000)");
}

TEST_P(closing, a_message_in_pieces_is_cut_off_by_our_close_frame) {
  t.socket.begin(ws::message_type::text);
  t.socket.send_part(as_bytes("begun"));
  EXPECT_TRUE(t.socket.try_done(1000, "", patience));
  EXPECT_EQ(t.socket.try_send_part(as_bytes("late"), patience).error(), errc::closed);
  EXPECT_EQ(t.socket.try_end(patience).error(), errc::closed);
  say(t, wire().close(1000));
  EXPECT_EQ(closed_and_all_sent(t), "text...(begun) close(1000)");
}

TEST_P(closing, nothing_of_the_peers_is_heard_behind_its_close_frame) {
  say(t, wire()
             .close(1000)
             .frame(ws::opcode::text, "late")
             .frame(ws::opcode::ping, "late")
             .close(1001)
             .raw("\xff\xff\xff"));
  EXPECT_EQ(everything_received(t.socket), "closed(1000)");
  EXPECT_EQ(everything_received(t.socket), "closed(1000)");
  EXPECT_EQ(closed_and_all_sent(t), "close(1000)");
}

// 7.1.5: without a close frame the code is 1006, wherever the end comes.
TEST_P(closing, the_end_without_a_close_frame_is_1006_wherever_it_comes) {
  const ws::ws_wire whole = wire()
                                .frame(ws::opcode::text, "one", false)
                                .frame(ws::opcode::ping, "p")
                                .frame(ws::opcode::continuation, std::string(130, 'x'));
  const std::string all = ws::ws_wire(whole).close(1000).data();
  for (std::size_t cut = 0; cut < all.size(); ++cut) {
    tested u = make_tested(GetParam());
    write_in_pieces(*u.peer, std::string_view(all).substr(0, cut), 0);
    u.peer->done(patience);
    const std::string message = cut < whole.size() ? "" : "text(one" + std::string(130, 'x') + ") ";
    EXPECT_EQ(everything_received(u.socket), message + "failed(1006)") << cut;
    EXPECT_EQ(u.socket.close_code(), ws::close_code::abnormal);
    const std::string pong =
        cut < whole.size() - 130 - (whole.to() == ws::role::server ? 8 : 4) ? "" : "pong(p)";
    EXPECT_EQ(closed_and_all_sent(u), pong) << cut;
  }
}

TEST_P(closing, a_peer_that_resets_the_connection_is_told_from_one_that_ends_it) {
  say(t, wire().frame(ws::opcode::text, "half", false));
  t.peer->abort();
  EXPECT_EQ(everything_received(t.socket), os_error(ECONNRESET).message());
  EXPECT_EQ(t.socket.close_code(), ws::close_code::abnormal);
}

// 7.4: all codes there are, as they come in.
bool may_be_received(unsigned code) {
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
         (code >= 3000 && code <= 4999);
}

TEST_P(closing, every_code_is_received_or_refused_by_the_table) {
  for (unsigned code = 0; code < 5100; ++code) {
    if (code == 20) code = 980;     // the range of 0 to 999
    if (code == 1040) code = 2990;  // of 1015 to 2999
    tested u = make_tested(GetParam());
    say(u, wire().close(code, "because"));
    const std::string number = std::to_string(code);
    const bool fine = may_be_received(code);
    EXPECT_EQ(everything_received(u.socket), fine ? "closed(" + number + " because)" : "failed");
    EXPECT_EQ(closed_and_all_sent(u), "close(" + (fine ? number : "1002") + ")");
  }
}

TEST_P(closing, every_code_is_sent_or_refused_by_the_table) {
  for (unsigned code = 0; code <= 0xffff; ++code) {
    if (may_be_received(code) || code == ws::close_code::no_status) continue;
    ASSERT_EQ(t.socket.try_done(static_cast<std::uint16_t>(code), "", patience).error(),
              os_error(EINVAL));
  }
  for (unsigned code : {1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014,
                        3000, 3999, 4000, 4999}) {
    tested u = make_tested(GetParam());
    EXPECT_TRUE(u.socket.try_done(static_cast<std::uint16_t>(code), "", patience));
    say(u, wire().close(1000));
    EXPECT_EQ(closed_and_all_sent(u), "close(" + std::to_string(code) + ")");
  }
}

TEST_P(closing, reasons_are_sent_up_to_123_bytes_of_utf8) {
  EXPECT_EQ(t.socket.try_done(1000, std::string(124, 'r'), patience).error(), os_error(EINVAL));
  EXPECT_EQ(t.socket.try_done(1000, "\xc0\xaf", patience).error(), os_error(EINVAL));
  EXPECT_EQ(t.socket.try_done(1000, "cut \xe2\x82", patience).error(), os_error(EINVAL));
  EXPECT_EQ(t.socket.try_done(ws::close_code::no_status, "r", patience).error(), os_error(EINVAL));
  const std::string longest = std::string(120, 'r') + "\xe2\x82\xac";
  EXPECT_TRUE(t.socket.try_done(1000, longest, patience));
  say(t, wire().close(1000));
  task_group tasks;
  tasks.go([&] { static_cast<void>(t.socket.try_close(patience)); });
  t.peer->done(patience);
  const std::string sent = read_to_the_end(*t.peer);
  const ws::parsed_header p = ws::parse_header(as_bytes(sent), other(GetParam()));
  ASSERT_EQ(p.header.size, 125u);
  std::string payload = sent.substr(p.used);
  for (std::size_t i = 0; p.header.masked && i < payload.size(); ++i)
    payload[i] = static_cast<char>(payload[i] ^ static_cast<char>(p.header.mask[i % 4]));
  EXPECT_EQ(payload, "\x03\xe8" + longest);
  tasks.wait(patience);
}

}  // namespace
}  // namespace caraway::conformance
