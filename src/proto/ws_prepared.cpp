#include "caraway/ws_prepared.hpp"

#include <algorithm>
#include <cerrno>
#include <new>

#include "caraway/ws_frame.hpp"

namespace caraway::ws {

result<prepared> prepared::try_make(message_type type, parts ps) noexcept try {
  const std::size_t size = total_size(ps);
  const frame_header header{.op = type == message_type::text ? opcode::text : opcode::binary,
                            .size = size};
  const auto memory = std::make_shared<std::byte[]>(max_header_size + size);
  const std::size_t head = format_header({memory.get(), max_header_size}, header);
  std::byte* at = memory.get() + head;
  for (bytes p : ps) at = std::ranges::copy(p, at).out;
  prepared made;
  made.frame_ = {memory.get(), head + size};
  made.memory_ = memory;
  made.header_ = static_cast<unsigned char>(head);
  made.type_ = type;
  return made;
} catch (const std::bad_alloc&) {
  return fail(ENOMEM);
}

prepared::prepared(message_type type, parts ps)
    : prepared(value_or_raise(try_make(type, ps), "prepare a message")) {}

}  // namespace caraway::ws
