// tls_context.hpp - what many TLS connections share: certificates, keys, and whom to trust.
//
// A context is made once, from files or text, and then used for any number of connections; copies
// refer to the same one. Threads may share it.
//
//     tls::server_context server({.own = {tls::pem::file("server.pem"), tls::pem::file("server.key")}});
//     ...
//     server.reload();        // the files were renewed: later connections get the new certificate
//
//     tls::client_context client({.authorities = tls::pem::file("our-ca.pem")});
//
// A client that is told nothing trusts the authorities of the system, and checks the peer's chain
// and name.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "caraway/error.hpp"
#include "caraway/tls_error.hpp"

namespace caraway::tls {

enum class version : unsigned char { tls1_2, tls1_3 };

// Text in PEM (RFC 7468), or the name of the file that it is in.
class pem {
 public:
  pem() = default;
  static pem file(std::string name) { return pem(std::move(name), true); }
  static pem text(std::string all) { return pem(std::move(all), false); }

  bool empty() const noexcept { return value_.empty(); }
  bool is_file() const noexcept { return is_file_; }
  const std::string& value() const noexcept { return value_; }

  // The text. Reads the file, which blocks the thread. Errors of open(2) and read(2); EFBIG: more
  // than 16 MiB.
  result<std::string> try_read() const;

 private:
  pem(std::string value, bool is_file) : value_(std::move(value)), is_file_(is_file) {}
  std::string value_;
  bool is_file_ = false;
};

// Who one side is.
struct identity {
  // The certificate, then those of the authorities that lead from it to a root, which is left out.
  pem chain = {};
  // The private key, not encrypted. If it is empty, it is in `chain` too.
  pem key = {};
};

// What a client looks at.
enum class verification : unsigned char {
  host,     // the chain leads to a trusted authority, and the certificate is for the wanted host
  chain,    // the chain alone: every certificate of a trusted authority will do
  nothing,  // nothing: whoever is in between may read and change everything
};

struct client_settings {
  verification verify = verification::host;
  // Trusted besides those of the system. Each is trusted as it is, whoever has signed it: a root, an
  // authority below one, or a server's own certificate, which then does for that server alone.
  pem authorities = {};
  // Those of the system, and those in the file that CARAWAY_TLS_CA_FILE in the environment names.
  bool system_authorities = true;
  // For servers that ask who the client is.
  identity own = {};
  version oldest = version::tls1_2;
};

class client_context {
 public:
  // As made of client_settings(), when it is first used, once for the process.
  client_context() noexcept = default;
  // Errors of pem::try_read(); codes of category() and ENOMEM. Reads files, which blocks the thread.
  static result<client_context> try_make(const client_settings& settings);
  explicit client_context(const client_settings& settings)
      : client_context(value_or_raise(try_make(settings), "TLS settings")) {}

  struct impl;
  // What is behind it; the default one is made here if need be. Errors of try_make().
  result<std::shared_ptr<const impl>> get() const;

 private:
  std::shared_ptr<const impl> impl_;
};

// What a server wants to know of its clients.
enum class client_certificate : unsigned char {
  ignored,   // is not asked for
  optional,  // must be valid if there is one
  required,
};

struct server_settings {
  identity own = {};
  client_certificate clients = client_certificate::ignored;
  // Who may have signed the certificates of clients; or those certificates themselves.
  pem client_authorities = {};
  // Protocols to agree to (ALPN, RFC 7301), the best first. Empty: none is agreed to.
  std::vector<std::string> alpn = {};
  version oldest = version::tls1_2;
};

class server_context {
 public:
  // None: no connection can be attached with it.
  server_context() noexcept = default;
  explicit operator bool() const noexcept { return impl_ != nullptr; }

  // Errors of pem::try_read(); codes of category(); EINVAL: no certificate, clients' certificates
  // are wanted and no authority is named, a protocol's name is empty or too long; ENOMEM. Reads
  // files, which blocks the thread.
  static result<server_context> try_make(server_settings settings);
  explicit server_context(server_settings settings)
      : server_context(value_or_raise(try_make(std::move(settings)), "TLS settings")) {}

  // Makes all of it anew, of other settings or of the same (whose files may have changed): later
  // handshakes use that, connections that are there stay as they are. After an error everything is
  // as before. Sessions from before cannot be resumed. Errors of try_make(); EINVAL: there is none.
  result<void> try_reload(server_settings settings);
  result<void> try_reload();
  void reload(server_settings settings) {
    value_or_raise(try_reload(std::move(settings)), "reload TLS settings");
  }
  void reload() { value_or_raise(try_reload(), "reload TLS settings"); }

  struct impl;
  const std::shared_ptr<impl>& get() const noexcept { return impl_; }

 private:
  std::shared_ptr<impl> impl_;
};

}  // namespace caraway::tls
