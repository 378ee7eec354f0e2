#include "caraway/ws_prepared.hpp"

#include <algorithm>
#include <cerrno>
#include <mutex>
#include <new>
#include <utility>
#include <vector>

#include "caraway/ws_connection.hpp"
#include "caraway/ws_frame.hpp"
#include "codec/ws_connection_deflate.hpp"

namespace caraway::ws {
namespace {

opcode opcode_of(message_type type) noexcept {
  return type == message_type::text ? opcode::text : opcode::binary;
}

// Nothing in it if there is no memory.
outgoing_frame deflate_frame(const codec::deflate_setting& s, opcode op, bytes payload) noexcept {
  codec::growing_bytes out(max_header_size);
  if (!codec::deflate_message(s, parts(&payload, 1), out)) return {};
  const frame_header h{.op = op, .reserved = deflated_bit, .size = out.size()};
  format_header(out.prepend(header_size(h.size, false)), h);
  const std::size_t size = out.size();
  auto [storage, begin] = std::move(out).take();
  return {std::move(storage), begin, size};
}

}  // namespace

struct prepared::content {
  explicit content(std::size_t size) : plain(new std::byte[size]) {}

  struct variant {
    codec::deflate_setting setting;
    outgoing_frame frame;
  };
  std::unique_ptr<std::byte[]> plain;
  std::mutex mutex;
  std::vector<variant> deflated;
};

result<prepared> prepared::try_make(message_type type, parts ps) noexcept try {
  const std::size_t size = total_size(ps);
  const frame_header header{.op = opcode_of(type), .size = size};
  prepared made;
  made.content_ = std::make_shared<content>(max_header_size + size);
  std::byte* const begin = made.content_->plain.get();
  const std::size_t head = format_header({begin, max_header_size}, header);
  std::byte* at = begin + head;
  for (bytes p : ps) at = std::ranges::copy(p, at).out;
  made.frame_ = {begin, head + size};
  made.header_ = static_cast<unsigned char>(head);
  made.type_ = type;
  return made;
} catch (const std::bad_alloc&) {
  return fail(ENOMEM);
}

// Other threads wait while it is compressed: they want the same.
result<bytes> prepared::deflated_frame(const deflate_options& agreed) const noexcept try {
  const codec::deflate_setting s{.level = agreed.level,
                                 .window_bits = agreed.window_bits,
                                 .memory_level = agreed.memory_level};
  const std::lock_guard lock(content_->mutex);
  auto& all = content_->deflated;
  auto found = std::ranges::find(all, s, &content::variant::setting);
  if (found == all.end()) {
    outgoing_frame made = deflate_frame(s, opcode_of(type_), payload());
    if (!made.storage) return fail(ENOMEM);
    found = all.insert(all.end(), {s, std::move(made)});
  }
  const bytes frame = found->frame.view();
  return frame.size() < frame_.size() ? frame : frame_;
} catch (const std::bad_alloc&) {
  return fail(ENOMEM);
}

prepared::prepared(message_type type, parts ps)
    : prepared(value_or_raise(try_make(type, ps), "prepare a message")) {}

}  // namespace caraway::ws
