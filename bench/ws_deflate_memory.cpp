// ws_deflate_memory.cpp - how much memory does compression take from a connection, for each setting?
//
// A server's connection exchanges messages like JSON with a client's, 64 KiB each way, and is then
// asked. "Sending" is the compressor, "receiving" what unpacks the peer's messages; both are the
// connection's own as long as earlier messages are referred to, else the thread's.
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "caraway/ws_connection.hpp"
#include "codec/deflate.hpp"

namespace {

using namespace caraway;

std::string message(int n) {
  return "{\"id\":" + std::to_string(n) +
         ",\"name\":\"caraway\",\"price\":" + std::to_string(n * 7919 % 1000) +
         ",\"tags\":[\"seed\",\"spice\",\"carum carvi\"]," + "\"text\":\"" +
         std::string(static_cast<std::size_t>(n % 40), 'x') + "\"}";
}

ws::connection open(ws::role r, const ws::deflate_options& agreed) {
  return ws::connection({.role = r,
                         .random =
                             [](mutable_bytes into) noexcept {
                               for (std::byte& b : into) b = std::byte{7};
                             },
                         .deflate = agreed});
}

struct traffic {
  std::size_t plain = 0, compressed = 0;
};

// 64 KiB of messages from one to the other.
traffic talk(ws::connection& from, ws::connection& to) {
  traffic t;
  for (int n = 0; t.plain < 65536; ++n) {
    const std::string text = message(n);
    const bytes all = as_bytes(text);
    const auto frame = from.send_deflated(ws::opcode::text, true, parts(&all, 1));
    if (!frame) std::exit(1);
    const bytes sent = frame->view();
    std::vector<std::byte> wire(sent.begin(), sent.end());
    if (to.receive(wire).kind != ws::event_kind::message) std::exit(1);
    to.receive({});
    t.plain += text.size();
    t.compressed += sent.size();
  }
  return t;
}

void measure(int window, int memory_level, bool takeover) {
  ws::deflate_options o;
  o.window_bits = o.peer_window_bits = window;
  o.memory_level = memory_level;
  o.takeover = o.peer_takeover = takeover;
  ws::connection sender = open(ws::role::server, o), receiver = open(ws::role::client, o);
  const traffic t = talk(sender, receiver);
  std::printf(
      "window %2d, memory level %d, takeover %-3s  sending %7zu  receiving %6zu  ratio %.2f\n",
      window, memory_level, takeover ? "yes" : "no", sender.memory(), receiver.memory(),
      static_cast<double>(t.compressed) / static_cast<double>(t.plain));
}

}  // namespace

int main() {
  std::printf("bytes of a connection, after 64 KiB in messages of about 120 bytes\n");
  for (const auto& [window, level] : {std::pair{9, 1}, {10, 2}, {11, 4}, {12, 5}, {13, 6}, {15, 8}})
    measure(window, level, true);
  measure(12, 5, false);
  std::printf("lent by the thread to all connections without takeover: %zu bytes\n",
              codec::lendable_memory());
}
