#include "caraway/socks5.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "caraway/memory_pair.hpp"
#include "caraway/task_group.hpp"

namespace caraway::socks5 {
namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;

constexpr auto soon = 20s;
const credentials ann{"ann", "secret"};

bool is_ann(const credentials& c) {
  return c.user == ann.user && c.password == ann.password;
}

std::string read_all(byte_stream& from) {
  while (from.try_fill(from.buffered().size() + 1, immediately)) continue;
  std::string text(as_text(from.buffered()));
  from.consume(text.size());
  return text;
}

std::error_code error_of(const auto& r) {
  return r ? std::error_code{} : r.error();
}

TEST(socks5, a_client_gets_through_a_proxy_with_and_without_a_password) {
  for (const std::size_t chop : {std::size_t{1}, memory_faults::none}) {
    for (const bool password : {false, true}) {
      auto [a, b] = memory_pair({.chop = chop}, {.chop = chop});
      task_group group;
      group.go([&, proxy = b.get()] {
        if (password)
          authenticate(*proxy, is_ann, soon);
        else
          authenticate(*proxy, soon);
        const request asked = receive_request(*proxy, soon);
        EXPECT_EQ(asked.what, command::connect);
        EXPECT_EQ(asked.to, (endpoint{"www.example.org", 80}));
        send_reply(*proxy, reply::succeeded, {"192.0.2.7", 4000}, soon);
        proxy->write("greetings");
      });
      EXPECT_EQ(connect(*a, {"www.example.org", 80}, ann, soon), (endpoint{"192.0.2.7", 4000}));
      EXPECT_EQ(as_text(a->fill(9, soon)), "greetings");
      group.wait();
    }
  }
}

// What a client makes of a proxy that says `text`, and what it has said itself.
std::pair<std::error_code, std::string> client_against(std::string_view text, bool password) {
  auto [a, b] = memory_pair();
  b->write(text);
  b->done();
  const endpoint to{"h", 80};
  const auto r = password ? try_connect(*a, to, ann, soon) : try_connect(*a, to, soon);
  static_cast<void>(a->try_done(soon));
  return {error_of(r), read_all(*b)};
}

TEST(socks5, every_refusal_of_a_proxy_is_an_error_of_its_own) {
  for (int code = 1; code <= 8; ++code) {
    const auto text = "\x05\x00\x05"s + static_cast<char>(code) + "\0\x01\0\0\0\0\0\0"s;
    EXPECT_EQ(client_against(text, false).first, static_cast<reply>(code));
  }
  EXPECT_EQ(client_against("\x05\xff"s, false).first, reply::no_acceptable_method);
  EXPECT_EQ(client_against("\x05\x02\x01\x01"s, true).first, reply::bad_credentials);
}

TEST(socks5, a_proxy_that_breaks_the_rules_is_an_error) {
  for (const std::string& text :
       {"\x04"s, "\x05\x02"s, "\x05\x01"s, "\x05\x00\x05\x09"s, "\x05\x00\x05\x00\x01"s,
        "\x05\x00\x04"s, "\x05\x00\x05\x00\x00\x07"s, "HTTP/1.1 400"s})
    EXPECT_EQ(client_against(text, false).first, errc::protocol) << text;
  EXPECT_EQ(client_against("\x05\x02\x05\x00"s, true).first, errc::protocol);
  EXPECT_EQ(client_against("\x05\x00\x05"s, false).first, errc::end_of_stream);
}

TEST(socks5, a_client_says_no_more_than_it_is_asked) {
  EXPECT_EQ(client_against("\x05\xff"s, false).second, "\x05\x01\x00"s);
  EXPECT_EQ(client_against("\x05\xff"s, true).second, "\x05\x02\x00\x02"s);
  EXPECT_EQ(client_against("\x05\x00"s, true).second,
            "\x05\x02\x00\x02\x05\x01\x00\x03\x01h\x00\x50"s);
  EXPECT_EQ(client_against("\x05\x02\x01\x01"s, true).second,
            "\x05\x02\x00\x02\x01\x03"s + "ann\x06secret");
}

TEST(socks5, what_cannot_be_said_is_refused_before_anything_is) {
  auto [a, b] = memory_pair();
  const credentials too_long{std::string(256, 'x'), ""};
  EXPECT_EQ(error_of(try_connect(*a, {"h", 0}, soon)), os_error(EINVAL));
  EXPECT_EQ(error_of(try_connect(*a, {"", 80}, soon)), os_error(EINVAL));
  EXPECT_EQ(error_of(try_connect(*a, {"h", 0}, ann, soon)), os_error(EINVAL));
  EXPECT_EQ(error_of(try_connect(*a, {"h", 80}, too_long, soon)), os_error(EINVAL));
  EXPECT_EQ(error_of(try_send_reply(*a, reply::bad_credentials, {}, soon)), os_error(EINVAL));
  EXPECT_EQ(error_of(try_send_reply(*a, reply::succeeded, {"a b", 0}, soon)), os_error(EINVAL));
  EXPECT_EQ(read_all(*b), "");
}

TEST(socks5, credentials_of_the_greatest_length_arrive) {
  const credentials longest{std::string(255, 'u'), std::string(255, 'p')};
  auto [a, b] = memory_pair();
  task_group group;
  group.go([&, proxy = b.get()] {
    const auto who = try_receive_credentials(*proxy, soon);
    EXPECT_TRUE(who && who->user == longest.user && who->password == longest.password);
    EXPECT_TRUE(try_send_verdict(*proxy, true, soon));
    EXPECT_EQ(receive_request(*proxy, soon).what, command::bind);
    send_reply(*proxy, reply::succeeded, {"192.0.2.1", 1}, soon);
    send_reply(*proxy, reply::succeeded, {"192.0.2.2", 2}, soon);
  });
  const request ask{command::bind, {}};
  EXPECT_EQ(try_ask(*a, ask, &longest, soon), (endpoint{"192.0.2.1", 1}));
  EXPECT_EQ(try_receive_reply(*a, soon), (endpoint{"192.0.2.2", 2}));
  group.wait();
}

// What a proxy makes of a client that says `text`, and what it has answered.
std::pair<std::error_code, std::string> proxy_against(std::string_view text, bool password) {
  auto [a, b] = memory_pair();
  b->write(text);
  b->done();
  const auto in = password ? try_authenticate(*a, is_ann, soon) : try_authenticate(*a, soon);
  std::error_code error = error_of(in);
  if (in) error = error_of(try_receive_request(*a, soon));
  static_cast<void>(a->try_done(soon));
  return {error, read_all(*b)};
}

TEST(socks5, a_client_that_is_not_let_in_is_told_so) {
  using answer = std::pair<std::error_code, std::string>;
  EXPECT_EQ(proxy_against("\x05\x01\x02"s, false), answer(reply::no_acceptable_method, "\x05\xff"));
  EXPECT_EQ(proxy_against("\x05\x01\x00"s, true), answer(reply::no_acceptable_method, "\x05\xff"));
  EXPECT_EQ(proxy_against("\x05\x01\x02\x01\x03"s + "ann\x03" + "bad", true),
            answer(reply::bad_credentials, "\x05\x02\x01\xff"));
}

TEST(socks5, a_request_that_cannot_be_served_is_answered) {
  const std::string zeros("\x00\x01\0\0\0\0\0\0", 8);
  const std::pair<std::string, reply> cases[] = {
      {"\x05\x04\x00\x01"s, reply::command_not_supported},
      {"\x05\x01\x00\x05"s, reply::address_type_not_supported}};
  for (const auto& [text, code] : cases) {
    const auto [error, said] = proxy_against("\x05\x01\x00"s + text, false);
    EXPECT_EQ(error, code);
    EXPECT_EQ(said, "\x05\x00\x05"s + static_cast<char>(code) + zeros);
  }
  const auto [error, said] = proxy_against("\x05\x01\x00\x05\x01\x01"s, false);
  EXPECT_EQ(error, errc::protocol);
  EXPECT_EQ(said, "\x05\x00\x05\x01"s + zeros);
}

TEST(socks5, a_client_that_is_cut_off_or_talks_nonsense_ends_the_conversation) {
  const std::string whole = "\x05\x01\x02\x01\x03"s + "ann\x06secret\x05\x01\x00\x03\x01h\x00"s;
  for (std::size_t n = 0; n < whole.size(); ++n)
    EXPECT_EQ(proxy_against(whole.substr(0, n), true).first, errc::end_of_stream) << n;
  for (const char* text : {"GET / HTTP/1.1\r\n\r\n", "\x04\x01", "\x16\x03\x01"})
    EXPECT_EQ(proxy_against(text, false).first, errc::protocol) << text;
}

TEST(socks5, nothing_behind_the_conversation_is_touched) {
  auto [a, b] = memory_pair();
  b->write("\x05\x00\x05\x00\x00\x03\x01h\x00\x50"s + "behind");
  EXPECT_EQ(try_connect(*a, {"h", 80}, soon), (endpoint{"h", 80}));
  EXPECT_EQ(as_text(a->buffered()), "behind");
}

TEST(socks5, a_silent_peer_is_given_up_at_the_deadline) {
  auto [a, b] = memory_pair();
  EXPECT_EQ(error_of(try_connect(*a, {"h", 80}, 20ms)), os_error(ETIMEDOUT));
  EXPECT_EQ(error_of(try_authenticate(*b, 20ms)), std::error_code{});
  EXPECT_EQ(error_of(try_receive_request(*b, 20ms)), os_error(ETIMEDOUT));
}

TEST(socks5, wherever_the_transport_breaks_both_sides_end) {
  for (std::size_t n = 0; n < 12; ++n) {
    auto [a, b] =
        n % 2 == 0 ? memory_pair({.fail_at = n / 2}) : memory_pair({}, {.fail_at = n / 2});
    task_group group;
    group.go([proxy = b.get()] {
      if (!try_authenticate(*proxy, is_ann, soon)) return proxy->abort();
      if (!try_receive_request(*proxy, soon)) return proxy->abort();
      if (!try_send_reply(*proxy, reply::succeeded, {}, soon)) return proxy->abort();
    });
    const std::error_code error = error_of(try_connect(*a, {"h", 80}, ann, soon));
    EXPECT_TRUE(!error || error == os_error(ECONNRESET)) << n << " " << error.message();
    if (error) a->abort();
    group.wait();
  }
}

}  // namespace
}  // namespace caraway::socks5
