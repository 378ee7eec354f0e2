#include "caraway/url.hpp"

#include <algorithm>
#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>
#include <new>

namespace caraway {
namespace {

namespace urls = boost::urls;

std::uint16_t default_port(std::string_view scheme) noexcept {
  if (scheme == "ws" || scheme == "http") return 80;
  if (scheme == "wss" || scheme == "https") return 443;
  return 0;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
  return out;
}

bool has_control(std::string_view text) noexcept {
  return std::ranges::any_of(
      text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

// What may stand in a name without percent-encoding (RFC 3986 section 3.2.2). Names in other
// scripts come here in their ASCII form or not at all.
bool is_name_char(char c) noexcept {
  constexpr std::string_view punctuation = "-._~!$&'()*+,;=";
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
         punctuation.find(c) != punctuation.npos;
}

bool read_host(const urls::url_view& parsed, std::string& out) {
  switch (parsed.host_type()) {
    case urls::host_type::ipv6:
      out = lower(std::string(parsed.host_address()));
      return true;
    case urls::host_type::ipv4:
    case urls::host_type::name:
      out = lower(std::string(parsed.host()));
      return !out.empty() && std::ranges::all_of(out, is_name_char);
    default:
      return false;
  }
}

bool read_port(const urls::url_view& parsed, url& out) {
  out.port = default_port(out.scheme);
  if (!parsed.has_port() || parsed.port().empty()) return true;
  out.port = parsed.port_number();  // 0 if it does not fit
  return out.port != 0;
}

bool read_target(const urls::url_view& parsed, std::string& out) {
  out = std::string(parsed.encoded_path());
  if (out.empty()) out = "/";
  // A path behind a host begins with a slash (RFC 3986 section 3.3); the parser takes "h:80x" for
  // more.
  if (out.front() != '/') return false;
  if (parsed.has_query()) out.append("?").append(std::string(parsed.encoded_query()));
  return true;
}

bool read_url(const urls::url_view& parsed, url& out) {
  out.scheme = lower(std::string(parsed.scheme()));
  if (default_port(out.scheme) == 0 || !parsed.has_authority()) return false;
  if (out.scheme.starts_with("ws") && parsed.has_fragment()) return false;
  if (parsed.has_userinfo()) out.user_info = parsed.userinfo();
  if (has_control(out.user_info)) return false;
  return read_target(parsed, out.target) && read_host(parsed, out.host) && read_port(parsed, out);
}

// Boost.URL takes a host that begins with four numbers for an IPv4 literal and then stumbles over
// the rest of "127.0.0.1.example". A digit in its encoded form is the same digit, and makes every
// such host a name (RFC 3986 section 3.2.2).
std::string with_a_plain_host(std::string_view text) {
  std::string out(text);
  const std::size_t slashes = text.find("://");
  if (slashes == text.npos) return out;
  const std::size_t begin = slashes + 3;
  const std::size_t end = std::min(text.find_first_of("/?#", begin), text.size());
  const std::size_t at = text.substr(0, end).rfind('@');
  const std::size_t host = at == text.npos || at < begin ? begin : at + 1;
  if (host < end && text[host] >= '0' && text[host] <= '9') out.insert(host, "%3");
  return out;
}

}  // namespace

std::string url::authority() const {
  const bool literal = host.find(':') != host.npos;
  std::string out = literal ? "[" + host + "]" : host;
  if (port != default_port(scheme)) out += ":" + std::to_string(port);
  return out;
}

result<url> parse_url(std::string_view text) try {
  const std::string plain = with_a_plain_host(text);
  const auto parsed = urls::parse_uri(plain);
  url out;
  if (!parsed || !read_url(*parsed, out)) return fail(errc::invalid_url);
  return out;
} catch (const std::bad_alloc&) {
  return fail(ENOMEM);
}

}  // namespace caraway
