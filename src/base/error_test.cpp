#include "caraway/error.hpp"

#include <gtest/gtest.h>

#include <cerrno>

namespace caraway {
namespace {

constexpr errc all[] = {
    errc::end_of_stream,     errc::closed,      errc::message_too_big, errc::protocol,
    errc::policy_violation,  errc::peer_closed, errc::keepalive,       errc::idle,
    errc::handshake_refused, errc::invalid_url, errc::name_not_found,  errc::resolver_failed};

TEST(error, every_code_of_ours_has_a_text_and_an_errno) {
  for (errc e : all) {
    const std::error_code code = e;
    EXPECT_NE(code.message(), "unknown error");
    EXPECT_NE(to_errno(code), EIO);
    EXPECT_STREQ(code.category().name(), "caraway");
  }
}

TEST(error, ours_compare_equal_to_the_errno_of_the_c_api) {
  EXPECT_EQ(make_error_code(errc::end_of_stream), std::errc::broken_pipe);
  EXPECT_EQ(make_error_code(errc::message_too_big), std::errc::message_size);
  EXPECT_EQ(make_error_code(errc::protocol), std::errc::protocol_error);
  EXPECT_NE(make_error_code(errc::protocol), std::errc::broken_pipe);
}

TEST(error, an_errno_is_its_own_errno) {
  EXPECT_EQ(to_errno(os_error(ETIMEDOUT)), ETIMEDOUT);
  EXPECT_EQ(to_errno({ENOENT, std::system_category()}), ENOENT);
  EXPECT_EQ(os_error(ETIMEDOUT), std::errc::timed_out);
}

TEST(error, cancellation_is_thrown_as_itself_and_everything_else_as_error) {
  EXPECT_THROW(raise(os_error(ECANCELED), "wait"), cancelled);
  try {
    raise(os_error(ETIMEDOUT), "wait");
    FAIL();
  } catch (const error& e) {
    EXPECT_EQ(e.code(), std::errc::timed_out);
    EXPECT_NE(std::string(e.what()).find("wait"), std::string::npos);
  }
}

TEST(error, no_handler_of_exceptions_swallows_a_cancellation) {
  static_assert(!std::is_base_of_v<std::exception, cancelled>);
  bool swallowed = false;
  EXPECT_THROW(
      {
        try {
          raise(os_error(ECANCELED), "wait");
        } catch (const std::exception&) {
          swallowed = true;
        }
      },
      cancelled);
  EXPECT_FALSE(swallowed);
}

TEST(error, a_value_comes_through) {
  EXPECT_EQ(value_or_raise(result<int>(7), "count"), 7);
  EXPECT_THROW(value_or_raise(result<int>(fail(EPIPE)), "count"), error);
  value_or_raise(result<void>(), "nothing");
}

}  // namespace
}  // namespace caraway
