#include "proto/http_body.hpp"

#include <gtest/gtest.h>

#include <chrono>

#include "caraway/memory_pair.hpp"

namespace caraway::proto {
namespace {

using namespace std::chrono_literals;

std::string body_of(std::string_view sent, http::field_list fields, std::size_t limit = 100,
                    int status = 200) {
  for (const std::size_t chop : {std::size_t{1}, std::size_t{1000}}) {
    auto [from, peer] = memory_pair({.chop = chop});
    peer->write(sent);
    peer->done();
    const http::response_head head{
        .status = status, .reason = {}, .minor_version = 1, .fields = fields};
    const std::string body = read_body(*from, head, limit, 20s);
    if (chop > 1) return body;
  }
  return {};
}

TEST(http_body, a_length_ends_the_body) {
  EXPECT_EQ(body_of("hello, more", {{"Content-Length", "5"}}), "hello");
  EXPECT_EQ(body_of("hello", {{"Content-Length", "0"}}), "");
}

TEST(http_body, without_a_length_the_end_of_the_stream_does) {
  EXPECT_EQ(body_of("hello, more", {}), "hello, more");
}

TEST(http_body, chunks_are_put_together) {
  const http::field_list chunked = {{"Transfer-Encoding", "gzip, Chunked"}};
  EXPECT_EQ(body_of("5\r\nhello\r\n1;x=y\r\n,\r\nA\r\n0123456789\r\n0\r\n\r\nnot this", chunked),
            "hello,0123456789");
  EXPECT_EQ(body_of("0\r\n\r\n", chunked), "");
}

TEST(http_body, wrong_chunks_end_the_body_where_they_begin) {
  const http::field_list chunked = {{"Transfer-Encoding", "chunked"}};
  EXPECT_EQ(body_of("5\r\nhello\r\nx\r\n", chunked), "hello");
  EXPECT_EQ(body_of("5\r\nhello!\r\n1\r\nx\r\n", chunked), "hello");
  EXPECT_EQ(body_of("-1\r\nhello", chunked), "");
  EXPECT_EQ(body_of("\r\nhello", chunked), "");
  EXPECT_EQ(body_of("fffffffffffffffff\r\nhello", chunked), "");
  EXPECT_EQ(body_of(std::string(5000, '1'), chunked), "");
}

TEST(http_body, what_came_before_a_broken_end_is_kept) {
  EXPECT_EQ(body_of("hel", {{"Content-Length", "5"}}), "hel");
  EXPECT_EQ(body_of("5\r\nhel", {{"Transfer-Encoding", "chunked"}}), "hel");
}

TEST(http_body, the_limit_is_exact) {
  const std::string text(101, 'x');
  EXPECT_EQ(body_of(text, {}).size(), 100u);
  EXPECT_EQ(body_of(text, {{"Content-Length", "101"}}).size(), 100u);
  EXPECT_EQ(body_of("65\r\n" + text + "\r\n0\r\n\r\n", {{"Transfer-Encoding", "chunked"}}).size(),
            100u);
}

TEST(http_body, some_statuses_have_no_body) {
  for (const int status : {101, 204, 304})
    EXPECT_EQ(body_of("hello", {}, 100, status), "") << status;
}

}  // namespace
}  // namespace caraway::proto
