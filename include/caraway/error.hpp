// error.hpp - the one way to fail.
//
// A call that can fail exists twice: `try_recv` returns result<T>, a std::expected with a
// std::error_code; `recv` is the same call plus a throw: of caraway::cancelled if the code is
// ECANCELED, else of caraway::error. Everything inside the library uses the first form.
//
// Codes of the operating system are errno values in std::generic_category(), so that
// `code == std::errc::timed_out` reads well. What errno has no word for is in caraway::errc; each
// of those also compares equal to the errno the C API reports for it (its default error condition).
#pragma once

#include <expected>
#include <string>
#include <system_error>
#include <utility>

namespace caraway {

template <class T>
using result = std::expected<T, std::error_code>;

// What can go wrong beyond errno. In brackets: the errno it is in the C API.
enum class errc {
  end_of_stream = 1,  // the peer has finished sending; nothing is buffered any more [EPIPE]
  closed,             // this side has finished sending or was closed [EPIPE]
  message_too_big,    // a limit on size or count was exceeded [EMSGSIZE]
  protocol,           // the peer broke the rules of the protocol [EPROTO]
  policy_violation,   // the peer did more often than it may what the protocol allows [EPROTO]
  peer_closed,        // the peer closed the conversation with a code and a reason [EPIPE]
  keepalive,          // the peer gave no sign of life, and was given up [ECONNRESET]
  idle,               // no message for too long, so this side closed the conversation [EPIPE]
  handshake_refused,  // the server answered the upgrade with another status [EPROTO]
  invalid_url,        // not a URL, or a scheme that is not known here [EINVAL]
  name_not_found,     // the name resolves to no address [EADDRNOTAVAIL]
  resolver_failed,    // the resolver is out of order; try again later [EAGAIN]
};

const std::error_category& category() noexcept;
std::error_code make_error_code(errc e) noexcept;

// An errno value as an error code.
inline std::error_code os_error(int value) noexcept {
  return {value, std::generic_category()};
}

// The errno that stands for `code`: the value itself in the generic and system category, the
// default condition for others, EIO if there is none.
int to_errno(std::error_code code) noexcept;

// What `try_` functions return on failure.
inline std::unexpected<std::error_code> fail(int value) noexcept {
  return std::unexpected(os_error(value));
}
inline std::unexpected<std::error_code> fail(std::error_code code) noexcept {
  return std::unexpected(code);
}
inline std::unexpected<std::error_code> fail(errc e) noexcept {
  return std::unexpected(make_error_code(e));
}

// Thrown by the functions without `try_`.
class error : public std::system_error {
 public:
  using std::system_error::system_error;
};

// Thrown instead when the coroutine was cancelled. Not a std::exception, so that no handler of
// errors swallows it. Let it pass: the task group that cancelled the coroutine catches it.
class cancelled {
 public:
  const char* what() const noexcept { return "coroutine cancelled"; }
};

// Throws `cancelled` for ECANCELED, `error` for everything else. `doing` comes first in the text.
[[noreturn]] void raise(std::error_code code, const char* doing);

// The value, or the throw described above.
template <class T>
T value_or_raise(result<T>&& r, const char* doing) {
  if (!r) [[unlikely]]
    raise(r.error(), doing);
  if constexpr (!std::is_void_v<T>) return std::move(*r);
}

}  // namespace caraway

template <>
struct std::is_error_code_enum<caraway::errc> : std::true_type {};
