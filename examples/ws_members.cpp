// ws_members.cpp - a WebSocket server that lets in who has a session, gives a new one to who knows the
// word, and sends everybody else away.
#include <caraway/ws.hpp>
#include <expected>
#include <iostream>

namespace http = caraway::http;
namespace ws = caraway::ws;

std::expected<ws::acceptance, http::response> admit(const ws::applicant& a) {
  if (http::find(a.request.fields, "Cookie") == "session=7") return ws::acceptance{};
  if (a.request.target == "/?word=sesame")
    return ws::acceptance{.headers = {{"Set-Cookie", "session=7; HttpOnly"}}};
  std::cerr << "not let in: " << ws::peer_address(a.stream).to_string() << "\n";
  return std::unexpected(ws::refusal(401, "Members only.\n"));
}

int main(int count, char** arguments) {
  ws::serve_options options;
  options.admit = admit;
  ws::serve(
      count > 1 ? arguments[1] : "127.0.0.1:8080",
      [](ws::socket& member) {
        while (auto m = member.recv()) member.send(*m);
      },
      options);
}
