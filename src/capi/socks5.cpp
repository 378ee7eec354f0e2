// socks5.cpp - SOCKS version 5: plain functions on a bytestream, which stays the program's.
//
// They speak through bsendl() and brecvl(), whoever made the bytestream, so a direction that fails is left
// as those leave it, and a handle that another coroutine closes in the middle is a number like any other
// that stands for nothing.
#include "caraway/socks5.hpp"

#include <algorithm>
#include <optional>
#include <string_view>

#include "capi/foreign.hpp"
#include "capi/handle.hpp"
#include "capi/ipaddr.hpp"
#include "capi/stream.hpp"

namespace caraway::capi {
namespace {

// A bytestream by its number.
struct numbered : dill_bsock_vfs {
  explicit numbered(int s) noexcept : dill_bsock_vfs{send, receive}, number(s) {}

  static int send(dill_bsock_vfs* vfs, dill_iolist* first, dill_iolist* last,
                  std::int64_t deadline) {
    return dill_bsendl(static_cast<numbered*>(vfs)->number, first, last, deadline);
  }
  static int receive(dill_bsock_vfs* vfs, dill_iolist* first, dill_iolist* last,
                     std::int64_t deadline) {
    return dill_brecvl(static_cast<numbered*>(vfs)->number, first, last, deadline);
  }

  int number;
};

// Calls f(stream), which returns an errno value, with the bytestream `s`.
template <class F>
int speak(int s, F f) noexcept {
  if (query<dill_bsock_vfs>(s, dill_bsock_type) == nullptr) return -1;
  numbered bytestream(s);
  const stream_ptr stream = make_foreign(bytestream);
  if (stream == nullptr) return outcome(ENOMEM);
  return outcome(without_exceptions([&] { return f(*stream); }));
}

result<socks5::endpoint> to_endpoint(const dill_ipaddr* addr) {
  const auto a = from_ipaddr(addr);
  if (!a) return fail(a.error());
  char text[DILL_IPADDR_MAXSTRLEN];
  return socks5::endpoint{dill_ipaddr_str(addr, text), a->port()};
}

// As libdill has it, a user name without a password is none.
std::optional<socks5::credentials> to_credentials(const char* user, const char* password) {
  if (user == nullptr || password == nullptr) return std::nullopt;
  return socks5::credentials{user, password};
}

int connect_to(byte_stream& proxy, const result<socks5::endpoint>& to, const char* user,
               const char* password, std::int64_t deadline) {
  if (!to) return to_errno(to.error());
  const auto as = to_credentials(user, password);
  const auto dl = to_deadline(deadline);
  return code_of(as ? socks5::try_connect(proxy, *to, *as, dl)
                    : socks5::try_connect(proxy, *to, dl));
}

result<socks5::endpoint> to_endpoint(const char* hostname, int port) {
  if (hostname == nullptr || port < 1 || port > 65535) return fail(EINVAL);
  return socks5::endpoint{hostname, static_cast<std::uint16_t>(port)};
}

// The program gets strings, which end at the first zero: what holds one must not pass for less.
bool accepts(dill_socks5_auth_function* f, const socks5::credentials& who) {
  const bool plain = !who.user.contains('\0') && !who.password.contains('\0');
  return plain && f(who.user.c_str(), who.password.c_str()) != 0;
}

int check_password(byte_stream& client, dill_socks5_auth_function* f, deadline dl) {
  const auto who = socks5::try_receive_credentials(client, dl);
  if (!who) return to_errno(who.error());
  const bool accepted = accepts(f, *who);
  if (auto sent = socks5::try_send_verdict(client, accepted, dl); !sent)
    return to_errno(sent.error());
  return accepted ? 0 : EACCES;
}

// Requests that cannot be served have been answered; here they are broken rules like others.
int receive_command(byte_stream& client, socks5::request& asked, deadline dl) {
  auto got = socks5::try_receive_request(client, dl);
  if (got) {
    asked = std::move(*got);
    return 0;
  }
  const std::error_code why = got.error();
  return why.category() == socks5::reply_category() ? EPROTO : to_errno(why);
}

int receive_from(int s, socks5::request& asked, deadline dl) noexcept {
  return speak(s, [&](byte_stream& client) { return receive_command(client, asked, dl); });
}

}  // namespace
}  // namespace caraway::capi

using namespace caraway;
using namespace caraway::capi;

int dill_socks5_client_connect(int s, const char* username, const char* password, dill_ipaddr* addr,
                               std::int64_t deadline) {
  return speak(s, [&](byte_stream& proxy) {
    return connect_to(proxy, to_endpoint(addr), username, password, deadline);
  });
}

int dill_socks5_client_connectbyname(int s, const char* username, const char* password,
                                     const char* hostname, int port, std::int64_t deadline) {
  return speak(s, [&](byte_stream& proxy) {
    const auto to = to_endpoint(hostname, port);
    auto host = to ? make_host(hostname) : nullptr;
    const int code = connect_to(proxy, to, username, password, deadline);
    auto* o = code == 0 ? own<stream_object>(s, stream_type) : nullptr;
    if (o != nullptr) o->host = std::move(host);
    return code;
  });
}

int dill_socks5_proxy_auth(int s, dill_socks5_auth_function* auth_fn, std::int64_t deadline) {
  const auto dl = to_deadline(deadline);
  return speak(s, [&](byte_stream& client) {
    if (auth_fn != nullptr) return check_password(client, auth_fn, dl);
    return code_of(socks5::try_authenticate(client, dl));
  });
}

int dill_socks5_proxy_recvcommand(int s, dill_ipaddr* ipaddr, std::int64_t deadline) {
  if (query<dill_bsock_vfs>(s, dill_bsock_type) == nullptr) return -1;
  if (ipaddr == nullptr) return outcome(EINVAL);
  socks5::request asked;
  if (receive_from(s, asked, to_deadline(deadline)) != 0) return -1;
  if (dill_ipaddr_remote(ipaddr, asked.to.host.c_str(), asked.to.port, 0, deadline) != 0) return -1;
  return outcome(0, static_cast<int>(asked.what));
}

int dill_socks5_proxy_recvcommandbyname(int s, char* host, int* port, std::int64_t deadline) {
  if (query<dill_bsock_vfs>(s, dill_bsock_type) == nullptr) return -1;
  if (host == nullptr || port == nullptr) return outcome(EINVAL);
  socks5::request asked;
  if (receive_from(s, asked, to_deadline(deadline)) != 0) return -1;
  std::copy_n(asked.to.host.c_str(), asked.to.host.size() + 1, host);
  *port = asked.to.port;
  return outcome(0, static_cast<int>(asked.what));
}

int dill_socks5_proxy_sendreply(int s, int reply, dill_ipaddr* ipaddr, std::int64_t deadline) {
  return speak(s, [&](byte_stream& client) {
    const auto bound = to_endpoint(ipaddr);
    if (!bound) return to_errno(bound.error());
    if (reply < 0 || reply > DILL_SOCKS5_ADDRESS_TYPE_NOT_SUPPORTED) return EINVAL;
    return code_of(socks5::try_send_reply(client, static_cast<socks5::reply>(reply), *bound,
                                          to_deadline(deadline)));
  });
}
