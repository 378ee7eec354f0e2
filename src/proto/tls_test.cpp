#include "caraway/tls.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

#include "caraway/testing/byte_stream_contract.hpp"
#include "caraway/this_task.hpp"
#include "codec/tls_session.hpp"
#include "proto/breaking_stream.hpp"
#include "proto/tls_contexts.hpp"
#include "proto/tls_pair.hpp"

namespace caraway::tls {
namespace {

using namespace std::chrono_literals;
using testing::stream_pair;

constexpr auto soon = 20s;

stream_pair breaks_at(std::size_t n) {
  const auto at = std::make_shared<breaking_point>();
  auto made = connected_streams(breaking(memory_pair(), at));
  at->arm(n);
  return made;
}

CARAWAY_BYTE_STREAM_FAILURE_CONTRACT(tls, breaks_at)

std::error_code error_of(const auto& r) {
  return r ? std::error_code() : r.error();
}

std::string all_that_comes(byte_stream& from, std::error_code& why) {
  const auto all = testing::byte_stream_contract::read_all(from, why);
  return std::string(as_text(all));
}

std::string take(byte_stream& from, std::size_t n) {
  const std::string text(as_text(from.fill(n, soon).first(n)));
  from.consume(n);
  return text;
}

// --- shaking hands ---

TEST(tls, both_sides_see_what_was_agreed) {
  client_options options = to_localhost();
  options.alpn = {"http/1.1"};
  auto h = shake(memory_pair({.chop = 1}, {.chop = 1}), options,
                 server_context({.own = identity_of("server"), .alpn = {"h2", "http/1.1"}}));
  const stream& client = **h.client;
  const stream& server = **h.server;
  EXPECT_EQ(client.version(), "TLSv1.3");
  EXPECT_EQ(client.cipher(), server.cipher());
  EXPECT_EQ(client.alpn(), "http/1.1");
  EXPECT_EQ(server.alpn(), "http/1.1");
  EXPECT_EQ(server.host(), "localhost");
  EXPECT_EQ(client.peer_subject(), "CN=localhost");
  EXPECT_TRUE(client.peer_certificate().starts_with("-----BEGIN CERTIFICATE-----"));
  EXPECT_EQ(server.peer_certificate(), "");
}

struct refusal {
  std::string server;
  std::string host;
  errc why;
  std::string text;
};

TEST(tls, a_server_that_is_not_trusted_is_refused_and_learns_why) {
  for (const refusal& r : {
           refusal{"expired", "localhost", errc::certificate_expired, "certificate has expired"},
           refusal{"other_host", "localhost", errc::host_mismatch, "hostname mismatch"},
           refusal{"server", "127.0.0.9", errc::address_mismatch, "IP address mismatch"},
           refusal{"self_signed", "localhost", errc::certificate_self_signed,
                   "self-signed certificate"},
           refusal{"stranger", "localhost", errc::authority_unknown,
                   "unable to get local issuer certificate"},
       }) {
    client_options options = to_localhost();
    options.host = r.host;
    const auto h = shake(memory_pair(), options, server_context({.own = identity_of(r.server)}));
    EXPECT_EQ(error_of(h.client), r.why) << r.server;
    EXPECT_EQ(error_of(h.client).message(), r.text);
    EXPECT_TRUE(error_of(h.server).message().starts_with("the peer refused: ")) << r.server;
  }
}

TEST(tls, the_exception_says_what_was_wrong) {
  auto [a, b] = memory_pair();
  task_group group;
  group.go([&, lower = std::move(b)]() mutable {
    static_cast<void>(
        try_attach_server(std::move(lower), server_context({.own = identity_of("expired")}), soon));
  });
  try {
    attach_client(std::move(a), usual_client(), soon);
    FAIL() << "no exception";
  } catch (const error& e) {
    EXPECT_STREQ(e.what(), "TLS handshake: certificate has expired");
  }
}

TEST(tls, verification_is_turned_off_by_name_only) {
  client_settings loose = test_client();
  loose.verify = verification::chain;
  EXPECT_TRUE(
      shake(memory_pair(), {.host = "wrong.example", .context = client_context(loose)}).client);
  EXPECT_TRUE(shake(memory_pair(), {.context = client_context(loose)}).client);
  const server_context stranger({.own = identity_of("stranger")});
  EXPECT_FALSE(shake(memory_pair(), {.context = client_context(loose)}, stranger).client);
  loose.verify = verification::nothing;
  EXPECT_TRUE(shake(memory_pair(), {.context = client_context(loose)}, stranger).client);
}

TEST(tls, a_client_that_checks_the_host_needs_one) {
  auto [a, b] = memory_pair();
  const client_options nobody{.context = client_context(test_client())};
  EXPECT_EQ(error_of(try_attach_client(std::move(a), nobody, soon)), os_error(EINVAL));
  EXPECT_EQ(error_of(b->try_fill(1, soon)), caraway::errc::end_of_stream);
}

TEST(tls, arguments_that_cannot_be_are_refused) {
  client_options strange = to_localhost();
  strange.alpn = {""};
  EXPECT_EQ(error_of(try_attach_client(memory_pair().first, strange, soon)), os_error(EINVAL));
  EXPECT_EQ(error_of(try_attach_server(memory_pair().first, {}, soon)), os_error(EINVAL));
}

TEST(tls, without_a_common_protocol_there_is_no_connection) {
  client_options options = to_localhost();
  options.alpn = {"a"};
  const auto h =
      shake(memory_pair(), options, server_context({.own = identity_of("server"), .alpn = {"b"}}));
  EXPECT_EQ(error_of(h.client), errc::peer_no_application_protocol);
}

TEST(tls, the_oldest_version_can_be_chosen) {
  client_settings modern = test_client();
  modern.oldest = version::tls1_3;
  EXPECT_TRUE(shake(memory_pair(), to_localhost(modern)).client);
  // An old server: a ServerHello of TLS 1.2 to whatever the client says.
  auto [a, b] = memory_pair();
  std::string hello("\x16\x03\x03\x00\x2a\x02\x00\x00\x26\x03\x03", 11);
  hello += std::string(32, 'r') + std::string("\x00\xc0\x2f\x00", 4);
  b->write(hello);
  EXPECT_EQ(error_of(try_attach_client(std::move(a), to_localhost(modern), soon)).message(),
            "unsupported protocol");
}

server_context asking_server(client_certificate wish) {
  return server_context({.own = identity_of("server"),
                         .clients = wish,
                         .client_authorities = certificate_pem("authority.pem")});
}

client_options client_as(const std::string& who) {
  client_settings settings = test_client();
  settings.own = identity_of(who);
  return to_localhost(settings);
}

TEST(tls, a_server_may_want_to_know_its_clients) {
  const auto asking = asking_server(client_certificate::required);
  EXPECT_EQ((*shake(memory_pair(), client_as("client"), asking).server)->peer_subject(),
            "CN=alice");
  EXPECT_EQ(error_of(shake(memory_pair(), usual_client(), asking).server).message(),
            "peer did not return a certificate");
  EXPECT_EQ(error_of(shake(memory_pair(), client_as("strange_client"), asking).server),
            errc::authority_unknown);
}

TEST(tls, a_certificate_of_a_client_may_be_optional_but_not_wrong) {
  const auto curious = asking_server(client_certificate::optional);
  EXPECT_EQ((*shake(memory_pair(), usual_client(), curious).server)->peer_subject(), "");
  EXPECT_EQ((*shake(memory_pair(), client_as("client"), curious).server)->peer_subject(),
            "CN=alice");
  EXPECT_FALSE(shake(memory_pair(), client_as("strange_client"), curious).server);
}

// In TLS 1.3 the client is done before the server has seen its certificate.
TEST(tls, a_client_whose_certificate_is_missing_learns_it_when_it_receives) {
  auto h = shake(memory_pair(), usual_client(), asking_server(client_certificate::required));
  ASSERT_TRUE(h.client);
  stream& client = **h.client;
  EXPECT_EQ(error_of(client.try_fill(1, soon)), errc::peer_certificate_required);
  EXPECT_EQ(error_of(client.try_fill(1, soon)), errc::peer_certificate_required);
  EXPECT_EQ(error_of(client.try_done(soon)), errc::peer_certificate_required);
  EXPECT_FALSE(client.healthy());
}

TEST(tls, a_silent_peer_is_waited_for_until_the_deadline_and_left) {
  for (const bool as_client : {true, false}) {
    auto [a, b] = memory_pair();
    std::error_code code;
    if (as_client)
      code = error_of(try_attach_client(std::move(a), usual_client(), 5ms));
    else
      code = error_of(try_attach_server(std::move(a), usual_server(), 5ms));
    EXPECT_EQ(code, os_error(ETIMEDOUT));
    std::error_code why;
    all_that_comes(*b, why);
    EXPECT_EQ(why, caraway::errc::end_of_stream);
  }
}

TEST(tls, a_handshake_that_is_cancelled_leaves_the_stream_below_closed) {
  auto [a, b] = memory_pair();
  {
    task_group group;
    group.go([&] {
      EXPECT_EQ(error_of(try_attach_client(std::move(a), usual_client(), soon)),
                os_error(ECANCELED));
    });
    caraway::sleep(1ms);
    group.cancel();
  }
  std::error_code why;
  all_that_comes(*b, why);
  EXPECT_EQ(why, caraway::errc::end_of_stream);
}

TEST(tls, a_peer_that_leaves_or_speaks_something_else_ends_the_handshake) {
  auto [a, b] = memory_pair();
  b->done();
  EXPECT_EQ(error_of(try_attach_client(std::move(a), usual_client(), soon)),
            caraway::errc::end_of_stream);
  auto [c, d] = memory_pair();
  d->write("GET / HTTP/1.1\r\n\r\n");
  d->done();
  EXPECT_EQ(error_of(try_attach_server(std::move(c), usual_server(), soon)).message(),
            "http request");
}

TEST(tls, wherever_the_transport_breaks_both_handshakes_end) {
  std::size_t failures = 0;
  testing::for_each_failure([&](std::size_t n) {
    const auto at = std::make_shared<breaking_point>();
    at->arm(n);
    const auto h = shake(breaking(memory_pair(), at));
    EXPECT_NE(error_of(h.client), os_error(ETIMEDOUT));
    EXPECT_NE(error_of(h.server), os_error(ETIMEDOUT));
    if (h.client && h.server) return true;
    ++failures;
    return false;
  });
  EXPECT_GT(failures, 3u);
}

// --- the end ---

TEST(tls, a_connection_that_is_cut_is_told_from_one_that_ends) {
  auto [client, server] = connected();
  server->write("part");
  server->done();
  EXPECT_EQ(error_of(client->try_fill(5, soon)), caraway::errc::end_of_stream);
  auto [other, cut] = connected();
  cut->write("part");
  cut->abort();
  EXPECT_EQ(error_of(other->try_fill(5, soon)), os_error(ECONNRESET));
}

// A stream whose end below comes although TLS has not ended.
std::pair<stream_ptr, caraway::stream_ptr> cut_off(const std::string& said) {
  auto [a, b] = memory_pair();
  caraway::byte_stream* const below = b.get();
  handshake h = shake({std::move(a), std::move(b)});
  (*h.server)->write(said);
  (*h.server)->flush();
  below->done();
  return {std::move(*h.client), std::move(*h.server)};
}

TEST(tls, an_end_without_close_notify_is_an_error_of_its_own) {
  auto [client, server] = cut_off("part");
  EXPECT_EQ(error_of(client->try_fill(5, soon)), errc::truncated);
  EXPECT_EQ(as_text(client->buffered()), "part");
  client->consume(4);
  EXPECT_EQ(error_of(client->try_fill(1, soon)), errc::truncated);
  client->write("still heard");
  EXPECT_EQ(take(*server, 11), "still heard");
}

TEST(tls, closing_is_content_with_any_end) {
  auto [client, server] = cut_off("rest");
  EXPECT_TRUE(client->try_close(soon));
  EXPECT_EQ(error_of(client->try_close(soon)), caraway::errc::closed);
}

TEST(tls, what_follows_close_notify_is_found_in_the_stream_below) {
  auto [client, server] = connected();
  task_group group;
  group.go([&] {
    auto below = server->detach(soon);
    below->write("from the server");
    EXPECT_EQ(take(*below, 15), "from the client");
    below->close(soon);
  });
  client->write("last words");
  auto below = client->detach(soon);
  below->write("from the client");
  EXPECT_EQ(take(*below, 15), "from the server");
  below->close(soon);
}

TEST(tls, a_stream_that_was_detached_is_closed) {
  auto [client, server] = connected();
  const caraway::byte_stream* const lower = client->below();
  task_group group;
  group.go([&] { server->detach(soon); });
  const auto below = client->detach(soon);
  EXPECT_EQ(below.get(), lower);
  EXPECT_EQ(client->below(), nullptr);
  EXPECT_EQ(error_of(client->try_fill(1, soon)), caraway::errc::closed);
  EXPECT_TRUE(client->buffered().empty());
  EXPECT_EQ(error_of(client->try_detach(soon)), caraway::errc::closed);
  EXPECT_EQ(error_of(client->try_flush(soon)), caraway::errc::closed);
  EXPECT_FALSE(client->healthy());
  client->abort();
}

TEST(tls, detaching_drops_what_the_peer_still_says) {
  auto [client, server] = connected();
  task_group group;
  group.go([&] {
    server->write(std::string(100000, 'x'));
    server->detach(soon);
  });
  EXPECT_TRUE(client->try_detach(soon));
}

TEST(tls, detaching_waits_for_the_peer_until_the_deadline) {
  auto [client, server] = connected();
  EXPECT_EQ(error_of(client->try_detach(5ms)), os_error(ETIMEDOUT));
  EXPECT_EQ(error_of(client->try_detach(soon)), caraway::errc::closed);
  auto [cut, other] = cut_off("");
  EXPECT_EQ(error_of(cut->try_detach(soon)), errc::truncated);
}

TEST(tls, who_receives_is_not_detached_from) {
  auto [client, server] = connected();
  task_group group;
  group.go([&] { EXPECT_EQ(take(*client, 1), "x"); });
  caraway::sleep(1ms);
  EXPECT_EQ(error_of(client->try_detach(soon)), os_error(EBUSY));
  server->write("x");
  group.wait();
}

TEST(tls, closing_sends_a_receiver_away) {
  auto [client, server] = connected();
  task_group group;
  group.go([&] { EXPECT_EQ(error_of(client->try_fill(1, soon)), os_error(ECANCELED)); });
  caraway::sleep(1ms);
  EXPECT_EQ(error_of(client->try_close(5ms)), os_error(ETIMEDOUT));
  group.wait();
}

// --- writes that the stream below does not take in time ---

std::pair<caraway::stream_ptr, caraway::stream_ptr> narrow() {
  return memory_pair({.capacity = 4000}, {.capacity = 4000});
}

TEST(tls, a_write_that_succeeded_arrives_without_another_call) {
  auto [client, server] = connected(narrow());
  const std::string large(200000, 'x');
  client->write(std::string(5000, 'a'));
  client->write(large, 5ms);
  EXPECT_EQ(take(*server, 5000), std::string(5000, 'a'));
  EXPECT_EQ(take(*server, large.size()), large);
}

TEST(tls, a_write_whose_writer_was_cancelled_in_the_middle_arrives_whole) {
  auto [client, server] = connected(narrow());
  const std::string large(300000, 'x');
  client->write(std::string(5000, 'a'));
  {
    task_group group;
    group.go([&] { client->write(large); });
    caraway::sleep(5ms);
    group.cancel();
  }
  take(*server, 5000);
  EXPECT_EQ(take(*server, large.size()), large);
}

// A peer that receives nothing before it has been received from.
TEST(tls, receiving_does_not_wait_for_what_is_left_of_a_write) {
  auto [client, server] = connected(narrow());
  const std::string much(1'000'000, 'm');
  client->write(much, 5ms);
  server->write("x");
  server->flush(soon);
  EXPECT_EQ(take(*client, 1), "x");
  EXPECT_EQ(take(*server, much.size()), much);
}

TEST(tls, who_begins_to_receive_while_another_detaches_is_sent_away) {
  auto [client, server] = connected();
  task_group group;
  group.go([&] { EXPECT_TRUE(client->try_detach(soon)); });
  caraway::sleep(1ms);
  EXPECT_EQ(error_of(client->try_fill(1, soon)), os_error(EBUSY));
  server->done(soon);
  group.wait();
}

TEST(tls, a_stream_goes_with_what_it_could_not_send) {
  auto [client, server] = connected(narrow());
  client->write(std::string(5000, 'a'));
  client->write(std::string(200000, 'x'), 5ms);
  client.reset();
  std::error_code why;
  EXPECT_LT(all_that_comes(*server, why).size(), 205000u);
  EXPECT_TRUE(why == errc::truncated || why == os_error(ECONNRESET));
}

TEST(tls, aborting_drops_what_waits_to_be_sent) {
  auto [client, server] = connected(narrow());
  client->write(std::string(5000, 'a'));
  client->write(std::string(200000, 'x'), 5ms);
  client->abort();
  EXPECT_EQ(error_of(client->try_write(parts(), soon)), caraway::errc::closed);
}

// --- a peer that is driven by hand ---

class bare_peer final : private sink {
 public:
  explicit bare_peer(caraway::stream_ptr under) : under_(std::move(under)) {}

  void shake() {
    setup_ = usual_server().get()->setup();
    ASSERT_TRUE(session.open(*setup_, {.as = side::server}));
    for (;;) {
      bytes in = under_->buffered();
      const std::size_t n = in.size();
      const auto done = session.shake(in);
      ASSERT_TRUE(done) << done.error().message();
      under_->consume(n - in.size());
      say();
      if (*done) return;
      under_->fill(1, soon);
    }
  }

  void say() { under_->write(std::exchange(out_, {}), soon); }

  std::string hear(std::size_t n) {
    std::string text(n, '\0');
    for (std::size_t got = 0; got < n;) {
      bytes in = under_->buffered();
      const std::size_t there = in.size();
      const auto r = session.read(in, std::as_writable_bytes(std::span(text).subspan(got)));
      EXPECT_TRUE(r);
      if (!r) return {};
      under_->consume(there - in.size());
      got += *r;
      if (*r == 0) under_->fill(1, soon);
    }
    return text;
  }

  tls::session session{*this};

 private:
  bool put(bytes b) noexcept override {
    out_ += as_text(b);
    return true;
  }

  caraway::stream_ptr under_;
  shared_setup setup_;
  std::string out_;
};

stream_ptr client_of(bare_peer& peer, caraway::stream_ptr under) {
  task_group group;
  group.go([&] { peer.shake(); });
  stream_ptr made = attach_client(std::move(under), usual_client(), soon);
  group.wait();
  return made;
}

TEST(tls, keys_change_while_one_reads_and_one_writes) {
  auto [a, b] = memory_pair();
  bare_peer peer(std::move(b));
  const stream_ptr client = client_of(peer, std::move(a));
  constexpr int rounds = 50;
  task_group group;
  group.go([&] {
    for (int i = 0; i < rounds; ++i) client->write(std::string(1000, 'w'), soon);
  });
  group.go([&] {
    for (int i = 0; i < rounds; ++i) EXPECT_EQ(take(*client, 100), std::string(100, 'r'));
  });
  for (int i = 0; i < rounds; ++i) {
    ASSERT_TRUE(peer.session.update_keys(true));
    ASSERT_TRUE(peer.session.write(as_bytes(std::string(100, 'r'))));
    peer.say();
    EXPECT_EQ(peer.hear(1000), std::string(1000, 'w'));
  }
  group.wait();
}

// Answers to key updates must not pile up for a peer that does not read them.
TEST(tls, a_peer_that_asks_for_more_than_it_reads_is_not_listened_to) {
  auto [a, b] = memory_pair({.capacity = 64 * 1024 * 1024}, {.capacity = 1000});
  bare_peer peer(std::move(b));
  const stream_ptr client = client_of(peer, std::move(a));
  for (int i = 0; i < 5000; ++i) {
    ASSERT_TRUE(peer.session.update_keys(true));
    ASSERT_TRUE(peer.session.write(as_bytes("x")));
  }
  peer.say();
  std::size_t got = 0;
  std::error_code why;
  while (!why) {
    why = error_of(client->try_fill(client->buffered().size() + 1, 5ms));
    got = client->buffered().size();
  }
  EXPECT_EQ(why, os_error(ETIMEDOUT));
  EXPECT_LT(got, 5000u);
}

TEST(tls, handshakes_fit_on_the_stacks_that_tasks_have) {
  task_group group;
  for (int i = 0; i < 3; ++i)
    group.go([] {
      auto [client, server] = connected();
      client->write("hello");
      EXPECT_EQ(take(*server, 5), "hello");
    });
  group.wait();
}

}  // namespace
}  // namespace caraway::tls
