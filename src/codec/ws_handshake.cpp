#include "caraway/ws_handshake.hpp"

#include <algorithm>
#include <new>

#include "caraway/url.hpp"
#include "codec/base64.hpp"
#include "codec/sha1.hpp"
#include "codec/ws_extension.hpp"

namespace caraway::ws {
namespace {

// 1.3
constexpr std::string_view guid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
constexpr std::string_view version = "13";

constexpr std::string_view handshake_fields[] = {
    "Host",           "Upgrade",          "Connection", "Sec-WebSocket-Key", "Sec-WebSocket-Accept",
    "Content-Length", "Transfer-Encoding"};

// Fields that a caller may not add: they are the handshake's own, or would change where it ends.
bool is_own(std::string_view name) noexcept {
  constexpr std::string_view prefix = "Sec-WebSocket-";
  if (name.size() >= prefix.size() && http::same_name(name.substr(0, prefix.size()), prefix))
    return true;
  return std::ranges::any_of(handshake_fields,
                             [&](std::string_view own) { return http::same_name(own, name); });
}

bool may_add(const http::field_list& headers) noexcept {
  return std::ranges::none_of(headers, [](const http::field& f) { return is_own(f.name); });
}

bool are_distinct_tokens(std::span<const std::string> names) noexcept {
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (!http::is_token(names[i])) return false;
    if (std::ranges::find(names.first(i), names[i]) != names.begin() + static_cast<long>(i))
      return false;
  }
  return true;
}

std::string joined(std::span<const std::string> names) {
  std::string out;
  for (const std::string& name : names) out.append(out.empty() ? "" : ", ").append(name);
  return out;
}

bool contains(std::span<const std::string> names, std::string_view name) noexcept {
  return std::ranges::find(names, name) != names.end();
}

// The one field of that name; nothing if there is none or there are several.
std::optional<std::string_view> only(const http::field_list& fields,
                                     std::string_view name) noexcept {
  if (http::count(fields, name) != 1) return std::nullopt;
  return http::find(fields, name);
}

// 4.1: a client lists nothing beside it, so the answer has that and nothing else.
bool upgrades_to_websocket(const http::field_list& fields) noexcept {
  const auto upgrade = only(fields, "Upgrade");
  return upgrade && http::same_name(*upgrade, "websocket") &&
         http::has_token(fields, "Connection", "Upgrade");
}

bool has_body(const http::field_list& fields) noexcept {
  const std::size_t lengths = http::count(fields, "Content-Length");
  return http::count(fields, "Transfer-Encoding") > 0 || lengths > 1 ||
         (lengths == 1 && http::find(fields, "Content-Length") != "0");
}

http::response upgrade_required() {
  return refusal(426, "This is a WebSocket server.\n",
                 {{"Upgrade", "websocket"}, {"Sec-WebSocket-Version", std::string(version)}});
}

void append(http::field_list& to, const http::field_list& more) {
  to.insert(to.end(), more.begin(), more.end());
}

// The subprotocol the server chose, empty for none.
result<std::string> check_subprotocol(const http::field_list& fields,
                                      std::span<const std::string> offered) {
  if (http::count(fields, "Sec-WebSocket-Protocol") == 0) return std::string();
  const auto chosen = only(fields, "Sec-WebSocket-Protocol");
  if (!chosen || !contains(offered, *chosen)) return fail(errc::protocol);
  return std::string(*chosen);
}

}  // namespace

bool handshake_limits::is_valid() const noexcept {
  constexpr std::size_t least_size = 256, most_size = 1024 * 1024;
  constexpr std::size_t least_fields = 8, most_fields = 10'000;
  return patience > patience.zero() && head.size >= least_size && head.size <= most_size &&
         head.fields >= least_fields && head.fields <= most_fields;
}

std::string make_key(std::span<const std::byte, 16> random) {
  return codec::base64_encode(random);
}

bool is_key(std::string_view key) noexcept {
  // 16 bytes are 22 digits, of which the last has four unused bits, and two signs of padding.
  constexpr std::string_view last_digits = "AQgw";
  const auto is_digit = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' ||
           c == '/';
  };
  return key.size() == 24 && key.ends_with("==") && last_digits.find(key[21]) != last_digits.npos &&
         std::ranges::all_of(key.substr(0, 22), is_digit);
}

std::string accept_key(std::string_view key) {
  return codec::base64_encode(codec::sha1(as_bytes(std::string(key).append(guid))));
}

result<std::string> upgrade_request(const client_options& options, std::string_view key) try {
  if (options.host.empty() || !is_key(key)) return fail(EINVAL);
  if (!are_distinct_tokens(options.subprotocols) || !may_add(options.headers)) return fail(EINVAL);
  if (options.deflate && !is_valid(*options.deflate)) return fail(EINVAL);
  if (!options.handshake.is_valid()) return fail(EINVAL);
  http::request_head head{
      .method = "GET", .target = options.target, .minor_version = 1, .fields = {}};
  head.fields = {{"Host", options.host},
                 {"Upgrade", "websocket"},
                 {"Connection", "Upgrade"},
                 {"Sec-WebSocket-Key", std::string(key)},
                 {"Sec-WebSocket-Version", std::string(version)}};
  if (!options.subprotocols.empty())
    head.fields.push_back({"Sec-WebSocket-Protocol", joined(options.subprotocols)});
  if (options.deflate && can_deflate())
    head.fields.push_back({"Sec-WebSocket-Extensions", deflate_offer(*options.deflate)});
  append(head.fields, options.headers);
  return http::format(head);
} catch (const std::bad_alloc&) {
  return fail(ENOMEM);
}

result<agreement> check_response(const http::response_head& response, std::string_view key,
                                 const client_options& options) try {
  if (response.status != 101) return fail(errc::handshake_refused);
  const http::field_list& fields = response.fields;
  if (response.minor_version < 1 || !upgrades_to_websocket(fields)) return fail(errc::protocol);
  if (only(fields, "Sec-WebSocket-Accept") != accept_key(key)) return fail(errc::protocol);
  auto subprotocol = check_subprotocol(fields, options.subprotocols);
  if (!subprotocol) return fail(subprotocol.error());
  const auto deflate = check_deflate(response, can_deflate() ? options.deflate : std::nullopt);
  if (!deflate) return fail(deflate.error());
  return agreement{std::move(*subprotocol), *deflate};
} catch (const std::bad_alloc&) {
  return fail(ENOMEM);
}

std::optional<http::response> check_request(const http::request_head& request) {
  const http::field_list& fields = request.fields;
  if (request.method != "GET") return refusal(405, "Only GET.\n", {{"Allow", "GET"}});
  if (request.minor_version < 1) return refusal(400, "HTTP/1.1 is needed.\n");
  const auto host = only(fields, "Host");
  if (!host || host->empty()) return refusal(400, "One Host field is needed.\n");
  if (has_body(fields)) return refusal(400, "A body has no place here.\n");
  if (!http::has_token(fields, "Upgrade", "websocket")) return upgrade_required();
  if (!http::has_token(fields, "Connection", "Upgrade"))
    return refusal(400, "Connection does not say Upgrade.\n");
  const auto asked = http::find(fields, "Sec-WebSocket-Version");
  if (!asked) return refusal(400, "Sec-WebSocket-Version is missing.\n");
  if (only(fields, "Sec-WebSocket-Version") != version) return upgrade_required();
  const auto key = only(fields, "Sec-WebSocket-Key");
  if (!key || !is_key(*key)) return refusal(400, "Sec-WebSocket-Key is missing or wrong.\n");
  for (const std::string_view name : http::tokens(fields, "Sec-WebSocket-Protocol"))
    if (!http::is_token(name)) return refusal(400, "Sec-WebSocket-Protocol is malformed.\n");
  if (!parse_extensions(fields)) return refusal(400, "Sec-WebSocket-Extensions is malformed.\n");
  return std::nullopt;
}

bool is_same_origin(const http::request_head& request) noexcept try {
  if (http::count(request.fields, "Origin") == 0) return true;
  const auto origin = only(request.fields, "Origin");
  const auto host = only(request.fields, "Host");
  if (!origin || !host) return false;
  const auto theirs = parse_url(*origin);
  if (!theirs) return false;
  const auto ours = parse_url(std::string(theirs->scheme).append("://").append(*host));
  return ours && ours->authority() == theirs->authority();
} catch (const std::bad_alloc&) {
  return false;
}

std::string choose_subprotocol(const http::request_head& request,
                               std::span<const std::string> ours) {
  const auto offered = http::tokens(request.fields, "Sec-WebSocket-Protocol");
  for (const std::string& name : ours)
    if (std::ranges::find(offered, name) != offered.end()) return name;
  return {};
}

result<std::string> upgrade_response(const http::request_head& request,
                                     std::string_view subprotocol, const http::field_list& headers,
                                     std::string_view extensions) try {
  const auto key = http::find(request.fields, "Sec-WebSocket-Key");
  const auto offered = http::tokens(request.fields, "Sec-WebSocket-Protocol");
  if (!key || !may_add(headers)) return fail(EINVAL);
  if (!subprotocol.empty() && std::ranges::find(offered, subprotocol) == offered.end())
    return fail(EINVAL);
  http::response_head head{.status = 101, .reason = {}, .minor_version = 1, .fields = {}};
  head.fields = {{"Upgrade", "websocket"},
                 {"Connection", "Upgrade"},
                 {"Sec-WebSocket-Accept", accept_key(*key)}};
  if (!subprotocol.empty())
    head.fields.push_back({"Sec-WebSocket-Protocol", std::string(subprotocol)});
  if (!extensions.empty())
    head.fields.push_back({"Sec-WebSocket-Extensions", std::string(extensions)});
  append(head.fields, headers);
  return http::format(head);
} catch (const std::bad_alloc&) {
  return fail(ENOMEM);
}

http::response refusal(int status, std::string_view text, http::field_list headers) {
  http::response out{.head = {.status = status, .reason = {}, .minor_version = 1, .fields = {}},
                     .body = std::string(text)};
  out.head.fields = std::move(headers);
  out.head.fields.push_back({"Content-Type", "text/plain; charset=utf-8"});
  out.head.fields.push_back({"Connection", "close"});
  return out;
}

}  // namespace caraway::ws
