// address_test.cpp - addresses are parsed, printed and compared as written.
#include "caraway/address.hpp"

#include <gtest/gtest.h>

namespace caraway {
namespace {

TEST(address, an_ipv4_literal_with_a_port_reads_back_as_written) {
  const auto a = address::try_parse("127.0.0.1:8080");
  ASSERT_TRUE(a);
  EXPECT_TRUE(a->is_ipv4());
  EXPECT_EQ(a->port(), 8080);
  EXPECT_EQ(a->host(), "127.0.0.1");
  EXPECT_EQ(a->to_string(), "127.0.0.1:8080");
  EXPECT_EQ(a->native_size(), sizeof(sockaddr_in));
}

TEST(address, an_ipv6_literal_with_a_port_stands_in_brackets) {
  const auto a = address::try_parse("[::1]:443");
  ASSERT_TRUE(a);
  EXPECT_TRUE(a->is_ipv6());
  EXPECT_EQ(*a, address::loopback_ipv6(443));
  EXPECT_EQ(a->host(), "::1");
  EXPECT_EQ(a->to_string(), "[::1]:443");
  EXPECT_EQ(a->native_size(), sizeof(sockaddr_in6));
}

TEST(address, what_is_no_literal_with_a_port_is_refused) {
  for (const char* text : {"",
                           ":",
                           ":80",
                           "127.0.0.1",
                           "127.0.0.1:",
                           "127.0.0.1:x",
                           "127.0.0.1:65536",
                           "127.0.0.1:-1",
                           "127.0.0.1:080808",
                           "127.0.0.1: 80",
                           "::1:80",
                           "[::1]",
                           "[::1:80",
                           "::1]:80",
                           "[127.0.0.1]:80",
                           "256.0.0.1:80",
                           "1.2.3:80",
                           "localhost:80",
                           "[]:80",
                           "[::1%]:80"}) {
    const auto a = address::try_parse(text);
    ASSERT_FALSE(a) << text;
    EXPECT_EQ(a.error(), os_error(EINVAL)) << text;
  }
}

TEST(address, a_literal_with_a_zero_byte_or_far_too_long_is_refused) {
  EXPECT_FALSE(address::from_literal(std::string_view("127.0.0.1\0", 10), 80));
  EXPECT_FALSE(address::from_literal(std::string(1000, '1'), 80));
}

TEST(address, a_zone_is_the_number_of_an_interface) {
  const auto a = address::try_parse("[fe80::1%lo]:80");
  ASSERT_TRUE(a);
  EXPECT_EQ(a->to_string(), "[fe80::1%lo]:80");
  EXPECT_EQ(address::try_parse("[fe80::1%1]:80"), a);
  EXPECT_NE(*address::try_parse("[fe80::1]:80"), *a);
  const auto unknown = address::try_parse("[fe80::1%no-such-if]:80");
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error(), os_error(ENODEV));
}

TEST(address, brackets_around_the_host_alone_are_allowed_for_ipv6_only) {
  EXPECT_EQ(*address::from_literal("[::1]", 7), address::loopback_ipv6(7));
  EXPECT_EQ(*address::from_literal("::1", 7), address::loopback_ipv6(7));
  EXPECT_FALSE(address::from_literal("[127.0.0.1]", 7));
}

TEST(address, addresses_differ_by_family_host_and_port) {
  EXPECT_EQ(address::loopback(1), *address::try_parse("127.0.0.1:1"));
  EXPECT_NE(address::loopback(1), address::loopback(2));
  EXPECT_NE(address::loopback(1), address::loopback_ipv6(1));
  EXPECT_NE(address::loopback(1), address::any_ipv4(1));
  EXPECT_NE(address::loopback_ipv6(1), address::any(1));
  EXPECT_EQ(address(), address());
}

TEST(address, no_address_has_no_size_and_no_text) {
  address none;
  none.set_port(80);
  EXPECT_FALSE(none);
  EXPECT_EQ(none.port(), 0);
  EXPECT_EQ(none.native_size(), 0u);
  EXPECT_EQ(none.to_string(), "");
  EXPECT_EQ(none.family(), AF_UNSPEC);
}

TEST(address, a_native_address_is_copied_if_its_family_and_size_fit) {
  const address a = address::loopback(99);
  EXPECT_EQ(*address::from_native(a.native(), a.native_size()), a);
  EXPECT_EQ(address::from_native(a.native(), a.native_size() - 1).error(), os_error(EINVAL));
  sockaddr other = {};
  other.sa_family = AF_UNIX;
  EXPECT_EQ(address::from_native(&other, sizeof other).error(), os_error(EAFNOSUPPORT));
  EXPECT_EQ(address::from_native(nullptr, 0).error(), os_error(EINVAL));
}

}  // namespace
}  // namespace caraway
