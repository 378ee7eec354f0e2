// socks5.hpp - SOCKS version 5 (RFC 1928) over any byte stream: through a proxy to somewhere else, and
// the proxy's own side.
//
// The functions speak on a stream and leave it where it is. When a client's have succeeded the same
// stream leads to the host it asked for:
//
//     auto s = tcp::connect("proxy.example", 1080, 5s);
//     socks5::connect(*s, {"www.example.org", 80}, 5s);
//     s->write("GET / HTTP/1.0\r\n\r\n");
//
// A proxy says to each client, in this order:
//
//     socks5::authenticate(*client, 5s);                         // or with a check of passwords
//     socks5::request asked = socks5::receive_request(*client, 5s);
//     auto host = tcp::try_connect(asked.to.host, asked.to.port, 5s);
//     socks5::send_reply(*client, host ? socks5::reply::succeeded : socks5::reply::host_unreachable);
//
// All of them block. After an error the stream is of no more use and should be closed, except where
// a function says otherwise: how far the conversation got cannot be told. Errors of every call: those of
// the stream, errc::protocol, ENOMEM; refusals are values of socks5::reply.
#pragma once

#include <functional>

#include "caraway/byte_stream.hpp"
#include "caraway/socks5_message.hpp"

namespace caraway::socks5 {

// --- the client ---

// Asks `proxy` to connect to `to`, and returns where it connects from. With credentials, they are
// sent if the proxy wants them. EINVAL, with nothing sent and the stream as before: `to` or `as`
// cannot be said (see format()), or the port is 0. Refusals: any of reply but succeeded.
result<endpoint> try_connect(byte_stream& proxy, const endpoint& to, deadline dl);
result<endpoint> try_connect(byte_stream& proxy, const endpoint& to, const credentials& as,
                             deadline dl);

// The same for any command; `as` may be nullptr. Port 0 is allowed.
result<endpoint> try_ask(byte_stream& proxy, const request& what, const credentials* as,
                         deadline dl);

// A further answer: bind has two, the second when somebody has connected, and where from.
result<endpoint> try_receive_reply(byte_stream& proxy, deadline dl);

// --- the proxy ---

// Lets anybody in who can do without a password. reply::no_acceptable_method: the client cannot,
// which it has been told.
result<void> try_authenticate(byte_stream& client, deadline dl);

// Lets in whom `accepts` returns true for. reply::no_acceptable_method, reply::bad_credentials: the
// client has been told.
result<void> try_authenticate(byte_stream& client,
                              const std::function<bool(const credentials&)>& accepts, deadline dl);

// The two halves of that, for a check in between that blocks. A verdict that is not sent leaves the
// client waiting; a refusal is no error here.
result<credentials> try_receive_credentials(byte_stream& client, deadline dl);
result<void> try_send_verdict(byte_stream& client, bool accepted, deadline dl);

// What the client wants; to be answered with try_send_reply. reply::command_not_supported,
// reply::address_type_not_supported, errc::protocol: the client has been told.
result<request> try_receive_request(byte_stream& client, deadline dl);

// EINVAL, and nothing is sent: `code` is no reply, or `bound` cannot be said.
result<void> try_send_reply(byte_stream& client, reply code, const endpoint& bound, deadline dl);

// --- the same calls, failing by exception ---

inline endpoint connect(byte_stream& proxy, const endpoint& to, deadline dl = never) {
  return value_or_raise(try_connect(proxy, to, dl), "connect through SOCKS");
}
inline endpoint connect(byte_stream& proxy, const endpoint& to, const credentials& as,
                        deadline dl = never) {
  return value_or_raise(try_connect(proxy, to, as, dl), "connect through SOCKS");
}
inline void authenticate(byte_stream& client, deadline dl = never) {
  value_or_raise(try_authenticate(client, dl), "authenticate");
}
inline void authenticate(byte_stream& client,
                         const std::function<bool(const credentials&)>& accepts,
                         deadline dl = never) {
  value_or_raise(try_authenticate(client, accepts, dl), "authenticate");
}
inline request receive_request(byte_stream& client, deadline dl = never) {
  return value_or_raise(try_receive_request(client, dl), "receive");
}
inline void send_reply(byte_stream& client, reply code, const endpoint& bound = {},
                       deadline dl = never) {
  value_or_raise(try_send_reply(client, code, bound, dl), "send");
}

}  // namespace caraway::socks5
