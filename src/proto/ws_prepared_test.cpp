#include "caraway/ws_prepared.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>

#include "caraway/memory_pair.hpp"
#include "caraway/ws_socket.hpp"

namespace caraway::ws {
namespace {

using namespace std::chrono_literals;

TEST(ws_prepared, is_the_frame_of_a_server_around_all_parts) {
  const std::array<bytes, 2> both{as_bytes("Hel"), as_bytes("lo")};
  const prepared m(message_type::text, both);
  EXPECT_EQ(as_text(m.frame()), "\x81\x05Hello");
  EXPECT_EQ(as_text(m.payload()), "Hello");
  EXPECT_EQ(m.type(), message_type::text);
  EXPECT_EQ(as_text(prepared(message_type::binary, bytes()).frame()), (std::string{"\x82\0", 2}));
}

TEST(ws_prepared, goes_to_many_from_servers_and_from_clients) {
  for (const std::size_t size : {0, 5, 200, 20'000, 100'000}) {
    const std::string text(size, 'p');
    const prepared m(text);
    for (const role as : {role::server, role::client}) {
      for (int n = 0; n < 3; ++n) {
        auto [a, b] = memory_pair();
        socket one = attach_without_handshake(std::move(a), as, {.fragment = 50'000});
        socket other = attach_without_handshake(std::move(b),
                                                as == role::server ? role::client : role::server);
        one.send(m);
        one.send("and another");
        EXPECT_EQ(other.recv(1s)->text(), text);
        EXPECT_EQ(other.recv(1s)->text(), "and another");
      }
    }
  }
}

TEST(ws_prepared, waits_for_its_turn_and_for_an_open_conversation) {
  auto [a, b] = memory_pair();
  socket ws = attach_without_handshake(std::move(a), role::server);
  const prepared m("text");
  ws.begin(message_type::text);
  EXPECT_EQ(ws.try_send(m, 1s).error(), os_error(EINVAL)) << "in the middle of a message";
  ws.end();
  value_or_raise(ws.try_done(1000, {}, 1s), "done");
  EXPECT_EQ(ws.try_send(m, 1s).error(), errc::closed);
}

}  // namespace
}  // namespace caraway::ws
