// http_head.hpp - HTTP/1.1 heads as data: request line or status line, and fields (RFC 9112).
//
// Parsing has three outcomes: the head is whole (how many bytes it took), more is needed (0), or it
// is wrong. It is strict: CRLF line ends only, no folded lines, no space before a colon, no control
// characters, no fields without a name. Formatting refuses whatever the parser would not accept.
//
//     http::request_head head;
//     result<std::size_t> used = http::parse(seen, head);
//     if (used && *used > 0) answer(head.target, http::find(head.fields, "Host"));
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "caraway/bytes.hpp"
#include "caraway/error.hpp"

namespace caraway::http {

struct field {
  std::string name;
  std::string value;
};

using field_list = std::vector<field>;

struct request_head {
  std::string method;
  std::string target;
  int minor_version = 1;
  field_list fields;
};

struct response_head {
  int status = 0;
  std::string reason;
  int minor_version = 1;
  field_list fields;
};

// A whole response; what a refused handshake was answered with.
struct response {
  response_head head;
  std::string body;
};

struct head_limits {
  std::size_t size = 16 * 1024;  // bytes, from the first to the empty line
  std::size_t fields = 100;
};

// Names of fields are compared without regard to case, here and everywhere.
bool same_name(std::string_view a, std::string_view b) noexcept;

// The value of the first field of that name.
std::optional<std::string_view> find(const field_list& fields, std::string_view name) noexcept;

// How many fields have that name.
std::size_t count(const field_list& fields, std::string_view name) noexcept;

// True if a field of that name holds `token` as a member of its comma-separated list, without
// regard to case: "keep-alive, Upgrade" has "upgrade" (RFC 9110 section 5.6.1).
bool has_token(const field_list& fields, std::string_view name, std::string_view token) noexcept;

// The members of all comma-separated lists in fields of that name, in order, empty ones left out.
// The views point into `fields`.
std::vector<std::string_view> tokens(const field_list& fields, std::string_view name);

// True if all of `text` are token characters and it is not empty (RFC 9110 section 5.6.2).
bool is_token(std::string_view text) noexcept;

// Parses the head that `in` begins with; its size, or 0 if it is not whole yet. `out` is of use
// only after success. errc::protocol: not HTTP/1.x, or malformed; errc::message_too_big: over a
// limit.
result<std::size_t> parse(bytes in, request_head& out, const head_limits& limits = {});
result<std::size_t> parse(bytes in, response_head& out, const head_limits& limits = {});

// The head as bytes, ready to be sent, with the usual reason phrase if there is none.
// EINVAL: a method or name that is no token, a target or value with a control character, a status
// outside 100..999. ENOMEM.
result<std::string> format(const request_head& head);
result<std::string> format(const response_head& head);

// Head and body, with a Content-Length unless there is one.
result<std::string> format(const response& r);

// The lines of a head one by one, without the line end: a start line sets the members for it in
// `out`, and no other. errc::protocol: malformed; ENOMEM.
result<void> parse_start_line(std::string_view line, request_head& out);
result<void> parse_start_line(std::string_view line, response_head& out);
result<field> parse_field(std::string_view line);

// The lines of a head one by one, with the line end; blanks around the value of a field are left
// out. EINVAL as above, ENOMEM.
result<std::string> format_start_line(const request_head& head);
result<std::string> format_start_line(const response_head& head);
result<std::string> format_field(std::string_view name, std::string_view value);

// The usual words for a status: "Not Found"; "Status" for one that has none.
std::string_view reason_phrase(int status) noexcept;

}  // namespace caraway::http
