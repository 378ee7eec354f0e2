// mask_fuzz.cpp - masking in pieces, in place and on the way, equals the formula of RFC 6455 5.3.
#include "codec/mask.hpp"

#include <cstdlib>
#include <vector>

#include "cuts.hpp"

using namespace caraway;

// Four bytes of key, then cuts and input.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 4) return 0;
  ws::mask_key key;
  for (std::size_t i = 0; i < 4; ++i) key[i] = std::byte{data[i]};
  auto [input, cuts] = fuzz::read_cuts(data + 4, size - 4);

  std::vector<std::byte> in_place(input.begin(), input.end()), copied(input.size());
  cuts.push_back(input.size());
  std::size_t from = 0;
  for (std::size_t to : cuts) {
    codec::mask({in_place.data() + from, to - from}, key, from);
    codec::mask_copy(copied.data() + from, input.subspan(from, to - from), key, from);
    from = to;
  }
  for (std::size_t i = 0; i < input.size(); ++i)
    if (in_place[i] != (input[i] ^ key[i % 4]) || copied[i] != in_place[i]) std::abort();
  return 0;
}
