#include "proto/http_body.hpp"

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>

namespace caraway::proto {
namespace {

// A line with the size of a chunk, or of a trailer, is never longer, its end included.
constexpr std::size_t max_line = 1024;

template <class Number>
std::optional<Number> read_number(std::string_view text, int base) noexcept {
  Number value{};
  const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (wrong != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// Appends up to `n` bytes to `body`, no more than `limit` in all. False once no more can be had.
bool append(byte_stream& from, std::string& body, std::uint64_t n, std::size_t limit, deadline dl) {
  while (n > 0 && body.size() < limit) {
    const auto seen = from.try_fill(1, dl);
    if (!seen) return false;
    const std::uint64_t wanted = std::min<std::uint64_t>(n, limit - body.size());
    const std::size_t now = static_cast<std::size_t>(std::min<std::uint64_t>(wanted, seen->size()));
    body += as_text(seen->first(now));
    from.consume(now);
    n -= now;
  }
  return n == 0;
}

// The next line without its end; nothing if there is none.
std::optional<std::string> read_line(byte_stream& from, deadline dl) {
  for (std::size_t wanted = 1; wanted <= max_line;) {
    const auto seen = from.try_fill(wanted, dl);
    if (!seen) return std::nullopt;
    const std::size_t end = as_text(*seen).substr(0, max_line).find("\r\n");
    if (end != std::string_view::npos) {
      std::string line(as_text(seen->first(end)));
      from.consume(end + 2);
      return line;
    }
    wanted = seen->size() + 1;
  }
  return std::nullopt;
}

// 7.1; trailers stay where they are.
void read_chunks(byte_stream& from, std::string& body, std::size_t limit, deadline dl) {
  for (;;) {
    const auto line = read_line(from, dl);
    if (!line) return;
    const std::string_view size_text =
        std::string_view(*line).substr(0, line->find_first_of("; \t"));
    const auto size = read_number<std::uint64_t>(size_text, 16);
    if (!size || *size == 0) return;
    if (!append(from, body, *size, limit, dl)) return;
    if (const auto end = read_line(from, dl); !end || !end->empty()) return;
  }
}

bool has_no_body(int status) noexcept {
  return status < 200 || status == 204 || status == 304;
}

}  // namespace

std::string read_body(byte_stream& from, const http::response_head& head, std::size_t limit,
                      deadline dl) {
  std::string body;
  if (has_no_body(head.status)) return body;
  if (http::has_token(head.fields, "Transfer-Encoding", "chunked")) {
    read_chunks(from, body, limit, dl);
    return body;
  }
  std::uint64_t length = std::numeric_limits<std::uint64_t>::max();
  if (const auto said = http::find(head.fields, "Content-Length"))
    length = read_number<std::uint64_t>(*said, 10).value_or(0);
  append(from, body, length, limit, dl);
  return body;
}

}  // namespace caraway::proto
