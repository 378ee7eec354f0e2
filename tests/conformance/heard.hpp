// heard.hpp - what a socket makes of a case, beside what it should.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "agreed_cases.hpp"
#include "over_tcp.hpp"

namespace caraway::conformance {

// A transcript of the codec, taken apart.
struct script {
  std::string events;  // without pings and pongs, which a socket does not show
  std::string frames;
};

inline std::string without_pings(std::string_view events) {
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

inline script parse(std::string_view transcript) {
  const std::size_t mark = transcript.starts_with("> ") ? 0 : transcript.find(" > ");
  if (mark == transcript.npos) return {without_pings(transcript), ""};
  return {without_pings(transcript.substr(0, mark)),
          std::string(transcript.substr(mark + (mark == 0 ? 2 : 3)))};
}

// What the socket is expected to make of the case when the stream ends behind the wire.
inline script expected(const conformance_case& c) {
  script s = parse(c.transcript);
  const std::size_t failed = s.events.find("failed(");
  const bool over = failed != s.events.npos || s.events.find("closed(") != s.events.npos;
  if (!over) s.events += s.events.empty() ? "failed(1006)" : " failed(1006)";
  return s;
}

// The code of a failure is in the close frame: "failed" becomes "failed(1002)".
inline void fill_in_the_code(script& s) {
  const std::size_t close = s.frames.rfind("close(");
  if (s.events.ends_with("failed") && close != s.frames.npos)
    s.events += s.frames.substr(close + 5);
}

// What the socket of `t` makes of the case, which its peer sends in pieces of `each` bytes.
inline script hear(tested t, const agreed_case& c, std::size_t each) {
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

}  // namespace caraway::conformance
