#include "codec/tls_error.hpp"

#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <cerrno>

#include "caraway/error.hpp"
#include "caraway/tls_error.hpp"

namespace caraway::tls {
namespace {

TEST(tls_error, what_is_wrong_with_a_certificate_can_be_read) {
  const std::error_code expired = verification_error(X509_V_ERR_CERT_HAS_EXPIRED);
  EXPECT_EQ(expired, errc::certificate_expired);
  EXPECT_EQ(expired.message(), "certificate has expired");
  EXPECT_EQ(make_error_code(errc::host_mismatch).message(), "hostname mismatch");
  EXPECT_EQ(to_errno(expired), EACCES);
}

TEST(tls_error, an_alert_of_the_peer_is_told_as_such) {
  ERR_raise(ERR_LIB_SSL, SSL_AD_REASON_OFFSET + SSL_AD_UNKNOWN_CA);
  const std::error_code code = take_error();
  EXPECT_EQ(code, errc::peer_authority_unknown);
  EXPECT_EQ(code.message(), "the peer refused: unknown CA");
  EXPECT_EQ(to_errno(code), EPROTO);
}

TEST(tls_error, what_else_fails_has_the_words_of_openssl) {
  ERR_raise(ERR_LIB_SSL, SSL_R_WRONG_VERSION_NUMBER);
  ERR_raise(ERR_LIB_SSL, SSL_R_BAD_LENGTH);
  const std::error_code code = take_error();
  EXPECT_EQ(code.category(), category());
  EXPECT_STREQ(code.category().name(), "tls");
  EXPECT_EQ(code.message(), "wrong version number");
  EXPECT_EQ(to_errno(code), EPROTO);
  EXPECT_EQ(ERR_peek_error(), 0u);
}

TEST(tls_error, memory_that_ran_out_is_no_matter_of_tls) {
  ERR_raise(ERR_LIB_SSL, ERR_R_MALLOC_FAILURE);
  EXPECT_EQ(take_error(), os_error(ENOMEM));
}

TEST(tls_error, errors_inside_of_openssl_are_not_taken_for_alerts) {
  ERR_raise(ERR_LIB_SSL, ERR_R_INTERNAL_ERROR);
  EXPECT_EQ(take_error().message(), "internal error");
}

TEST(tls_error, a_cut_connection_has_its_own_code) {
  const std::error_code cut = errc::truncated;
  EXPECT_EQ(cut.message(), "the connection ended without close_notify");
  EXPECT_EQ(to_errno(cut), EPIPE);
  EXPECT_NE(cut, caraway::errc::end_of_stream);
}

}  // namespace
}  // namespace caraway::tls
