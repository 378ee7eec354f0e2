#include "codec/tls_session.hpp"

#include <arpa/inet.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <new>

#include "codec/tls_error.hpp"

namespace caraway::tls {
namespace {

constexpr std::size_t largest_record = SSL3_RT_MAX_PLAIN_LENGTH;

std::string_view or_empty(const char* text) noexcept {
  return text == nullptr ? std::string_view() : std::string_view(text);
}

// What is in a BIO in memory.
std::string text_of(BIO* from) {
  char* at = nullptr;
  const long size = BIO_get_mem_data(from, &at);
  return size > 0 ? std::string(at, static_cast<std::size_t>(size)) : std::string();
}

// Calls f(BIO in memory, the peer's certificate); what it has written. Nothing if it could not
// make sense of the certificate.
template <class F>
std::string describe_peer(const SSL* ssl, F f) {
  X509* const certificate = SSL_get0_peer_certificate(ssl);
  if (certificate == nullptr) return {};
  const std::unique_ptr<BIO, int (*)(BIO*)> text(BIO_new(BIO_s_mem()), BIO_free);
  ERR_clear_error();
  if (text != nullptr && f(text.get(), certificate)) return text_of(text.get());
  if (take_error() == os_error(ENOMEM)) throw std::bad_alloc();
  return {};
}

// An address as it is in certificates; a name is none, and has no bytes.
struct network_address {
  unsigned char bytes[16];
  std::size_t size = 0;

  explicit network_address(const std::string& text) noexcept {
    if (inet_pton(AF_INET, text.c_str(), bytes) == 1) size = 4;
    if (size == 0 && inet_pton(AF_INET6, text.c_str(), bytes) == 1) size = 16;
  }
};

}  // namespace

// The BIO that OpenSSL reads from and writes to.
struct session_wire {
  static int read(BIO* b, char* into, std::size_t size, std::size_t* got) noexcept {
    bytes& in = of(b).in_;
    BIO_clear_retry_flags(b);
    *got = std::min(size, in.size());
    if (*got == 0) {
      of(b).wanted_ = size;
      BIO_set_retry_read(b);
      return 0;
    }
    std::memcpy(into, in.data(), *got);
    in = in.subspan(*got);
    return 1;
  }

  static int write(BIO* b, const char* from, std::size_t size, std::size_t* put) noexcept {
    session& s = of(b);
    BIO_clear_retry_flags(b);
    if (!s.out_.put({reinterpret_cast<const std::byte*>(from), size})) {
      s.starved_ = true;
      return 0;
    }
    *put = size;
    return 1;
  }

  static long control(BIO*, int command, long, void*) noexcept {
    return command == BIO_CTRL_FLUSH ? 1 : 0;
  }

  static session& of(BIO* b) noexcept { return *static_cast<session*>(BIO_get_data(b)); }

  // std::bad_alloc; the next call tries again.
  static const BIO_METHOD* method() {
    static BIO_METHOD* const made = make();
    return made;
  }

  static BIO_METHOD* make() {
    BIO_METHOD* const m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "caraway");
    if (m == nullptr) throw std::bad_alloc();
    BIO_meth_set_read_ex(m, read);
    BIO_meth_set_write_ex(m, write);
    BIO_meth_set_ctrl(m, control);
    return m;
  }
};

session::~session() {
  SSL_free(ssl_);
}

// --- opening ---

result<void> session::open(SSL_CTX& setup, const session_options& options) {
  ERR_clear_error();
  ssl_ = SSL_new(&setup);
  if (ssl_ == nullptr) return fail(take_error());
  if (auto wired = attach_wire(); !wired) return wired;
  if (options.as == side::client) return open_client(options);
  SSL_set_accept_state(ssl_);
  return {};
}

result<void> session::attach_wire() {
  BIO* const wire = BIO_new(session_wire::method());
  if (wire == nullptr) return fail(ENOMEM);
  BIO_set_data(wire, this);
  BIO_set_init(wire, 1);
  SSL_set_bio(ssl_, wire, wire);
  return {};
}

result<void> session::open_client(const session_options& options) {
  SSL_set_connect_state(ssl_);
  if (options.anonymous) SSL_certs_clear(ssl_);
  if (!options.alpn.empty() &&
      SSL_set_alpn_protos(ssl_, reinterpret_cast<const unsigned char*>(options.alpn.data()),
                          static_cast<unsigned>(options.alpn.size())) != 0)
    return fail(ENOMEM);
  std::string_view host = options.host;
  if (host.ends_with('.')) host.remove_suffix(1);
  if (host.empty()) return options.host.empty() ? result<void>() : fail(EINVAL);
  // OpenSSL would take every certificate for some host below that domain.
  if (host.starts_with('.')) return fail(EINVAL);
  return set_host(host, options.check_host);
}

// Whatever fails here, a host that is to be checked is checked, or there is no session.
result<void> session::set_host(std::string_view host, bool check) {
  if (host.contains('\0') || host.size() > TLSEXT_MAXLEN_host_name) return fail(EINVAL);
  const std::string name(host);
  X509_VERIFY_PARAM* const wanted = SSL_get0_param(ssl_);
  if (const network_address literal(name); literal.size > 0) {
    if (check && X509_VERIFY_PARAM_set1_ip(wanted, literal.bytes, literal.size) != 1)
      return fail(ENOMEM);
    return {};
  }
  if (SSL_set_tlsext_host_name(ssl_, name.c_str()) != 1) return fail(ENOMEM);
  if (!check) return {};
  // RFC 9525: the names are those in subjectAltName, a wildcard is a whole label.
  X509_VERIFY_PARAM_set_hostflags(
      wanted, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
  if (X509_VERIFY_PARAM_set1_host(wanted, name.data(), name.size()) != 1) return fail(ENOMEM);
  return {};
}

// --- talking ---

// Why a call that returned `returned` has failed for good.
std::error_code session::why(int returned) noexcept {
  const int kind = SSL_get_error(ssl_, returned);
  const int reason = ERR_GET_REASON(ERR_peek_error());
  if (starved_) {
    ERR_clear_error();
    return os_error(ENOMEM);
  }
  if (kind == SSL_ERROR_SSL && reason == SSL_R_CERTIFICATE_VERIFY_FAILED) {
    ERR_clear_error();
    return verification_error(SSL_get_verify_result(ssl_));
  }
  if (kind == SSL_ERROR_SSL) return take_error();
  ERR_clear_error();
  return make_error_code(caraway::errc::protocol);
}

result<bool> session::shake(bytes& in) {
  ERR_clear_error();
  in_ = in;
  const int done = SSL_do_handshake(ssl_);
  in = in_;
  if (done == 1) wanted_ = SSL3_RT_HEADER_LENGTH;
  if (done == 1) return true;
  if (SSL_get_error(ssl_, done) == SSL_ERROR_WANT_READ && !starved_) return false;
  return fail(why(done));
}

result<std::size_t> session::read(bytes& in, mutable_bytes into) {
  ERR_clear_error();
  in_ = in;
  std::size_t got = 0;
  const int done = SSL_read_ex(ssl_, into.data(), into.size(), &got);
  in = in_;
  if (done == 1) wanted_ = SSL3_RT_HEADER_LENGTH;
  if (done == 1) return got;
  const int kind = SSL_get_error(ssl_, done);
  if (kind == SSL_ERROR_WANT_READ && !starved_) return 0;
  if (kind == SSL_ERROR_ZERO_RETURN) return fail(caraway::errc::end_of_stream);
  return fail(why(done));
}

std::size_t session::waiting() const noexcept {
  return static_cast<std::size_t>(SSL_pending(ssl_));
}

result<void> session::write(bytes plain) {
  if (plain.empty()) return {};
  ERR_clear_error();
  const std::uint64_t records = (plain.size() + largest_record - 1) / largest_record;
  if (records >= records_left_) static_cast<void>(update_keys(false));
  records_left_ -= std::min(records_left_, records);
  std::size_t put = 0;
  const int done = SSL_write_ex(ssl_, plain.data(), plain.size(), &put);
  if (done != 1) return fail(why(done));
  return {};
}

result<void> session::finish() {
  ERR_clear_error();
  const int done = SSL_shutdown(ssl_);
  if (done < 0) return fail(why(done));
  return {};
}

result<void> session::update_keys(bool both) {
  records_left_ = records_per_key;
  const int kind = both ? SSL_KEY_UPDATE_REQUESTED : SSL_KEY_UPDATE_NOT_REQUESTED;
  if (SSL_version(ssl_) < TLS1_3_VERSION) return fail(ENOTSUP);
  ERR_clear_error();
  if (SSL_key_update(ssl_, kind) != 1) return fail(take_error());
  return {};
}

// --- what was agreed ---

std::string_view session::version() const noexcept {
  return or_empty(SSL_get_version(ssl_));
}

std::string_view session::cipher() const noexcept {
  return or_empty(SSL_get_cipher_name(ssl_));
}

std::string_view session::alpn() const noexcept {
  const unsigned char* name = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(ssl_, &name, &size);
  return {reinterpret_cast<const char*>(name), size};
}

std::string_view session::host() const noexcept {
  return or_empty(SSL_get_servername(ssl_, TLSEXT_NAMETYPE_host_name));
}

bool session::resumed() const noexcept {
  return SSL_session_reused(ssl_) == 1;
}

std::string session::peer_subject() const {
  return describe_peer(ssl_, [](BIO* to, X509* c) {
    return X509_NAME_print_ex(to, X509_get_subject_name(c), 0, XN_FLAG_RFC2253) >= 0;
  });
}

std::string session::peer_certificate() const {
  return describe_peer(ssl_, [](BIO* to, X509* c) { return PEM_write_bio_X509(to, c) == 1; });
}

}  // namespace caraway::tls
