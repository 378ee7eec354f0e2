#include "caraway/http_body.hpp"

#include <gtest/gtest.h>

#include <chrono>

#include "caraway/memory_pair.hpp"

namespace caraway::http {
namespace {

using namespace std::chrono_literals;

constexpr auto soon = 20s;
const field_list chunked = {{"Transfer-Encoding", "Chunked"}};

response_head answer(field_list fields, int status = 200) {
  return {.status = status, .reason = {}, .minor_version = 1, .fields = std::move(fields)};
}

// What is read of `sent`: the body and, behind a bar, what is left in the stream.
result<std::string> body_of_text(std::string_view sent, field_list fields,
                                 std::size_t limit = 100) {
  result<std::string> found;
  for (const std::size_t chop : {std::size_t{1}, std::size_t{3}, std::size_t{1000}}) {
    auto [from, peer] = memory_pair({.chop = chop});
    peer->write(sent);
    peer->done();
    auto body = try_read_body(*from, answer(fields), limit, soon);
    if (body) {
      while (from->try_fill(from->buffered().size() + 1, soon)) continue;
      *body += "|" + std::string(as_text(from->buffered()));
    }
    EXPECT_TRUE(chop == 1 || body == found) << "cut into pieces of " << chop;
    found = std::move(body);
  }
  return found;
}

const result<std::string> wrong = fail(errc::protocol);
const result<std::string> cut_off = fail(errc::end_of_stream);
const result<std::string> too_big = fail(errc::message_too_big);

TEST(http_body, a_length_ends_the_body) {
  EXPECT_EQ(body_of_text("hello, more", {{"Content-Length", "5"}}), "hello|, more");
  EXPECT_EQ(body_of_text("hello", {{"Content-Length", "0"}}), "|hello");
  EXPECT_EQ(body_of_text("hello", {{"Content-Length", "3, 3"}, {"content-length", "3"}}), "hel|lo");
}

TEST(http_body, without_a_length_the_end_of_the_stream_does) {
  EXPECT_EQ(body_of_text("hello, more", {}), "hello, more|");
}

TEST(http_body, chunks_are_put_together) {
  EXPECT_EQ(
      body_of_text("5\r\nhello\r\n1;x=y\r\n,\r\nA\r\n0123456789\r\n0\r\n\r\nnot this", chunked),
      "hello,0123456789|not this");
  EXPECT_EQ(body_of_text("0\r\n\r\n", chunked), "|");
}

TEST(http_body, trailers_are_passed_over) {
  EXPECT_EQ(body_of_text("1\r\nx\r\n0\r\nDigest: y\r\nZ:\r\n\r\nnext", chunked), "x|next");
  EXPECT_EQ(body_of_text("0\r\nno field\r\n\r\n", chunked), wrong);
  EXPECT_EQ(body_of_text("0\r\nA: " + std::string(16 * 1024 - 7, 'x') + "\r\n\r\n", chunked), "|");
  EXPECT_EQ(body_of_text("0\r\nA: " + std::string(16 * 1024 - 6, 'x') + "\r\n\r\n", chunked),
            too_big);
}

TEST(http_body, wrong_chunks_are_an_error) {
  for (const char* text :
       {"5\r\nhello\r\nx\r\n", "5\r\nhello!\r\n1\r\nx\r\n", "-1\r\nhello", "+1\r\nh\r\n",
        "\r\nhello", "fffffffffffffffff\r\nhello", "5\nhello\n0\n\n", " 5\r\nhello\r\n0\r\n\r\n"})
    EXPECT_EQ(body_of_text(text, chunked), wrong) << text;
  EXPECT_EQ(body_of_text(std::string(1025, '1'), chunked), too_big);
}

TEST(http_body, a_body_that_was_cut_off_is_an_error) {
  EXPECT_EQ(body_of_text("hel", {{"Content-Length", "5"}}), cut_off);
  EXPECT_EQ(body_of_text("5\r\nhel", chunked), cut_off);
  EXPECT_EQ(body_of_text("5\r\nhello\r\n", chunked), cut_off);
  EXPECT_EQ(body_of_text("0\r\n", chunked), cut_off);
}

TEST(http_body, a_length_in_doubt_is_an_error) {
  for (const char* length : {"", "x", "-1", "+1", "1 2", "3, 4", "0x5", "18446744073709551616"})
    EXPECT_EQ(body_of_text("hello", {{"Content-Length", length}}), wrong) << length;
  EXPECT_EQ(body_of_text("hello", {{"Content-Length", "1"}, {"Content-Length", "2"}}), wrong);
  EXPECT_EQ(body_of_text("", {{"Content-Length", "5"}, chunked[0]}), wrong);
  for (const char* coding : {"gzip", "gzip, chunked", "chunked, chunked", ""})
    EXPECT_EQ(body_of_text("", {{"Transfer-Encoding", coding}}), wrong) << coding;
}

TEST(http_body, the_limit_is_exact) {
  const std::string text(101, 'x');
  EXPECT_EQ(body_of_text(text.substr(1), {}), text.substr(1) + "|");
  EXPECT_EQ(body_of_text(text, {}), too_big);
  EXPECT_EQ(body_of_text(text, {{"Content-Length", "101"}}), too_big);
  EXPECT_EQ(body_of_text("65\r\n" + text + "\r\n0\r\n\r\n", chunked), too_big);
  EXPECT_EQ(body_of_text("64\r\n" + text.substr(1) + "\r\n0\r\n\r\n", chunked),
            text.substr(1) + "|");
}

TEST(http_body, some_answers_have_no_body) {
  const field_list five = {{"Content-Length", "5"}};
  for (const int status : {101, 204, 304}) {
    EXPECT_EQ(body_of(answer(five, status))->size, 0u) << status;
    EXPECT_EQ(body_of(answer({}, status))->how, body_length::kind::counted) << status;
  }
  EXPECT_EQ(body_of(answer(five), "HEAD")->size, 0u);
  EXPECT_EQ(body_of(answer({}), "CONNECT")->how, body_length::kind::counted);
  EXPECT_EQ(body_of(answer({}, 407), "CONNECT")->how, body_length::kind::until_end);
}

TEST(http_body, a_request_without_a_length_has_no_body) {
  request_head head{.method = "POST", .target = "/", .minor_version = 1, .fields = {}};
  EXPECT_EQ(body_of(head)->how, body_length::kind::counted);
  EXPECT_EQ(body_of(head)->size, 0u);
  auto [from, peer] = memory_pair();
  peer->write("hello");
  EXPECT_EQ(read_body(*from, head, 10, soon), "");
  head.fields = {{"Content-Length", "5"}};
  EXPECT_EQ(read_body(*from, head, 10, soon), "hello");
}

TEST(http_body, a_piece_that_timed_out_has_lost_nothing) {
  auto [from, peer] = memory_pair();
  body_reader body(*from, {body_length::kind::chunked, 0});
  std::string got;
  for (const char c : std::string("3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")) {
    auto piece = body.try_next(immediately);
    if (piece)
      got += as_text(*piece);
    else
      EXPECT_EQ(piece.error(), os_error(ETIMEDOUT));
    peer->write(std::string_view(&c, 1));
  }
  EXPECT_TRUE(body.next(soon).empty());
  EXPECT_TRUE(body.next(soon).empty());
  EXPECT_EQ(got, "abcde");
}

}  // namespace
}  // namespace caraway::http
