// ws_client.cpp - says hello to a WebSocket echo server and prints what comes back.
#include <caraway/ws.hpp>
#include <iostream>

using namespace std::chrono_literals;

int main(int count, char** arguments) {
  auto ws = caraway::ws::connect(count > 1 ? arguments[1] : "ws://127.0.0.1:8080/", 5s);
  ws.send("Hello, world!");
  auto m = ws.recv(5s);
  std::cout << m->text() << "\n";
  ws.close();
}
