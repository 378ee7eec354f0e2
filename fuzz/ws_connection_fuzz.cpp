// ws_connection_fuzz.cpp - what a connection makes of its input does not depend on how the input is
// cut, on where large frames go, or on which way they go there.
#include "caraway/ws_connection.hpp"

#include <cstdlib>
#include <string>

#include "codec/ws_script.hpp"
#include "cuts.hpp"

using namespace caraway;

// The first byte: role, limits small enough to be met, compression. Then cuts and input.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const ws::role self = (data[0] & 1) != 0 ? ws::role::server : ws::role::client;
  ws::connection_options options = ws::script_options(self);
  if ((data[0] & 2) != 0) options.max_message = data[0] >> 3;
  if ((data[0] & 4) != 0) options.max_fragments = data[0] >> 5;
  if ((data[0] & 128) != 0) options.deflate.emplace().peer_takeover = (data[0] & 64) != 0;

  const auto [input, cuts] = fuzz::read_cuts(data + 1, size - 1);
  ws::ws_wire wire(self);
  wire.raw(as_text(input));
  const std::string whole = ws::hear_cut(wire, options, false, {});
  for (std::uint32_t threshold : {16384u, 0u, 20u}) {
    options.direct_threshold = threshold;
    for (bool direct : {false, true})
      if (ws::hear_cut(wire, options, direct, cuts) != whole) std::abort();
  }
  return 0;
}
