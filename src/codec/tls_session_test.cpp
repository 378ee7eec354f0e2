#include "codec/tls_session.hpp"

#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <utility>
#include <vector>

#include "caraway/tls_error.hpp"
#include "codec/tls_certificates.hpp"

namespace caraway::tls {
namespace {

// What one side has said and the other has not taken yet.
class wire final : public sink {
 public:
  bool put(bytes b) noexcept override {
    if (full) return false;
    waiting += as_text(b);
    return true;
  }
  void drop(std::size_t n) { waiting.erase(0, n); }
  bytes front(std::size_t most) const {
    return as_bytes(waiting).first(std::min(most, waiting.size()));
  }

  std::string waiting;
  bool full = false;
};

struct settings {
  int oldest = TLS1_2_VERSION;
  std::string server = "server";
  std::string trusted = "authority.pem";
  std::string host = "localhost";
  bool check_host = true;
  std::vector<std::string> offered = {};
  std::vector<std::string> spoken = {};
  std::string client = {};
  bool ask_client = false;
  bool anonymous = false;
};

shared_setup client_setup(const settings& s) {
  shared_setup made = *make_setup(side::client, s.oldest);
  SSL_CTX_set_verify(made.get(), SSL_VERIFY_PEER, nullptr);
  EXPECT_TRUE(trust(*made, side::client, certificate_text(s.trusted)));
  if (!s.client.empty()) {
    EXPECT_TRUE(use_identity(*made, certificate_text(s.client + ".pem"),
                             certificate_text(s.client + ".key")));
  }
  return made;
}

shared_setup server_setup(const settings& s) {
  shared_setup made = *make_setup(side::server, TLS1_2_VERSION);
  EXPECT_TRUE(use_identity(*made, certificate_text(s.server + ".pem"),
                           certificate_text(s.server + ".key")));
  if (!s.spoken.empty()) {
    EXPECT_TRUE(choose_alpn(*made, *alpn_list(s.spoken)));
  }
  if (s.ask_client) {
    SSL_CTX_set_verify(made.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
    EXPECT_TRUE(trust(*made, side::server, certificate_text("authority.pem")));
  }
  return made;
}

// Both sides of a conversation.
struct conversation {
  explicit conversation(const settings& s = {}) {
    const std::string alpn = *alpn_list(s.offered);
    const session_options options{.as = side::client,
                                  .host = s.host,
                                  .check_host = s.check_host,
                                  .alpn = alpn,
                                  .anonymous = s.anonymous};
    opened = client.open(*client_setup(s), options);
    EXPECT_TRUE(server.open(*server_setup(s), {.as = side::server}));
  }

  // One side takes `step` bytes at a time. The code it failed with, if it did.
  static std::error_code shake(session& who, wire& from, std::size_t step, bool& over) {
    while (!from.waiting.empty() || step == 0) {
      bytes in = from.front(std::max<std::size_t>(step, 1));
      const std::size_t n = in.size();
      const auto done = who.shake(in);
      from.drop(n - in.size());
      if (!done) return done.error();
      over = *done;
      if (over || step == 0) return {};
    }
    return {};
  }

  // Shakes hands; what the client and what the server failed with.
  std::pair<std::error_code, std::error_code> shake(std::size_t step = 1 << 20) {
    bool client_over = false;
    bool server_over = false;
    std::error_code client_code = shake(client, to_client, 0, client_over);
    std::error_code server_code;
    while (!to_client.waiting.empty() || !to_server.waiting.empty()) {
      if (!server_over && !server_code) server_code = shake(server, to_server, step, server_over);
      if (!client_over && !client_code) client_code = shake(client, to_client, step, client_over);
      if ((client_over || client_code) && (server_over || server_code)) break;
    }
    return {client_code, server_code};
  }

  static result<std::string> read(session& who, wire& from, std::size_t room = 1 << 16) {
    std::string text(room, '\0');
    bytes in = as_bytes(from.waiting);
    const auto n = who.read(in, std::as_writable_bytes(std::span(text)));
    from.drop(from.waiting.size() - in.size());
    if (!n) return fail(n.error());
    text.resize(*n);
    return text;
  }

  wire to_client;
  wire to_server;
  session client{to_server};
  session server{to_client};
  result<void> opened;
};

void expect_good_handshake(const settings& s, std::string_view version) {
  for (std::size_t step : {1, 7, 1 << 20}) {
    conversation c(s);
    const auto [client, server] = c.shake(step);
    EXPECT_FALSE(client) << client.message();
    EXPECT_FALSE(server) << server.message();
    EXPECT_EQ(c.client.version(), version);
    ASSERT_TRUE(c.client.write(as_bytes("hello")));
    EXPECT_EQ(c.read(c.server, c.to_server), "hello");
    ASSERT_TRUE(c.server.write(as_bytes("good bye")));
    EXPECT_EQ(c.read(c.client, c.to_client), "good bye");
  }
}

TEST(tls_session, both_sides_agree_and_talk_however_the_bytes_come) {
  expect_good_handshake({}, "TLSv1.3");
}

TEST(tls_session, what_was_agreed_can_be_asked) {
  conversation c({.offered = {"x", "h2"}, .spoken = {"h2", "y", "x"}});
  c.shake();
  EXPECT_EQ(c.client.alpn(), "h2");
  EXPECT_EQ(c.server.alpn(), "h2");
  EXPECT_EQ(c.server.host(), "localhost");
  EXPECT_EQ(c.client.cipher(), c.server.cipher());
  EXPECT_NE(c.client.cipher(), "");
  EXPECT_EQ(c.client.peer_subject(), "CN=localhost");
  EXPECT_TRUE(c.client.peer_certificate().starts_with("-----BEGIN CERTIFICATE-----"));
  EXPECT_EQ(c.server.peer_subject(), "");
  EXPECT_EQ(c.server.peer_certificate(), "");
  EXPECT_FALSE(c.client.resumed());
}

TEST(tls_session, without_offers_no_protocol_is_agreed_to) {
  conversation c({.spoken = {"h2"}});
  EXPECT_FALSE(c.shake().first);
  EXPECT_EQ(c.client.alpn(), "");
}

TEST(tls_session, a_client_without_a_common_protocol_is_refused) {
  conversation c({.offered = {"a"}, .spoken = {"b"}});
  const auto [client, server] = c.shake();
  EXPECT_EQ(client, errc::peer_no_application_protocol);
  EXPECT_EQ(server.message(), "no application protocol");
}

// What a client has against a server, and what the server hears of it.
void expect_refusal(const settings& s, errc why, errc heard) {
  conversation c(s);
  const auto [client, server] = c.shake();
  EXPECT_EQ(client, why) << client.message();
  EXPECT_EQ(server, heard) << server.message();
}

TEST(tls_session, a_certificate_is_refused_for_each_reason) {
  const errc bad = errc::peer_bad_certificate;
  expect_refusal({.server = "expired"}, errc::certificate_expired, errc::peer_certificate_expired);
  expect_refusal({.server = "future"}, errc::certificate_not_yet_valid, bad);
  expect_refusal({.server = "self_signed"}, errc::certificate_self_signed,
                 errc::peer_authority_unknown);
  expect_refusal({.server = "stranger"}, errc::authority_unknown, errc::peer_authority_unknown);
  expect_refusal({.server = "lonely"}, errc::authority_unknown, errc::peer_authority_unknown);
  expect_refusal({.server = "other_host"}, errc::host_mismatch, bad);
  expect_refusal({.host = "localhost.evil.example"}, errc::host_mismatch, bad);
  expect_refusal({.host = "127.0.0.2"}, errc::address_mismatch, bad);
}

TEST(tls_session, hosts_are_names_or_addresses_and_may_end_in_a_dot) {
  for (const char* host : {"localhost", "example.org", "example.org.", "127.0.0.1", "::1"}) {
    conversation c({.host = host});
    EXPECT_FALSE(c.shake().first) << host;
  }
}

TEST(tls_session, the_name_of_a_subject_is_not_the_name_of_a_host) {
  expect_refusal({.server = "common_name"}, errc::host_mismatch, errc::peer_bad_certificate);
}

TEST(tls_session, a_wildcard_stands_for_one_whole_label) {
  conversation c({.server = "wildcard", .host = "chat.example.com"});
  EXPECT_FALSE(c.shake().first);
  for (const char* host : {"a.chat.example.com", "example.com", "foo.example.net"})
    expect_refusal({.server = "wildcard", .host = host}, errc::host_mismatch,
                   errc::peer_bad_certificate);
}

// An authority is trusted for what it is, not for who has signed it in turn.
TEST(tls_session, authorities_need_not_be_roots) {
  const settings between{.trusted = "between.pem"};
  EXPECT_FALSE(conversation(between).shake().first);
  EXPECT_FALSE(conversation({.server = "lonely", .trusted = "between.pem"}).shake().first);
  EXPECT_FALSE(conversation({.server = "self_signed", .trusted = "self_signed.pem"}).shake().first);
  EXPECT_FALSE(conversation({.server = "server", .trusted = "lonely.pem"}).shake().first);
  expect_refusal({.server = "self_signed", .trusted = "between.pem"}, errc::certificate_self_signed,
                 errc::peer_authority_unknown);
  expect_refusal({.server = "other_host", .trusted = "between.pem"}, errc::authority_unknown,
                 errc::peer_authority_unknown);
}

TEST(tls_session, who_is_trusted_as_it_is_must_have_the_name_too_and_signs_nobody) {
  expect_refusal({.server = "other_host", .trusted = "other_host.pem"}, errc::host_mismatch,
                 errc::peer_bad_certificate);
  expect_refusal({.server = "expired", .trusted = "expired.pem"}, errc::certificate_expired,
                 errc::peer_certificate_expired);
  expect_refusal({.server = "server", .trusted = "self_signed.pem"}, errc::authority_unknown,
                 errc::peer_authority_unknown);
}

TEST(tls_session, addresses_are_not_told_to_the_server) {
  for (const bool check : {true, false}) {
    conversation c({.host = "127.0.0.1", .check_host = check});
    c.shake();
    EXPECT_EQ(c.server.host(), "");
  }
}

TEST(tls_session, a_host_that_is_not_checked_is_told_all_the_same) {
  conversation c({.host = "wherever", .check_host = false});
  EXPECT_FALSE(c.shake().first);
  EXPECT_EQ(c.server.host(), "wherever");
}

TEST(tls_session, what_cannot_be_a_host_is_refused) {
  for (const std::string& host : {std::string("a\0b", 3), std::string("."), std::string(300, 'x'),
                                  std::string(".example.com"), std::string("..")})
    for (const bool check : {true, false})
      EXPECT_EQ(conversation({.host = host, .check_host = check}).opened,
                result<void>(fail(EINVAL)))
          << host;
}

TEST(tls_session, a_version_older_than_wanted_is_refused) {
  settings s{.oldest = TLS1_3_VERSION};
  conversation c(s);
  wire from_old;
  session old(from_old);
  const shared_setup setup = server_setup(s);
  SSL_CTX_set_max_proto_version(setup.get(), TLS1_2_VERSION);
  ASSERT_TRUE(old.open(*setup, {.as = side::server}));
  bool over = false;
  conversation::shake(c.client, c.to_client, 0, over);
  const auto refused = conversation::shake(old, c.to_server, 1 << 20, over);
  EXPECT_EQ(refused.message(), "unsupported protocol");
  EXPECT_EQ(conversation::shake(c.client, from_old, 1 << 20, over), errc::peer_protocol_version);
}

TEST(tls_session, a_server_may_ask_who_its_client_is) {
  conversation c({.client = "client", .ask_client = true});
  EXPECT_FALSE(c.shake().second);
  EXPECT_EQ(c.server.peer_subject(), "CN=alice");
}

TEST(tls_session, an_anonymous_client_shows_no_certificate) {
  conversation c({.client = "client", .ask_client = true, .anonymous = true});
  EXPECT_EQ(c.shake().second.message(), "peer did not return a certificate");
}

// In TLS 1.3 the client is done before the server has seen its certificate.
TEST(tls_session, a_client_without_the_wanted_certificate_learns_it_when_it_reads) {
  conversation nobody({.ask_client = true});
  EXPECT_EQ(nobody.shake().second.message(), "peer did not return a certificate");
  EXPECT_EQ(nobody.read(nobody.client, nobody.to_client).error(), errc::peer_certificate_required);
  conversation stranger({.client = "strange_client", .ask_client = true});
  EXPECT_EQ(stranger.shake().second, errc::authority_unknown);
  EXPECT_EQ(stranger.read(stranger.client, stranger.to_client).error(),
            errc::peer_authority_unknown);
}

TEST(tls_session, nothing_behind_a_close_notify_is_touched) {
  conversation c;
  c.shake();
  ASSERT_TRUE(c.client.write(as_bytes("last")));
  ASSERT_TRUE(c.client.finish());
  c.to_server.put(as_bytes("plain"));
  EXPECT_EQ(c.read(c.server, c.to_server), "last");
  EXPECT_EQ(c.read(c.server, c.to_server).error(), caraway::errc::end_of_stream);
  EXPECT_EQ(c.read(c.server, c.to_server).error(), caraway::errc::end_of_stream);
  EXPECT_EQ(c.to_server.waiting, "plain");
}

TEST(tls_session, one_direction_may_end_before_the_other) {
  conversation c;
  c.shake();
  ASSERT_TRUE(c.client.finish());
  EXPECT_FALSE(c.client.write(as_bytes("too late")));
  EXPECT_EQ(c.read(c.server, c.to_server).error(), caraway::errc::end_of_stream);
  ASSERT_TRUE(c.server.write(as_bytes("still here")));
  EXPECT_EQ(c.read(c.client, c.to_client), "still here");
}

TEST(tls_session, what_a_record_has_more_than_there_was_room_for_waits) {
  conversation c;
  c.shake();
  ASSERT_TRUE(c.client.write(as_bytes("1234567890")));
  EXPECT_EQ(c.read(c.server, c.to_server, 4), "1234");
  EXPECT_EQ(c.server.waiting(), 6u);
  EXPECT_EQ(c.read(c.server, c.to_server, 100), "567890");
  EXPECT_EQ(c.server.waiting(), 0u);
}

TEST(tls_session, it_says_how_many_bytes_it_needs) {
  conversation c;
  c.shake();
  ASSERT_TRUE(c.client.write(as_bytes("1234567890")));
  const std::string record = std::exchange(c.to_server.waiting, {});
  EXPECT_EQ(c.read(c.server, c.to_server), "");
  EXPECT_EQ(c.server.wanted(), 5u);
  c.to_server.put(as_bytes(record).first(5));
  EXPECT_EQ(c.read(c.server, c.to_server), "");
  EXPECT_EQ(c.server.wanted(), record.size() - 5);
  c.to_server.put(as_bytes(record).subspan(5, 1));
  EXPECT_EQ(c.read(c.server, c.to_server), "");
  EXPECT_EQ(c.server.wanted(), record.size() - 6);
  c.to_server.put(as_bytes(record).subspan(6));
  EXPECT_EQ(c.read(c.server, c.to_server), "1234567890");
  EXPECT_EQ(c.server.wanted(), 5u);
}

TEST(tls_session, keys_can_be_renewed_by_either_side) {
  conversation c;
  c.shake();
  for (int round = 0; round < 3; ++round) {
    ASSERT_TRUE(c.client.update_keys(true));
    ASSERT_TRUE(c.client.write(as_bytes("after")));
    EXPECT_EQ(c.read(c.server, c.to_server), "after");
    ASSERT_TRUE(c.server.write(as_bytes("answer")));
    EXPECT_EQ(c.read(c.client, c.to_client), "answer");
  }
}

TEST(tls_session, changed_ciphertext_is_found) {
  conversation c;
  c.shake();
  ASSERT_TRUE(c.client.write(as_bytes("genuine")));
  c.to_server.waiting.back() ^= 1;
  EXPECT_EQ(c.read(c.server, c.to_server).error().message(), "decryption failed or bad record mac");
  EXPECT_FALSE(c.read(c.server, c.to_server));
}

TEST(tls_session, something_else_than_tls_is_recognized) {
  conversation http;
  bool over = false;
  http.to_server.waiting.clear();
  http.to_server.put(as_bytes("GET / HTTP/1.1\r\nHost: h\r\n\r\n"));
  EXPECT_EQ(http.shake(http.server, http.to_server, 1 << 20, over).message(), "http request");
  conversation other;
  other.to_client.put(as_bytes("220 mail.example ESMTP\r\n"));
  EXPECT_EQ(other.shake(other.client, other.to_client, 1 << 20, over).message(),
            "wrong version number");
}

TEST(tls_session, a_sink_without_memory_ends_it) {
  conversation c;
  c.shake();
  c.to_server.full = true;
  EXPECT_EQ(c.client.write(as_bytes("x")).error(), os_error(ENOMEM));
  conversation early;
  bool over = false;
  early.to_server.full = true;
  EXPECT_EQ(early.shake(early.client, early.to_client, 0, over), os_error(ENOMEM));
}

TEST(tls_session, large_writes_become_many_records) {
  conversation c;
  c.shake();
  const std::string large(100000, 'x');
  ASSERT_TRUE(c.client.write(as_bytes(large)));
  std::string got;
  while (got.size() < large.size()) {
    const auto piece = c.read(c.server, c.to_server);
    ASSERT_TRUE(piece);
    EXPECT_LE(piece->size(), 16384u);
    got += *piece;
  }
  EXPECT_EQ(got, large);
}

}  // namespace
}  // namespace caraway::tls
