// unix.cpp - stream sockets within this machine.
#include "caraway/unix.hpp"

#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <new>

#include "caraway/this_task.hpp"
#include "net/socket_check.hpp"
#include "net/socket_listener.hpp"
#include "net/socket_stream.hpp"
#include "runtime/scheduler.hpp"

namespace caraway::local {

using net::role;

namespace {

runtime::kernel& system() {
  return runtime::scheduler::current().system();
}

class socket final : public net::socket_stream<stream> {
 public:
  socket(unique_fd fd, std::unique_ptr<runtime::io_handle> handle) noexcept
      : socket_stream(std::move(fd), std::move(handle), net::ending::plain) {}

  void set_read_ahead(bool on) noexcept override { core_.set_read_ahead(on); }
  result<void> try_send_fd(int fd, deadline dl) override { return core_.send_fd(fd, dl); }
  result<unique_fd> try_recv_fd(deadline dl) override { return core_.recv_fd(dl); }
};

result<stream_ptr> make_stream(unique_fd fd, std::unique_ptr<runtime::io_handle> handle) noexcept {
  auto* s = new (std::nothrow) socket(std::move(fd), std::move(handle));
  if (s == nullptr) {
    handle.reset();
    return fail(ENOMEM);
  }
  return stream_ptr(s);
}

result<stream_ptr> make_stream(unique_fd fd) {
  auto handle = net::watch(fd.get());
  if (!handle) return fail(handle.error());
  return make_stream(std::move(fd), std::move(*handle));
}

result<unique_fd> make_socket() {
  if (const int code = lowlevel::ready(); code != 0) return fail(code);
  unique_fd fd(system().socket(AF_UNIX, SOCK_STREAM, 0));
  if (!fd) return fail(errno);
  return fd;
}

// A path as the kernel wants it.
struct path_address {
  sockaddr_un native{};
  socklen_t size = 0;
};

result<path_address> to_native(std::string_view path) noexcept {
  path_address a;
  if (path.empty()) return fail(EINVAL);
  if (path.size() >= sizeof a.native.sun_path) return fail(ENAMETOOLONG);
  const bool is_abstract = path.front() == '\0';
  if (!is_abstract && path.find('\0') != path.npos) return fail(EINVAL);
  a.native.sun_family = AF_UNIX;
  std::memcpy(a.native.sun_path, path.data(), path.size());
  // The zero byte behind a path counts, a name in the abstract namespace ends without one.
  a.size =
      static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + (is_abstract ? 0 : 1));
  return a;
}

// A full backlog is EAGAIN, and no event tells of its end: asks again, less and less often.
result<void> connect_patiently(runtime::io_handle& handle, const path_address& to, deadline dl) {
  std::chrono::milliseconds pause(1);
  for (;;) {
    auto r = handle.connect(reinterpret_cast<const sockaddr*>(&to.native), to.size, dl);
    if (r || r.error() != os_error(EAGAIN)) return r;
    if (auto slept = try_sleep(earlier(pause, dl)); !slept) return slept;
    if (dl.passed()) return fail(ETIMEDOUT);
    pause = std::min(2 * pause, std::chrono::milliseconds(64));
  }
}

}  // namespace

result<stream_ptr> try_connect(std::string_view path, deadline dl) {
  const auto to = to_native(path);
  if (!to) return fail(to.error());
  auto fd = make_socket();
  if (!fd) return fail(fd.error());
  auto handle = net::watch(fd->get());
  if (!handle) return fail(handle.error());
  if (auto r = connect_patiently(**handle, *to, dl); !r) return fail(r.error());
  return make_stream(std::move(*fd), std::move(*handle));
}

result<std::pair<stream_ptr, stream_ptr>> try_pair() {
  if (const int code = lowlevel::ready(); code != 0) return fail(code);
  int fds[2];
  if (system().socketpair(AF_UNIX, SOCK_STREAM, 0, fds) != 0) return fail(errno);
  unique_fd first_fd(fds[0]);
  unique_fd second_fd(fds[1]);
  auto first = make_stream(std::move(first_fd));
  if (!first) return fail(first.error());
  auto second = make_stream(std::move(second_fd));
  if (!second) return fail(second.error());
  return std::pair(std::move(*first), std::move(*second));
}

result<stream_ptr> try_from_fd(unique_fd fd) {
  if (const int code = lowlevel::ready(); code != 0) return fail(code);
  if (auto r = net::check_socket(system(), fd.get(), AF_UNIX, AF_UNIX, role::connected); !r)
    return fail(r.error());
  return make_stream(std::move(fd));
}

// --- listening ---

struct listener::impl : net::socket_listener {
  using socket_listener::socket_listener;
};

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

result<unique_fd> listener::try_accept_fd(deadline dl) {
  if (impl_ == nullptr) return fail(errc::closed);
  const std::shared_ptr<impl> keep = impl_;
  return keep->accept(nullptr, nullptr, dl);
}

result<stream_ptr> listener::try_accept(deadline dl) {
  auto fd = try_accept_fd(dl);
  if (!fd) return fail(fd.error());
  return make_stream(std::move(*fd));
}

result<listener> try_listen(std::string_view path, int backlog) {
  const auto at = to_native(path);
  if (!at) return fail(at.error());
  auto fd = make_socket();
  if (!fd) return fail(fd.error());
  runtime::kernel& k = system();
  if (k.bind(fd->get(), reinterpret_cast<const sockaddr*>(&at->native), at->size) != 0)
    return fail(errno);
  auto made = k.listen(fd->get(), backlog) == 0 ? try_listener_from_fd(std::move(*fd))
                                                : result<listener>(fail(errno));
  const bool is_file = at->native.sun_path[0] != '\0';
  if (!made && is_file) ::unlink(at->native.sun_path);
  return made;
}

result<listener> try_listener_from_fd(unique_fd fd) try {
  if (const int code = lowlevel::ready(); code != 0) return fail(code);
  if (auto r = net::check_socket(system(), fd.get(), AF_UNIX, AF_UNIX, role::listening); !r)
    return fail(r.error());
  auto handle = net::watch(fd.get());
  if (!handle) return fail(handle.error());
  return listener(std::make_shared<listener::impl>(std::move(fd), std::move(*handle)));
} catch (const std::bad_alloc&) {
  return fail(ENOMEM);
}

}  // namespace caraway::local
