// suffix.cpp - messages before a delimiter. The memory of the program is the only limit.
#include "caraway/suffix.hpp"

#include "capi/messages.hpp"

namespace caraway::capi {
namespace {

const char suffix_type_id = 0;
const void* const suffix_type = &suffix_type_id;

int attach(int s, const void* suffix, std::size_t suffixlen, dill_suffix_storage* mem) noexcept {
  if (suffix == nullptr) return refuse(s, EINVAL);
  const suffix::options o{.delimiter = {static_cast<const std::byte*>(suffix), suffixlen},
                          .limit = std::numeric_limits<std::size_t>::max()};
  return attach_messages<stream_ptr>(s, suffix_type, mem, [&o](stream_ptr below) {
    return suffix::try_attach(std::move(below), o);
  });
}

}  // namespace
}  // namespace caraway::capi

using namespace caraway;
using namespace caraway::capi;

int dill_suffix_attach(int s, const void* suffix, std::size_t suffixlen) {
  return attach(s, suffix, suffixlen, nullptr);
}

int dill_suffix_attach_mem(int s, const void* suffix, std::size_t suffixlen,
                           dill_suffix_storage* mem) {
  return mem == nullptr ? refuse(s, EINVAL) : attach(s, suffix, suffixlen, mem);
}

int dill_suffix_detach(int s, std::int64_t) {
  return detach_records(s, suffix_type);
}
