// caraway_server.cpp - our server, told by its client what to do.
//
// Text `close CODE REASON` closes so, `fragments` answers 3000 letters in three frames, everything
// else comes back. Pages of every origin may connect. Says where it listens.
//
//     --deflate       compresses for clients that can
//     --tls-cert FILE, --tls-key FILE   speaks wss, with this certificate
#include <charconv>
#include <cstdlib>
#include <iostream>
#include <span>
#include <string>
#include <string_view>

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

ws::serve_options options_of(std::span<char* const> arguments) {
  ws::serve_options out;
  caraway::tls::server_settings tls{.alpn = {"http/1.1"}};
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string_view a = arguments[i];
    const auto value = [&] { return caraway::tls::pem::file(arguments[++i]); };
    if (a == "--deflate")
      out.deflate.emplace();
    else if (a == "--tls-cert" && i + 1 < arguments.size())
      tls.own.chain = value();
    else if (a == "--tls-key" && i + 1 < arguments.size())
      tls.own.key = value();
    else
      std::exit(1);
  }
  if (!tls.own.chain.empty()) out.tls = caraway::tls::server_context(tls);
  return out;
}

}  // namespace

int main(int count, char** arguments) {
  ws::serve_options options = options_of({arguments + 1, arguments + count});
  options.origins = {"*"};
  ws::server server("127.0.0.1:0", obey, options);
  std::cout << "listening " << server.url() << std::endl;
  server.wait();
}
