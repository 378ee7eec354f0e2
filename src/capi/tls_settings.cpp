#include "capi/tls_settings.hpp"

#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <mutex>

#include "codec/sha256.hpp"

namespace caraway::capi {
namespace {

using tls::pem;

// Programs have one or two kinds of connections; whoever makes up ever new ones pays for each.
constexpr std::size_t most_kept = 64;

bool given_twice(const dill_tls_opts& o) noexcept {
  return (o.ca_file != nullptr && o.ca_mem != nullptr) ||
         (o.cert_file != nullptr && o.cert_mem != nullptr) ||
         (o.key_file != nullptr && o.key_mem != nullptr);
}

pem pem_of(const char* file, const char* text) {
  if (file != nullptr) return pem::file(file);
  return text != nullptr ? pem::text(text) : pem();
}

std::string_view variable(const char* name) noexcept {
  const char* const value = ::secure_getenv(name);
  return value == nullptr ? std::string_view() : std::string_view(value);
}

using digest = std::array<std::byte, 32>;

// Stands for everything that makes a difference, `more` included; keys are in it, so nothing else of
// it is kept.
result<digest> digest_of(const dill_tls_opts& o, std::string_view more = {}) {
  const std::string flags = std::to_string(o.flags);
  const bytes end = as_bytes(std::string_view("\0", 1));
  std::vector<bytes> all = {as_bytes(flags), as_bytes(more)};
  for (const char* part :
       {o.alpn, o.ca_file, o.ca_mem, o.cert_file, o.cert_mem, o.key_file, o.key_mem}) {
    all.push_back(end);
    if (part == nullptr) continue;
    all.push_back(as_bytes(std::string_view("=")));
    all.push_back(as_bytes(std::string_view(part)));
  }
  return codec::sha256(all);
}

// What a file looks like from outside; changes with what is in it.
std::string look_of(const char* file) {
  struct stat s;
  if (file == nullptr || ::stat(file, &s) != 0) return "-";
  return std::to_string(s.st_ino) + ' ' + std::to_string(s.st_size) + ' ' +
         std::to_string(s.st_mtim.tv_sec) + ' ' + std::to_string(s.st_mtim.tv_nsec) + ' ';
}

std::string look_of(const dill_tls_opts& o) {
  return look_of(o.ca_file) + look_of(o.cert_file) + look_of(o.key_file);
}

// A passing lack, which says nothing about the files.
bool is_shortage(std::error_code why) noexcept {
  return why == os_error(EMFILE) || why == os_error(ENFILE) || why == os_error(ENOMEM);
}

// --- clients ---

tls::client_settings client_settings_of(const dill_tls_opts& o) {
  tls::client_settings s;
  if (o.host == nullptr || (o.flags & DILL_TLS_VERIFY_CHAIN) != 0)
    s.verify = tls::verification::chain;
  if ((o.flags & DILL_TLS_VERIFY_NOTHING) != 0) s.verify = tls::verification::nothing;
  s.authorities = pem_of(o.ca_file, o.ca_mem);
  s.system_authorities = (o.flags & DILL_TLS_ONLY_THESE) == 0;
  s.own = {pem_of(o.cert_file, o.cert_mem), pem_of(o.key_file, o.key_mem)};
  if ((o.flags & DILL_TLS_1_3) != 0) s.oldest = tls::version::tls1_3;
  return s;
}

// --- servers ---

tls::server_settings server_settings_of(const dill_tls_opts& o) {
  tls::server_settings s;
  s.own = {pem_of(o.cert_file, o.cert_mem), pem_of(o.key_file, o.key_mem)};
  if ((o.flags & DILL_TLS_CLIENT_OPTIONAL) != 0) s.clients = tls::client_certificate::optional;
  if ((o.flags & DILL_TLS_CLIENT_REQUIRED) != 0) s.clients = tls::client_certificate::required;
  s.client_authorities = pem_of(o.ca_file, o.ca_mem);
  s.alpn = split_protocols(o.alpn);
  if ((o.flags & DILL_TLS_1_3) != 0) s.oldest = tls::version::tls1_3;
  return s;
}

struct kept_server {
  tls::server_context context;
  std::string look;
};

struct kept_contexts {
  std::mutex mutex;
  std::map<digest, tls::client_context> clients;
  std::map<digest, kept_server> servers;
};

// Never destroyed: OpenSSL may be gone first.
kept_contexts& kept() {
  static auto& all = *new kept_contexts;
  return all;
}

void renew(kept_server& s, const dill_tls_opts& o) {
  std::string look = look_of(o);
  if (look == s.look) return;
  const auto done = s.context.try_reload();
  if (!done && is_shortage(done.error())) return;
  s.look = std::move(look);
  if (done) return;
  std::fprintf(stderr, "caraway: %s: %s; what was read before stays in use\n",
               o.cert_file == nullptr ? "TLS" : o.cert_file, done.error().message().c_str());
}

template <class Context>
result<Context> told(result<Context> made, std::string& why) {
  if (!made) why = made.error().message();
  return made;
}

}  // namespace

std::vector<std::string> split_protocols(const char* alpn) {
  std::vector<std::string> names;
  if (alpn == nullptr) return names;
  std::string_view rest = alpn;
  for (;;) {
    const std::size_t comma = rest.find(',');
    names.emplace_back(rest.substr(0, comma));
    if (comma == rest.npos) return names;
    rest.remove_prefix(comma + 1);
  }
}

result<tls::client_context> client_context_for(const dill_tls_opts& opts, std::string& why) {
  if (given_twice(opts)) return fail(EINVAL);
  const std::string more_authorities(variable("CARAWAY_TLS_CA_FILE"));
  const bool checks_host = opts.host != nullptr;
  const auto key = digest_of(opts, (checks_host ? "host " : "chain ") + look_of(opts) +
                                       look_of(more_authorities.c_str()) + more_authorities);
  if (!key) return fail(key.error());
  kept_contexts& all = kept();
  const std::lock_guard lock(all.mutex);
  if (const auto found = all.clients.find(*key); found != all.clients.end()) return found->second;
  auto made = told(tls::client_context::try_make(client_settings_of(opts)), why);
  if (!made) return made;
  if (all.clients.size() >= most_kept) all.clients.clear();
  all.clients.emplace(*key, *made);
  return made;
}

result<tls::server_context> server_context_for(const dill_tls_opts& opts, std::string& why) {
  if (given_twice(opts)) return fail(EINVAL);
  const auto key = digest_of(opts);
  if (!key) return fail(key.error());
  kept_contexts& all = kept();
  const std::lock_guard lock(all.mutex);
  if (const auto found = all.servers.find(*key); found != all.servers.end()) {
    renew(found->second, opts);
    return found->second.context;
  }
  std::string look = look_of(opts);
  auto made = told(tls::server_context::try_make(server_settings_of(opts)), why);
  if (!made) return made;
  if (all.servers.size() >= most_kept) all.servers.clear();
  all.servers.emplace(*key, kept_server{*made, std::move(look)});
  return made;
}

}  // namespace caraway::capi
