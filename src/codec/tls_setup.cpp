#include "codec/tls_setup.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include <cerrno>
#include <new>

#include "codec/tls_error.hpp"

namespace caraway::tls {
namespace {

constexpr std::size_t longest_protocol = 255;
constexpr std::size_t longest_list = 65535;
// Sessions of one server are no good to another.
constexpr unsigned char session_context[] = "caraway";

struct bio_free {
  void operator()(BIO* b) const noexcept { BIO_free(b); }
};
struct certificate_free {
  void operator()(X509* c) const noexcept { X509_free(c); }
};
struct key_free {
  void operator()(EVP_PKEY* k) const noexcept { EVP_PKEY_free(k); }
};
using bio_ptr = std::unique_ptr<BIO, bio_free>;
using certificate_ptr = std::unique_ptr<X509, certificate_free>;
using key_ptr = std::unique_ptr<EVP_PKEY, key_free>;

bio_ptr reader_of(std::string_view text) noexcept {
  return bio_ptr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

// An encrypted key is an error, not a question.
int no_password(char*, int, int, void*) noexcept {
  return -1;
}

// The next certificate; none at the end of the text, which leaves no error behind.
certificate_ptr next_certificate(BIO& from) noexcept {
  certificate_ptr c(PEM_read_bio_X509(&from, nullptr, no_password, nullptr));
  if (c == nullptr && ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE)
    ERR_clear_error();
  return c;
}

// Calls f(certificate) for each certificate of `text`; f says whether it could use it.
template <class F>
result<void> for_each_certificate(std::string_view text, F f) {
  ERR_clear_error();
  const bio_ptr from = reader_of(text);
  if (from == nullptr) return fail(ENOMEM);
  std::size_t n = 0;
  while (certificate_ptr c = next_certificate(*from)) {
    if (!f(*c, n++)) return fail(take_error());
  }
  if (n == 0 && ERR_peek_error() == 0) ERR_raise(ERR_LIB_PEM, PEM_R_NO_START_LINE);
  if (n == 0 || ERR_peek_error() != 0) return fail(take_error());
  return {};
}

result<void> use_key(SSL_CTX& setup, std::string_view text) noexcept {
  const bio_ptr from = reader_of(text);
  if (from == nullptr) return fail(ENOMEM);
  const key_ptr key(PEM_read_bio_PrivateKey(from.get(), nullptr, no_password, nullptr));
  if (key == nullptr || SSL_CTX_use_PrivateKey(&setup, key.get()) != 1 ||
      SSL_CTX_check_private_key(&setup) != 1)
    return fail(take_error());
  return {};
}

// --- ALPN ---

int new_list_index() {
  const int index = SSL_CTX_get_ex_new_index(
      0, nullptr, nullptr, nullptr, [](void*, void* list, CRYPTO_EX_DATA*, int, long, void*) {
        delete static_cast<std::string*>(list);
      });
  return index < 0 ? throw std::bad_alloc() : index;
}

// std::bad_alloc; the next call tries again.
int list_index() {
  static const int index = new_list_index();
  return index;
}

int choose(SSL*, const unsigned char** chosen, unsigned char* size, const unsigned char* offered,
           unsigned int offered_size, void* list) noexcept {
  const auto& ours = *static_cast<const std::string*>(list);
  // 3.2: the server's order decides.
  const int found =
      SSL_select_next_proto(const_cast<unsigned char**>(chosen), size,
                            reinterpret_cast<const unsigned char*>(ours.data()),
                            static_cast<unsigned>(ours.size()), offered, offered_size);
  return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

}  // namespace

result<shared_setup> make_setup(side as, int oldest) {
  ERR_clear_error();
  SSL_CTX* const made = SSL_CTX_new(as == side::client ? TLS_client_method() : TLS_server_method());
  if (made == nullptr) return fail(take_error());
  shared_setup setup(made, SSL_CTX_free);
  SSL_CTX_set_options(made, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_mode(made, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_default_passwd_cb(made, no_password);
  SSL_CTX_set_session_cache_mode(made, SSL_SESS_CACHE_OFF);
  X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(made), X509_V_FLAG_PARTIAL_CHAIN);
  if (SSL_CTX_set_min_proto_version(made, oldest) != 1 || SSL_CTX_set_dh_auto(made, 1) != 1 ||
      SSL_CTX_set_session_id_context(made, session_context, sizeof session_context) != 1)
    return fail(take_error());
  return setup;
}

result<void> use_identity(SSL_CTX& setup, std::string_view chain, std::string_view key) {
  const auto used = for_each_certificate(chain, [&](X509& c, std::size_t n) {
    return n == 0 ? SSL_CTX_use_certificate(&setup, &c) == 1
                  : SSL_CTX_add1_chain_cert(&setup, &c) == 1;
  });
  if (!used) return used;
  return use_key(setup, key);
}

result<void> trust(SSL_CTX& setup, side as, std::string_view authorities) {
  X509_STORE* const store = SSL_CTX_get_cert_store(&setup);
  return for_each_certificate(authorities, [&](X509& c, std::size_t) {
    if (X509_STORE_add_cert(store, &c) != 1) return false;
    return as == side::client || SSL_CTX_add_client_CA(&setup, &c) == 1;
  });
}

result<std::string> alpn_list(std::span<const std::string> names) {
  std::string list;
  for (const std::string& name : names) {
    if (name.empty() || name.size() > longest_protocol) return fail(EINVAL);
    list += static_cast<char>(name.size());
    list += name;
  }
  if (list.size() > longest_list) return fail(EINVAL);
  return list;
}

result<void> choose_alpn(SSL_CTX& setup, std::string_view list) {
  auto own = std::make_unique<std::string>(list);
  if (SSL_CTX_set_ex_data(&setup, list_index(), own.get()) != 1) return fail(ENOMEM);
  SSL_CTX_set_alpn_select_cb(&setup, choose, own.release());
  return {};
}

}  // namespace caraway::tls
