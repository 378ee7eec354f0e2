// tls_pair.hpp - two ends of a TLS connection, for tests.
#pragma once

#include <cerrno>
#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include "caraway/memory_pair.hpp"
#include "caraway/task_group.hpp"
#include "caraway/tls.hpp"
#include "codec/tls_certificates.hpp"

namespace caraway::tls {

inline pem certificate_pem(const std::string& name) {
  return pem::file(certificate_file(name));
}

inline identity identity_of(const std::string& name) {
  return {certificate_pem(name + ".pem"), certificate_pem(name + ".key")};
}

// A client that trusts the root of the tests and talks to localhost.
inline client_settings test_client() {
  return {.authorities = certificate_pem("authority.pem"), .system_authorities = false};
}

inline client_options to_localhost(const client_settings& settings = test_client()) {
  return {.host = "localhost", .context = client_context(settings)};
}

// One for all tests.
inline const client_options& usual_client() {
  static const client_options made = to_localhost();
  return made;
}
inline const server_context& usual_server() {
  static const server_context made({.own = identity_of("server")});
  return made;
}

// What both sides get when they shake hands over `lower`.
struct handshake {
  result<stream_ptr> client;
  result<stream_ptr> server;
};

inline handshake shake(std::pair<caraway::stream_ptr, caraway::stream_ptr> lower,
                       const client_options& as = usual_client(),
                       const server_context& with = usual_server(),
                       std::chrono::seconds patience = std::chrono::seconds(20)) {
  handshake h{fail(EINVAL), fail(EINVAL)};
  task_group group;
  group.go([&] { h.server = try_attach_server(std::move(lower.second), with, patience); });
  h.client = try_attach_client(std::move(lower.first), as, patience);
  group.wait();
  return h;
}

// Client and server of a handshake that goes well.
inline std::pair<stream_ptr, stream_ptr> connected(
    std::pair<caraway::stream_ptr, caraway::stream_ptr> lower = memory_pair()) {
  handshake h = shake(std::move(lower));
  return {value_or_raise(std::move(h.client), "client"),
          value_or_raise(std::move(h.server), "server")};
}

inline std::pair<caraway::stream_ptr, caraway::stream_ptr> connected_streams(
    std::pair<caraway::stream_ptr, caraway::stream_ptr> lower = memory_pair()) {
  return connected(std::move(lower));
}

}  // namespace caraway::tls
