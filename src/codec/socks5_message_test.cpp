#include "caraway/socks5_message.hpp"

#include <gtest/gtest.h>

#include <string>

namespace caraway::socks5 {
namespace {

using namespace std::string_literals;

// Parses `text` from every shorter beginning too: what is said to be needed there is never more than
// the message has, and never what is there already.
template <class Message>
result<std::size_t> parse_text(const std::string& text, Message& out) {
  const auto whole = parse(as_bytes(text), out);
  if (!whole) return whole;
  for (std::size_t n = 0; n < *whole; ++n) {
    Message cut;
    const auto size = parse(as_bytes(std::string_view(text).substr(0, n)), cut);
    EXPECT_TRUE(size && *size > n && *size <= *whole) << n << " bytes";
  }
  return whole;
}

template <class Message>
std::error_code error_of(const std::string& text) {
  Message out;
  const auto size = parse(as_bytes(text), out);
  return size ? std::error_code{} : size.error();
}

greeting with_methods(std::initializer_list<method> methods) {
  greeting g;
  for (const method m : methods) g.methods.set(static_cast<std::size_t>(m));
  return g;
}

TEST(socks5_message, a_greeting_lists_methods) {
  EXPECT_EQ(format(with_methods({method::none})), "\x05\x01\x00"s);
  EXPECT_EQ(format(with_methods({method::password, method::none})), "\x05\x02\x00\x02"s);
  greeting in;
  EXPECT_EQ(parse_text("\x05\x03\x02\x80\x01more"s, in), 5u);
  EXPECT_TRUE(in.offers(method::password));
  EXPECT_FALSE(in.offers(method::none));
  EXPECT_EQ(error_of<greeting>("\x04"s), errc::protocol);
  EXPECT_EQ(error_of<greeting>("\x05\x00"s), errc::protocol);
  EXPECT_EQ(format(greeting{}), result<std::string>(fail(EINVAL)));
  EXPECT_EQ(format(greeting{std::bitset<256>{}.set()}), result<std::string>(fail(EINVAL)));
}

TEST(socks5_message, a_choice_is_one_method) {
  EXPECT_EQ(format(choice{method::password}), "\x05\x02"s);
  EXPECT_EQ(format(choice{}), "\x05\xff"s);
  choice in;
  EXPECT_EQ(parse_text("\x05\x02"s, in), 2u);
  EXPECT_EQ(in.wanted, method::password);
  EXPECT_EQ(error_of<choice>("\x04\x02"s), errc::protocol);
}

TEST(socks5_message, credentials_have_up_to_255_bytes_each) {
  for (const std::size_t size : {0u, 1u, 254u, 255u}) {
    const credentials out{std::string(size, 'u'), std::string(size, 'p')};
    const auto text = format(out);
    ASSERT_TRUE(text);
    EXPECT_EQ(text->size(), 3 + 2 * size);
    credentials in;
    EXPECT_EQ(parse_text(*text, in), text->size());
    EXPECT_EQ(in.user, out.user);
    EXPECT_EQ(in.password, out.password);
  }
  const std::string long_one(256, 'x');
  EXPECT_EQ(format(credentials{long_one, ""}), result<std::string>(fail(EINVAL)));
  EXPECT_EQ(format(credentials{"", long_one}), result<std::string>(fail(EINVAL)));
  EXPECT_EQ(error_of<credentials>("\x05\x01"s), errc::protocol);
}

TEST(socks5_message, a_verdict_of_zero_accepts) {
  EXPECT_EQ(format(verdict{true}), "\x01\x00"s);
  EXPECT_EQ(format(verdict{false}), "\x01\xff"s);
  verdict in;
  EXPECT_EQ(parse_text("\x01\x00"s, in), 2u);
  EXPECT_TRUE(in.accepted);
  EXPECT_EQ(parse_text("\x01\x01"s, in), 2u);
  EXPECT_FALSE(in.accepted);
  EXPECT_EQ(error_of<verdict>("\x05\x00"s), errc::protocol);
}

struct request_case {
  request out;
  std::string text;
};

TEST(socks5_message, a_request_names_its_host_in_one_of_three_ways) {
  const request_case cases[] = {
      {{command::connect, {"192.0.2.1", 80}}, "\x05\x01\x00\x01\xc0\x00\x02\x01\x00\x50"s},
      {{command::bind, {"2001:db8::1", 65535}},
       "\x05\x02\x00\x04\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\xff\xff"s},
      {{command::udp_associate, {"example.org", 258}},
       "\x05\x03\x00\x03\x0b"s + "example.org\x01\x02"}};
  for (const auto& [out, text] : cases) {
    EXPECT_EQ(format(out), text);
    request in;
    EXPECT_EQ(parse_text(text + "behind", in), text.size());
    EXPECT_EQ(in.what, out.what);
    EXPECT_EQ(in.to, out.to);
  }
  EXPECT_EQ(format(request{command::connect, {"[::1]", 1}}),
            format(request{command::connect, {"::1", 1}}));
}

TEST(socks5_message, a_name_has_1_to_255_bytes_and_no_blanks) {
  const std::string longest(255, 'x');
  const auto text = format(request{command::connect, {longest, 1}});
  ASSERT_TRUE(text);
  request in;
  EXPECT_EQ(parse_text(*text, in), 262u);
  EXPECT_EQ(in.to.host, longest);
  for (const std::string& host :
       {""s, longest + "x", "a b"s, "a\0b"s, "a\nb"s, "a\x7f"s, "fe80::1%eth0"s, "[x]"s, "a:1"s})
    EXPECT_EQ(format(request{command::connect, {host, 1}}), result<std::string>(fail(EINVAL)))
        << host;
  EXPECT_EQ(error_of<request>("\x05\x01\x00\x03\x00\x00\x50"s), errc::protocol);
  EXPECT_EQ(error_of<request>("\x05\x01\x00\x03\x03"s + "a\0b"s + "\x00\x50"s), errc::protocol);
}

TEST(socks5_message, a_request_that_cannot_be_served_says_what_to_answer) {
  for (const char unknown : {'\0', '\x04', '\xff'})
    EXPECT_EQ(error_of<request>("\x05"s + unknown), reply::command_not_supported);
  for (const char unknown : {'\0', '\x02', '\x05', '\xff'})
    EXPECT_EQ(error_of<request>("\x05\x01\x00"s + unknown), reply::address_type_not_supported);
  EXPECT_EQ(error_of<request>("\x04"s), errc::protocol);
  EXPECT_EQ(error_of<request>("\x05\x01\x01"s), errc::protocol);
}

TEST(socks5_message, a_response_has_a_code_and_an_endpoint) {
  EXPECT_EQ(format(response{}), "\x05\x00\x00\x01\0\0\0\0\0\0"s);
  const auto text = format(response{reply::host_unreachable, {"::1", 80}});
  ASSERT_TRUE(text);
  response in;
  EXPECT_EQ(parse_text(*text, in), 22u);
  EXPECT_EQ(in.code, reply::host_unreachable);
  EXPECT_EQ(in.bound, (endpoint{"::1", 80}));
  EXPECT_EQ(error_of<response>("\x05\x09"s), errc::protocol);
  EXPECT_EQ(error_of<response>("\x05\x00\x01"s), errc::protocol);
  EXPECT_EQ(error_of<response>("\x05\x00\x00\x02"s), errc::protocol);
  EXPECT_EQ(error_of<response>("\x01\x00"s), errc::protocol);
  EXPECT_EQ(format(response{reply::bad_credentials, {}}), result<std::string>(fail(EINVAL)));
}

TEST(socks5_message, every_refusal_has_a_text_and_an_errno) {
  const std::pair<reply, int> expected[] = {{reply::general_failure, EIO},
                                            {reply::not_allowed, EACCES},
                                            {reply::network_unreachable, ENETUNREACH},
                                            {reply::host_unreachable, EHOSTUNREACH},
                                            {reply::connection_refused, ECONNREFUSED},
                                            {reply::ttl_expired, ETIMEDOUT},
                                            {reply::command_not_supported, EOPNOTSUPP},
                                            {reply::address_type_not_supported, EAFNOSUPPORT},
                                            {reply::no_acceptable_method, EACCES},
                                            {reply::bad_credentials, EACCES}};
  for (const auto& [code, value] : expected) {
    const std::error_code e = code;
    EXPECT_EQ(to_errno(e), value) << e.message();
    EXPECT_NE(e.message(), "unknown error");
    EXPECT_NE(e, os_error(value));
  }
  EXPECT_FALSE(make_error_code(reply::succeeded));
  EXPECT_STREQ(reply_category().name(), "socks5");
}

}  // namespace
}  // namespace caraway::socks5
