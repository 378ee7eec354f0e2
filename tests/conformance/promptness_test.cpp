// promptness_test.cpp - a conversation that is over is over with the byte that decides it: the
// socket says so and tells its peer before anything else arrives, and hears nothing after.
#include <gtest/gtest.h>

#include "agreed_cases.hpp"
#include "over_tcp.hpp"

namespace caraway::conformance {
namespace {

// Of `all` those that end, and are short enough to go byte by byte.
std::vector<agreed_case> deciding(std::vector<agreed_case> all) {
  std::erase_if(all,
                [](const agreed_case& c) { return c.over_after == 0 || c.wire.size() > 5000; });
  return all;
}

class promptness : public testing::TestWithParam<agreed_case> {};

TEST_P(promptness, the_peer_is_told_before_it_sends_another_byte) {
  const agreed_case& c = GetParam();
  const std::string_view wire = c.wire.data();
  tested t = make_tested(c.wire.to(), limits_of(c), c.agreed);
  bool over = false;
  std::string after;
  task_group tasks;
  tasks.go([&] {
    write_in_pieces(*t.peer, wire.substr(0, c.over_after - 1), 1);
    EXPECT_FALSE(over) << "before the byte that decides";
    write_in_pieces(*t.peer, wire.substr(c.over_after - 1, 1), 1);
    std::string frame;
    do {
      frame = read_one(*t.peer, c.wire.to());
    } while (!frame.empty() && !frame.starts_with("close("));
    EXPECT_NE(frame, "") << "no close frame";
    write_in_pieces(*t.peer, wire.substr(c.over_after), 1);
    static_cast<void>(t.peer->try_done(patience));
    after = read_to_the_end(*t.peer);
  });
  everything_received(t.socket);
  over = true;
  EXPECT_FALSE(t.socket.is_open());
  const std::string_view late = "too late";
  EXPECT_FALSE(t.socket.try_send(ws::message_type::text, std::array{as_bytes(late)}, patience));
  static_cast<void>(t.socket.try_close(patience));
  tasks.wait(patience);
  EXPECT_EQ(after, "");
}

INSTANTIATE_TEST_SUITE_P(rfc6455, promptness, testing::ValuesIn(deciding(plain_cases())),
                         name_of_agreed_case);
INSTANTIATE_TEST_SUITE_P(rfc7692, promptness, testing::ValuesIn(deciding(compressed_cases())),
                         name_of_agreed_case);

}  // namespace
}  // namespace caraway::conformance
