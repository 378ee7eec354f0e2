// tcp.cpp - TCP connections and listeners.
#include "capi/tcp.hpp"

#include "capi/adopted_fd.hpp"
#include "capi/ipaddr.hpp"
#include "capi/listener.hpp"
#include "capi/stream.hpp"

namespace caraway::capi {
namespace {

using listener = listener_object<tcp::listener>;

const char tcp_type_id = 0;
const void* const tcp_type = &tcp_type_id;
const char tcp_listener_type_id = 0;
const void* const tcp_listener_type = &tcp_listener_type_id;

int fail_with(std::error_code why) noexcept {
  return outcome(to_errno(why));
}

int listen_at(dill_ipaddr* addr, int backlog, dill_tcp_listener_storage* mem) noexcept {
  if (const int code = cannot_begin(); code != 0) return outcome(code);
  const auto at = from_ipaddr(addr);
  if (!at) return fail_with(at.error());
  auto l = tcp::try_listen(*at, {.backlog = backlog});
  if (!l) return fail_with(l.error());
  dill_ipaddr_setport(addr, l->local_address().port());
  return make_listener(std::move(*l), tcp_listener_type, mem);
}

int accept_from(int s, dill_ipaddr* addr, dill_tcp_storage* mem, std::int64_t deadline) noexcept {
  if (const int code = cannot_begin(); code != 0) return outcome(code);
  auto* l = own<listener>(s, tcp_listener_type);
  if (l == nullptr) return -1;
  auto accepted = l->accept(to_deadline(deadline));
  if (!accepted) return fail_with(accepted.error());
  if (addr != nullptr) to_ipaddr((*accepted)->peer_address(), *addr);
  return make_stream(std::move(*accepted), tcp_type, mem);
}

int connect_to(const dill_ipaddr* addr, dill_tcp_storage* mem, std::int64_t deadline) noexcept {
  if (const int code = cannot_begin(); code != 0) return outcome(code);
  const auto to = from_ipaddr(addr);
  if (!to) return fail_with(to.error());
  auto connected = tcp::try_connect(*to, to_deadline(deadline));
  if (!connected) return fail_with(connected.error());
  return make_stream(std::move(*connected), tcp_type, mem);
}

int listener_from_fd(int fd, dill_tcp_listener_storage* mem) noexcept {
  return adopt_fd(fd, [mem](unique_fd copy) {
    auto l = tcp::try_listener_from_fd(std::move(copy));
    if (!l) return fail_with(l.error());
    return make_listener(std::move(*l), tcp_listener_type, mem);
  });
}

int stream_from_fd(int fd, dill_tcp_storage* mem) noexcept {
  return adopt_fd(fd, [mem](unique_fd copy) {
    auto made = tcp::try_from_fd(std::move(copy));
    if (!made) return fail_with(made.error());
    return make_stream(std::move(*made), tcp_type, mem);
  });
}

}  // namespace

int make_tcp(tcp::stream_ptr connection, std::string_view host) noexcept {
  std::unique_ptr<const std::string> name;
  const int code = without_exceptions([&] { return name = make_host(host), 0; });
  if (code != 0) return outcome(code);
  const int h =
      make_stream(std::move(connection), tcp_type, static_cast<dill_tcp_storage*>(nullptr));
  if (h >= 0) own<stream_object>(h, stream_type)->host = std::move(name);
  return h;
}

}  // namespace caraway::capi

using namespace caraway;
using namespace caraway::capi;

int dill_tcp_listen(dill_ipaddr* addr, int backlog) {
  return listen_at(addr, backlog, nullptr);
}

int dill_tcp_listen_mem(dill_ipaddr* addr, int backlog, dill_tcp_listener_storage* mem) {
  return mem == nullptr ? outcome(EINVAL) : listen_at(addr, backlog, mem);
}

int dill_tcp_accept(int s, dill_ipaddr* addr, std::int64_t deadline) {
  return accept_from(s, addr, nullptr, deadline);
}

int dill_tcp_accept_mem(int s, dill_ipaddr* addr, dill_tcp_storage* mem, std::int64_t deadline) {
  return mem == nullptr ? outcome(EINVAL) : accept_from(s, addr, mem, deadline);
}

int dill_tcp_connect(const dill_ipaddr* addr, std::int64_t deadline) {
  return connect_to(addr, nullptr, deadline);
}

int dill_tcp_connect_mem(const dill_ipaddr* addr, dill_tcp_storage* mem, std::int64_t deadline) {
  return mem == nullptr ? outcome(EINVAL) : connect_to(addr, mem, deadline);
}

int dill_tcp_done(int s, std::int64_t deadline) {
  return stream_done(s, tcp_type, deadline);
}

int dill_tcp_close(int s, std::int64_t deadline) {
  if (own<listener>(s, tcp_listener_type) != nullptr) return dill_hclose(s);
  return stream_close(s, tcp_type, deadline);
}

int dill_tcp_listener_fromfd(int fd) {
  return listener_from_fd(fd, nullptr);
}

int dill_tcp_listener_fromfd_mem(int fd, dill_tcp_listener_storage* mem) {
  return mem == nullptr ? outcome(EINVAL) : listener_from_fd(fd, mem);
}

int dill_tcp_fromfd(int fd) {
  return stream_from_fd(fd, nullptr);
}

int dill_tcp_fromfd_mem(int fd, dill_tcp_storage* mem) {
  return mem == nullptr ? outcome(EINVAL) : stream_from_fd(fd, mem);
}
