// tls.hpp - TLS 1.2 and 1.3 (RFC 5246, RFC 8446) on any byte stream.
//
// A TLS stream is a byte_stream (see there for everything about receiving, writing and ending) that
// owns the one below it:
//
//     auto s = tls::attach_client(tcp::connect("example.org", 443, 5s), {.host = "example.org"}, 5s);
//     s->write("GET / HTTP/1.0\r\nHost: example.org\r\n\r\n");
//
//     tls::server_context who({.own = {tls::pem::file("server.pem"), tls::pem::file("server.key")}});
//     auto s = tls::attach_server(listener.accept(), who, 5s);
//
// The server's certificate and name are checked unless the client's context says otherwise.
//
// The end: done() sends close_notify; the peer's is the end of the stream. A connection that ends
// without it fails with tls::errc::truncated, for somebody may have cut off the rest; close() is
// content with any end. What follows the peer's close_notify stays in the stream below, which
// detach() gives back. A stream that is dropped says close_notify if it can without waiting; abort()
// does not.
//
// A write that succeeded although its deadline came while the stream below was full is finished by a
// coroutine of the stream's own. TLS allocates about 40 KiB for a handshake and keeps about 10 KiB
// for a connection; buffers are there only while something is in them. A handshake takes about 18
// KiB of stack.
//
// Errors, besides those of a byte_stream: codes of tls::category() where the peer broke the rules of
// TLS or refused by an alert; every later call says so again.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "caraway/byte_stream.hpp"
#include "caraway/deadline.hpp"
#include "caraway/error.hpp"
#include "caraway/tls_context.hpp"

namespace caraway::tls {

class stream : public byte_stream {
 public:
  // What was agreed: "TLSv1.3", "TLS_AES_256_GCM_SHA384"; the protocol (ALPN), empty if none was.
  virtual std::string_view version() const noexcept = 0;
  virtual std::string_view cipher() const noexcept = 0;
  virtual std::string_view alpn() const noexcept = 0;

  // The host that the client named (SNI); empty if it named none.
  virtual std::string_view host() const noexcept = 0;

  // True if the handshake continued an earlier session.
  virtual bool resumed() const noexcept = 0;

  // The subject of the peer's certificate ("CN=alice,O=Example", RFC 2253) and all of it as PEM;
  // empty if it has shown none. Throw std::bad_alloc.
  virtual std::string peer_subject() const = 0;
  virtual std::string peer_certificate() const = 0;

  // The stream below, for its address, say; nullptr once it was given back. Not to be read or written.
  virtual byte_stream* below() const noexcept = 0;

  // Ends TLS and gives the stream below back: says close_notify if that was not said yet, drops
  // what the peer still sends until it has said so too. Blocks. EBUSY: somebody receives; nothing
  // has happened. After any other error all of it is closed: tls::errc::truncated, ETIMEDOUT,
  // ECANCELED, ECONNRESET, errc::closed.
  virtual result<caraway::stream_ptr> try_detach(deadline dl) = 0;
  caraway::stream_ptr detach(deadline dl = never) {
    return value_or_raise(try_detach(dl), "end TLS");
  }
};

using stream_ptr = std::unique_ptr<stream>;

struct client_options {
  // Whom to talk to: a name, which the server is told (SNI), or the literal of an address. Without
  // one only verification::chain and verification::nothing are possible.
  std::string host = {};
  // Protocols to offer (ALPN, RFC 7301), the best first.
  std::vector<std::string> alpn = {};
  client_context context = {};
  // Shows no certificate, whoever the context says this side is.
  bool anonymous = false;
};

// Both take the stream below and shake hands. Block; `dl` is for all of it. On failure the stream
// below is closed, after an alert for the peer where there is one to tell. ETIMEDOUT, ECANCELED,
// ECONNRESET; errc::end_of_stream: the peer left; codes of category(): the peer or its certificate
// is not as it should be, or the peer says so of this side; ENOMEM. EPROTONOSUPPORT: TLS is not in
// this build.
//
// Client: errors of client_context::get(); EINVAL: there is no host and one is to be checked, it
// cannot be one, or the name of a protocol is empty or too long.
result<stream_ptr> try_attach_client(caraway::stream_ptr under, const client_options& options,
                                     deadline dl);

// Server: EINVAL: `context` is none.
result<stream_ptr> try_attach_server(caraway::stream_ptr under, const server_context& context,
                                     deadline dl);

inline stream_ptr attach_client(caraway::stream_ptr under, const client_options& options,
                                deadline dl = never) {
  return value_or_raise(try_attach_client(std::move(under), options, dl), "TLS handshake");
}
inline stream_ptr attach_server(caraway::stream_ptr under, const server_context& context,
                                deadline dl = never) {
  return value_or_raise(try_attach_server(std::move(under), context, dl), "TLS handshake");
}

}  // namespace caraway::tls
