// caraway_server.cpp - our server, told by its client what to do.
//
// Text `close CODE REASON` closes so, `fragments` answers 3000 letters in three frames, everything
// else comes back. Pages of every origin may connect. Says where it listens.
// With --deflate it compresses for clients that can.
#include <charconv>
#include <iostream>
#include <string>

#include "caraway/ws.hpp"

namespace ws = caraway::ws;

namespace {

void send_fragments(ws::socket& socket) {
  const std::string part(1000, 'f');
  socket.begin(ws::message_type::text);
  for (int i = 0; i < 3; ++i) socket.send_part(caraway::as_bytes(part));
  socket.end();
}

void close_as_told(ws::socket& socket, std::string order) {
  std::uint16_t code = 0;
  const char* end = order.data() + order.size();
  const char* reason = std::from_chars(order.data(), end, code).ptr;
  if (reason != end) ++reason;
  socket.close(code, std::string_view(reason, end));
}

void obey(ws::socket& socket) {
  while (auto m = socket.recv()) {
    if (!m->is_text()) {
      socket.send(*m);
    } else if (m->text() == "fragments") {
      send_fragments(socket);
    } else if (m->text().starts_with("close ")) {
      return close_as_told(socket, m->str().substr(6));
    } else {
      socket.send(*m);
    }
  }
}

}  // namespace

int main(int count, char** arguments) {
  ws::serve_options options;
  if (count > 1 && arguments[1] == std::string("--deflate")) options.deflate.emplace();
  options.origins = {"*"};
  ws::server server("127.0.0.1:0", obey, options);
  std::cout << "listening " << server.url() << std::endl;
  server.wait();
}
