#include "caraway/tls_context.hpp"

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <new>

#include "caraway/fd.hpp"
#include "codec/tls_error.hpp"
#include "proto/tls_contexts.hpp"

namespace caraway::tls {
namespace {

constexpr std::size_t largest_file = 16 * 1024 * 1024;

int number_of(version v) noexcept {
  return v == version::tls1_2 ? TLS1_2_VERSION : TLS1_3_VERSION;
}

result<void> take_identity(SSL_CTX& setup, const identity& who) {
  const auto chain = who.chain.try_read();
  if (!chain) return fail(chain.error());
  if (who.key.empty()) return use_identity(setup, *chain, *chain);
  const auto key = who.key.try_read();
  if (!key) return fail(key.error());
  return use_identity(setup, *chain, *key);
}

result<void> trust_pem(SSL_CTX& setup, side as, const pem& authorities) {
  const auto text = authorities.try_read();
  if (!text) return fail(text.error());
  return trust(setup, as, *text);
}

// A system without a list of authorities trusts nobody; that is no error here.
result<void> trust_system(SSL_CTX& setup) {
  const bool looked = SSL_CTX_set_default_verify_paths(&setup) == 1;
  ERR_clear_error();
  if (!looked) return fail(ENOMEM);
  const char* const also = ::secure_getenv("CARAWAY_TLS_CA_FILE");
  if (also == nullptr || *also == '\0') return {};
  return trust_pem(setup, side::client, pem::file(also));
}

result<shared_setup> set_up(const client_settings& settings) {
  auto setup = make_setup(side::client, number_of(settings.oldest));
  if (!setup) return setup;
  result<void> r;
  SSL_CTX_set_verify(setup->get(), SSL_VERIFY_PEER, nullptr);
  if (settings.verify == verification::nothing)
    SSL_CTX_set_verify(setup->get(), SSL_VERIFY_NONE, nullptr);
  else if (settings.system_authorities)
    r = trust_system(**setup);
  if (r && !settings.authorities.empty())
    r = trust_pem(**setup, side::client, settings.authorities);
  if (r && !settings.own.chain.empty()) r = take_identity(**setup, settings.own);
  if (!r) return fail(r.error());
  return setup;
}

result<void> ask_clients(SSL_CTX& setup, const server_settings& settings) {
  if (settings.clients == client_certificate::ignored) return {};
  if (settings.client_authorities.empty()) return fail(EINVAL);
  int mode = SSL_VERIFY_PEER;
  if (settings.clients == client_certificate::required) mode |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
  SSL_CTX_set_verify(&setup, mode, nullptr);
  return trust_pem(setup, side::server, settings.client_authorities);
}

result<void> agree_to(SSL_CTX& setup, const std::vector<std::string>& protocols) {
  if (protocols.empty()) return {};
  const auto list = alpn_list(protocols);
  if (!list) return fail(list.error());
  return choose_alpn(setup, *list);
}

result<shared_setup> set_up(const server_settings& settings) {
  if (settings.own.chain.empty()) return fail(EINVAL);
  auto setup = make_setup(side::server, number_of(settings.oldest));
  if (!setup) return setup;
  auto r = take_identity(**setup, settings.own);
  if (r) r = ask_clients(**setup, settings);
  if (r) r = agree_to(**setup, settings.alpn);
  if (!r) return fail(r.error());
  return setup;
}

result<std::string> read_file(const std::string& name) {
  const unique_fd file(::open(name.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) return fail(errno);
  std::string all;
  std::array<char, 4096> piece;
  for (;;) {
    const ssize_t n = ::read(file.get(), piece.data(), piece.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail(errno);
    if (n == 0) return all;
    all.append(piece.data(), static_cast<std::size_t>(n));
    if (all.size() > largest_file) return fail(EFBIG);
  }
}

}  // namespace

result<std::string> pem::try_read() const try {
  return is_file_ ? read_file(value_) : value_;
} catch (const std::bad_alloc&) {
  return fail(ENOMEM);
}

result<client_context> client_context::try_make(const client_settings& settings) try {
  auto setup = set_up(settings);
  if (!setup) return fail(setup.error());
  client_context made;
  made.impl_ = std::make_shared<const impl>(std::move(*setup), settings.verify);
  return made;
} catch (const std::bad_alloc&) {
  return fail(ENOMEM);
}

result<std::shared_ptr<const client_context::impl>> client_context::get() const {
  if (impl_ != nullptr) return impl_;
  static std::mutex making;
  // Never destroyed: OpenSSL may be gone first.
  static auto& usual = *new std::shared_ptr<const impl>;
  const std::lock_guard lock(making);
  if (usual == nullptr) {
    const auto made = try_make({});
    if (!made) return fail(made.error());
    usual = made->impl_;
  }
  return usual;
}

result<server_context> server_context::try_make(server_settings settings) try {
  auto setup = set_up(settings);
  if (!setup) return fail(setup.error());
  server_context made;
  made.impl_ = std::make_shared<impl>();
  made.impl_->current = std::move(*setup);
  made.impl_->settings = std::move(settings);
  return made;
} catch (const std::bad_alloc&) {
  return fail(ENOMEM);
}

result<void> server_context::try_reload(server_settings settings) try {
  if (impl_ == nullptr) return fail(EINVAL);
  auto setup = set_up(settings);
  if (!setup) return fail(setup.error());
  const std::lock_guard lock(impl_->mutex);
  impl_->current = std::move(*setup);
  impl_->settings = std::move(settings);
  return {};
} catch (const std::bad_alloc&) {
  return fail(ENOMEM);
}

result<void> server_context::try_reload() try {
  if (impl_ == nullptr) return fail(EINVAL);
  std::unique_lock lock(impl_->mutex);
  server_settings same = impl_->settings;
  lock.unlock();
  return try_reload(std::move(same));
} catch (const std::bad_alloc&) {
  return fail(ENOMEM);
}

}  // namespace caraway::tls
