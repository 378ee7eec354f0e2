// http_line.hpp - the lines that HTTP/1.1 is made of, as they come off a stream.
#pragma once

#include <string_view>

#include "caraway/byte_stream.hpp"
#include "caraway/http_head.hpp"

namespace caraway::proto {

inline constexpr std::size_t line_end = 2;

// Shows the next line without its CRLF; the caller consumes both. Blocks. With the CRLF it has at
// most `max` bytes, else errc::message_too_big. errc::protocol: a line feed alone, or a first
// character that no line of HTTP begins with; so garbage need not be waited for. Others: of the
// stream, then nothing was consumed.
inline result<std::string_view> peek_line(byte_stream& from, std::size_t max, deadline dl) {
  std::size_t looked = 0;
  for (;;) {
    const auto seen = from.try_fill(looked + 1, dl);
    if (!seen) return fail(seen.error());
    const std::string_view text = as_text(*seen).substr(0, max);
    if (text.empty()) return fail(errc::message_too_big);
    if (text.front() != '\r' && !http::is_token(text.substr(0, 1))) return fail(errc::protocol);
    const std::size_t end = text.find('\n', looked);
    if (end == 0 || (end != text.npos && text[end - 1] != '\r')) return fail(errc::protocol);
    if (end != text.npos) return text.substr(0, end - 1);
    if (seen->size() >= max) return fail(errc::message_too_big);
    looked = text.size();
  }
}

}  // namespace caraway::proto
