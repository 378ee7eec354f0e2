// udp.hpp - datagrams over IPv4 and IPv6 (RFC 768).
//
// A socket that is bound receives from anybody and says who sent what:
//
//     auto s = udp::bind(address::any(5353));
//     for (;;) {
//       auto [data, from] = s->recv_from();
//       s->send_to(data, from);
//     }
//
// One that is connected has one peer, and is a message_stream to it:
//
//     auto s = udp::connect(address::parse("192.0.2.1:5353"));
//     s->send("ping");
//     bytes answer = s->recv(1s);
//
// Datagrams may be lost, doubled and reordered on their way, and nobody says so; there is no end to
// be received. Otherwise a socket keeps the rules of message_stream: one coroutine at a time
// receives, any number may send, and a receive that timed out or was cancelled has lost nothing. A
// datagram carries at most 65507 bytes over IPv4, 65527 over IPv6.
//
// Everything else there is to set (buffers, multicast) is setsockopt(2) on fd().
#pragma once

#include <memory>

#include "caraway/address.hpp"
#include "caraway/bytes.hpp"
#include "caraway/deadline.hpp"
#include "caraway/error.hpp"
#include "caraway/message_stream.hpp"

namespace caraway::udp {

// What recv_from() shows. The bytes stay in place until the next receive, release(), the close or
// the end of the socket.
struct datagram {
  bytes data;
  address from;
};

class socket : public message_stream {
 public:
  // Sends one datagram made of `ps`, in order, to `to`, whether the socket is connected or not.
  // Blocks while the kernel has no room; then first come, first served. ETIMEDOUT and ECANCELED:
  // nothing was sent. EMSGSIZE: more than a datagram can carry; EAFNOSUPPORT: `to` is an IPv6
  // address and the socket is for IPv4; EINVAL: `to` is no address; errc::closed; and errors of
  // sendmsg(2) such as ENETUNREACH, EACCES, ECONNREFUSED (see try_recv_from). None of them breaks
  // the socket.
  virtual result<void> try_send_to(parts ps, const address& to, deadline dl) = 0;

  // Blocks for the next datagram and shows it. On a connected socket those of others than the peer
  // are passed over. ETIMEDOUT and ECANCELED: nothing is lost, call again; ECANCELED also if the
  // socket is closed meanwhile. EBUSY: another coroutine receives. ECONNREFUSED, on a connected
  // socket: nobody is at the peer's port, as the answer to an earlier datagram has told; said once,
  // and the socket goes on. errc::closed, ENOMEM.
  virtual result<datagram> try_recv_from(deadline dl) = 0;

  // Gives the memory of the datagram shown last back before the next receive does. Does not block.
  virtual void release() noexcept = 0;

  // try_send() is try_send_to() the peer, EDESTADDRREQ if there is none. try_recv() is
  // try_recv_from() without the sender, and try_recv_into() copies: EMSGSIZE if `into` is too small,
  // and the datagram stays. try_close() closes at once and does not block: there is nobody to wait
  // for; like abort() it wakes those blocked on the socket with ECANCELED.

  // The descriptor; stays the socket's. -1 once it is closed.
  virtual int fd() const noexcept = 0;

  // This end, and the peer of a connected socket. No address once the socket is closed, and if
  // there is no peer.
  virtual address local_address() const noexcept = 0;
  virtual const address& peer_address() const noexcept = 0;

  // The same calls, failing by exception.
  void send_to(parts ps, const address& to, deadline dl = never) {
    value_or_raise(try_send_to(ps, to, dl), "send");
  }
  void send_to(bytes b, const address& to, deadline dl = never) { send_to(parts(&b, 1), to, dl); }
  void send_to(std::string_view text, const address& to, deadline dl = never) {
    send_to(as_bytes(text), to, dl);
  }
  datagram recv_from(deadline dl = never) { return value_or_raise(try_recv_from(dl), "receive"); }
};

using socket_ptr = std::unique_ptr<socket>;

struct options {
  bool reuse_port = false;  // several sockets share the port (SO_REUSEPORT)
  bool broadcast = false;   // may send to broadcast addresses (SO_BROADCAST)
};

// A socket at `local`; one at address::any() is for IPv4 too, whose addresses it sees as IPv6 ones
// ("::ffff:192.0.2.1"). Port 0 lets the kernel choose. EADDRINUSE, EADDRNOTAVAIL, EACCES and other
// errors of bind(2) and socket(2); EAFNOSUPPORT for no address; EMFILE, ENOMEM. Does not block.
result<socket_ptr> try_bind(const address& local, const options& o = {});

// A socket whose peer is `peer`, at `local` unless that is no address. Nothing is sent, so it
// succeeds whether anybody is there or not. As try_bind(), and ENETUNREACH and other errors of
// connect(2); EINVAL if the families differ. Does not block.
result<socket_ptr> try_connect(const address& peer, const address& local = {},
                               const options& o = {});

inline socket_ptr bind(const address& local, const options& o = {}) {
  return value_or_raise(try_bind(local, o), "bind");
}
inline socket_ptr connect(const address& peer, const address& local = {}, const options& o = {}) {
  return value_or_raise(try_connect(peer, local, o), "connect");
}

}  // namespace caraway::udp
