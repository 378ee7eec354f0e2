// Sections without another RFC are those of RFC 1928.
#include "caraway/socks5_message.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <new>

namespace caraway::socks5 {
namespace {

constexpr unsigned version = 5;
constexpr unsigned password_version = 1;  // RFC 1929
constexpr std::size_t most = 255;         // bytes of a name, user or password

enum address_type : unsigned { ipv4 = 1, name = 3, ipv6 = 4 };

constexpr std::size_t ipv4_size = 4;
constexpr std::size_t ipv6_size = 16;
constexpr std::size_t port_size = 2;

struct entry {
  int condition;
  const char* text;
};

entry look_up(int value) noexcept {
  switch (static_cast<reply>(value)) {
    case reply::succeeded:
      return {0, "succeeded"};
    case reply::general_failure:
      return {EIO, "the SOCKS proxy failed"};
    case reply::not_allowed:
      return {EACCES, "the rules of the SOCKS proxy do not allow the connection"};
    case reply::network_unreachable:
      return {ENETUNREACH, "the SOCKS proxy cannot reach the network"};
    case reply::host_unreachable:
      return {EHOSTUNREACH, "the SOCKS proxy cannot reach the host"};
    case reply::connection_refused:
      return {ECONNREFUSED, "the host refused the SOCKS proxy's connection"};
    case reply::ttl_expired:
      return {ETIMEDOUT, "the SOCKS proxy's packets did not live long enough"};
    case reply::command_not_supported:
      return {EOPNOTSUPP, "the SOCKS proxy does not know the command"};
    case reply::address_type_not_supported:
      return {EAFNOSUPPORT, "the SOCKS proxy does not know the type of address"};
    case reply::no_acceptable_method:
      return {EACCES, "no way to authenticate that the SOCKS proxy and its client share"};
    case reply::bad_credentials:
      return {EACCES, "the SOCKS proxy refused user name or password"};
  }
  return {EIO, "unknown error"};
}

class socks5_category final : public std::error_category {
 public:
  const char* name() const noexcept override { return "socks5"; }
  std::string message(int value) const override { return look_up(value).text; }
  std::error_condition default_error_condition(int value) const noexcept override {
    return {look_up(value).condition, std::generic_category()};
  }
};

unsigned at(bytes in, std::size_t i) noexcept {
  return std::to_integer<unsigned>(in[i]);
}

char byte(unsigned value) noexcept {
  return static_cast<char>(static_cast<unsigned char>(value));
}

// --- addresses (5) ---

bool is_printable(char c) noexcept {
  return static_cast<unsigned char>(c) > 0x20 && c != 0x7f;
}

bool is_host(std::string_view text) noexcept {
  return !text.empty() && text.size() <= most && std::ranges::all_of(text, is_printable);
}

std::string to_text(int family, bytes number) {
  std::array<char, INET6_ADDRSTRLEN> text;
  inet_ntop(family, number.data(), text.data(), text.size());
  return text.data();
}

// `in` begins with the type; how many bytes type, address and port have, as far as it tells.
result<std::size_t> parse_endpoint(bytes in, endpoint& out) {
  if (in.empty()) return 2;
  const unsigned type = at(in, 0);
  const std::size_t skipped = type == name ? 2 : 1;
  if (type != ipv4 && type != name && type != ipv6) return fail(reply::address_type_not_supported);
  if (in.size() < 2) return 2;
  const std::size_t size = type == ipv4 ? ipv4_size : type == ipv6 ? ipv6_size : at(in, 1);
  const std::size_t all = skipped + size + port_size;
  if (size == 0) return fail(errc::protocol);
  if (in.size() < all) return all;
  const bytes host = in.subspan(skipped, size);
  if (type == name && !is_host(as_text(host))) return fail(errc::protocol);
  out.host = type == ipv4   ? to_text(AF_INET, host)
             : type == ipv6 ? to_text(AF_INET6, host)
                            : std::string(as_text(host));
  out.port = static_cast<std::uint16_t>(at(in, all - 2) << 8 | at(in, all - 1));
  return all;
}

// Type and address of a literal; nothing if it is none.
std::string literal(std::string_view host) {
  const bool bracketed = host.starts_with('[') && host.ends_with(']');
  const std::string text(bracketed ? host.substr(1, host.size() - 2) : host);
  std::array<char, 1 + ipv6_size> made;
  made[0] = byte(ipv4);
  if (!bracketed && inet_pton(AF_INET, text.c_str(), &made[1]) == 1)
    return {made.data(), 1 + ipv4_size};
  made[0] = byte(ipv6);
  if (inet_pton(AF_INET6, text.c_str(), &made[1]) == 1) return {made.data(), made.size()};
  return {};
}

// Behind `head`.
result<std::string> format_with(std::string head, const endpoint& where) {
  if (!is_host(where.host)) return fail(EINVAL);
  const std::string address = literal(where.host);
  if (!address.empty())
    head += address;
  else if (where.host.find_first_of(":[") == std::string::npos)
    head.append({byte(name), byte(static_cast<unsigned>(where.host.size()))}).append(where.host);
  else
    return fail(EINVAL);
  return head.append({byte(where.port >> 8u), byte(where.port & 0xffu)});
}

// --- messages ---

// What request and response have in common (4, 6): version, a code, a reserved byte, an endpoint.
result<std::size_t> parse_framed(bytes in, endpoint& out) {
  constexpr std::size_t before = 3;
  if (!in.empty() && at(in, 0) != version) return fail(errc::protocol);
  if (in.size() >= before && at(in, 2) != 0) return fail(errc::protocol);
  const auto size = parse_endpoint(in.subspan(std::min(in.size(), before)), out);
  if (!size) return size;
  return before + *size;
}

// A byte that says which version and one more that is the message.
result<std::size_t> parse_pair(bytes in, unsigned expected) noexcept {
  if (!in.empty() && at(in, 0) != expected) return fail(errc::protocol);
  return 2;
}

bool is_command(unsigned value) noexcept {
  return value >= 1 && value <= 3;
}
bool is_reply(int value) noexcept {
  return value >= 0 && value <= 8;
}

// Memory that runs out is the only thing thrown here.
template <class F>
auto guarded(F f) noexcept -> decltype(f()) {
  try {
    return f();
  } catch (const std::bad_alloc&) {
    return fail(ENOMEM);
  }
}

}  // namespace

const std::error_category& reply_category() noexcept {
  static const socks5_category instance;
  return instance;
}

std::error_code make_error_code(reply r) noexcept {
  return {static_cast<int>(r), reply_category()};
}

// 3
result<std::size_t> parse(bytes in, greeting& out) noexcept {
  if (!in.empty() && at(in, 0) != version) return fail(errc::protocol);
  if (in.size() < 2) return 2;
  const std::size_t size = 2 + at(in, 1);
  if (size == 2) return fail(errc::protocol);
  if (in.size() < size) return size;
  out.methods.reset();
  for (const std::byte m : in.subspan(2, size - 2)) out.methods.set(std::to_integer<unsigned>(m));
  return size;
}

result<std::size_t> parse(bytes in, choice& out) noexcept {
  const auto size = parse_pair(in, version);
  if (size && in.size() >= *size) out.wanted = static_cast<method>(at(in, 1));
  return size;
}

// RFC 1929 section 2
result<std::size_t> parse(bytes in, credentials& out) noexcept {
  return guarded([&]() -> result<std::size_t> {
    if (!in.empty() && at(in, 0) != password_version) return fail(errc::protocol);
    if (in.size() < 2) return 3;
    const std::size_t user = at(in, 1);
    if (in.size() < 3 + user) return 3 + user;
    const std::size_t password = at(in, 2 + user);
    if (in.size() < 3 + user + password) return 3 + user + password;
    out.user = as_text(in.subspan(2, user));
    out.password = as_text(in.subspan(3 + user, password));
    return 3 + user + password;
  });
}

result<std::size_t> parse(bytes in, verdict& out) noexcept {
  const auto size = parse_pair(in, password_version);
  if (size && in.size() >= *size) out.accepted = at(in, 1) == 0;
  return size;
}

// 4
result<std::size_t> parse(bytes in, request& out) noexcept {
  return guarded([&]() -> result<std::size_t> {
    const auto size = parse_framed(in, out.to);
    if (!size || in.size() < 2) return size;
    if (!is_command(at(in, 1))) return fail(reply::command_not_supported);
    out.what = static_cast<command>(at(in, 1));
    return size;
  });
}

// 6
result<std::size_t> parse(bytes in, response& out) noexcept {
  return guarded([&]() -> result<std::size_t> {
    const auto size = parse_framed(in, out.bound);
    if (!size)
      return fail(size.error() == reply::address_type_not_supported ? errc::protocol
                                                                    : size.error());
    if (in.size() < 2) return size;
    if (!is_reply(static_cast<int>(at(in, 1)))) return fail(errc::protocol);
    out.code = static_cast<reply>(at(in, 1));
    return size;
  });
}

result<std::string> format(const greeting& message) noexcept {
  return guarded([&]() -> result<std::string> {
    const std::size_t n = message.methods.count();
    if (n == 0 || n > most) return fail(EINVAL);
    std::string out{byte(version), byte(static_cast<unsigned>(n))};
    for (unsigned m = 0; m < message.methods.size(); ++m)
      if (message.methods[m]) out += byte(m);
    return out;
  });
}

result<std::string> format(const choice& message) noexcept {
  return guarded([&]() -> result<std::string> {
    return std::string{byte(version), byte(static_cast<unsigned>(message.wanted))};
  });
}

result<std::string> format(const credentials& message) noexcept {
  return guarded([&]() -> result<std::string> {
    if (message.user.size() > most || message.password.size() > most) return fail(EINVAL);
    std::string out{byte(password_version), byte(static_cast<unsigned>(message.user.size()))};
    out.append(message.user).append({byte(static_cast<unsigned>(message.password.size()))});
    return out.append(message.password);
  });
}

result<std::string> format(const verdict& message) noexcept {
  return guarded([&]() -> result<std::string> {
    return std::string{byte(password_version), byte(message.accepted ? 0 : 0xff)};
  });
}

result<std::string> format(const request& message) noexcept {
  return guarded([&] {
    return format_with({byte(version), byte(static_cast<unsigned>(message.what)), '\0'},
                       message.to);
  });
}

result<std::string> format(const response& message) noexcept {
  return guarded([&]() -> result<std::string> {
    if (!is_reply(static_cast<int>(message.code))) return fail(EINVAL);
    return format_with({byte(version), byte(static_cast<unsigned>(message.code)), '\0'},
                       message.bound);
  });
}

}  // namespace caraway::socks5
