// sending_test.cpp - what a real socket puts on the wire: frames in their shortest form, masked by
// clients and only by them (RFC 6455 sections 5.1 to 5.6), whatever was sent.
#include <gtest/gtest.h>

#include <array>
#include <cerrno>
#include <set>

#include "over_tcp.hpp"

namespace caraway::conformance {
namespace {

class sending : public testing::TestWithParam<ws::role> {
 protected:
  // What the peer of a socket receives from `talk`, byte by byte as it came.
  std::string raw(std::move_only_function<void(ws::socket&)> talk) const {
    tested t = make_tested(GetParam());
    task_group tasks;
    std::string seen;
    tasks.go([&] { seen = read_to_the_end(*t.peer); });
    talk(t.socket);
    static_cast<void>(t.socket.try_flush(patience));
    t.socket = ws::socket();
    tasks.wait(patience);
    return seen;
  }

  std::string frames(std::move_only_function<void(ws::socket&)> talk) const {
    return ws::read_frames(raw(std::move(talk)), GetParam());
  }
};

INSTANTIATE_TEST_SUITE_P(rfc6455, sending, testing::ValuesIn(both_roles), name_of_role);

constexpr std::size_t sizes[] = {0,   1,    2,    124,  125,   126,   127,   128,   255,
                                 256, 1023, 1024, 1025, 16384, 65535, 65536, 65537, 1u << 18};

TEST_P(sending, messages_of_every_size_are_one_frame_each) {
  for (const std::size_t n : sizes) {
    const std::string payload(n, 'p');
    EXPECT_EQ(frames([&](ws::socket& s) { s.send(payload); }), "text(" + payload + ")");
    EXPECT_EQ(frames([&](ws::socket& s) { s.send(as_bytes(payload)); }), "binary(" + payload + ")");
  }
}

// 5.2
TEST_P(sending, the_length_takes_as_few_bytes_as_it_can) {
  const bool masked = GetParam() == ws::role::client;
  for (const std::size_t n : sizes) {
    const std::string payload(n, 'p');
    const std::string sent = raw([&](ws::socket& s) { s.send(payload); });
    const std::size_t digits = n < 126 ? 0 : n < 65536 ? 2 : 8;
    ASSERT_EQ(sent.size(), 2 + digits + (masked ? 4 : 0) + n);
    EXPECT_EQ(static_cast<unsigned char>(sent[0]), 0x81);
    EXPECT_EQ(static_cast<unsigned char>(sent[1]), (masked ? 0x80u : 0u) | (n < 126     ? n
                                                                            : n < 65536 ? 126u
                                                                                        : 127u));
  }
}

// 5.3: masks cannot be foreseen; that they differ can be seen.
TEST_P(sending, a_client_masks_each_frame_anew_and_a_server_none) {
  const std::string sent = raw([](ws::socket& s) {
    for (int i = 0; i < 64; ++i) s.send("");
  });
  if (GetParam() == ws::role::server) {
    ASSERT_EQ(sent.size(), 64u * 2);
    return;
  }
  ASSERT_EQ(sent.size(), 64u * 6);
  std::set<std::string> masks;
  for (std::size_t at = 2; at < sent.size(); at += 6) masks.insert(sent.substr(at, 4));
  EXPECT_GT(masks.size(), 60u);
}

// 5.4
TEST_P(sending, a_message_in_pieces_is_a_frame_a_piece_and_an_end) {
  EXPECT_EQ(frames([](ws::socket& s) {
              s.begin(ws::message_type::binary);
              s.send_part(as_bytes("a"));
              s.send_part(as_bytes(""));
              s.ping(as_bytes("p"));
              s.send_part(as_bytes("bc"));
              s.end();
              s.send("next");
            }),
            "binary...(a) continuation...() ping(p) continuation...(bc) continuation() text(next)");
}

TEST_P(sending, parts_of_one_message_are_one_frame) {
  for (const std::size_t n : {1u, 2u, 7u, 8u, 100u}) {
    const std::string piece = "caraway";
    const std::vector<bytes> parts(n, as_bytes(piece));
    std::string whole;
    for (std::size_t i = 0; i < n; ++i) whole += piece;
    EXPECT_EQ(frames([&](ws::socket& s) { s.send(ws::message_type::text, parts); }),
              "text(" + whole + ")");
  }
}

// 5.5
TEST_P(sending, pings_carry_up_to_125_bytes) {
  for (const std::size_t n : {0u, 1u, 125u}) {
    const std::string payload(n, 'p');
    EXPECT_EQ(frames([&](ws::socket& s) { s.ping(as_bytes(payload)); }), "ping(" + payload + ")");
  }
  EXPECT_EQ(frames([&](ws::socket& s) {
              EXPECT_EQ(s.try_ping(as_bytes(std::string(126, 'p')), patience).error(),
                        os_error(EINVAL));
            }),
            "");
}

TEST_P(sending, what_one_of_our_sockets_sends_the_other_receives) {
  auto [a, b] = connected();
  ws::socket from = ws::attach_without_handshake(std::move(a), GetParam());
  ws::socket to = ws::attach_without_handshake(std::move(b), other(GetParam()));
  task_group tasks;
  tasks.go([&] {
    for (const std::size_t n : sizes) from.send(std::string(n, 's'));
    from.close(1000, "", patience);
  });
  for (const std::size_t n : sizes) EXPECT_EQ(to.recv(patience)->text(), std::string(n, 's'));
  EXPECT_FALSE(to.recv(patience));
  to.close(patience);
  tasks.wait(patience);
}

}  // namespace
}  // namespace caraway::conformance
