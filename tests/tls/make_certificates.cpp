// make_certificates.cpp FOLDER - certificates for the tests, made anew by the build: NAME.pem, the
// chain, and NAME.key. All keys are on the curve P-256, so this takes no time.
//
//     authority        the root that the tests trust
//     server           localhost, example.org, 127.0.0.1, ::1; with an authority in between
//     renewed          the same names, another certificate
//     lonely           as server, without the authority in between
//     other_host       elsewhere.example
//     common_name      localhost, but only as the name of its subject
//     wildcard         *.example.com, f*.example.net
//     expired, future  as server, at other times
//     self_signed      as server, signed by itself
//     stranger         as server, by a root that nobody trusts
//     between          the authority in between
//     client           CN=alice
//     strange_client   CN=mallory, by the root that nobody trusts
//
// Besides: encrypted.key, the key of `server` with a password, and corrupt.pem.
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

namespace {

constexpr long day = 24 * 60 * 60;
constexpr char server_names[] = "DNS:localhost,DNS:example.org,IP:127.0.0.1,IP:::1";
long serial = 1;
std::filesystem::path folder;

[[noreturn]] void give_up(const std::string& what) {
  std::fprintf(stderr, "make_certificates: cannot make %s\n", what.c_str());
  ERR_print_errors_fp(stderr);
  std::exit(1);
}

struct pair {
  std::shared_ptr<EVP_PKEY> key;
  std::shared_ptr<X509> certificate;
};

struct wish {
  std::string name;
  std::string usage = "serverAuth";  // "" for an authority
  std::string alternatives = server_names;
  long from = -1;  // days from now
  long to = 3650;
};

void extend(X509* c, X509* issuer, int what, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, c, nullptr, nullptr, 0);
  X509_EXTENSION* const e = X509V3_EXT_conf_nid(nullptr, &context, what, value.c_str());
  if (e == nullptr || X509_add_ext(c, e, -1) != 1) give_up(value);
  X509_EXTENSION_free(e);
}

void extend_all(X509* c, X509* issuer, const wish& w) {
  const bool authority = w.usage.empty();
  extend(c, issuer, NID_basic_constraints, authority ? "critical,CA:TRUE" : "CA:FALSE");
  extend(c, issuer, NID_key_usage,
         authority ? "critical,keyCertSign,cRLSign" : "critical,digitalSignature");
  extend(c, issuer, NID_subject_key_identifier, "hash");
  if (!authority) extend(c, issuer, NID_ext_key_usage, w.usage);
  if (!authority && !w.alternatives.empty())
    extend(c, issuer, NID_subject_alt_name, w.alternatives);
}

// Signed by `by`, or by itself.
pair make(const wish& w, const pair* by = nullptr) {
  pair made{{EVP_EC_gen("P-256"), EVP_PKEY_free}, {X509_new(), X509_free}};
  X509* const c = made.certificate.get();
  if (made.key == nullptr || c == nullptr) give_up(w.name);
  X509_set_version(c, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(c), serial++);
  X509_gmtime_adj(X509_getm_notBefore(c), w.from * day);
  X509_gmtime_adj(X509_getm_notAfter(c), w.to * day);
  X509_set_pubkey(c, made.key.get());
  X509_NAME_add_entry_by_txt(X509_get_subject_name(c), "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(w.name.c_str()), -1, -1, 0);
  X509* const issuer = by == nullptr ? c : by->certificate.get();
  X509_set_issuer_name(c, X509_get_subject_name(issuer));
  extend_all(c, issuer, w);
  if (X509_sign(c, (by == nullptr ? made : *by).key.get(), EVP_sha256()) == 0) give_up(w.name);
  return made;
}

void write_key(const std::string& name, const pair& of, const char* password = nullptr) {
  std::FILE* const file = std::fopen((folder / name).c_str(), "w");
  const EVP_CIPHER* const cipher = password == nullptr ? nullptr : EVP_aes_128_cbc();
  if (file == nullptr || PEM_write_PrivateKey(file, of.key.get(), cipher, nullptr, 0, nullptr,
                                              const_cast<char*>(password)) != 1)
    give_up(name);
  std::fclose(file);
}

void write(const std::string& name, const std::vector<pair>& chain) {
  std::FILE* const file = std::fopen((folder / (name + ".pem")).c_str(), "w");
  if (file == nullptr) give_up(name);
  for (const pair& p : chain)
    if (PEM_write_X509(file, p.certificate.get()) != 1) give_up(name);
  std::fclose(file);
  write_key(name + ".key", chain.front());
}

}  // namespace

int main(int, char** arguments) {
  folder = arguments[1];
  std::filesystem::create_directories(folder);
  const pair root = make({.name = "Root of the tests", .usage = ""});
  const pair between = make({.name = "Between", .usage = ""}, &root);
  const pair other = make({.name = "Unknown root", .usage = ""});
  const pair server = make({.name = "localhost"}, &between);
  write("authority", {root});
  write("server", {server, between});
  write("renewed", {make({.name = "renewed"}, &between), between});
  write("lonely", {server});
  write_key("lonely.key", server);
  write("other_host",
        {make({.name = "elsewhere.example", .alternatives = "DNS:elsewhere.example"}, &root)});
  write("common_name", {make({.name = "localhost", .alternatives = ""}, &root)});
  write(
      "wildcard",
      {make({.name = "wildcard", .alternatives = "DNS:*.example.com,DNS:f*.example.net"}, &root)});
  write("between", {between});
  write("expired", {make({.name = "expired", .from = -30, .to = -1}, &root)});
  write("future", {make({.name = "future", .from = 30}, &root)});
  write("self_signed", {make({.name = "localhost"})});
  write("stranger", {make({.name = "stranger"}, &other)});
  write("client", {make({.name = "alice", .usage = "clientAuth", .alternatives = ""}, &root)});
  write("strange_client",
        {make({.name = "mallory", .usage = "clientAuth", .alternatives = ""}, &other)});
  write_key("encrypted.key", server, "secret");
  std::ofstream(folder / "corrupt.pem")
      << "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
}
