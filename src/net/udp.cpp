// udp.cpp - datagrams over IPv4 and IPv6.
//
// A received datagram lies in a buffer lent by the thread's pool, from the moment it is there until the
// next receive: a socket that waits owns none. One that did not fit is kept for the next receive.
//
// Who is in the middle of a call when another coroutine closes the socket is woken, and the last to leave
// closes the descriptor, so that nobody uses a number that is somebody else's by then.
#include "caraway/udp.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>
#include <utility>

#include "caraway/fd.hpp"
#include "caraway/mutex.hpp"
#include "net/socket_core.hpp"
#include "net/socket_option.hpp"

namespace caraway::udp {
namespace {

constexpr std::size_t parts_at_once = 64;
// No datagram has more, whatever the family (RFC 768: the length is of 16 bits).
constexpr std::size_t largest = 65535;

// The pieces of one datagram as sendmsg(2) wants them. Too many are copied into one.
class gathered {
 public:
  // 0, EMSGSIZE or ENOMEM.
  int set(parts ps) noexcept {
    if (total_size(ps) > largest) return EMSGSIZE;
    if (ps.size() > parts_at_once) return copy(ps);
    for (bytes p : ps) pieces_[count_++] = {const_cast<std::byte*>(p.data()), p.size()};
    return 0;
  }

  msghdr message() noexcept {
    msghdr m{};
    m.msg_iov = pieces_;
    m.msg_iovlen = count_;
    return m;
  }

 private:
  int copy(parts ps) noexcept {
    whole_ = runtime::scheduler::current().buffers().borrow(largest);
    if (!whole_) return ENOMEM;
    std::size_t size = 0;
    for (bytes p : ps) {
      std::copy(p.begin(), p.end(), whole_.memory() + size);
      size += p.size();
    }
    pieces_[count_++] = {whole_.memory(), size};
    return 0;
  }

  iovec pieces_[parts_at_once];
  std::size_t count_ = 0;
  runtime::lent_buffer whole_;
};

class socket_impl final : public socket {
 public:
  socket_impl(unique_fd fd, std::unique_ptr<runtime::io_handle> handle,
              const address& peer) noexcept
      : fd_(std::move(fd)), handle_(std::move(handle)), peer_(peer) {}
  ~socket_impl() override { close_descriptor(); }

  result<void> try_send(parts ps, deadline dl) override;
  result<void> try_send_to(parts ps, const address& to, deadline dl) override;
  result<datagram> try_recv_from(deadline dl) override;
  result<bytes> try_recv(deadline dl) override;
  result<std::size_t> try_recv_into(mutable_bytes into, deadline dl) override;
  void release() noexcept override;
  result<void> try_close(deadline) override;
  void abort() noexcept override;

  int fd() const noexcept override { return closed_ ? -1 : fd_.get(); }
  address local_address() const noexcept override {
    return closed_ ? address() : net::name_of(&runtime::kernel::getsockname, system(), fd());
  }
  const address& peer_address() const noexcept override { return peer_; }

 private:
  class use;

  runtime::kernel& system() const noexcept { return handle_->system(); }
  result<void> send(parts ps, const address* to, deadline dl) noexcept;
  result<void> send_alone(const msghdr& message, deadline dl) noexcept;
  result<void> receive(deadline dl) noexcept;
  result<void> receive_next(deadline dl) noexcept;
  void close_descriptor() noexcept;

  unique_fd fd_;
  std::unique_ptr<runtime::io_handle> handle_;
  mutex line_;  // of those who send
  address peer_;
  address from_;  // of the datagram in held_
  runtime::lent_buffer held_;
  bool kept_ = false;  // held_ has not been received yet: it did not fit
  bool receiving_ = false;
  bool closed_ = false;
  unsigned users_ = 0;  // coroutines in the middle of a call
};

class socket_impl::use {
 public:
  explicit use(socket_impl& s) noexcept : socket_(s) { ++socket_.users_; }
  ~use() {
    if (--socket_.users_ == 0 && socket_.closed_) socket_.close_descriptor();
  }
  use(const use&) = delete;
  use& operator=(const use&) = delete;

 private:
  socket_impl& socket_;
};

// --- sending ---

result<void> socket_impl::try_send(parts ps, deadline dl) {
  if (closed_) return fail(errc::closed);
  if (!peer_) return fail(EDESTADDRREQ);
  return send(ps, nullptr, dl);
}

result<void> socket_impl::try_send_to(parts ps, const address& to, deadline dl) {
  if (closed_) return fail(errc::closed);
  if (!to) return fail(EINVAL);
  return send(ps, &to, dl);
}

result<void> socket_impl::send(parts ps, const address* to, deadline dl) noexcept {
  gathered pieces;
  if (const int code = pieces.set(ps); code != 0) return fail(code);
  msghdr message = pieces.message();
  if (to != nullptr) {
    message.msg_name = const_cast<sockaddr*>(to->native());
    message.msg_namelen = to->native_size();
  }
  const use in_progress(*this);
  auto sent = send_alone(message, dl);
  if (closed_) return fail(ECANCELED);
  return sent;
}

result<void> socket_impl::send_alone(const msghdr& message, deadline dl) noexcept {
  if (auto turn = line_.try_lock(dl); !turn) return turn;
  auto sent = closed_ ? result<void>(fail(ECANCELED)) : handle_->send_datagram(message, dl);
  line_.unlock();
  return sent;
}

// --- receiving ---

// What is received next lies in held_.
result<void> socket_impl::receive(deadline dl) noexcept {
  if (closed_) return fail(errc::closed);
  if (receiving_) return fail(EBUSY);
  if (std::exchange(kept_, false)) return {};
  held_.reset();
  const use in_progress(*this);
  receiving_ = true;
  auto received = receive_next(dl);
  receiving_ = false;
  if (!closed_) return received;
  held_.reset();
  return fail(ECANCELED);
}

// The kernel keeps strangers out once a socket is connected, but not those who came before.
result<void> socket_impl::receive_next(deadline dl) noexcept {
  do {
    sockaddr_storage name;
    socklen_t size = 0;
    auto block = handle_->recv_datagram(name, size, dl);
    if (!block) return fail(block.error());
    held_ = std::move(*block);
    from_ = address::from_native(reinterpret_cast<sockaddr*>(&name), size).value_or(address());
  } while (peer_ && from_ != peer_);
  return {};
}

result<datagram> socket_impl::try_recv_from(deadline dl) {
  if (auto r = receive(dl); !r) return fail(r.error());
  return datagram{{held_.memory(), held_.size()}, from_};
}

result<bytes> socket_impl::try_recv(deadline dl) {
  if (auto r = receive(dl); !r) return fail(r.error());
  return bytes(held_.memory(), held_.size());
}

result<std::size_t> socket_impl::try_recv_into(mutable_bytes into, deadline dl) {
  if (auto r = receive(dl); !r) return fail(r.error());
  const std::size_t size = held_.size();
  if (size > into.size()) {
    kept_ = true;
    return fail(EMSGSIZE);
  }
  std::copy_n(held_.memory(), size, into.begin());
  held_.reset();
  return size;
}

void socket_impl::release() noexcept {
  if (!kept_) held_.reset();
}

// --- the end ---

result<void> socket_impl::try_close(deadline) {
  if (closed_) return fail(errc::closed);
  abort();
  return {};
}

void socket_impl::abort() noexcept {
  if (closed_) return;
  const use in_progress(*this);
  closed_ = true;
  held_.reset();
  peer_ = {};
  handle_->end_waiting();
}

void socket_impl::close_descriptor() noexcept {
  handle_.reset();
  fd_.reset();
}

// --- making one ---

result<void> set_options(runtime::kernel& k, int fd, const options& o) noexcept {
  if (o.reuse_port)
    if (auto r = net::set_option(k, fd, SOL_SOCKET, SO_REUSEPORT, 1); !r) return r;
  if (o.broadcast)
    if (auto r = net::set_option(k, fd, SOL_SOCKET, SO_BROADCAST, 1); !r) return r;
  return {};
}

result<void> bind_to(runtime::kernel& k, int fd, const address& local) noexcept {
  if (auto r = net::set_only_ipv6(k, fd, local); !r) return r;
  if (k.bind(fd, local.native(), local.native_size()) != 0) return fail(errno);
  return {};
}

// At `local` and connected to `peer`, whichever is an address.
result<socket_ptr> make(int family, const address& local, const address& peer, const options& o) {
  if (const int code = lowlevel::ready(); code != 0) return fail(code);
  runtime::kernel& k = net::system();
  unique_fd fd(k.socket(family, SOCK_DGRAM, 0));
  if (!fd) return fail(errno);
  if (auto r = set_options(k, fd.get(), o); !r) return fail(r.error());
  if (local)
    if (auto r = bind_to(k, fd.get(), local); !r) return fail(r.error());
  if (peer && k.connect(fd.get(), peer.native(), peer.native_size()) != 0) return fail(errno);
  auto handle = net::watch(fd.get());
  if (!handle) return fail(handle.error());
  // As the kernel names it: "any" has become this machine.
  const address named = peer ? net::name_of(&runtime::kernel::getpeername, k, fd.get()) : address();
  auto* s = new (std::nothrow) socket_impl(std::move(fd), std::move(*handle), named);
  if (s == nullptr) return fail(ENOMEM);
  return socket_ptr(s);
}

}  // namespace

result<socket_ptr> try_bind(const address& local, const options& o) {
  auto made = make(local.family(), local, {}, o);
  const bool no_ipv6 = !made && made.error() == os_error(EAFNOSUPPORT) && local.is_ipv6();
  if (no_ipv6 && local == address::any(local.port()))
    return try_bind(address::any_ipv4(local.port()), o);
  return made;
}

result<socket_ptr> try_connect(const address& peer, const address& local, const options& o) {
  if (local && local.family() != peer.family()) return fail(EINVAL);
  return make(peer.family(), local, peer, o);
}

}  // namespace caraway::udp
