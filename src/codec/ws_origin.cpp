#include "caraway/ws_origin.hpp"

#include <algorithm>
#include <optional>

#include "caraway/http_head.hpp"

namespace caraway::ws {
namespace {

constexpr std::string_view any = "*";

// An origin, or a pattern of one, in its three parts.
struct triple {
  std::string_view scheme;
  std::string_view host;
  std::string_view port;
};

bool is_number(std::string_view text) noexcept {
  return !text.empty() && text.size() <= 5 &&
         std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

std::string_view own_port(std::string_view scheme) noexcept {
  if (http::same_name(scheme, "http")) return "80";
  if (http::same_name(scheme, "https")) return "443";
  return "";
}

// Where the colon before a port may stand: behind the bracket of an IPv6 literal.
std::size_t port_colon(std::string_view authority) noexcept {
  const std::size_t bracket = authority.rfind(']');
  return authority.find(':', bracket == authority.npos ? 0 : bracket);
}

// A name, a pattern of one, or a literal; nothing that a browser would not write.
bool is_host(std::string_view text) noexcept {
  if (text.empty()) return false;
  if (text.front() == '[')
    return text.ends_with(']') &&
           text.find_first_not_of("0123456789abcdefABCDEF:.", 1) == text.size() - 1;
  return std::ranges::all_of(text, [](char c) {
    return c > ' ' && c < 0x7f &&
           std::string_view("/?#@,:[]\\\"<>^`{|}").find(c) == std::string_view::npos;
  });
}

std::optional<triple> split(std::string_view text) noexcept {
  const std::size_t mark = text.find("://");
  if (mark == 0 || mark == text.npos) return std::nullopt;
  const std::string_view scheme = text.substr(0, mark), authority = text.substr(mark + 3);
  const std::size_t colon = port_colon(authority);
  const std::string_view host = authority.substr(0, colon);
  if (!is_host(host)) return std::nullopt;
  if (colon == authority.npos) return triple{scheme, host, own_port(scheme)};
  const std::string_view port = authority.substr(colon + 1);
  if (port != any && !is_number(port)) return std::nullopt;
  return triple{scheme, host, port};
}

bool matches_host(std::string_view pattern, std::string_view host) noexcept {
  if (!pattern.starts_with("*.")) return http::same_name(pattern, host);
  const std::string_view domain = pattern.substr(1);
  return domain.size() > 1 && host.size() > domain.size() &&
         http::same_name(host.substr(host.size() - domain.size()), domain);
}

}  // namespace

bool matches_origin(std::string_view pattern, std::string_view origin) noexcept {
  if (pattern == any) return true;
  if (pattern == "null") return origin == pattern;
  const auto wanted = split(pattern), given = split(origin);
  if (!wanted || !given || given->port == any) return false;
  if (given->host.find('*') != std::string_view::npos) return false;
  return http::same_name(wanted->scheme, given->scheme) &&
         matches_host(wanted->host, given->host) &&
         (wanted->port == any || wanted->port == given->port);
}

}  // namespace caraway::ws
