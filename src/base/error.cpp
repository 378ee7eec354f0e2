#include "caraway/error.hpp"

#include <cerrno>

namespace caraway {
namespace {

struct entry {
  int condition;
  const char* text;
};

entry look_up(int value) noexcept {
  switch (static_cast<errc>(value)) {
    case errc::end_of_stream:
      return {EPIPE, "the peer has finished sending"};
    case errc::closed:
      return {EPIPE, "this side has finished sending"};
    case errc::message_too_big:
      return {EMSGSIZE, "a size limit was exceeded"};
    case errc::protocol:
      return {EPROTO, "the peer broke the protocol"};
    case errc::policy_violation:
      return {EPROTO, "the peer did something more often than it may"};
    case errc::peer_closed:
      return {EPIPE, "the peer closed the conversation"};
    case errc::keepalive:
      return {ECONNRESET, "the peer gave no sign of life"};
    case errc::idle:
      return {EPIPE, "no message came or went for too long"};
    case errc::handshake_refused:
      return {EPROTO, "the server refused the handshake"};
    case errc::invalid_url:
      return {EINVAL, "the URL is not valid here"};
    case errc::name_not_found:
      return {EADDRNOTAVAIL, "the name has no address"};
    case errc::resolver_failed:
      return {EAGAIN, "the resolver failed for now"};
  }
  return {EIO, "unknown error"};
}

class caraway_category final : public std::error_category {
 public:
  const char* name() const noexcept override { return "caraway"; }
  std::string message(int value) const override { return look_up(value).text; }
  std::error_condition default_error_condition(int value) const noexcept override {
    return {look_up(value).condition, std::generic_category()};
  }
};

}  // namespace

const std::error_category& category() noexcept {
  static const caraway_category instance;
  return instance;
}

std::error_code make_error_code(errc e) noexcept {
  return {static_cast<int>(e), category()};
}

int to_errno(std::error_code code) noexcept {
  if (code.category() == std::system_category()) return code.value();
  const std::error_condition condition = code.default_error_condition();
  return condition.category() == std::generic_category() ? condition.value() : EIO;
}

void raise(std::error_code code, const char* doing) {
  if (code == std::errc::operation_canceled) throw cancelled{};
  throw error(code, doing);
}

}  // namespace caraway
