#include "caraway/tls_context.hpp"

#include <gtest/gtest.h>

#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "proto/tls_pair.hpp"

namespace caraway::tls {
namespace {

std::error_code error_of(const auto& r) {
  return r ? std::error_code() : r.error();
}

// A file that goes with the test.
class scratch_file {
 public:
  explicit scratch_file(const std::string& text) { write(text); }
  ~scratch_file() { std::filesystem::remove(name_); }
  const std::string& name() const noexcept { return name_; }
  void write(const std::string& text) const { std::ofstream(name_) << text; }

 private:
  std::string name_ = ::testing::TempDir() + "tls_context_test." + std::to_string(::getpid());
};

// The name in the certificate that clients are shown.
std::string shown_by(const server_context& context) {
  client_options options = to_localhost();
  return (*shake(memory_pair(), options, context).client)->peer_subject();
}

TEST(tls_context, text_in_memory_is_as_good_as_a_file) {
  const server_context server({.own = {pem::text(certificate_text("server.pem")),
                                       pem::text(certificate_text("server.key"))}});
  client_settings settings = test_client();
  settings.authorities = pem::text(certificate_text("authority.pem"));
  EXPECT_TRUE(shake(memory_pair(), to_localhost(settings), server).client);
}

TEST(tls_context, a_file_that_cannot_be_read_is_told_from_one_that_makes_no_sense) {
  client_settings settings;
  settings.authorities = pem::file("/nonexistent/authority.pem");
  EXPECT_EQ(error_of(client_context::try_make(settings)), os_error(ENOENT));
  settings.authorities = pem::file("/");
  EXPECT_EQ(error_of(client_context::try_make(settings)), os_error(EISDIR));
  settings.authorities = pem::file("/dev/zero");
  EXPECT_EQ(error_of(client_context::try_make(settings)), os_error(EFBIG));
  settings.authorities = pem::file("/dev/null");
  EXPECT_EQ(error_of(client_context::try_make(settings)).message(), "no start line");
  settings.authorities = certificate_pem("corrupt.pem");
  EXPECT_EQ(error_of(client_context::try_make(settings)).category(), category());
}

TEST(tls_context, a_server_needs_a_certificate_and_its_key) {
  EXPECT_EQ(error_of(server_context::try_make({})), os_error(EINVAL));
  const identity mixed{certificate_pem("server.pem"), certificate_pem("renewed.key")};
  EXPECT_EQ(error_of(server_context::try_make({.own = mixed})).message(), "key values mismatch");
  EXPECT_FALSE(server_context());
}

TEST(tls_context, a_server_that_asks_for_certificates_names_who_may_sign_them) {
  EXPECT_EQ(error_of(server_context::try_make(
                {.own = identity_of("server"), .clients = client_certificate::required})),
            os_error(EINVAL));
}

TEST(tls_context, protocols_of_a_server_have_names) {
  EXPECT_EQ(error_of(server_context::try_make({.own = identity_of("server"), .alpn = {""}})),
            os_error(EINVAL));
}

TEST(tls_context, later_connections_get_the_certificate_that_was_reloaded) {
  const scratch_file file(certificate_text("server.pem") + certificate_text("server.key"));
  server_context server({.own = {.chain = pem::file(file.name())}});
  const server_context copy = server;
  EXPECT_EQ(shown_by(copy), "CN=localhost");
  file.write(certificate_text("renewed.pem") + certificate_text("renewed.key"));
  EXPECT_EQ(shown_by(copy), "CN=localhost");
  server.reload();
  EXPECT_EQ(shown_by(copy), "CN=renewed");
}

TEST(tls_context, a_certificate_that_cannot_be_used_changes_nothing) {
  const scratch_file file(certificate_text("server.pem") + certificate_text("server.key"));
  server_context server({.own = {.chain = pem::file(file.name())}});
  file.write(certificate_text("corrupt.pem"));
  EXPECT_EQ(error_of(server.try_reload()).category(), category());
  EXPECT_EQ(shown_by(server), "CN=localhost");
  EXPECT_EQ(error_of(server.try_reload({.own = identity_of("nobody")})), os_error(ENOENT));
  EXPECT_EQ(shown_by(server), "CN=localhost");
  file.write(certificate_text("renewed.pem") + certificate_text("renewed.key"));
  EXPECT_TRUE(server.try_reload());
  EXPECT_EQ(shown_by(server), "CN=renewed");
  EXPECT_EQ(error_of(server_context().try_reload()), os_error(EINVAL));
}

TEST(tls_context, connections_outlive_a_reload) {
  server_context server({.own = identity_of("server")});
  auto h = shake(memory_pair(), usual_client(), server);
  server.reload({.own = identity_of("renewed")});
  (*h.client)->write("still here");
  EXPECT_EQ(as_text((*h.server)->fill(10)), "still here");
}

TEST(tls_context, the_environment_may_name_authorities_besides_those_of_the_system) {
  client_settings settings;
  EXPECT_EQ(error_of(shake(memory_pair(), to_localhost(settings)).client), errc::authority_unknown);
  ::setenv("CARAWAY_TLS_CA_FILE", certificate_file("authority.pem").c_str(), 1);
  const auto h = shake(memory_pair(), to_localhost(settings));
  settings.system_authorities = false;
  const auto without = shake(memory_pair(), to_localhost(settings));
  ::setenv("CARAWAY_TLS_CA_FILE", "/nonexistent/authority.pem", 1);
  settings.system_authorities = true;
  EXPECT_EQ(error_of(client_context::try_make(settings)), os_error(ENOENT));
  ::unsetenv("CARAWAY_TLS_CA_FILE");
  EXPECT_TRUE(h.client);
  EXPECT_FALSE(without.client);
}

TEST(tls_context, the_usual_client_trusts_the_system_only) {
  const client_options usual{.host = "localhost"};
  EXPECT_EQ(error_of(shake(memory_pair(), usual).client).category(), category());
  EXPECT_EQ(*client_context().get(), *client_context().get());
}

}  // namespace
}  // namespace caraway::tls
