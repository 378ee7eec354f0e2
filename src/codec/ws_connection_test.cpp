// ws_connection_test.cpp - the conversation by the sections of RFC 6455, both roles, however it is
// cut.
#include "caraway/ws_connection.hpp"

#include <gtest/gtest.h>

#include <string>

#include "codec/ws_script.hpp"

namespace caraway::ws {
namespace {

using namespace std::string_literals;

constexpr role both[] = {role::client, role::server};

connection_options limited(role r, std::uint64_t max_message,
                           std::uint32_t max_fragments = 131072) {
  connection_options o = script_options(r);
  o.max_message = max_message;
  o.max_fragments = max_fragments;
  return o;
}

mutable_bytes writable(std::string& s) {
  return std::as_writable_bytes(std::span(s));
}

// 5.6, 5.7

TEST(ws_connection, the_unmasked_frames_of_section_5_7_reach_a_client) {
  ws_wire in(role::client);
  in.raw("\x81\x05\x48\x65\x6c\x6c\x6f"s);
  in.raw("\x01\x03\x48\x65\x6c"s).raw("\x80\x02\x6c\x6f"s);
  in.raw("\x89\x05\x48\x65\x6c\x6c\x6f"s);
  in.raw("\x82\x7e\x01\x00"s + std::string(256, 'b'));
  EXPECT_EQ(hear(in), "text(Hello) text(Hello) ping(Hello) binary(" + std::string(256, 'b') +
                          ") > pong(Hello)");
}

TEST(ws_connection, the_masked_frames_of_section_5_7_reach_a_server) {
  ws_wire in(role::server);
  in.raw("\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"s);
  in.raw("\x8a\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"s);
  EXPECT_EQ(hear(in), "text(Hello) pong(Hello)");
}

TEST(ws_connection, messages_of_every_length_form_arrive) {
  for (role r : both)
    for (std::size_t n : {0u, 1u, 125u, 126u, 127u, 65535u, 65536u, 70000u}) {
      const std::string payload(n, 'x');
      ws_wire in(r);
      in.frame(opcode::binary, payload).frame(opcode::text, "after");
      const std::string expected = "binary(" + payload + ") text(after)";
      EXPECT_EQ(hear_cut(in, script_options(r), false, {}), expected);
      EXPECT_EQ(hear_cut(in, script_options(r), true, {n / 2 + 1}), expected);
      EXPECT_EQ(hear_cut(in, script_options(r), true, {1, 2 + n / 3, 2 + n / 2}), expected);
    }
}

TEST(ws_connection, a_whole_frame_is_shown_where_it_lies_and_costs_no_memory) {
  for (role r : both) {
    ws_wire in(r);
    in.frame(opcode::binary, std::string(40000, 'z'));
    std::string buffer = in.data() + "more";
    connection c(script_options(r));
    const event e = c.receive(writable(buffer));
    EXPECT_EQ(e.kind, event_kind::message);
    EXPECT_TRUE(e.in_place);
    EXPECT_EQ(e.consumed, in.size());
    EXPECT_EQ(static_cast<const void*>(e.payload.data() + e.payload.size()),
              buffer.data() + in.size());
    EXPECT_EQ(c.memory(), 0u);
  }
}

TEST(ws_connection, what_came_along_with_a_close_frame_is_left_for_who_speaks_next) {
  for (role r : both) {
    ws_wire in(r);
    in.frame(opcode::close, "");
    std::string buffer = in.data() + "next";
    connection c(script_options(r));
    const event e = c.receive(writable(buffer));
    EXPECT_EQ(e.kind, event_kind::closed);
    EXPECT_EQ(e.consumed, in.size());
    EXPECT_EQ(c.receive(writable(buffer)).consumed, buffer.size());
  }
}

// 5.4

TEST(ws_connection, fragments_become_one_message) {
  for (role r : both) {
    ws_wire in(r);
    in.frame(opcode::text, "one ", false).frame(opcode::continuation, "", false);
    in.frame(opcode::continuation, "two ", false).frame(opcode::continuation, "three");
    in.frame(opcode::binary, "", false).frame(opcode::continuation, "");
    in.frame(opcode::text, "", false).frame(opcode::continuation, "x");
    EXPECT_EQ(hear(in), "text(one two three) binary() text(x)");
  }
}

TEST(ws_connection, control_frames_may_stand_between_fragments) {
  for (role r : both) {
    ws_wire in(r);
    in.frame(opcode::text, "a", false)
        .frame(opcode::ping, "1")
        .frame(opcode::continuation, "b", false);
    in.frame(opcode::pong, "2").frame(opcode::ping, "3").frame(opcode::continuation, "c");
    EXPECT_EQ(hear(in), "ping(1) pong(2) ping(3) text(abc) > pong(1) pong(3)");
  }
}

TEST(ws_connection, a_close_frame_may_stand_between_fragments) {
  for (role r : both) {
    ws_wire in(r);
    in.frame(opcode::text, "a", false).close(1001).frame(opcode::continuation, "b");
    EXPECT_EQ(hear(in), "closed(1001) > close(1001)");
  }
}

TEST(ws_connection, a_continuation_needs_a_beginning) {
  for (role r : both) {
    for (bool fin : {false, true}) {
      EXPECT_EQ(hear(ws_wire(r).frame(opcode::continuation, "x", fin)),
                "failed(1002) > close(1002)");
      EXPECT_EQ(hear(ws_wire(r).frame(opcode::text, "x").frame(opcode::continuation, "y", fin)),
                "text(x) failed(1002) > close(1002)");
    }
  }
}

TEST(ws_connection, a_message_may_not_begin_within_another) {
  for (role r : both)
    for (opcode op : {opcode::text, opcode::binary})
      EXPECT_EQ(hear(ws_wire(r).frame(opcode::text, "x", false).frame(op, "y")),
                "failed(1002) > close(1002)");
}

// 5.1, 5.2, 5.5

TEST(ws_connection, every_broken_header_fails_with_1002) {
  for (role r : both) {
    const role other = r == role::client ? role::server : role::client;
    EXPECT_EQ(hear(ws_wire(r).raw(ws_wire(other).frame(opcode::text, "x").data())),
              "failed(1002) > close(1002)");
    for (std::uint8_t bit : {0x40, 0x20, 0x10})
      EXPECT_EQ(hear(ws_wire(r).frame(opcode::text, "x", true, bit)), "failed(1002) > close(1002)");
    for (unsigned op : {3u, 4u, 5u, 6u, 7u, 11u, 12u, 13u, 14u, 15u})
      EXPECT_EQ(hear(ws_wire(r).frame_of(op, "x")), "failed(1002) > close(1002)");
    for (unsigned op : {8u, 9u, 10u}) {
      EXPECT_EQ(hear(ws_wire(r).frame_of(op, "", false)), "failed(1002) > close(1002)");
      EXPECT_EQ(hear(ws_wire(r).frame_of(op, std::string(126, 'x'))), "failed(1002) > close(1002)");
    }
  }
}

TEST(ws_connection, a_failure_gives_its_reason) {
  ws_wire in(role::client);
  in.frame(opcode::continuation, "x");
  ws_listener l(script_options(role::client), false);
  l.feed(in.data());
  EXPECT_EQ(l.connection().failure_reason(), "continuation of no message");
  EXPECT_EQ(l.connection().error(), make_error_code(errc::protocol));
  EXPECT_EQ(l.connection().own_close(), 1002);
  EXPECT_EQ(l.connection().peer_close().code, close_code::abnormal);
}

// 5.5.2, 5.5.3

TEST(ws_connection, a_ping_of_any_allowed_size_is_answered_with_its_payload) {
  for (role r : both)
    for (std::size_t n : {0u, 1u, 124u, 125u}) {
      const std::string p(n, 'p');
      EXPECT_EQ(hear(ws_wire(r).frame(opcode::ping, p)), "ping(" + p + ") > pong(" + p + ")");
    }
}

TEST(ws_connection, an_unsolicited_pong_is_no_more_than_an_event) {
  for (role r : both) EXPECT_EQ(hear(ws_wire(r).frame(opcode::pong, "x")), "pong(x)");
}

// 5.5.1, 7

TEST(ws_connection, the_peers_close_is_answered_with_its_code) {
  for (role r : both) {
    EXPECT_EQ(hear(ws_wire(r).close(1000)), "closed(1000) > close(1000)");
    EXPECT_EQ(hear(ws_wire(r).close(4999, "gr\xc3\xbc\xc3\x9f")),
              "closed(4999 gr\xc3\xbc\xc3\x9f) > close(4999)");
    EXPECT_EQ(hear(ws_wire(r).frame(opcode::close, "")), "closed(1005) > close()");
    EXPECT_EQ(hear(ws_wire(r).close(1000, std::string(123, 'r'))),
              "closed(1000 " + std::string(123, 'r') + ") > close(1000)");
  }
}

TEST(ws_connection, nothing_is_accepted_after_close) {
  for (role r : both)
    EXPECT_EQ(
        hear(ws_wire(r).close(1000).frame(opcode::text, "x").frame(opcode::ping, "y").close(1001)),
        "closed(1000) > close(1000)");
}

TEST(ws_connection, nothing_is_accepted_after_a_failure) {
  for (role r : both)
    EXPECT_EQ(hear(ws_wire(r).frame_of(3, "").frame(opcode::text, "x").close(1000)),
              "failed(1002) > close(1002)");
}

// 7.4
TEST(ws_connection, a_close_frame_with_a_code_that_may_not_be_sent_fails_with_1002) {
  for (role r : both)
    for (unsigned code :
         {0u, 999u, 1004u, 1005u, 1006u, 1015u, 1016u, 1100u, 2000u, 2999u, 5000u, 65535u})
      EXPECT_EQ(hear(ws_wire(r).close(code)), "failed(1002) > close(1002)") << code;
}

TEST(ws_connection, a_close_frame_of_one_byte_fails_with_1002) {
  for (role r : both)
    EXPECT_EQ(hear(ws_wire(r).frame(opcode::close, "\x03")), "failed(1002) > close(1002)");
}

TEST(ws_connection, a_close_frame_of_one_byte_is_named_as_such) {
  ws_listener l(script_options(role::client), false);
  l.feed(ws_wire(role::client).frame(opcode::close, "\x03").data());
  EXPECT_EQ(l.connection().failure_reason(), "close frame of one byte");
}

TEST(ws_connection, a_close_reason_that_is_not_utf8_fails_with_1007) {
  for (role r : both) {
    EXPECT_EQ(hear(ws_wire(r).close(1000, "\xce\xba\xed\xa0\x80")), "failed(1007) > close(1007)");
    EXPECT_EQ(hear(ws_wire(r).close(1000, "cut \xe2\x82")), "failed(1007) > close(1007)");
  }
}

// 7.1.5
TEST(ws_connection, the_end_of_the_transport_without_a_close_frame_is_1006) {
  for (role r : both) {
    ws_listener l(script_options(r), false);
    l.feed(ws_wire(r).frame(opcode::text, "x").data());
    l.feed_eof();
    EXPECT_EQ(l.transcript(), "text(x) failed(1006)");
    EXPECT_EQ(l.connection().error(), make_error_code(errc::end_of_stream));
    EXPECT_TRUE(l.connection().pending().empty());
  }
}

TEST(ws_connection, the_end_within_a_frame_is_1006_and_gives_the_memory_back) {
  ws_listener l(limited(role::client, 1 << 20), true);
  l.feed(ws_wire(role::client).header(2, 100000).raw("abc").data());
  EXPECT_GT(l.connection().memory(), 0u);
  l.feed_eof();
  EXPECT_EQ(l.transcript(), "failed(1006)");
  EXPECT_EQ(l.connection().memory(), 0u);
}

TEST(ws_connection, the_end_after_our_close_but_not_theirs_is_1006) {
  connection c(script_options(role::server));
  ASSERT_TRUE(c.close());
  EXPECT_EQ(c.receive_eof().kind, event_kind::failed);
  EXPECT_EQ(c.failure(), 1006);
}

// 8.1

TEST(ws_connection, text_must_be_utf8) {
  for (role r : both) {
    EXPECT_EQ(hear(ws_wire(r).frame(opcode::text, "\xce\xba\xe1\xbd\xb9\xcf\x83")),
              "text(\xce\xba\xe1\xbd\xb9\xcf\x83)");
    EXPECT_EQ(hear(ws_wire(r).frame(opcode::text, "\xed\xa0\x80")), "failed(1007) > close(1007)");
    EXPECT_EQ(hear(ws_wire(r).frame(opcode::text, "cut \xe2\x82")), "failed(1007) > close(1007)");
    EXPECT_EQ(hear(ws_wire(r).frame(opcode::binary, "\xff\xfe\x80")), "binary(\xff\xfe\x80)");
  }
}

TEST(ws_connection, text_that_is_wrong_and_text_that_is_cut_short_are_told_apart) {
  for (std::string_view text : {"wrong \xff here", "cut short \xf0\x9f"}) {
    ws_listener l(script_options(role::server), false);
    l.feed(ws_wire(role::server).frame(opcode::text, text).data());
    EXPECT_EQ(l.connection().failure_reason(),
              text.ends_with("here") ? "text is not UTF-8" : "text ends within a character");
  }
}

TEST(ws_connection, a_character_may_span_fragments_and_pings) {
  for (role r : both) {
    ws_wire in(r);
    in.frame(opcode::text, "\xf0\x9f", false).frame(opcode::ping, "\xff");
    in.frame(opcode::continuation, "\x8c", false).frame(opcode::continuation, "\xb1");
    EXPECT_EQ(hear(in), "ping(\xff) text(\xf0\x9f\x8c\xb1) > pong(\xff)");
  }
}

TEST(ws_connection, a_message_must_end_with_a_whole_character) {
  for (role r : both)
    EXPECT_EQ(
        hear(ws_wire(r).frame(opcode::text, "\xf0\x9f", false).frame(opcode::continuation, "\x8c")),
        "failed(1007) > close(1007)");
}

TEST(ws_connection, the_state_of_one_text_does_not_leak_into_the_next) {
  for (role r : both)
    EXPECT_EQ(hear(ws_wire(r)
                       .frame(opcode::binary, "\xf0", false)
                       .frame(opcode::continuation, "\x9f")
                       .frame(opcode::text, "ok")),
              "binary(\xf0\x9f) text(ok)");
}

// 8.1: "_Fail the WebSocket Connection_" as soon as it is known.
TEST(ws_connection, wrong_text_is_noticed_with_the_byte_that_makes_it_wrong) {
  for (role r : both) {
    const std::size_t head = r == role::server ? 4 : 0;
    ws_wire in(r);
    in.frame(opcode::text, "ok \xf4\x90 and more");
    EXPECT_EQ(over_after(in), 2 + head + 5);

    ws_wire fragmented(r);
    fragmented.frame(opcode::text, "\xf4", false);
    const std::size_t first = fragmented.size();
    fragmented.frame(opcode::continuation, "\x90 and more");
    EXPECT_EQ(over_after(fragmented), first + 2 + head + 1);
  }
}

TEST(ws_connection, wrong_text_is_noticed_within_a_large_frame_that_never_ends) {
  ws_wire in(role::client);
  in.header(1, 1000000).raw(std::string(5000, 'a') + "\xc0" + std::string(100, 'a'));
  EXPECT_EQ(over_after(in), 10u + 5001u);
}

// Limits

TEST(ws_connection, the_limit_on_a_message_is_exact) {
  for (role r : both) {
    EXPECT_EQ(hear(ws_wire(r).frame(opcode::text, "12345678"), limited(r, 8)), "text(12345678)");
    EXPECT_EQ(hear(ws_wire(r).frame(opcode::text, "123456789"), limited(r, 8)),
              "failed(1009) > close(1009)");
    EXPECT_EQ(hear(ws_wire(r).frame(opcode::text, ""), limited(r, 0)), "text()");
    EXPECT_EQ(hear(ws_wire(r).frame(opcode::text, "1"), limited(r, 0)),
              "failed(1009) > close(1009)");
  }
}

TEST(ws_connection, the_limit_counts_all_fragments) {
  for (role r : both) {
    ws_wire in(r);
    in.frame(opcode::text, "1234", false).frame(opcode::continuation, "5678", false);
    EXPECT_EQ(hear(ws_wire(in).frame(opcode::continuation, ""), limited(r, 8)), "text(12345678)");
    EXPECT_EQ(hear(ws_wire(in).frame(opcode::continuation, "9"), limited(r, 8)),
              "failed(1009) > close(1009)");
  }
}

TEST(ws_connection, a_message_that_announces_too_much_fails_with_its_header) {
  for (role r : both) {
    ws_wire in(r);
    in.header(2, 0x7fffffffffffffff);
    EXPECT_EQ(over_after(in), in.size());
    EXPECT_EQ(hear(in), "failed(1009) > close(1009)");
    ws_wire fragmented(r);
    fragmented.frame(opcode::binary, "x", false).header(0, 0x7fffffffffffffff);
    EXPECT_EQ(hear(fragmented, limited(r, ~std::uint64_t{0} >> 1)), "failed(1009) > close(1009)");
  }
}

TEST(ws_connection, control_frames_do_not_count_as_message) {
  EXPECT_EQ(hear(ws_wire(role::client).frame(opcode::ping, "1234").frame(opcode::text, "56"),
                 limited(role::client, 2)),
            "ping(1234) text(56) > pong(1234)");
}

TEST(ws_connection, no_fragments_means_no_messages) {
  EXPECT_EQ(hear(ws_wire(role::server).frame(opcode::text, "Hello"), limited(role::server, 100, 0)),
            "failed(1009) > close(1009)");
}

TEST(ws_connection, the_limit_on_fragments_is_exact_and_begins_again_with_each_message) {
  for (role r : both) {
    ws_wire three(r);
    three.frame(opcode::text, "a", false).frame(opcode::continuation, "", false);
    ws_wire four(three);
    three.frame(opcode::continuation, "c").frame(opcode::ping, "");
    EXPECT_EQ(hear(ws_wire(three).raw(three.data()), limited(r, 100, 3)),
              "text(ac) ping() text(ac) ping() > pong() pong()");
    four.frame(opcode::continuation, "", false).frame(opcode::continuation, "");
    EXPECT_EQ(hear(four, limited(r, 100, 3)), "failed(1009) > close(1009)");
  }
}

}  // namespace
}  // namespace caraway::ws
