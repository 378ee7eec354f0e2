#include "caraway/http.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <utility>

#include "caraway/http_body.hpp"
#include "caraway/memory_pair.hpp"
#include "caraway/task_group.hpp"
#include "caraway/this_task.hpp"

namespace caraway::http {
namespace {

using namespace std::chrono_literals;

constexpr auto soon = 20s;

// A socket, and the raw stream at its other end.
std::pair<socket, stream_ptr> socket_and_peer(const memory_faults& faults = {},
                                              const head_limits& limits = {}) {
  auto [a, b] = memory_pair(faults);
  return {socket(std::move(a), limits), std::move(b)};
}

std::string sent_to(byte_stream& peer) {
  static_cast<void>(peer.try_fill(1, immediately));
  std::string text(as_text(peer.buffered()));
  peer.consume(text.size());
  return text;
}

request_head get(std::string target, field_list fields = {}) {
  return {.method = "GET",
          .target = std::move(target),
          .minor_version = 1,
          .fields = std::move(fields)};
}

TEST(http, heads_go_both_ways_and_bodies_stay_below) {
  for (const std::size_t chop : {std::size_t{1}, memory_faults::none}) {
    auto [a, b] = memory_pair({.chop = chop}, {.chop = chop});
    socket client(std::move(a)), server(std::move(b));
    client.send(get("/a", {{"Host", "h"}}), soon);
    const request_head request = server.receive_request(soon);
    EXPECT_EQ(request.target, "/a");
    EXPECT_EQ(find(request.fields, "host"), "h");
    server.send(response_head{103, {}, 1, {}}, soon);
    server.send(response_head{200, {}, 1, {{"Content-Length", "5"}}}, soon);
    server.below().write("hello");
    EXPECT_EQ(client.receive_response(soon).status, 103);
    const response_head head = client.receive_response(soon);
    EXPECT_EQ(head.reason, "OK");
    EXPECT_EQ(read_body(client.below(), head, 5, soon), "hello");
    client.send(get("/b"), soon);
    EXPECT_EQ(server.receive_request(soon).target, "/b");
  }
}

TEST(http, what_is_sent_line_by_line_is_a_head) {
  auto [s, peer] = socket_and_peer();
  ASSERT_TRUE(s.try_send_request_line("PUT", "/x?y", soon));
  ASSERT_TRUE(s.try_send_field("Host", " h ", soon));
  EXPECT_FALSE(s.head_sent());
  ASSERT_TRUE(s.try_done(soon));
  EXPECT_TRUE(s.head_sent());
  EXPECT_EQ(sent_to(*peer), "PUT /x?y HTTP/1.1\r\nHost: h\r\n\r\n");
  ASSERT_TRUE(s.try_send_status_line(204, "", soon));
  ASSERT_TRUE(s.try_done(soon));
  EXPECT_EQ(sent_to(*peer), "HTTP/1.1 204 No Content\r\n\r\n");
}

TEST(http, lines_out_of_order_are_refused) {
  auto [s, peer] = socket_and_peer();
  ASSERT_TRUE(s.try_send_status_line(200, "OK", soon));
  EXPECT_EQ(s.try_send_status_line(200, "OK", soon), result<void>(fail(EINVAL)));
  EXPECT_EQ(s.try_send(get("/"), soon), result<void>(fail(EINVAL)));
  ASSERT_TRUE(s.try_done(soon));
  EXPECT_EQ(s.try_done(soon), result<void>(fail(errc::closed)));
  EXPECT_EQ(s.try_send_field("A", "b", soon), result<void>(fail(errc::closed)));
  EXPECT_EQ(sent_to(*peer), "HTTP/1.1 200 OK\r\n\r\n");
  peer->write("GET / HTTP/1.1\r\nA: b\r\n\r\n");
  ASSERT_TRUE(s.try_receive_request_line(soon));
  EXPECT_EQ(s.try_receive_request_line(soon).error(), os_error(EINVAL));
  EXPECT_EQ(s.try_receive_request(soon).error(), os_error(EINVAL));
  EXPECT_EQ((*s.try_receive_field(soon))->name, "A");
}

TEST(http, nothing_can_be_smuggled_into_a_line) {
  auto [s, peer] = socket_and_peer();
  for (const char* text : {"a\r\nb: c", "a\nb", "a\rb", "a\x7f"}) {
    EXPECT_EQ(s.try_send_request_line(text, "/", soon), result<void>(fail(EINVAL)));
    EXPECT_EQ(s.try_send_request_line("GET", text, soon), result<void>(fail(EINVAL)));
    EXPECT_EQ(s.try_send_status_line(200, text, soon), result<void>(fail(EINVAL)));
    EXPECT_EQ(s.try_send_field(text, "x", soon), result<void>(fail(EINVAL)));
    EXPECT_EQ(s.try_send_field("x", text, soon), result<void>(fail(EINVAL)));
    EXPECT_EQ(s.try_send(get(text), soon), result<void>(fail(EINVAL)));
  }
  EXPECT_EQ(sent_to(*peer), "");
}

TEST(http, what_is_received_line_by_line_ends_at_the_empty_one) {
  for (const std::size_t chop : {std::size_t{1}, memory_faults::none}) {
    auto [s, peer] = socket_and_peer({.chop = chop});
    peer->write("HTTP/1.1 200 All right\r\nA: b\r\nC:\r\n\r\nbody");
    const auto status = s.try_receive_status_line(soon);
    ASSERT_TRUE(status);
    EXPECT_EQ(status->status, 200);
    EXPECT_EQ(status->reason, "All right");
    EXPECT_TRUE(s.receiving_head());
    EXPECT_EQ((*s.try_receive_field(soon))->value, "b");
    EXPECT_EQ((*s.try_receive_field(soon))->value, "");
    EXPECT_EQ(*s.try_receive_field(soon), std::nullopt);
    EXPECT_TRUE(s.head_received());
    EXPECT_EQ(*s.try_receive_field(soon), std::nullopt);
    EXPECT_EQ(as_text(s.below().fill(4, soon)), "body");
  }
}

TEST(http, whatever_is_no_http_is_an_error_that_stays) {
  for (const char* text : {"GET / HTTP/2\r\n", "GET / FTPX/9.9\r\n", "GET /\r\n", "\r\n", "\n",
                           " x", "\x16\x03\x01", "GET / HTTP/1.1\n", "GET / HTTP/1.1 \r\n"}) {
    auto [s, peer] = socket_and_peer();
    peer->write(text);
    EXPECT_EQ(s.try_receive_request_line(soon).error(), errc::protocol) << text;
    EXPECT_EQ(s.try_receive_request_line(soon).error(), errc::protocol) << text;
    EXPECT_EQ(s.try_receive_field(soon).error(), errc::protocol) << text;
    EXPECT_EQ(s.try_receive_request(soon).error(), errc::protocol) << text;
  }
  for (const char* text : {"no colon\r\n", " folded: x\r\n", "Name : x\r\n", ": x\r\n",
                           "A: \x01\r\n", "A: b\nB: c\r\n"}) {
    auto [s, peer] = socket_and_peer();
    peer->write(std::string("HTTP/1.1 200 OK\r\nX: y\r\n") + text);
    ASSERT_TRUE(s.try_receive_status_line(soon));
    ASSERT_TRUE(s.try_receive_field(soon));
    EXPECT_EQ(s.try_receive_field(soon).error(), errc::protocol) << text;
    EXPECT_EQ(s.try_receive_status_line(soon).error(), errc::protocol) << text;
    EXPECT_EQ(s.try_detach(soon).error(), errc::protocol) << text;
  }
}

// How many fields can be received of a head of `size` bytes with `fields` of them.
result<int> count_fields(std::size_t size, int fields, const head_limits& limits) {
  auto [s, peer] = socket_and_peer({}, limits);
  std::string head = "HTTP/1.1 200 OK\r\n";
  for (int i = 1; i < fields; ++i) head += "A: b\r\n";
  head += "A: " + std::string(size - head.size() - 7, 'x') + "\r\n\r\n";
  peer->write(head);
  if (auto line = s.try_receive_status_line(soon); !line) return fail(line.error());
  for (int n = 0;; ++n) {
    const auto field = s.try_receive_field(soon);
    if (!field) return fail(field.error());
    if (!*field) return n;
  }
}

TEST(http, limits_are_exact_line_by_line_too) {
  const head_limits limits{.size = 1000, .fields = 10};
  const result<int> too_much = fail(errc::message_too_big);
  EXPECT_EQ(count_fields(1000, 10, limits), 10);
  EXPECT_EQ(count_fields(1001, 10, limits), too_much);
  EXPECT_EQ(count_fields(999, 11, limits), too_much);
  EXPECT_EQ(count_fields(16 * 1024, 100, {}), 100);
  EXPECT_EQ(count_fields(16 * 1024 + 1, 100, {}), too_much);
  EXPECT_EQ(count_fields(16 * 1024, 101, {}), too_much);
}

TEST(http, a_line_without_an_end_is_too_long) {
  auto [s, peer] = socket_and_peer();
  peer->write(std::string(16 * 1024 - 1, 'x'));
  EXPECT_EQ(s.try_receive_request_line(immediately).error(), os_error(ETIMEDOUT));
  peer->write("x");
  EXPECT_EQ(s.try_receive_request_line(soon).error(), errc::message_too_big);
  EXPECT_EQ(s.try_receive_request_line(soon).error(), errc::message_too_big);
}

TEST(http, the_limits_begin_anew_with_every_head) {
  auto [s, peer] = socket_and_peer({}, {.size = 40, .fields = 1});
  for (int i = 0; i < 3; ++i) {
    peer->write("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    ASSERT_TRUE(s.try_receive_request_line(soon));
    ASSERT_TRUE(*s.try_receive_field(soon));
    ASSERT_FALSE(*s.try_receive_field(soon));
  }
}

TEST(http, a_receive_that_timed_out_or_was_cancelled_has_lost_nothing) {
  auto [s, peer] = socket_and_peer();
  std::string got;
  for (const char c : std::string("GET /x HTTP/1.1\r\nA: b\r\n\r\n")) {
    if (got.empty()) {
      if (auto line = s.try_receive_request_line(immediately)) got += line->target;
    } else if (auto field = s.try_receive_field(immediately); field) {
      got += (*field)->value;
    }
    task_group group;
    group.go([&s = s] {
      const auto all = s.try_receive_request(soon);
      EXPECT_FALSE(all);
      const auto field = s.try_receive_field(soon);
      EXPECT_FALSE(field);
    });
    group.cancel();
    static_cast<void>(group.try_wait(never));
    peer->write(std::string_view(&c, 1));
  }
  EXPECT_EQ(got, "/xb");
  EXPECT_EQ(*s.try_receive_field(soon), std::nullopt);
}

TEST(http, a_second_coroutine_in_the_same_direction_is_sent_away) {
  auto [s, peer] = socket_and_peer();
  task_group group;
  group.go([&s = s] { EXPECT_EQ(s.receive_request(soon).target, "/"); });
  yield();
  EXPECT_EQ(s.try_receive_request(soon).error(), os_error(EBUSY));
  EXPECT_EQ(s.try_receive_request_line(soon).error(), os_error(EBUSY));
  EXPECT_EQ(s.try_receive_field(soon).error(), os_error(EBUSY));
  EXPECT_EQ(s.try_skip(soon).error(), os_error(EBUSY));
  EXPECT_EQ(s.try_detach(soon).error(), os_error(EBUSY));
  EXPECT_TRUE(s.try_send(response_head{200, {}, 1, {}}, soon));
  peer->write("GET / HTTP/1.1\r\n\r\n");
  group.wait();
}

TEST(http, a_second_sender_is_sent_away) {
  auto [a, b] = memory_pair({}, {.capacity = 4});
  socket s(std::move(a));
  ASSERT_TRUE(s.try_send_request_line("GET", "/", soon));
  task_group group;
  group.go([&s] { EXPECT_TRUE(s.try_send_field("A", "b", soon)); });
  yield();
  EXPECT_EQ(s.try_done(soon), result<void>(fail(EBUSY)));
  EXPECT_EQ(as_text(b->fill(22, soon)), "GET / HTTP/1.1\r\nA: b\r\n");
  group.wait();
}

TEST(http, a_send_that_timed_out_has_sent_nothing) {
  auto [a, b] = memory_pair({}, {.capacity = 4});
  socket s(std::move(a));
  ASSERT_TRUE(s.try_send_request_line("GET", "/", soon));
  EXPECT_EQ(s.try_send_field("A", "b", immediately), result<void>(fail(ETIMEDOUT)));
  EXPECT_EQ(sent_to(*b), "GET / HTTP/1.1\r\n");
  ASSERT_TRUE(s.try_send_field("C", "d", soon));
  EXPECT_EQ(sent_to(*b), "C: d\r\n");
}

TEST(http, a_peer_that_finishes_inside_a_head_is_the_end_of_the_stream) {
  for (const char* text : {"", "GET", "GET / HTTP/1.1\r\n", "GET / HTTP/1.1\r\nA: b\r\n\r"}) {
    auto [s, peer] = socket_and_peer();
    peer->write(text);
    peer->done();
    EXPECT_EQ(s.try_receive_request(soon).error(), errc::end_of_stream) << text;
    const bool begun = s.try_receive_request_line(soon).has_value();
    EXPECT_EQ(s.try_detach(soon).has_value(), !begun) << text;
  }
}

TEST(http, detaching_gives_the_stream_back_exactly_behind_the_head) {
  auto [s, peer] = socket_and_peer();
  peer->write("HTTP/1.1 200 OK\r\nA: b\r\nsurprise\r\n\r\nbody");
  ASSERT_TRUE(s.try_send_request_line("GET", "/", soon));
  ASSERT_TRUE(s.try_receive_status_line(soon));
  const stream_ptr below = s.detach(soon);
  EXPECT_EQ(as_text(below->fill(4, soon)), "body");
  EXPECT_EQ(sent_to(*peer), "GET / HTTP/1.1\r\n\r\n");
}

TEST(http, detaching_waits_for_nothing_that_was_not_begun) {
  auto [s, peer] = socket_and_peer();
  const stream_ptr below = s.detach(immediately);
  below->write("x");
  EXPECT_EQ(sent_to(*peer), "x");
}

TEST(http, detaching_too_late_closes_the_stream) {
  auto [s, peer] = socket_and_peer();
  peer->write("HTTP/1.1 200 OK\r\nA: b\r\n");
  ASSERT_TRUE(s.try_receive_status_line(soon));
  EXPECT_EQ(s.try_detach(immediately).error(), os_error(ETIMEDOUT));
  EXPECT_EQ(peer->try_fill(1, soon).error(), os_error(ECONNRESET));
}

TEST(http, skipping_drops_a_whole_head) {
  auto [s, peer] = socket_and_peer();
  peer->write("HTTP/1.1 100 Continue\r\nA: b\r\n\r\nHTTP/1.1 200 OK\r\n\r\n");
  ASSERT_TRUE(s.try_skip(soon));
  EXPECT_TRUE(s.head_received());
  EXPECT_EQ(s.receive_response(soon).status, 200);
}

TEST(http, trailers_are_fields_without_a_start_line) {
  auto [s, peer] = socket_and_peer();
  ASSERT_TRUE(s.try_send_field("Digest", "x", soon));
  ASSERT_TRUE(s.try_done(soon));
  EXPECT_EQ(sent_to(*peer), "Digest: x\r\n\r\n");
  peer->write("Digest: y\r\n\r\n");
  EXPECT_EQ((*s.try_receive_field(soon))->value, "y");
  EXPECT_EQ(*s.try_receive_field(soon), std::nullopt);
}

}  // namespace
}  // namespace caraway::http
