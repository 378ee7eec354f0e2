// byte_stream.cpp - what streams get for nothing on top of fill and consume.
#include "caraway/byte_stream.hpp"

#include <algorithm>
#include <cstring>

namespace caraway {

std::unique_ptr<kept_memory> byte_stream::consume_but_keep(std::size_t) noexcept {
  return nullptr;
}

void byte_stream::limit_pending(std::size_t) noexcept {}

result<std::size_t> byte_stream::try_read_into(mutable_bytes into, std::size_t min, deadline dl,
                                               std::size_t* received) {
  std::size_t got = 0;
  std::error_code failure;
  for (;;) {
    const bytes seen = buffered();
    const std::size_t n = std::min(seen.size(), into.size() - got);
    if (n > 0) std::memcpy(into.data() + got, seen.data(), n);
    consume(n);
    got += n;
    if (got >= std::min(min, into.size())) break;
    // One byte at a time, so that what comes is taken over and not piled up in the buffer.
    if (const auto more = try_fill(1, dl); !more) {
      failure = more.error();
      break;
    }
  }
  if (received != nullptr) *received = got;
  if (failure) return fail(failure);
  return got;
}

}  // namespace caraway
