// caraway_client.cpp URL [OPTION...] - our client against a server that echoes and obeys a few
// commands. Says how many messages came back as they should; the first that did not ends it.
//
//     --deflate      compresses, and says what was agreed on
//     --no-takeover  and wants no message to refer to an earlier one
//     --ca FILE      trusts the authority in it, in PEM
#include <cstdlib>
#include <iostream>
#include <span>
#include <string>
#include <string_view>

#include "caraway/ws.hpp"

namespace ws = caraway::ws;
using namespace std::chrono_literals;

namespace {

int exchanges = 0;

[[noreturn]] void wrong(const std::string& what) {
  std::cerr << "wrong: " << what << "\n";
  std::exit(1);
}

void expect(ws::socket& socket, ws::message_type type, const std::string& content) {
  auto m = socket.recv(20s);
  if (!m) wrong("closed instead of " + std::to_string(content.size()) + " bytes");
  if (m->type != type || m->text() != content)
    wrong("got " + m->str().substr(0, 60) + " instead of " + content.substr(0, 60));
  ++exchanges;
}

void expect_echo(ws::socket& socket, ws::message_type type, const std::string& content) {
  const caraway::bytes whole = caraway::as_bytes(content);
  socket.send(type, caraway::parts(&whole, 1), 20s);
  expect(socket, type, content);
}

std::string pattern(std::size_t size) {
  std::string made(size, '\0');
  for (std::size_t i = 0; i < size; ++i) made[i] = static_cast<char>(i * 7 + size);
  return made;
}

void echo_everything(ws::socket& socket) {
  for (std::size_t size : {0, 1, 125, 126, 127, 65535, 65536, 1048576}) {
    expect_echo(socket, ws::message_type::text, std::string(size, 'x'));
    expect_echo(socket, ws::message_type::binary, pattern(size));
  }
  for (const char* text : {"Grüße", "日本語テキスト", "🌿 caraway 🌿"})
    expect_echo(socket, ws::message_type::text, text);
  for (int i = 0; i < 100; ++i) socket.send("burst " + std::to_string(i));
  for (int i = 0; i < 100; ++i)
    expect(socket, ws::message_type::text, "burst " + std::to_string(i));
}

void fragments_and_pings(ws::socket& socket) {
  socket.begin(ws::message_type::text);
  socket.send_part(caraway::as_bytes("one "));
  socket.ping(caraway::as_bytes("in between"));
  socket.send_part(caraway::as_bytes("two "));
  socket.send_part(caraway::as_bytes("three"));
  socket.end();
  expect(socket, ws::message_type::text, "one two three");
  socket.send("fragments");
  expect(socket, ws::message_type::text, std::string(3000, 'f'));
  socket.send("ping");
  expect(socket, ws::message_type::text, "pong are you there");
}

// The peer closes and tells why.
void be_closed(ws::socket& socket) {
  socket.send("close 4001 good bye");
  auto m = socket.try_receive(20s);
  if (m || m.error() != caraway::errc::peer_closed) wrong("no close by the peer");
  if (socket.close_code() != 4001 || socket.close_reason() != "good bye")
    wrong("closed with " + std::to_string(socket.close_code()));
}

void say_agreed(const ws::deflate_options& agreed) {
  std::cout << "takeover: ours " << (agreed.takeover ? "yes" : "no") << ", theirs "
            << (agreed.peer_takeover ? "yes" : "no") << std::endl;
}

ws::connect_options options_of(std::span<char* const> arguments) {
  ws::connect_options out;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string_view a = arguments[i];
    if (a == "--deflate")
      out.deflate.emplace();
    else if (a == "--no-takeover")
      out.deflate = ws::deflate_options{.takeover = false, .peer_takeover = false};
    else if (a == "--ca" && i + 1 < arguments.size())
      out.tls =
          caraway::tls::client_context({.authorities = caraway::tls::pem::file(arguments[++i])});
    else
      wrong("option " + std::string(a));
  }
  return out;
}

}  // namespace

int main(int count, char** arguments) {
  const ws::connect_options options = options_of({arguments + 2, arguments + count});
  ws::socket first = ws::connect(arguments[1], options, 20s);
  if (first.deflate().has_value() != options.deflate.has_value()) wrong("compressed or not");
  if (first.deflate()) say_agreed(*first.deflate());
  echo_everything(first);
  fragments_and_pings(first);
  first.close(4000, "that is all");
  if (first.close_code() != 4000) wrong("the peer answered " + std::to_string(first.close_code()));

  ws::socket second = ws::connect(arguments[1], options, 20s);
  be_closed(second);
  std::cout << exchanges << " exchanges" << std::endl;
}
