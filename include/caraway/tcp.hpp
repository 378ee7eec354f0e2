// tcp.hpp - TCP connections and listeners.
//
// A connection is a byte_stream (see there for everything about receiving, writing and ending) that
// knows its addresses. A listener hands out connections, also after one accept timed out.
//
//     auto s = tcp::connect("example.org", 80, 5s);
//     s->write("GET / HTTP/1.0\r\n\r\n");
//     s->done();
//
//     auto l = tcp::listen(address::any(8080));
//     for (;;) tasks.go([s = l.accept()] { serve(*s); });
//
// The end of a connection, three ways: close(dl) loses nothing and waits until the peer has
// finished too, also while it keeps sending, up to the deadline; abort() resets the connection
// (RST); the destructor hands what is held back to the kernel as far as it takes it at once and
// closes.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

#include "caraway/address.hpp"
#include "caraway/byte_stream.hpp"
#include "caraway/deadline.hpp"
#include "caraway/error.hpp"
#include "caraway/fd.hpp"

namespace caraway::tcp {

class stream : public byte_stream {
 public:
  // The descriptor; stays the stream's. -1 once it is closed.
  virtual int fd() const noexcept = 0;

  // This end and the other one; no address once the stream is closed.
  virtual address local_address() const noexcept = 0;
  virtual const address& peer_address() const noexcept = 0;

  // Small writes leave at once (on, the default) or are gathered by the kernel (off). Errors of
  // setsockopt(2), errc::closed. Does not block.
  virtual result<void> try_set_nodelay(bool on) noexcept = 0;

  // The kernel probes a silent peer after `idle`, in whole seconds, and gives it up when it has not
  // answered for another `idle`; zero turns that off (the default). Does not block.
  virtual result<void> try_set_keepalive(std::chrono::seconds idle) noexcept = 0;

  void set_nodelay(bool on) { value_or_raise(try_set_nodelay(on), "set TCP_NODELAY"); }
  void set_keepalive(std::chrono::seconds idle) {
    value_or_raise(try_set_keepalive(idle), "set SO_KEEPALIVE");
  }
};

using stream_ptr = std::unique_ptr<stream>;

// A connection to `to`. Blocks. ECONNREFUSED, EHOSTUNREACH, ENETUNREACH and other errors of
// connect(2) and socket(2); ETIMEDOUT, ECANCELED: nothing is left behind. EMFILE, ENOMEM.
result<stream_ptr> try_connect(const address& to, deadline dl);

// A connection to `host`, a name or a literal: its addresses are tried in order, the next one 250
// ms after the last or as soon as that has failed, the first that answers is taken (RFC 8305).
// Blocks; `dl` is for all of it. Errors of try_resolve and of the first address that failed.
result<stream_ptr> try_connect(std::string_view host, std::uint16_t port, deadline dl);

// Takes over a connected socket; makes it non-blocking, close-on-exec and TCP_NODELAY. EBADF,
// ENOTSOCK, EINVAL if it is not a TCP socket or listens, ENOTCONN. Closes `fd` on failure.
result<stream_ptr> try_from_fd(unique_fd fd);

inline stream_ptr connect(const address& to, deadline dl = never) {
  return value_or_raise(try_connect(to, dl), "connect");
}
inline stream_ptr connect(std::string_view host, std::uint16_t port, deadline dl = never) {
  return value_or_raise(try_connect(host, port, dl), "connect");
}
inline stream_ptr from_fd(unique_fd fd) {
  return value_or_raise(try_from_fd(std::move(fd)), "take over socket");
}

struct listen_options {
  int backlog = 4096;       // connections that wait to be accepted; the kernel may keep fewer
  bool reuse_port = false;  // several listeners share the port (SO_REUSEPORT)
};

// Several coroutines may accept at once; connections go to them in the order in which they came.
class listener {
 public:
  // Listens nowhere.
  listener() noexcept;
  listener(listener&& other) noexcept;
  listener& operator=(listener&& other) noexcept;
  // As close().
  ~listener();

  // The next connection. Blocks. ETIMEDOUT and ECANCELED: nothing is lost, call again; ECANCELED
  // also if close() is called meanwhile, errc::closed if it was called before. EMFILE, ENFILE: the
  // connection still waits; ENOMEM. A connection that was gone again is skipped.
  result<stream_ptr> try_accept(deadline dl);
  stream_ptr accept(deadline dl = never) { return value_or_raise(try_accept(dl), "accept"); }

  // The same, as a bare descriptor, to be used by from_fd() on another thread.
  result<unique_fd> try_accept_fd(deadline dl);

  // Where it listens, with the port that the kernel chose. No address once it is closed.
  address local_address() const noexcept;
  // The descriptor; stays the listener's. -1 once it is closed.
  int fd() const noexcept;

  // Stops listening; whoever waits in accept gets ECANCELED. Connections that were accepted live
  // on. Does not block. The second time nothing happens.
  void close() noexcept;

 private:
  friend result<listener> try_listen(const address&, const listen_options&);
  friend result<listener> try_listener_from_fd(unique_fd);
  struct impl;
  explicit listener(std::shared_ptr<impl> i) noexcept;
  std::shared_ptr<impl> impl_;
};

// Listens at `at`; port 0 lets the kernel choose. EADDRINUSE, EADDRNOTAVAIL, EACCES and other
// errors of bind(2), listen(2) and socket(2); EMFILE, ENOMEM. Does not block.
result<listener> try_listen(const address& at, const listen_options& options = {});

// Takes over a listening socket. EBADF, ENOTSOCK, EINVAL if it is not a TCP socket or does not
// listen. Closes `fd` on failure.
result<listener> try_listener_from_fd(unique_fd fd);

inline listener listen(const address& at, const listen_options& options = {}) {
  return value_or_raise(try_listen(at, options), "listen");
}
inline listener listener_from_fd(unique_fd fd) {
  return value_or_raise(try_listener_from_fd(std::move(fd)), "take over socket");
}

}  // namespace caraway::tcp
