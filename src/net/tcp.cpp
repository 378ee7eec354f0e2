// tcp.cpp - TCP connections and listeners.
#include "caraway/tcp.hpp"

#include <netinet/tcp.h>

#include <algorithm>
#include <cerrno>
#include <new>

#include "caraway/resolver.hpp"
#include "net/connect_race.hpp"
#include "net/socket_check.hpp"
#include "net/socket_listener.hpp"
#include "net/socket_option.hpp"
#include "net/socket_stream.hpp"

namespace caraway::tcp {

using net::name_of;
using net::role;
using net::set_option;
using net::system;

namespace {

class socket final : public net::socket_stream<stream> {
 public:
  socket(unique_fd fd, std::unique_ptr<runtime::io_handle> handle, const address& peer) noexcept
      : socket_stream(std::move(fd), std::move(handle), net::ending::may_reset), peer_(peer) {}

  address local_address() const noexcept override {
    return fd() < 0 ? address() : name_of(&runtime::kernel::getsockname, core_.system(), fd());
  }
  const address& peer_address() const noexcept override { return peer_; }

  result<void> try_set_nodelay(bool on) noexcept override {
    if (fd() < 0) return fail(errc::closed);
    return set_option(core_.system(), fd(), IPPROTO_TCP, TCP_NODELAY, on ? 1 : 0);
  }

  result<void> try_set_keepalive(std::chrono::seconds idle) noexcept override;

 private:
  address peer_;
};

// The probes after the first one come in a third of the time, and three of them are enough.
result<void> socket::try_set_keepalive(std::chrono::seconds idle) noexcept {
  if (fd() < 0) return fail(errc::closed);
  const int seconds = static_cast<int>(std::clamp<long long>(idle.count(), 0, 32767));
  runtime::kernel& k = core_.system();
  if (seconds == 0) return set_option(k, fd(), SOL_SOCKET, SO_KEEPALIVE, 0);
  const std::pair<int, int> times[] = {
      {TCP_KEEPIDLE, seconds}, {TCP_KEEPINTVL, std::max(1, seconds / 3)}, {TCP_KEEPCNT, 3}};
  for (const auto& [name, value] : times)
    if (auto set = set_option(k, fd(), IPPROTO_TCP, name, value); !set) return set;
  return set_option(k, fd(), SOL_SOCKET, SO_KEEPALIVE, 1);
}

// Small messages must not wait for the acknowledgement of earlier ones: a failure costs speed only.
result<stream_ptr> make_stream(unique_fd fd, std::unique_ptr<runtime::io_handle> handle,
                               const address& peer) noexcept {
  static_cast<void>(set_option(handle->system(), fd.get(), IPPROTO_TCP, TCP_NODELAY, 1));
  auto* s = new (std::nothrow) socket(std::move(fd), std::move(handle), peer);
  if (s == nullptr) {
    handle.reset();
    return fail(ENOMEM);
  }
  return stream_ptr(s);
}

result<unique_fd> make_socket(int family) {
  if (const int code = lowlevel::ready(); code != 0) return fail(code);
  unique_fd fd(system().socket(family, SOCK_STREAM, 0));
  if (!fd) return fail(errno);
  return fd;
}

}  // namespace

result<stream_ptr> try_connect(const address& to, deadline dl) {
  auto fd = make_socket(to.family());
  if (!fd) return fail(fd.error());
  auto handle = net::watch(fd->get());
  if (!handle) return fail(handle.error());
  if (auto r = (*handle)->connect(to.native(), to.native_size(), dl); !r) return fail(r.error());
  return make_stream(std::move(*fd), std::move(*handle), to);
}

result<stream_ptr> try_connect(std::string_view host, std::uint16_t port, deadline dl) try {
  const auto found = try_resolve(host, port, dl);
  if (!found) return fail(found.error());
  return net::connect_first(net::alternate_families(*found), dl);
} catch (const std::bad_alloc&) {
  return fail(ENOMEM);
}

result<stream_ptr> try_from_fd(unique_fd fd) {
  if (const int code = lowlevel::ready(); code != 0) return fail(code);
  if (auto r = net::check_socket(system(), fd.get(), AF_INET, AF_INET6, role::connected); !r)
    return fail(r.error());
  auto handle = net::watch(fd.get());
  if (!handle) return fail(handle.error());
  const address peer = name_of(&runtime::kernel::getpeername, system(), fd.get());
  return make_stream(std::move(fd), std::move(*handle), peer);
}

// --- listening ---

struct listener::impl : net::socket_listener {
  using socket_listener::socket_listener;
};

namespace {

result<void> bind_and_listen(int fd, const address& at, const listen_options& options) {
  runtime::kernel& k = system();
  if (auto r = set_option(k, fd, SOL_SOCKET, SO_REUSEADDR, 1); !r) return r;
  if (options.reuse_port)
    if (auto r = set_option(k, fd, SOL_SOCKET, SO_REUSEPORT, 1); !r) return r;
  if (auto r = net::set_only_ipv6(k, fd, at); !r) return r;
  if (k.bind(fd, at.native(), at.native_size()) != 0) return fail(errno);
  if (k.listen(fd, options.backlog) != 0) return fail(errno);
  return {};
}

}  // namespace

listener::listener() noexcept = default;
listener::listener(std::shared_ptr<impl> i) noexcept : impl_(std::move(i)) {}
listener::listener(listener&& other) noexcept = default;
listener& listener::operator=(listener&& other) noexcept {
  close();
  impl_ = std::move(other.impl_);
  return *this;
}
listener::~listener() {
  close();
}

void listener::close() noexcept {
  if (impl_ != nullptr) impl_->close();
}

int listener::fd() const noexcept {
  return impl_ == nullptr ? -1 : impl_->fd();
}

address listener::local_address() const noexcept {
  return fd() < 0 ? address() : name_of(&runtime::kernel::getsockname, impl_->system(), fd());
}

result<unique_fd> listener::try_accept_fd(deadline dl) {
  if (impl_ == nullptr) return fail(errc::closed);
  const std::shared_ptr<impl> keep = impl_;
  return keep->accept(nullptr, nullptr, dl);
}

result<stream_ptr> listener::try_accept(deadline dl) {
  if (impl_ == nullptr) return fail(errc::closed);
  const std::shared_ptr<impl> keep = impl_;
  sockaddr_storage name{};
  socklen_t size = sizeof name;
  auto fd = keep->accept(&name, &size, dl);
  if (!fd) return fail(fd.error());
  auto handle = net::watch(fd->get());
  if (!handle) return fail(handle.error());
  const auto peer = address::from_native(reinterpret_cast<const sockaddr*>(&name), size);
  return make_stream(std::move(*fd), std::move(*handle), peer.value_or(address()));
}

result<listener> try_listen(const address& at, const listen_options& options) {
  auto fd = make_socket(at.family());
  const bool no_ipv6 = !fd && fd.error() == os_error(EAFNOSUPPORT) && at.is_ipv6();
  if (no_ipv6 && at == address::any(at.port()))
    return try_listen(address::any_ipv4(at.port()), options);
  if (!fd) return fail(fd.error());
  if (auto r = bind_and_listen(fd->get(), at, options); !r) return fail(r.error());
  return try_listener_from_fd(std::move(*fd));
}

result<listener> try_listener_from_fd(unique_fd fd) try {
  if (const int code = lowlevel::ready(); code != 0) return fail(code);
  if (auto r = net::check_socket(system(), fd.get(), AF_INET, AF_INET6, role::listening); !r)
    return fail(r.error());
  auto handle = net::watch(fd.get());
  if (!handle) return fail(handle.error());
  return listener(std::make_shared<listener::impl>(std::move(fd), std::move(*handle)));
} catch (const std::bad_alloc&) {
  return fail(ENOMEM);
}

}  // namespace caraway::tcp
