// unix.hpp - stream sockets within this machine (AF_UNIX), which can also pass descriptors.
//
// Everything else is as in tcp.hpp. Addresses are paths; one that begins with a zero byte is a name
// in the abstract namespace of Linux. The file that listening makes is not removed at the end.
//
//     auto l = local::listen("/run/service");
//     auto s = local::connect("/run/service", 1s);
//
//     auto [a, b] = local::pair();
//     b->set_read_ahead(false);
//     a->send_fd(fd);
//     unique_fd copy = b->recv_fd();
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "caraway/byte_stream.hpp"
#include "caraway/deadline.hpp"
#include "caraway/error.hpp"
#include "caraway/fd.hpp"

namespace caraway::local {

class stream : public byte_stream {
 public:
  // The descriptor; stays the stream's. -1 once it is closed.
  virtual int fd() const noexcept = 0;

  // Off: never receives more bytes than were asked for, so that descriptors the peer sends are not
  // received as plain bytes, which loses them. On by default. Costs a system call for each fill.
  virtual void set_read_ahead(bool on) noexcept = 0;

  // Sends a copy of `fd` together with one byte, 0xCC, behind everything written before. Blocks.
  // EBADF if `fd` is not open; ETIMEDOUT and ECANCELED: it was not sent.
  virtual result<void> try_send_fd(int fd, deadline dl) = 0;

  // Receives a descriptor that was sent so, with its byte; close-on-exec. Blocks. EINVAL while
  // reading ahead; EPROTO if the next byte comes without a descriptor or with several (the byte is
  // consumed, the descriptors are closed); errc::end_of_stream; EBUSY; ETIMEDOUT and ECANCELED:
  // call again.
  virtual result<unique_fd> try_recv_fd(deadline dl) = 0;

  void send_fd(int fd, deadline dl = never) { value_or_raise(try_send_fd(fd, dl), "send fd"); }
  unique_fd recv_fd(deadline dl = never) { return value_or_raise(try_recv_fd(dl), "receive fd"); }
};

using stream_ptr = std::unique_ptr<stream>;

// A connection to the listener at `path`. Blocks while its backlog is full. ENOENT, ECONNREFUSED,
// EACCES and other errors of connect(2) and socket(2); EINVAL for an empty path, ENAMETOOLONG for
// more than 107 bytes; ETIMEDOUT, ECANCELED: nothing is left behind.
result<stream_ptr> try_connect(std::string_view path, deadline dl);

// Two streams connected to each other. EMFILE, ENFILE, ENOMEM. Does not block.
result<std::pair<stream_ptr, stream_ptr>> try_pair();

// Takes over a connected socket; makes it non-blocking and close-on-exec. EBADF, ENOTSOCK, EINVAL
// if it is not a Unix stream socket or listens, ENOTCONN. Closes `fd` on failure.
result<stream_ptr> try_from_fd(unique_fd fd);

inline stream_ptr connect(std::string_view path, deadline dl = never) {
  return value_or_raise(try_connect(path, dl), "connect");
}
inline std::pair<stream_ptr, stream_ptr> pair() {
  return value_or_raise(try_pair(), "make socket pair");
}
inline stream_ptr from_fd(unique_fd fd) {
  return value_or_raise(try_from_fd(std::move(fd)), "take over socket");
}

// As tcp::listener.
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
  // connection still waits; ENOMEM.
  result<stream_ptr> try_accept(deadline dl);
  stream_ptr accept(deadline dl = never) { return value_or_raise(try_accept(dl), "accept"); }

  // The same, as a bare descriptor, to be used by from_fd() on another thread.
  result<unique_fd> try_accept_fd(deadline dl);

  // The descriptor; stays the listener's. -1 once it is closed.
  int fd() const noexcept;

  // Stops listening; whoever waits in accept gets ECANCELED. The file stays. Does not block.
  void close() noexcept;

 private:
  friend result<listener> try_listen(std::string_view, int);
  friend result<listener> try_listener_from_fd(unique_fd);
  struct impl;
  explicit listener(std::shared_ptr<impl> i) noexcept;
  std::shared_ptr<impl> impl_;
};

// Listens at `path`. EADDRINUSE if the file exists, ENOENT, EACCES and other errors of bind(2),
// listen(2) and socket(2); EINVAL for an empty path, ENAMETOOLONG for more than 107 bytes. Does not
// block.
result<listener> try_listen(std::string_view path, int backlog = 4096);

// Takes over a listening socket. EBADF, ENOTSOCK, EINVAL if it is not a Unix stream socket or does
// not listen. Closes `fd` on failure.
result<listener> try_listener_from_fd(unique_fd fd);

inline listener listen(std::string_view path, int backlog = 4096) {
  return value_or_raise(try_listen(path, backlog), "listen");
}
inline listener listener_from_fd(unique_fd fd) {
  return value_or_raise(try_listener_from_fd(std::move(fd)), "take over socket");
}

}  // namespace caraway::local
