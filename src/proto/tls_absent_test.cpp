// tls_absent_test.cpp - in a build without TLS everything about it says so.
#include <gtest/gtest.h>

#include <cerrno>

#include "caraway/memory_pair.hpp"
#include "caraway/tls.hpp"

namespace caraway::tls {
namespace {

const std::error_code absent = os_error(EPROTONOSUPPORT);

TEST(tls_absent, no_stream_can_be_attached_and_the_one_below_is_closed) {
  auto [a, b] = memory_pair();
  EXPECT_EQ(try_attach_client(std::move(a), {.host = "h"}, never).error(), absent);
  EXPECT_EQ(b->try_fill(1, never).error(), caraway::errc::end_of_stream);
  auto [c, d] = memory_pair();
  EXPECT_EQ(try_attach_server(std::move(c), {}, never).error(), absent);
  EXPECT_EQ(d->try_fill(1, never).error(), caraway::errc::end_of_stream);
}

TEST(tls_absent, no_context_can_be_made) {
  EXPECT_EQ(client_context::try_make({}).error(), absent);
  EXPECT_EQ(client_context().get().error(), absent);
  EXPECT_EQ(server_context::try_make({}).error(), absent);
  EXPECT_EQ(server_context().try_reload().error(), absent);
}

TEST(tls_absent, codes_of_tls_have_a_text_that_says_so) {
  EXPECT_EQ(make_error_code(errc::truncated).message(), "TLS is not in this build");
}

}  // namespace
}  // namespace caraway::tls
