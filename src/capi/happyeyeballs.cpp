// happyeyeballs.cpp - a TCP connection by name.
#include "capi/handle.hpp"
#include "capi/tcp.hpp"
using namespace caraway;
using namespace caraway::capi;

int dill_happyeyeballs_connect(const char* name, int port, std::int64_t deadline) {
  if (name == nullptr || port <= 0 || port > 65535) return outcome(EINVAL);
  if (const int code = cannot_begin(); code != 0) return outcome(code);
  auto connected = tcp::try_connect(name, static_cast<std::uint16_t>(port), to_deadline(deadline));
  return connected ? make_tcp(std::move(*connected), name) : outcome(to_errno(connected.error()));
}
