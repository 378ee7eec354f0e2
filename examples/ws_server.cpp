// ws_server.cpp - a WebSocket echo server.
#include <caraway/ws.hpp>

int main(int count, char** arguments) {
  caraway::ws::serve(count > 1 ? arguments[1] : "127.0.0.1:8080", [](caraway::ws::socket& ws) {
    while (auto m = ws.recv()) ws.send(*m);
  });
}
