// ws.hpp - WebSocket clients and servers, whole: from a URL to a conversation, from an address to
// one coroutine for each client.
//
//     // client
//     auto ws = caraway::ws::connect("ws://127.0.0.1:8080/", 5s);
//     ws.send("Hello, world!");
//     auto m = ws.recv(5s);
//     std::cout << m->text() << "\n";
//     ws.close();
//
//     // server
//     caraway::ws::serve("127.0.0.1:8080", [](caraway::ws::socket& ws) {
//       while (auto m = ws.recv()) ws.send(*m);
//     });
//
// Everything about the conversation itself is in ws_socket.hpp.
#pragma once

#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "caraway/address.hpp"
#include "caraway/deadline.hpp"
#include "caraway/error.hpp"
#include "caraway/tls_context.hpp"
#include "caraway/ws_socket.hpp"

namespace caraway::ws {

// How long connect() waits when it is not told.
inline constexpr std::chrono::seconds connect_patience{10};

struct connect_options : client_options {
  connect_options() = default;
  connect_options(client_options all) : client_options(std::move(all)) {}

  // For wss: whom to trust, and who this side is. The server's chain and name are verified unless
  // that says otherwise. After a redirect to another origin no certificate of this side is shown.
  tls::client_context tls;
};

// Connects to a ws:// or wss:// URL: resolves, connects, shakes hands. `options.host` and
// `options.target` come from the URL unless set; a user name in the URL becomes an Authorization
// field (Basic). Redirects are followed if `options.redirects` says so, secrets staying behind
// (ws_redirect.hpp). Blocks; `dl` is for all of it. errc::invalid_url: not a URL, or not ws and wss;
// EPROTONOSUPPORT: wss, and TLS is not in this build, nobody was asked or connected to; errors of
// tls::client_context::get() for wss, and EINVAL for a number in `handshake` out of its range,
// likewise; errors of tcp::try_connect(), tls::try_attach_client() and try_attach_client(),
// `refusal` as there.
result<socket> try_connect(std::string_view url, const connect_options& options, deadline dl,
                           http::response* refusal = nullptr);

// The same, failing by exception: ws::refused where the server refused.
socket connect(std::string_view url, const connect_options& options,
               deadline dl = connect_patience);
socket connect(std::string_view url, deadline dl = connect_patience);

// Called with each conversation, on a coroutine of its own. When it returns, the socket is closed
// with 1000; when it throws, with 1011. Blocking calls in it fail with ECANCELED when the server is
// stopped for good.
using handler = std::function<void(socket&)>;

struct serve_options : server_options {
  // With one, the server speaks wss instead of ws. Reloading it changes what later connections get.
  // Of the protocols that clients may offer (ALPN) only "http/1.1" is spoken here: its `alpn` is
  // that, or empty.
  tls::server_context tls;
  // Conversations at a time, handshakes included; more wait in the kernel.
  std::size_t max_connections = 100000;
  // How long a handler that has returned waits for the peer's part of the close handshake.
  std::chrono::seconds close_patience = socket::close_patience;
  // Told about each exception that left a handler (`peer` says whose) and each refused or failed
  // handshake; may be empty. Must not throw.
  std::function<void(const address& peer, std::exception_ptr)> on_error;
};

// How conversations ended while their server was stopped, handshakes among them.
struct stop_counts {
  std::size_t ended = 0;    // by themselves, in order or not, before the grace was over
  std::size_t cut_off = 0;  // cancelled then
  // True if nothing had to be cancelled.
  explicit operator bool() const noexcept { return cut_off == 0; }
};

// A server that runs beside its maker, on coroutines of the same thread.
//
//     ws::server server("127.0.0.1:0", echo);
//     auto ws = ws::connect(server.url());
//     ...
//     server.stop(2s);
class server {
 public:
  // Listens at `where`, "host:port" with a literal or a name; port 0 lets the kernel choose, an
  // empty host means every interface. Blocks only to resolve a name. Errors of try_resolve() and
  // tcp::try_listen(); EINVAL: no port, a number in `handshake` out of its range.
  static result<server> try_start(std::string_view where, handler h, serve_options options = {});
  server(std::string_view where, handler h, serve_options options = {});
  server(server&&) noexcept;
  server& operator=(server&&) noexcept;
  // Cancels every conversation and waits for the end of its handler.
  ~server();

  address local_address() const noexcept;
  std::uint16_t port() const noexcept { return local_address().port(); }
  // "ws://127.0.0.1:40123/", or "wss://...".
  std::string url() const;

  // Conversations right now, handshakes included.
  std::size_t connections() const noexcept;

  // What its conversations have carried, and how they ended (ws_meter.hpp).
  ws::totals totals() const noexcept;

  // Stops in phases: no connection is accepted any more, each conversation gets a close frame 1001
  // and its handler until `grace` to end (its recv() returns nothing once the peer has answered),
  // then what is left is cancelled. How many ended in which way. Blocks. ECANCELED: the caller is
  // cancelled; stopping goes on, and a second call has the numbers of both.
  result<stop_counts> try_stop(deadline grace);
  stop_counts stop(deadline grace = socket::close_patience) {
    return value_or_raise(try_stop(grace), "stop");
  }

  // Blocks until the server was stopped. ETIMEDOUT and ECANCELED: it goes on.
  result<void> try_wait(deadline dl);
  void wait(deadline dl = never) { value_or_raise(try_wait(dl), "wait for server"); }

 private:
  struct impl;
  explicit server(std::unique_ptr<impl> i) noexcept;
  std::unique_ptr<impl> impl_;
};

// Where the peer is that a stream or a socket leads to, over TCP, in TLS or in the clear; no address
// for anything else, and once it is closed. Does not block.
address peer_address(byte_stream& of) noexcept;
address peer_address(const socket& of) noexcept;

// Serves at `where` until the calling coroutine is cancelled. Blocks. Fails as the constructor of
// server does.
void serve(std::string_view where, handler h, serve_options options = {});

}  // namespace caraway::ws
