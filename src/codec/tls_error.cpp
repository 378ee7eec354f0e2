// tls_error.cpp - codes of OpenSSL as error codes.
//
// The value of a code:
//
//     1                  truncated
//     0x100 + n          verification failed with X509_V_ERR n
//     0x200 + n          the peer sent the alert n
//     from 1 << 23 on    as OpenSSL packs it: number of the library, reason
#include "codec/tls_error.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include <cerrno>

#include "caraway/error.hpp"
#include "caraway/tls_error.hpp"

namespace caraway::tls {
namespace {

constexpr int verification_base = 0x100;
constexpr int alert_base = 0x200;
constexpr int largest_byte = 0xff;

static_assert(int(errc::certificate_expired) == verification_base + X509_V_ERR_CERT_HAS_EXPIRED);
static_assert(int(errc::no_certificate) == verification_base + X509_V_ERR_UNSPECIFIED);
static_assert(int(errc::certificate_not_yet_valid) ==
              verification_base + X509_V_ERR_CERT_NOT_YET_VALID);
static_assert(int(errc::certificate_self_signed) ==
              verification_base + X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT);
static_assert(int(errc::authority_self_signed) ==
              verification_base + X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN);
static_assert(int(errc::authority_unknown) ==
              verification_base + X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY);
static_assert(int(errc::certificate_revoked) == verification_base + X509_V_ERR_CERT_REVOKED);
static_assert(int(errc::host_mismatch) == verification_base + X509_V_ERR_HOSTNAME_MISMATCH);
static_assert(int(errc::address_mismatch) == verification_base + X509_V_ERR_IP_ADDRESS_MISMATCH);
static_assert(int(errc::peer_handshake_failure) == alert_base + SSL_AD_HANDSHAKE_FAILURE);
static_assert(int(errc::peer_bad_certificate) == alert_base + SSL_AD_BAD_CERTIFICATE);
static_assert(int(errc::peer_certificate_expired) == alert_base + SSL_AD_CERTIFICATE_EXPIRED);
static_assert(int(errc::peer_authority_unknown) == alert_base + SSL_AD_UNKNOWN_CA);
static_assert(int(errc::peer_protocol_version) == alert_base + SSL_AD_PROTOCOL_VERSION);
static_assert(int(errc::peer_certificate_required) == alert_base + SSL_AD_CERTIFICATE_REQUIRED);
static_assert(int(errc::peer_no_application_protocol) ==
              alert_base + SSL_AD_NO_APPLICATION_PROTOCOL);

bool is_verification(int value) noexcept {
  return value >= verification_base && value <= verification_base + largest_byte;
}

bool is_alert(int value) noexcept {
  return value >= alert_base && value <= alert_base + largest_byte;
}

std::string packed_text(int value) {
  OPENSSL_init_ssl(OPENSSL_INIT_LOAD_SSL_STRINGS, nullptr);
  const char* reason = ERR_reason_error_string(static_cast<unsigned long>(value));
  return reason != nullptr ? reason : "TLS failed with code " + std::to_string(value);
}

class tls_category final : public std::error_category {
 public:
  const char* name() const noexcept override { return "tls"; }

  std::string message(int value) const override {
    if (value == int(errc::truncated)) return "the connection ended without close_notify";
    if (is_verification(value)) return X509_verify_cert_error_string(value - verification_base);
    if (is_alert(value))
      return std::string("the peer refused: ") + SSL_alert_desc_string_long(value - alert_base);
    return packed_text(value);
  }

  std::error_condition default_error_condition(int value) const noexcept override {
    int code = EPROTO;
    if (value == int(errc::truncated)) code = EPIPE;
    if (is_verification(value)) code = EACCES;
    return {code, std::generic_category()};
  }
};

std::error_code from_packed(unsigned long packed) noexcept {
  const int reason = ERR_GET_REASON(packed);
  if (ERR_SYSTEM_ERROR(packed)) return os_error(reason);
  const int alert = reason - SSL_AD_REASON_OFFSET;
  if (ERR_GET_LIB(packed) == ERR_LIB_SSL && alert >= 0 && alert <= largest_byte)
    return {alert_base + alert, category()};
  return {(ERR_GET_LIB(packed) << ERR_LIB_OFFSET) | reason, category()};
}

}  // namespace

const std::error_category& category() noexcept {
  static const tls_category instance;
  return instance;
}

std::error_code make_error_code(errc e) noexcept {
  return {static_cast<int>(e), category()};
}

std::error_code verification_error(long code) noexcept {
  return {verification_base + static_cast<int>(code & largest_byte), category()};
}

// The oldest is the cause of the others, unless it is one of memory that ran out: that may be told
// of later, or not at all if there was no memory for the note either.
std::error_code take_error() noexcept {
  const unsigned long oldest = ERR_get_error();
  bool starved = oldest == 0;
  for (unsigned long next = oldest; next != 0; next = ERR_get_error())
    starved = starved || ERR_GET_REASON(next) == ERR_R_MALLOC_FAILURE;
  return starved ? os_error(ENOMEM) : from_packed(oldest);
}

}  // namespace caraway::tls
