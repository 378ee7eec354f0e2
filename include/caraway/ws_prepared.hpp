// ws_prepared.hpp - a message made ready once, to be sent to many.
//
//     const ws::prepared news(ws::message_type::text, "...");
//     for (ws::socket* s : subscribers) s->send(news, 1s);
//
// For sockets that have agreed on compression it is compressed once for each setting among them, when
// the first of them sends it. Copies of it share the memory. It may be used on several threads at
// once.
#pragma once

#include <memory>
#include <string_view>

#include "caraway/bytes.hpp"
#include "caraway/error.hpp"
#include "caraway/ws_deflate.hpp"

namespace caraway::ws {

enum class message_type : unsigned char { binary, text };

class prepared {
 public:
  // Copies `ps`, in order. ENOMEM.
  static result<prepared> try_make(message_type type, parts ps) noexcept;
  prepared(message_type type, parts ps);
  prepared(message_type type, bytes payload) : prepared(type, parts(&payload, 1)) {}
  explicit prepared(std::string_view text) : prepared(message_type::text, as_bytes(text)) {}

  message_type type() const noexcept { return type_; }
  bytes payload() const noexcept { return frame_.subspan(header_); }
  // All of it as a server sends it, in one frame.
  bytes frame() const noexcept { return frame_; }
  // The same, compressed as `agreed` has it and referring to no other message; frame() if that is
  // not larger. Stays as long as any copy of the message. ENOMEM.
  result<bytes> deflated_frame(const deflate_options& agreed) const noexcept;

 private:
  struct content;
  prepared() noexcept = default;

  std::shared_ptr<content> content_;
  bytes frame_;
  unsigned char header_ = 0;
  message_type type_ = message_type::binary;
};

}  // namespace caraway::ws
