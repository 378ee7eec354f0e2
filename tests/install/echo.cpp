// echo.cpp - a program outside the tree that uses the installed library: a server and its client, and
// the suite for byte streams, run without a test framework.
#include <caraway/memory_pair.hpp>
#include <caraway/testing/byte_stream_contract.hpp>
#include <caraway/ws.hpp>
#include <iostream>

namespace {

bool echoes() {
  caraway::ws::server server("127.0.0.1:0", [](caraway::ws::socket& ws) {
    while (auto m = ws.recv()) ws.send(*m);
  });
  auto ws = caraway::ws::connect(server.url());
  ws.send("hello");
  const bool right = ws.recv()->text() == "hello";
  ws.close();
  return right;
}

bool keeps_the_contract() {
  bool kept = true;
  for (const auto& check : caraway::testing::byte_stream_checks())
    check.run([] { return caraway::memory_pair(); },
              caraway::testing::contract_report([&](const std::string& what) {
                std::cerr << check.name << ": " << what << '\n';
                kept = false;
              }));
  return kept;
}

}  // namespace

int main() {
  const bool right = echoes() && keeps_the_contract();
  std::cout << (right ? "echoed, and kept the contract\n" : "not as it should be\n");
  return right ? 0 : 1;
}
