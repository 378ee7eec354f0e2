// The grammar is that of RFC 9112 sections 2 to 5 without its concessions to old software.
// Everything of a head is checked here once, so that no caller has to look at single characters
// again.
#include "caraway/http_head.hpp"

#include <algorithm>
#include <array>
#include <new>

namespace caraway::http {
namespace {

constexpr std::string_view token_punctuation = "!#$%&'*+-.^_`|~";

constexpr bool is_alnum(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}
constexpr std::array<bool, 256> make_token_table() {
  std::array<bool, 256> table{};
  for (unsigned i = 0; i < 256; ++i) {
    const char c = static_cast<char>(i);
    table[i] = is_alnum(c) || (c != 0 && token_punctuation.find(c) != std::string_view::npos);
  }
  return table;
}
constexpr std::array<bool, 256> token_table = make_token_table();

constexpr bool is_token_char(char c) noexcept {
  return token_table[static_cast<unsigned char>(c)];
}
constexpr bool is_digit(char c) noexcept {
  return c >= '0' && c <= '9';
}
constexpr bool is_blank(char c) noexcept {
  return c == ' ' || c == '\t';
}
// Any byte but control characters; a tab is none here.
constexpr bool is_value_char(char c) noexcept {
  return c == '\t' || (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f);
}
constexpr bool is_target_char(char c) noexcept {
  return static_cast<unsigned char>(c) > 0x20 && static_cast<unsigned char>(c) < 0x7f;
}
constexpr char lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

std::string_view trimmed(std::string_view text) noexcept {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

// Takes what stands before `end` off the front of `text`, and `end` too. False if there is no
// `end`.
bool take(std::string_view& text, std::string_view end, std::string_view& out) noexcept {
  const std::size_t at = text.find(end);
  if (at == text.npos) return false;
  out = text.substr(0, at);
  text.remove_prefix(at + end.size());
  return true;
}

// "HTTP/1.x" (RFC 9112 section 2.3).
bool read_version(std::string_view text, int& minor) noexcept {
  if (text.size() != 8 || !text.starts_with("HTTP/1.") || !is_digit(text[7])) return false;
  minor = text[7] - '0';
  return true;
}

bool read_start_line(std::string_view line, request_head& out) {
  std::string_view method, target;
  if (!take(line, " ", method) || !take(line, " ", target)) return false;
  if (!is_token(method) || target.empty()) return false;
  if (!std::ranges::all_of(target, is_target_char)) return false;
  out.method = method;
  out.target = target;
  return read_version(line, out.minor_version);
}

bool read_start_line(std::string_view line, response_head& out) {
  std::string_view version;
  if (!take(line, " ", version) || !read_version(version, out.minor_version)) return false;
  if (line.size() < 3 || !std::ranges::all_of(line.substr(0, 3), is_digit)) return false;
  out.status = (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
  line.remove_prefix(3);
  // The blank before an empty reason is often left out.
  if (!line.empty() && line[0] != ' ') return false;
  if (!line.empty()) line.remove_prefix(1);
  out.reason = line;
  return out.status >= 100 && std::ranges::all_of(line, is_value_char);
}

bool read_field(std::string_view line, field_list& out) {
  std::string_view name;
  if (!take(line, ":", name) || !is_token(name)) return false;
  const std::string_view value = trimmed(line);
  if (!std::ranges::all_of(value, is_value_char)) return false;
  out.push_back({std::string(name), std::string(value)});
  return true;
}

// `head` ends with the line end of its last line.
template <class Head>
std::error_code read_head(std::string_view head, Head& out, std::size_t max_fields) {
  std::string_view line;
  out.fields.clear();
  if (!take(head, "\r\n", line) || !read_start_line(line, out)) return errc::protocol;
  while (take(head, "\r\n", line)) {
    if (out.fields.size() == max_fields) return errc::message_too_big;
    if (!read_field(line, out.fields)) return errc::protocol;
  }
  return {};
}

// What can be said of a head that is not whole: garbage need not be waited for.
bool may_become_head(std::string_view text) noexcept {
  return text.empty() || is_token_char(text.front());
}

template <class Head>
result<std::size_t> parse_head(bytes in, Head& out, const head_limits& limits) try {
  const std::string_view text = as_text(in.first(std::min(in.size(), limits.size)));
  if (!may_become_head(text)) return fail(errc::protocol);
  const std::size_t end = text.find("\r\n\r\n");
  if (end == text.npos) {
    if (in.size() >= limits.size) return fail(errc::message_too_big);
    return 0;
  }
  if (auto wrong = read_head(text.substr(0, end + 2), out, limits.fields)) return fail(wrong);
  return end + 4;
} catch (const std::bad_alloc&) {
  return fail(ENOMEM);
}

bool is_sendable(std::string_view name, std::string_view value) noexcept {
  return is_token(name) && std::ranges::all_of(value, is_value_char);
}
bool sendable(const field& f) noexcept {
  return is_sendable(f.name, f.value);
}

std::size_t size_of(const field_list& fields) noexcept {
  std::size_t n = 2;
  for (const field& f : fields) n += f.name.size() + f.value.size() + 4;
  return n;
}

void append_fields(std::string& out, const field_list& fields) {
  for (const field& f : fields) out.append(f.name).append(": ").append(f.value).append("\r\n");
  out += "\r\n";
}

std::string_view version(int minor) noexcept {
  return minor == 0 ? "HTTP/1.0" : "HTTP/1.1";
}

bool is_sendable(const request_head& head) noexcept {
  return is_token(head.method) && !head.target.empty() &&
         std::ranges::all_of(head.target, is_target_char);
}
bool is_sendable(const response_head& head) noexcept {
  return head.status >= 100 && head.status <= 999 &&
         std::ranges::all_of(head.reason, is_value_char);
}

void append_start_line(std::string& out, const request_head& head) {
  out.append(head.method).append(" ").append(head.target).append(" ");
  out.append(version(head.minor_version)).append("\r\n");
}
void append_start_line(std::string& out, const response_head& head) {
  const std::string_view reason = head.reason.empty() ? reason_phrase(head.status) : head.reason;
  out.append(version(head.minor_version)).append(" ").append(std::to_string(head.status));
  out.append(" ").append(reason).append("\r\n");
}

template <class Head>
result<void> parse_line(std::string_view line, Head& out) try {
  if (!read_start_line(line, out)) return fail(errc::protocol);
  return {};
} catch (const std::bad_alloc&) {
  return fail(ENOMEM);
}

template <class Head>
result<std::string> format_line(const Head& head) try {
  if (!is_sendable(head)) return fail(EINVAL);
  std::string out;
  append_start_line(out, head);
  return out;
} catch (const std::bad_alloc&) {
  return fail(ENOMEM);
}

template <class Head>
result<std::string> format_head(const Head& head) try {
  if (!is_sendable(head) || !std::ranges::all_of(head.fields, sendable)) return fail(EINVAL);
  std::string out;
  out.reserve(80 + size_of(head.fields));
  append_start_line(out, head);
  append_fields(out, head.fields);
  return out;
} catch (const std::bad_alloc&) {
  return fail(ENOMEM);
}

}  // namespace

bool same_name(std::string_view a, std::string_view b) noexcept {
  return std::ranges::equal(a, b, {}, lower, lower);
}

std::optional<std::string_view> find(const field_list& fields, std::string_view name) noexcept {
  const auto found =
      std::ranges::find_if(fields, [&](const field& f) { return same_name(f.name, name); });
  if (found == fields.end()) return std::nullopt;
  return found->value;
}

std::size_t count(const field_list& fields, std::string_view name) noexcept {
  return static_cast<std::size_t>(
      std::ranges::count_if(fields, [&](const field& f) { return same_name(f.name, name); }));
}

bool has_token(const field_list& fields, std::string_view name, std::string_view token) noexcept {
  for (const field& f : fields) {
    if (!same_name(f.name, name)) continue;
    std::string_view rest = f.value, member;
    while (take(rest, ",", member))
      if (same_name(trimmed(member), token)) return true;
    if (same_name(trimmed(rest), token)) return true;
  }
  return false;
}

std::vector<std::string_view> tokens(const field_list& fields, std::string_view name) {
  std::vector<std::string_view> found;
  const auto add = [&](std::string_view member) {
    if (member = trimmed(member); !member.empty()) found.push_back(member);
  };
  for (const field& f : fields) {
    if (!same_name(f.name, name)) continue;
    std::string_view rest = f.value, member;
    while (take(rest, ",", member)) add(member);
    add(rest);
  }
  return found;
}

bool is_token(std::string_view text) noexcept {
  return !text.empty() && std::ranges::all_of(text, is_token_char);
}

result<std::size_t> parse(bytes in, request_head& out, const head_limits& limits) {
  return parse_head(in, out, limits);
}

result<std::size_t> parse(bytes in, response_head& out, const head_limits& limits) {
  return parse_head(in, out, limits);
}

result<std::string> format(const request_head& head) {
  return format_head(head);
}

result<std::string> format(const response_head& head) {
  return format_head(head);
}

result<std::string> format(const response& r) try {
  response_head head = r.head;
  if (count(head.fields, "Content-Length") == 0)
    head.fields.push_back({"Content-Length", std::to_string(r.body.size())});
  result<std::string> out = format(head);
  if (out) *out += r.body;
  return out;
} catch (const std::bad_alloc&) {
  return fail(ENOMEM);
}

result<void> parse_start_line(std::string_view line, request_head& out) {
  return parse_line(line, out);
}

result<void> parse_start_line(std::string_view line, response_head& out) {
  return parse_line(line, out);
}

result<field> parse_field(std::string_view line) try {
  field_list found;
  if (!read_field(line, found)) return fail(errc::protocol);
  return std::move(found.front());
} catch (const std::bad_alloc&) {
  return fail(ENOMEM);
}

result<std::string> format_start_line(const request_head& head) {
  return format_line(head);
}

result<std::string> format_start_line(const response_head& head) {
  return format_line(head);
}

result<std::string> format_field(std::string_view name, std::string_view value) try {
  if (!is_sendable(name, value)) return fail(EINVAL);
  return std::string(name).append(": ").append(trimmed(value)).append("\r\n");
} catch (const std::bad_alloc&) {
  return fail(ENOMEM);
}

std::string_view reason_phrase(int status) noexcept {
  switch (status) {
    case 100:
      return "Continue";
    case 101:
      return "Switching Protocols";
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 301:
      return "Moved Permanently";
    case 302:
      return "Found";
    case 303:
      return "See Other";
    case 304:
      return "Not Modified";
    case 307:
      return "Temporary Redirect";
    case 308:
      return "Permanent Redirect";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 407:
      return "Proxy Authentication Required";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 410:
      return "Gone";
    case 413:
      return "Content Too Large";
    case 426:
      return "Upgrade Required";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    default:
      return "Status";
  }
}

}  // namespace caraway::http
