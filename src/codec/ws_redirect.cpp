#include "caraway/ws_redirect.hpp"

#include <algorithm>
#include <boost/url/parse.hpp>
#include <boost/url/url.hpp>
#include <cerrno>
#include <new>
#include <string>

namespace caraway::ws {
namespace {

namespace urls = boost::urls;

bool is_redirect(int status) noexcept {
  return (status >= 301 && status <= 303) || status == 307 || status == 308;
}

// The reference in a Location, in full.
result<std::string> absolute(const url& from, std::string_view reference) {
  if (reference.starts_with("//")) return std::string(from.scheme).append(":").append(reference);
  const auto ref = urls::parse_uri_reference(reference);
  if (!ref) return fail(errc::invalid_url);
  if (ref->has_scheme()) return std::string(reference);
  const auto base = urls::parse_origin_form(from.target);
  urls::url out;
  if (!base ||
      !urls::resolve(urls::url("http://h").set_encoded_path(base->encoded_path()), *ref, out))
    return fail(errc::invalid_url);
  const std::string target(out.encoded_target());
  return from.scheme + "://" + from.authority() + target;
}

void as_websocket(url& to) {
  if (to.scheme == "http") to.scheme = "ws";
  if (to.scheme == "https") to.scheme = "wss";
}

bool is_secret(const http::field& f) noexcept {
  return http::same_name(f.name, "Authorization") || http::same_name(f.name, "Cookie") ||
         http::same_name(f.name, "Proxy-Authorization");
}

}  // namespace

bool is_same_origin(const url& a, const url& b) noexcept {
  return a.scheme == b.scheme && a.host == b.host && a.port == b.port;
}

result<url> redirect_target(const url& from, const http::response_head& answer) try {
  if (!is_redirect(answer.status)) return fail(errc::handshake_refused);
  if (http::count(answer.fields, "Location") != 1) return fail(errc::invalid_url);
  const std::string_view location = *http::find(answer.fields, "Location");
  const auto text = absolute(from, location.substr(0, location.find('#')));
  if (!text) return fail(text.error());
  auto to = parse_url(*text);
  if (!to) return to;
  as_websocket(*to);
  if (from.secure() && !to->secure()) return fail(errc::invalid_url);
  if (to->user_info.empty() && is_same_origin(from, *to)) to->user_info = from.user_info;
  return to;
} catch (const std::bad_alloc&) {
  return fail(ENOMEM);
}

client_options redirected(client_options options, const url& from, const url& to) {
  options.host.clear();
  options.target = "/";
  if (!is_same_origin(from, to)) std::erase_if(options.headers, is_secret);
  return options;
}

}  // namespace caraway::ws
