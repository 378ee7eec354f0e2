#include "caraway/http_head.hpp"

#include <gtest/gtest.h>

#include <memory>

namespace caraway::http {
namespace {

constexpr std::string_view request_text =
    "GET /chat?x=1 HTTP/1.1\r\nHost: example.com\r\nEmpty:\r\nConnection: keep-alive,\t Upgrade "
    "\r\n\r\n";

// Parses a copy of exactly its size, so that a sanitizer sees a read past the end.
template <class Head>
result<std::size_t> parse_exact(std::string_view text, Head& head, const head_limits& l = {}) {
  const auto copy = std::make_unique<char[]>(text.size());
  text.copy(copy.get(), text.size());
  return parse(as_bytes(std::string_view(copy.get(), text.size())), head, l);
}

std::error_code error_of(std::string_view text, const head_limits& l = {}) {
  request_head head;
  const auto used = parse_exact(text, head, l);
  return used ? std::error_code() : used.error();
}

TEST(http_head, a_request_comes_apart) {
  request_head head;
  const auto used = parse_exact(std::string(request_text) + "behind", head);
  ASSERT_TRUE(used);
  EXPECT_EQ(*used, request_text.size());
  EXPECT_EQ(head.method, "GET");
  EXPECT_EQ(head.target, "/chat?x=1");
  EXPECT_EQ(head.minor_version, 1);
  ASSERT_EQ(head.fields.size(), 3u);
  EXPECT_EQ(find(head.fields, "HOST"), "example.com");
  EXPECT_EQ(find(head.fields, "empty"), "");
  EXPECT_EQ(find(head.fields, "connection"), "keep-alive,\t Upgrade");
  EXPECT_EQ(find(head.fields, "absent"), std::nullopt);
}

TEST(http_head, a_head_parses_once_it_is_whole_and_never_before) {
  for (std::size_t n = 0; n < request_text.size(); ++n) {
    request_head head;
    EXPECT_EQ(parse_exact(request_text.substr(0, n), head), result<std::size_t>(0)) << n;
  }
}

TEST(http_head, a_status_line_may_have_any_reason_or_none) {
  const std::pair<std::string_view, std::string_view> lines[] = {
      {"HTTP/1.1 404 Not Found\r\n\r\n", "Not Found"},
      {"HTTP/1.1 404 \r\n\r\n", ""},
      {"HTTP/1.1 404\r\n\r\n", ""},
      {"HTTP/1.0 404 \xc3\xa9\r\n\r\n", "\xc3\xa9"}};
  for (const auto& [text, reason] : lines) {
    response_head head;
    EXPECT_EQ(parse_exact(text, head), result<std::size_t>(text.size())) << text;
    EXPECT_EQ(head.status, 404);
    EXPECT_EQ(head.reason, reason);
  }
}

TEST(http_head, wrong_requests_are_refused) {
  const std::string_view wrong[] = {"GET / HTTP/2.0\r\n\r\n",
                                    "GET / HTTP/1.10\r\n\r\n",
                                    "GET / http/1.1\r\n\r\n",
                                    "GET /\r\n\r\n",
                                    "GET  / HTTP/1.1\r\n\r\n",
                                    "GET / HTTP/1.1 \r\n\r\n",
                                    "G(T / HTTP/1.1\r\n\r\n",
                                    "GET /\x01 HTTP/1.1\r\n\r\n",
                                    "GET /\xc3\xa9 HTTP/1.1\r\n\r\n",
                                    "GET / HTTP/1.1\nHost: h\r\n\r\n",
                                    "\r\nGET / HTTP/1.1\r\n\r\n",
                                    " GET / HTTP/1.1\r\n\r\n",
                                    "GET / HTTP/1.1\r\nHost h\r\n\r\n",
                                    "GET / HTTP/1.1\r\n: h\r\n\r\n",
                                    "GET / HTTP/1.1\r\nHost : h\r\n\r\n",
                                    "GET / HTTP/1.1\r\n Host: h\r\n\r\n",
                                    "GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n",
                                    "GET / HTTP/1.1\r\nA: b\rc\r\n\r\n",
                                    "GET / HTTP/1.1\r\nA: b\nB: c\r\n\r\n",
                                    "GET / HTTP/1.1\r\nA: b\x7f\r\n\r\n"};
  for (const std::string_view text : wrong) EXPECT_EQ(error_of(text), errc::protocol) << text;
  EXPECT_EQ(error_of(std::string_view("GET / HTTP/1.1\r\nA: \0\r\n\r\n", 24)), errc::protocol);
}

TEST(http_head, wrong_responses_are_refused) {
  for (const std::string_view text :
       {"HTTP/1.1 99 x\r\n\r\n", "HTTP/1.1 099 x\r\n\r\n", "HTTP/1.1 1000 x\r\n\r\n",
        "HTTP/1.1 20x x\r\n\r\n", "HTTP/1.1  200 x\r\n\r\n", "HTTP/2 200\r\n\r\n", "200 OK\r\n\r\n",
        "HTTP/1.1 200 a\x01\r\n\r\n", "HTTP/1.1\r\n\r\n"}) {
    response_head head;
    const auto used = parse_exact(text, head);
    ASSERT_FALSE(used) << text;
    EXPECT_EQ(used.error(), errc::protocol) << text;
  }
}

TEST(http_head, what_cannot_become_a_head_is_refused_at_its_first_byte) {
  EXPECT_EQ(error_of("\x16\x03\x01"), errc::protocol);
  EXPECT_EQ(error_of("\n"), errc::protocol);
  EXPECT_EQ(error_of("P"), std::error_code());
}

TEST(http_head, the_size_limit_is_exact) {
  const head_limits exact{.size = request_text.size(), .fields = 100};
  const head_limits small{.size = request_text.size() - 1, .fields = 100};
  EXPECT_EQ(error_of(request_text, exact), std::error_code());
  EXPECT_EQ(error_of(request_text, small), errc::message_too_big);
  EXPECT_EQ(error_of(request_text.substr(0, small.size - 1), small), std::error_code());
  EXPECT_EQ(error_of(request_text.substr(0, small.size), small), errc::message_too_big);
}

TEST(http_head, the_limit_on_fields_is_exact) {
  EXPECT_EQ(error_of(request_text, {.size = 16384, .fields = 3}), std::error_code());
  EXPECT_EQ(error_of(request_text, {.size = 16384, .fields = 2}), errc::message_too_big);
}

TEST(http_head, lists_are_searched_without_regard_to_case_blanks_and_lines) {
  const field_list fields = {{"Connection", "keep-alive,  Upgrade ,x"}, {"connection", "Last"}};
  for (const char* token : {"upgrade", "UPGRADE", "Keep-Alive", "x", "last"})
    EXPECT_TRUE(has_token(fields, "CONNECTION", token)) << token;
  for (const char* token : {"keep", "up", "upgrade ", "alive"})
    EXPECT_FALSE(has_token(fields, "connection", token)) << token;
  EXPECT_FALSE(has_token(fields, "upgrade", "x"));
}

TEST(http_head, empty_members_of_lists_do_not_count) {
  const field_list fields = {{"P", ", a,,b ,"}, {"Q", "x"}, {"p", ""}, {"P", "c"}};
  EXPECT_EQ(tokens(fields, "p"), (std::vector<std::string_view>{"a", "b", "c"}));
}

TEST(http_head, what_is_formatted_parses_to_the_same) {
  const request_head out{.method = "GET",
                         .target = "/a?b",
                         .minor_version = 1,
                         .fields = {{"Host", "h:1"}, {"X-Empty", ""}, {"X", "a b"}}};
  const auto text = format(out);
  ASSERT_TRUE(text);
  EXPECT_EQ(*text, "GET /a?b HTTP/1.1\r\nHost: h:1\r\nX-Empty: \r\nX: a b\r\n\r\n");
  request_head in;
  EXPECT_EQ(parse_exact(*text, in), result<std::size_t>(text->size()));
  EXPECT_EQ(find(in.fields, "x"), "a b");
}

TEST(http_head, a_response_gets_its_usual_reason_and_its_length) {
  const response out{.head = {.status = 403, .reason = {}, .minor_version = 1, .fields = {}},
                     .body = "no"};
  EXPECT_EQ(format(out), "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno");
  EXPECT_EQ(format(response_head{.status = 599, .reason = {}, .minor_version = 0, .fields = {}}),
            "HTTP/1.0 599 Status\r\n\r\n");
}

TEST(http_head, nothing_can_be_smuggled_into_what_is_formatted) {
  const auto with = [](std::string name, std::string value) {
    return format(request_head{
        .method = "GET", .target = "/", .minor_version = 1, .fields = {{name, value}}});
  };
  EXPECT_TRUE(with("X", "a\tb"));
  for (const std::string& value :
       {std::string("a\r\nB: c"), std::string("a\nb"), std::string("a\rb"), std::string("\0", 1)})
    EXPECT_EQ(with("X", value), result<std::string>(fail(EINVAL)));
  for (const char* name : {"", "X:", "X Y", "X\r\n"})
    EXPECT_EQ(with(name, "v"), result<std::string>(fail(EINVAL))) << name;
  for (const char* target : {"", "/ HTTP/1.1\r\nX: y", "/a b"})
    EXPECT_FALSE(
        format(request_head{.method = "GET", .target = target, .minor_version = 1, .fields = {}}))
        << target;
  EXPECT_FALSE(
      format(request_head{.method = "G T", .target = "/", .minor_version = 1, .fields = {}}));
  EXPECT_FALSE(
      format(response_head{.status = 99, .reason = "x", .minor_version = 1, .fields = {}}));
  EXPECT_FALSE(
      format(response_head{.status = 200, .reason = "a\r\nb", .minor_version = 1, .fields = {}}));
}

TEST(http_head, lines_alone_are_as_strict_as_whole_heads) {
  request_head request;
  ASSERT_TRUE(parse_start_line("GET /a?b HTTP/1.0", request));
  EXPECT_EQ(request.method + request.target, "GET/a?b");
  EXPECT_EQ(request.minor_version, 0);
  for (const char* line : {"", "GET", "GET /", "GET / FTPX/9.9", "GET / HTTP/2", " GET / HTTP/1.1",
                           "GET  / HTTP/1.1", "GET / HTTP/1.1 x", "GET / HTTP/1.1\r"})
    EXPECT_EQ(parse_start_line(line, request), result<void>(fail(errc::protocol))) << line;
  response_head response;
  ASSERT_TRUE(parse_start_line("HTTP/1.1 404 Not Found", response));
  EXPECT_EQ(response.status, 404);
  EXPECT_EQ(response.reason, "Not Found");
  EXPECT_TRUE(parse_start_line("HTTP/1.1 200", response));
  for (const char* line : {"HTTP/1.1 099 x", "HTTP/1.1 20 x", "HTTP/1.1 2000", "ICY 200 OK"})
    EXPECT_EQ(parse_start_line(line, response), result<void>(fail(errc::protocol))) << line;
  const auto found = parse_field("Name: \ta b \t");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->name + "=" + found->value, "Name=a b");
  for (const char* line : {"", "no colon", "Name : v", ": v", " folded", "N: a\rb"})
    EXPECT_FALSE(parse_field(line)) << line;
}

TEST(http_head, lines_alone_are_formatted_as_in_whole_heads) {
  EXPECT_EQ(format_start_line(request_head{"PUT", "/x", 1, {}}), "PUT /x HTTP/1.1\r\n");
  EXPECT_EQ(format_start_line(response_head{404, {}, 1, {}}), "HTTP/1.1 404 Not Found\r\n");
  EXPECT_EQ(format_field("A", " \t b c "), "A: b c\r\n");
  EXPECT_EQ(format_field("A", " "), "A: \r\n");
  EXPECT_EQ(format_field("A", "b\r\nC: d"), result<std::string>(fail(EINVAL)));
  EXPECT_EQ(format_field("A B", "c"), result<std::string>(fail(EINVAL)));
  EXPECT_EQ(format_start_line(request_head{"GET", "/\r", 1, {}}),
            result<std::string>(fail(EINVAL)));
  EXPECT_EQ(format_start_line(response_head{200, "O\nK", 1, {}}),
            result<std::string>(fail(EINVAL)));
}

TEST(http_head, every_status_of_a_handshake_has_a_reason) {
  for (const int status : {101, 400, 403, 404, 405, 426, 431, 500, 503})
    EXPECT_NE(reason_phrase(status), "Status") << status;
}

}  // namespace
}  // namespace caraway::http
