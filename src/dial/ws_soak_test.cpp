// ws_soak_test.cpp - many conversations at a time in which anything happens; no message gets lost.
#include "dial/ws_soak.hpp"

#include <gtest/gtest.h>

#include "caraway/sim.hpp"
#include "dial/ws_half.hpp"

namespace caraway::ws {
namespace {

const std::vector<std::string> nothing;

soak::socket_pair sockets(soak::dice& d) {
  auto [ours, theirs] = narrow_connection();
  const limits one = soak::limits_by(d), other = soak::limits_by(d);
  const bool compress = can_deflate() && d.one_in(4);
  const auto agreed = compress ? std::optional(deflate_options()) : std::nullopt;
  return {attach_without_handshake(std::move(ours), role::client, one, agreed),
          attach_without_handshake(std::move(theirs), role::server, other, agreed)};
}

TEST(ws_soak, every_message_is_accounted_for_whatever_happens) {
  EXPECT_EQ(soak::converse_all(sockets, 1000, 200), nothing);
}

TEST(ws_soak, every_message_is_accounted_for_in_every_weather) {
  for (unsigned seed = 1; seed <= 6; ++seed) {
    sim::options weather = sim::stormy(seed);
    const bool breaks = seed % 3 == 0;
    if (breaks) weather.reset_after = 100'000;
    sim::run(weather, [&] {
      EXPECT_EQ(soak::converse_all(sockets, 100 * seed, 8, breaks), nothing) << seed;
    });
  }
}

}  // namespace
}  // namespace caraway::ws
