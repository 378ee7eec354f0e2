// prefix.cpp - messages behind their length. The memory of the program is the only limit.
#include "caraway/prefix.hpp"

#include "capi/messages.hpp"

namespace caraway::capi {
namespace {

const char prefix_type_id = 0;
const void* const prefix_type = &prefix_type_id;

int attach(int s, std::size_t hdrlen, int flags, dill_prefix_storage* mem) noexcept {
  prefix::options o{.width = hdrlen, .limit = std::numeric_limits<std::size_t>::max()};
  if ((flags & DILL_PREFIX_LITTLE_ENDIAN) != 0) o.order = prefix::byte_order::little;
  return attach_messages<stream_ptr>(s, prefix_type, mem, [&o](stream_ptr below) {
    return prefix::try_attach(std::move(below), o);
  });
}

}  // namespace
}  // namespace caraway::capi

using namespace caraway;
using namespace caraway::capi;

int dill_prefix_attach(int s, std::size_t hdrlen, int flags) {
  return attach(s, hdrlen, flags, nullptr);
}

int dill_prefix_attach_mem(int s, std::size_t hdrlen, int flags, dill_prefix_storage* mem) {
  return mem == nullptr ? refuse(s, EINVAL) : attach(s, hdrlen, flags, mem);
}

int dill_prefix_detach(int s) {
  return detach_records(s, prefix_type);
}
