// tls_error.hpp - what can go wrong with TLS, as error codes with a text that says it.
//
//     try {
//       auto s = tls::attach_client(std::move(below), {.host = "example.org"}, 5s);
//     } catch (const error& e) {
//       if (e.code() == tls::errc::certificate_expired) ...
//       std::cerr << e.what();  // "TLS handshake: certificate has expired"
//     }
//
// There are three kinds of codes: what this side holds against the peer's certificate, alerts with
// which the peer refused (RFC 8446, 6), and everything else that OpenSSL reports. The names below
// are the frequent ones; codes without a name have a text all the same.
#pragma once

#include <string>
#include <system_error>

namespace caraway::tls {

enum class errc {
  // The connection ended where the peer had not said that it would (no close_notify): what was
  // received may be less than what was sent. [EPIPE]
  truncated = 1,

  // The peer's certificate. [EACCES]
  no_certificate = 0x101,  // it has none that could be looked at
  certificate_not_yet_valid = 0x109,
  certificate_expired = 0x10a,
  certificate_self_signed = 0x112,  // and is no trusted authority itself
  authority_self_signed = 0x113,    // its chain ends at an authority that is not trusted
  authority_unknown = 0x114,        // its chain ends before any trusted authority
  certificate_revoked = 0x117,
  host_mismatch = 0x13e,     // it is for other names
  address_mismatch = 0x140,  // it is for other addresses

  // The peer refused, by an alert. [EPROTO]
  peer_handshake_failure = 0x228,  // nothing both sides can do
  peer_bad_certificate = 0x22a,
  peer_certificate_expired = 0x22d,
  peer_authority_unknown = 0x230,  // it does not trust who signed this side's certificate
  peer_protocol_version = 0x246,   // no common version
  peer_certificate_required = 0x274,
  peer_no_application_protocol = 0x278,  // no common protocol (ALPN)
};

const std::error_category& category() noexcept;
std::error_code make_error_code(errc e) noexcept;

}  // namespace caraway::tls

template <>
struct std::is_error_code_enum<caraway::tls::errc> : std::true_type {};
