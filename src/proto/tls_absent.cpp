// tls_absent.cpp - what stands in for TLS in a build without it (CARAWAY_TLS=OFF): errors.
#include <cerrno>

#include "caraway/tls.hpp"

namespace caraway::tls {
namespace {

class tls_category final : public std::error_category {
 public:
  const char* name() const noexcept override { return "tls"; }
  std::string message(int) const override { return "TLS is not in this build"; }
};

}  // namespace

struct client_context::impl {};
struct server_context::impl {};

const std::error_category& category() noexcept {
  static const tls_category instance;
  return instance;
}

std::error_code make_error_code(errc e) noexcept {
  return {static_cast<int>(e), category()};
}

result<std::string> pem::try_read() const {
  return fail(EPROTONOSUPPORT);
}

result<client_context> client_context::try_make(const client_settings&) {
  return fail(EPROTONOSUPPORT);
}

result<std::shared_ptr<const client_context::impl>> client_context::get() const {
  return fail(EPROTONOSUPPORT);
}

result<server_context> server_context::try_make(server_settings) {
  return fail(EPROTONOSUPPORT);
}

result<void> server_context::try_reload(server_settings) {
  return fail(EPROTONOSUPPORT);
}

result<void> server_context::try_reload() {
  return fail(EPROTONOSUPPORT);
}

result<stream_ptr> try_attach_client(caraway::stream_ptr, const client_options&, deadline) {
  return fail(EPROTONOSUPPORT);
}

result<stream_ptr> try_attach_server(caraway::stream_ptr, const server_context&, deadline) {
  return fail(EPROTONOSUPPORT);
}

}  // namespace caraway::tls
