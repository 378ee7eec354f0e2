#include "codec/tls_setup.hpp"

#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <cerrno>
#include <vector>

#include "codec/tls_certificates.hpp"

namespace caraway::tls {
namespace {

shared_setup fresh() {
  return *make_setup(side::server, TLS1_2_VERSION);
}

std::string failure_of(const result<void>& r) {
  return r ? "" : r.error().message();
}

TEST(tls_setup, an_identity_is_a_chain_and_its_key) {
  const shared_setup setup = fresh();
  EXPECT_TRUE(use_identity(*setup, certificate_text("server.pem"), certificate_text("server.key")));
  STACK_OF(X509)* chain = nullptr;
  SSL_CTX_get0_chain_certs(setup.get(), &chain);
  EXPECT_EQ(sk_X509_num(chain), 1);
}

TEST(tls_setup, chain_and_key_may_be_in_one_text) {
  const std::string both = certificate_text("server.pem") + certificate_text("server.key");
  EXPECT_TRUE(use_identity(*fresh(), both, both));
}

TEST(tls_setup, what_cannot_be_an_identity_says_why) {
  const std::string chain = certificate_text("server.pem");
  const std::string key = certificate_text("server.key");
  EXPECT_EQ(failure_of(use_identity(*fresh(), chain, certificate_text("renewed.key"))),
            "key values mismatch");
  EXPECT_EQ(failure_of(use_identity(*fresh(), "", key)), "no start line");
  EXPECT_EQ(failure_of(use_identity(*fresh(), "nothing of the kind", key)), "no start line");
  EXPECT_NE(failure_of(use_identity(*fresh(), certificate_text("corrupt.pem"), key)), "");
  EXPECT_NE(failure_of(use_identity(*fresh(), chain, "")), "");
  EXPECT_NE(failure_of(use_identity(*fresh(), chain.substr(0, chain.size() / 3), key)), "");
}

TEST(tls_setup, a_key_with_a_password_is_refused_and_nobody_is_asked) {
  EXPECT_NE(failure_of(use_identity(*fresh(), certificate_text("server.pem"),
                                    certificate_text("encrypted.key"))),
            "");
}

TEST(tls_setup, every_authority_in_a_text_is_trusted) {
  const shared_setup setup = fresh();
  const std::string two = certificate_text("authority.pem") + certificate_text("stranger.pem");
  EXPECT_TRUE(trust(*setup, side::server, two));
  EXPECT_EQ(sk_X509_NAME_num(SSL_CTX_get_client_CA_list(setup.get())), 2);
  EXPECT_EQ(failure_of(trust(*setup, side::client, "")), "no start line");
  EXPECT_NE(failure_of(trust(*setup, side::client, two + certificate_text("corrupt.pem"))), "");
}

TEST(tls_setup, protocols_are_written_with_their_lengths) {
  const std::vector<std::string> names = {"h2", "http/1.1"};
  EXPECT_EQ(alpn_list(names), "\2h2\10http/1.1");
  EXPECT_EQ(alpn_list({}), "");
}

TEST(tls_setup, the_name_of_a_protocol_has_1_to_255_bytes) {
  const auto one = [](std::size_t n) { return std::vector{std::string(n, 'x')}; };
  EXPECT_EQ(alpn_list(one(0)).error(), os_error(EINVAL));
  EXPECT_EQ(alpn_list(one(255))->size(), 256u);
  EXPECT_EQ(alpn_list(one(256)).error(), os_error(EINVAL));
}

TEST(tls_setup, all_protocols_together_have_at_most_65535_bytes) {
  std::vector<std::string> many(255, std::string(255, 'x'));
  many.push_back(std::string(254, 'x'));
  EXPECT_EQ(alpn_list(many)->size(), 65535u);
  many.back() += 'x';
  EXPECT_EQ(alpn_list(many).error(), os_error(EINVAL));
}

}  // namespace
}  // namespace caraway::tls
