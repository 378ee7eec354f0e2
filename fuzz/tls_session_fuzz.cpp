// tls_session_fuzz.cpp - anything at all is said to both sides of TLS during their handshakes, in
// pieces whose size the first byte chooses; they must take it all, or fail.
#include <openssl/ssl.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "codec/tls_certificates.hpp"
#include "codec/tls_session.hpp"

namespace tls = caraway::tls;

namespace {

class nowhere final : public tls::sink {
 public:
  bool put(caraway::bytes) noexcept override { return true; }
};

void expect(bool condition) {
  if (!condition) std::abort();
}

tls::shared_setup client_setup() {
  tls::shared_setup made = *tls::make_setup(tls::side::client, TLS1_2_VERSION);
  SSL_CTX_set_verify(made.get(), SSL_VERIFY_PEER, nullptr);
  expect(bool(tls::trust(*made, tls::side::client, tls::certificate_text("authority.pem"))));
  return made;
}

tls::shared_setup server_setup() {
  tls::shared_setup made = *tls::make_setup(tls::side::server, TLS1_2_VERSION);
  expect(bool(tls::use_identity(*made, tls::certificate_text("server.pem"),
                                tls::certificate_text("server.key"))));
  return made;
}

void talk_to(ssl_ctx_st& setup, tls::side as, caraway::bytes said, std::size_t step) {
  nowhere out;
  tls::session session(out);
  expect(bool(session.open(setup, {.as = as, .host = as == tls::side::client ? "h" : ""})));
  while (!said.empty()) {
    const caraway::bytes piece = said.first(std::min(step, said.size()));
    caraway::bytes in = piece;
    const auto done = session.shake(in);
    if (!done) return;
    expect(!*done && in.empty() && session.wanted() > 0);
    said = said.subspan(piece.size());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const tls::shared_setup client = client_setup();
  static const tls::shared_setup server = server_setup();
  if (size < 2) return 0;
  const std::size_t step = data[0] == 0 ? size : data[0];
  const caraway::bytes said(reinterpret_cast<const std::byte*>(data) + 1, size - 1);
  talk_to(*client, tls::side::client, said, step);
  talk_to(*server, tls::side::server, said, step);
  return 0;
}
