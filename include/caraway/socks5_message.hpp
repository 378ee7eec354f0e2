// socks5_message.hpp - the messages of SOCKS version 5 as data: greeting and request (RFC 1928), user
// name and password (RFC 1929).
//
// parse() says how long the message is, as far as its beginning tells: if that is more than there
// is, come again with so many bytes, which are all of this message. So nothing behind a message is
// ever asked for.
//
//     socks5::request asked;
//     result<std::size_t> size = socks5::parse(seen, asked);
//     if (size && *size <= seen.size()) connect(asked.to.host, asked.to.port);
#pragma once

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>

#include "caraway/bytes.hpp"
#include "caraway/error.hpp"

namespace caraway::socks5 {

enum class method : unsigned char { none = 0, password = 2, unacceptable = 0xff };

enum class command : unsigned char { connect = 1, bind = 2, udp_associate = 3 };

// What a proxy says to a request (RFC 1928 section 6). All but the first are error codes too; in
// brackets: the errno in the C API.
enum class reply {
  succeeded = 0,
  general_failure = 1,             // [EIO]
  not_allowed = 2,                 // by the rules of the proxy [EACCES]
  network_unreachable = 3,         // [ENETUNREACH]
  host_unreachable = 4,            // [EHOSTUNREACH]
  connection_refused = 5,          // by the host [ECONNREFUSED]
  ttl_expired = 6,                 // [ETIMEDOUT]
  command_not_supported = 7,       // [EOPNOTSUPP]
  address_type_not_supported = 8,  // [EAFNOSUPPORT]
  // No replies, but refusals as well: only as error codes.
  no_acceptable_method = 0x100,  // proxy and client share no way to authenticate [EACCES]
  bad_credentials = 0x101,       // user name or password are wrong [EACCES]
};

const std::error_category& reply_category() noexcept;
std::error_code make_error_code(reply r) noexcept;

// Where to: a name of 1 to 255 bytes, or the literal of an IPv4 or IPv6 address ("192.0.2.1",
// "2001:db8::1", with or without brackets), which travels as the address it is.
struct endpoint {
  std::string host = "0.0.0.0";
  std::uint16_t port = 0;

  bool operator==(const endpoint&) const = default;
};

// At most 255 bytes each, any bytes at all.
struct credentials {
  std::string user;
  std::string password;
};

// What the client can do.
struct greeting {
  std::bitset<256> methods;

  bool offers(method m) const noexcept { return methods[static_cast<unsigned char>(m)]; }
};

// Which of it the proxy wants.
struct choice {
  method wanted = method::unacceptable;
};

// What the proxy says to credentials.
struct verdict {
  bool accepted = false;
};

struct request {
  command what = command::connect;
  endpoint to;
};

// For connect, `bound` is where the proxy connects from; for bind, where it waits.
struct response {
  reply code = reply::succeeded;
  endpoint bound;
};

// How long the message is that `in` begins with, as far as that tells; `out` is of use once that is
// at most in.size(). errc::protocol: another version, a set reserved byte, a name that is empty or
// has blanks or control characters, a reply that does not exist; for a request also
// reply::command_not_supported and reply::address_type_not_supported, which is what to answer then.
// ENOMEM.
result<std::size_t> parse(bytes in, greeting& out) noexcept;
result<std::size_t> parse(bytes in, choice& out) noexcept;
result<std::size_t> parse(bytes in, credentials& out) noexcept;
result<std::size_t> parse(bytes in, verdict& out) noexcept;
result<std::size_t> parse(bytes in, request& out) noexcept;
result<std::size_t> parse(bytes in, response& out) noexcept;

// The message as bytes. EINVAL: a host that is neither name nor literal, credentials that are too
// long, no method or more than 255, a reply that only exists as an error code. ENOMEM.
result<std::string> format(const greeting& message) noexcept;
result<std::string> format(const choice& message) noexcept;
result<std::string> format(const credentials& message) noexcept;
result<std::string> format(const verdict& message) noexcept;
result<std::string> format(const request& message) noexcept;
result<std::string> format(const response& message) noexcept;

}  // namespace caraway::socks5

template <>
struct std::is_error_code_enum<caraway::socks5::reply> : std::true_type {};
