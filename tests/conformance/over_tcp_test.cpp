// over_tcp_test.cpp - every conformance case against a ws::socket on a TCP connection, client and
// server: in one write, in pieces, byte by byte; those of RFC 7692 with its agreement.
#include "over_tcp.hpp"

#include <gtest/gtest.h>

#include "all_cases.hpp"
#include "deflate_cases.hpp"

namespace caraway::conformance {
namespace {

// A transcript of the codec, taken apart.
struct script {
  std::string events;  // without pings and pongs, which a socket does not show
  std::string frames;
};

std::string without_pings(std::string_view events) {
  std::string left;
  while (!events.empty()) {
    const std::size_t end = std::min(events.find(')'), events.size() - 1) + 1;
    const std::string_view one = events.substr(0, end);
    if (!one.starts_with("ping(") && !one.starts_with("pong("))
      left.append(left.empty() ? "" : " ").append(one);
    events.remove_prefix(std::min(end + 1, events.size()));
  }
  return left;
}

script parse(std::string_view transcript) {
  const std::size_t mark = transcript.starts_with("> ") ? 0 : transcript.find(" > ");
  if (mark == transcript.npos) return {without_pings(transcript), ""};
  return {without_pings(transcript.substr(0, mark)),
          std::string(transcript.substr(mark + (mark == 0 ? 2 : 3)))};
}

// What the socket is expected to make of the case when the stream ends behind the wire.
script expected(const conformance_case& c) {
  script s = parse(c.transcript);
  const std::size_t failed = s.events.find("failed(");
  const bool over = failed != s.events.npos || s.events.find("closed(") != s.events.npos;
  if (!over) s.events += s.events.empty() ? "failed(1006)" : " failed(1006)";
  return s;
}

// The code of a failure is in the close frame: "failed" becomes "failed(1002)".
void fill_in_the_code(script& s) {
  const std::size_t close = s.frames.rfind("close(");
  if (s.events.ends_with("failed") && close != s.frames.npos)
    s.events += s.frames.substr(close + 5);
}

// With what both sides have agreed on, if anything.
struct agreed_case : conformance_case {
  std::optional<ws::deflate_options> agreed;
};

script hear_over_tcp(const agreed_case& c, std::size_t each) {
  tested t =
      make_tested(c.wire.to(), {.message = c.max_message, .fragments = c.max_fragments}, c.agreed);
  script heard;
  task_group tasks;
  tasks.go([&] {
    write_in_pieces(*t.peer, c.wire.data(), each);
    static_cast<void>(t.peer->try_done(patience));
  });
  tasks.go([&] { heard.frames = ws::read_frames(read_to_the_end(*t.peer), c.wire.to()); });
  heard.events = everything_received(t.socket);
  static_cast<void>(t.socket.try_close(patience));
  tasks.wait(patience);
  fill_in_the_code(heard);
  return heard;
}

class over_tcp : public testing::TestWithParam<agreed_case> {};

TEST_P(over_tcp, a_socket_makes_of_it_what_the_rfc_says) {
  const agreed_case& c = GetParam();
  const script wanted = expected(c);
  const std::size_t bit_by_bit = 1 + c.wire.size() / 2000;
  for (const std::size_t each : {std::size_t{0}, 7 * bit_by_bit, bit_by_bit}) {
    const script heard = hear_over_tcp(c, each);
    EXPECT_EQ(heard.events, wanted.events) << "in pieces of " << each;
    EXPECT_EQ(heard.frames, wanted.frames) << "in pieces of " << each;
  }
}

std::vector<agreed_case> plain() {
  std::vector<agreed_case> all;
  for (conformance_case& c : all_cases()) all.push_back({std::move(c), std::nullopt});
  return all;
}

std::vector<agreed_case> compressed() {
  std::vector<agreed_case> all;
  for (deflate_case& c : deflate_cases()) all.push_back({c, c.agreed});
  return all;
}

std::string name_of(const testing::TestParamInfo<agreed_case>& info) {
  return "section_" + info.param.name;
}

INSTANTIATE_TEST_SUITE_P(rfc6455, over_tcp, testing::ValuesIn(plain()), name_of);
INSTANTIATE_TEST_SUITE_P(rfc7692, over_tcp, testing::ValuesIn(compressed()), name_of);

}  // namespace
}  // namespace caraway::conformance
