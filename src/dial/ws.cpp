#include "caraway/ws.hpp"

#include <cerrno>
#include <charconv>
#include <new>
#include <utility>

#include "caraway/event.hpp"
#include "caraway/list.hpp"
#include "caraway/resolver.hpp"
#include "caraway/shield.hpp"
#include "caraway/stop.hpp"
#include "caraway/task_group.hpp"
#include "caraway/tcp.hpp"
#include "caraway/this_task.hpp"
#include "caraway/tls.hpp"
#include "caraway/url.hpp"
#include "caraway/ws_redirect.hpp"
#include "codec/base64.hpp"
#include "proto/ws_attempt.hpp"
#include "runtime/scheduler.hpp"

namespace caraway::ws {
namespace {

// The process has no descriptors left, say: other connections have to end first.
constexpr std::chrono::milliseconds accept_pause{50};
constexpr std::chrono::seconds resolve_patience{10};

// What the URL says, where the options do not say otherwise.
client_options completed(client_options options, const url& to) {
  if (options.host.empty()) options.host = to.authority();
  if (options.target == "/") options.target = to.target;
  if (to.user_info.empty() || http::find(options.headers, "Authorization")) return options;
  const bool with_password = to.user_info.find(':') != std::string::npos;
  const std::string pair = with_password ? to.user_info : to.user_info + ":";
  options.headers.push_back({"Authorization", "Basic " + codec::base64_encode(as_bytes(pair))});
  return options;
}

struct endpoint {
  std::string host;
  std::uint16_t port = 0;
};

// "host:port", "[::1]:port", ":port".
result<endpoint> split(std::string_view where) {
  const std::size_t colon = where.rfind(':');
  if (colon == where.npos) return fail(EINVAL);
  const std::string_view digits = where.substr(colon + 1);
  endpoint out{std::string(where.substr(0, colon)), 0};
  const auto [end, wrong] = std::from_chars(digits.data(), digits.data() + digits.size(), out.port);
  if (wrong != std::errc() || end != digits.data() + digits.size()) return fail(EINVAL);
  return out;
}

result<address> address_of(std::string_view where) {
  const auto parts = split(where);
  if (!parts) return fail(parts.error());
  if (parts->host.empty()) return address::any(parts->port);
  const auto found = try_resolve(parts->host, parts->port, resolve_patience);
  if (!found) return fail(found.error());
  return found->front();
}

// Counts and tells of a handshake of TLS that came to nothing: that of WebSocket never begins.
template <class Options>
result<stream_ptr> watched(role as, const Options& options, result<stream_ptr> made) {
  if (!made) attempt(as, options.meter, options.observer).fails(made.error());
  return made;
}

// Where to connect, and whether this is still where the caller wanted to go.
struct destination {
  url to;
  bool as_told = true;
};

// TLS as HTTP/1.1 wants it, to the host of the URL.
result<stream_ptr> secured(stream_ptr under, const destination& where,
                           const connect_options& options, deadline dl) {
  const tls::client_options wanted{.host = where.to.host,
                                   .alpn = {"http/1.1"},
                                   .context = options.tls,
                                   .anonymous = !where.as_told};
  return watched(role::client, options, tls::try_attach_client(std::move(under), wanted, dl));
}

result<socket> connect_once(const destination& where, const connect_options& options, deadline dl,
                            http::response* refusal) {
  const url& to = where.to;
  if (to.scheme != "ws" && to.scheme != "wss") return fail(errc::invalid_url);
  if (!options.handshake.is_valid()) return fail(EINVAL);
  // Nobody needs to hear of a client that could not shake hands.
  if (to.secure())
    if (const auto context = options.tls.get(); !context) return fail(context.error());
  result<stream_ptr> stream = tcp::try_connect(to.host, to.port, dl);
  const deadline until = earlier(dl, options.handshake.patience);
  if (stream && to.secure()) stream = secured(std::move(*stream), where, options, until);
  if (!stream) return fail(stream.error());
  return try_attach_client(std::move(*stream), completed(options, to), until, refusal);
}

// As far as the options allow; what cannot be followed is the refusal.
result<socket> connect_and_follow(destination where, connect_options options, deadline dl,
                                  http::response& refusal) {
  for (;; --options.redirects) {
    refusal = {};
    auto made = connect_once(where, options, dl, &refusal);
    if (made || made.error() != errc::handshake_refused || options.redirects == 0) return made;
    auto next = redirect_target(where.to, refusal.head);
    if (!next) return made;
    client_options& ask = options;
    ask = redirected(std::move(ask), where.to, *next);
    // Whoever leads elsewhere could lead back too.
    where.as_told = where.as_told && is_same_origin(where.to, *next);
    where.to = std::move(*next);
  }
}

}  // namespace

result<socket> try_connect(std::string_view where, const connect_options& options, deadline dl,
                           http::response* refusal) try {
  auto to = parse_url(where);
  if (!to) return fail(to.error());
  destination wanted{std::move(*to)};
  if (options.redirects == 0) return connect_once(wanted, options, dl, refusal);
  http::response answer;
  auto made = connect_and_follow(std::move(wanted), options, dl, answer);
  if (refusal != nullptr) *refusal = std::move(answer);
  return made;
} catch (const std::bad_alloc&) {
  return fail(ENOMEM);
}

socket connect(std::string_view where, const connect_options& options, deadline dl) {
  http::response refusal;
  auto made = try_connect(where, options, dl, &refusal);
  if (!made && made.error() == errc::handshake_refused) throw refused(std::move(refusal));
  if (!made && made.error() == std::errc::protocol_not_supported)
    raise(made.error(), "connect: wss needs TLS, which is not in this build");
  return value_or_raise(std::move(made), "connect");
}

socket connect(std::string_view where, deadline dl) {
  return connect(where, {}, dl);
}

// The accept loop and every conversation are tasks of one group; the soft half of stopping reaches
// them through the group's signal.
struct server::impl final : stop_callback {
  impl(tcp::listener l, handler h, serve_options o)
      : listener(std::move(l)),
        at(listener.local_address()),
        handle(std::move(h)),
        options(std::move(o)) {
    if (!options.meter) options.meter = std::make_shared<meter>();
    tasks.stop_signal().notify(*this);
  }

  void accept_all();
  void on_stop() noexcept override;

  tcp::listener listener;
  address at;
  handler handle;
  serve_options options;
  std::size_t live = 0;
  stop_counts while_stopping;

 private:
  class conversation;
  class place;

  result<void> await_room();
  std::error_code accept_one();
  void say_goodbye_to_all() noexcept;
  void note_end() noexcept;
  static void outlive_the_starter() noexcept;
  void converse(tcp::stream_ptr s);
  stream_ptr secured(stream_ptr under, deadline dl);
  std::uint16_t handle_until_end(socket& ws, const address& peer);
  void report(const address& peer, std::exception_ptr failure) const noexcept;

  list<conversation> conversations_;
  event room_;

 public:
  // Last, so that all tasks have ended before anything else goes.
  task_group tasks{on_failure::collect};
};

// A socket that hears when the server stops.
class server::impl::conversation : public list_node {
 public:
  conversation(impl& s, socket& ws) noexcept : socket_(ws) { s.conversations_.push_back(*this); }
  conversation(const conversation&) = delete;
  conversation& operator=(const conversation&) = delete;
  // Whoever is saying goodbye here comes to an end first.
  ~conversation() {
    unlink();
    if (said_.is_set() || !saying_) return;
    const shield until_said(never);
    static_cast<void>(said_.try_wait(never));
  }

  // Once. Does not wait for room in the stream: where there is none, the socket says it when there
  // is, as long as the conversation lasts.
  void say_goodbye() noexcept {
    if (std::exchange(saying_, true)) return;
    static_cast<void>(socket_.try_done(close_code::going_away, {}, immediately));
    said_.set();
  }

 private:
  socket& socket_;
  bool saying_ = false;
  event said_;
};

// One of the connections that there may be.
class server::impl::place {
 public:
  explicit place(impl& s) noexcept : server_(&s) { ++s.live; }
  place(place&& other) noexcept : server_(std::exchange(other.server_, nullptr)) {}
  ~place() {
    if (server_ == nullptr) return;
    --server_->live;
    server_->note_end();
    server_->room_.set();
  }

 private:
  impl* server_;
};

// Whoever runs when all are cancelled has not ended by itself.
void server::impl::note_end() noexcept {
  if (tasks.stopping()) ++(tasks.cancelled() ? while_stopping.cut_off : while_stopping.ended);
}

void server::impl::on_stop() noexcept {
  listener.close();
  // Writing may let others run, which a signal must not.
  static_cast<void>(tasks.try_go({.name = "websocket goodbye"}, [this] { say_goodbye_to_all(); }));
}

void server::impl::say_goodbye_to_all() noexcept {
  outlive_the_starter();
  list<conversation> told;
  while (!conversations_.empty()) {
    conversation& c = conversations_.pop_front();
    told.push_back(c);
    c.say_goodbye();
  }
}

// A server's coroutines are not bound by the deadlines of the one that happened to start or stop it.
void server::impl::outlive_the_starter() noexcept {
  runtime::scheduler::current().running().ambient = never;
}

void server::impl::accept_all() {
  outlive_the_starter();
  while (!tasks.stopping()) {
    if (!await_room()) return;
    const std::error_code why = accept_one();
    if (!why) continue;
    if (why == errc::closed || why == std::errc::operation_canceled) return;
    report(address(), std::make_exception_ptr(error(why, "accept")));
    if (!try_sleep(accept_pause)) return;
  }
}

result<void> server::impl::await_room() {
  while (live >= options.max_connections) {
    room_.reset();
    if (auto freed = room_.try_wait(never); !freed) return freed;
  }
  return {};
}

std::error_code server::impl::accept_one() {
  auto s = listener.try_accept(never);
  if (!s) return s.error();
  const auto task = tasks.try_go({.name = "websocket conversation"},
                                 [this, mine = std::move(*s), counted = place(*this)]() mutable {
                                   converse(std::move(mine));
                                 });
  return task ? std::error_code() : task.error();
}

stream_ptr server::impl::secured(stream_ptr under, deadline dl) {
  auto made = tls::try_attach_server(std::move(under), options.tls, dl);
  return value_or_raise(watched(role::server, options, std::move(made)), "TLS handshake");
}

void server::impl::converse(tcp::stream_ptr s) {
  const address peer = s->peer_address();
  std::exception_ptr failure;
  try {
    const deadline until = options.handshake.patience;
    stream_ptr under = std::move(s);
    if (options.tls) under = secured(std::move(under), until);
    socket ws = attach_server(std::move(under), options, until);
    const std::uint16_t code = handle_until_end(ws, peer);
    static_cast<void>(ws.try_close(code, {}, options.close_patience));
    return;
  } catch (const cancelled&) {
    return;
  } catch (...) {
    failure = std::current_exception();
  }
  report(peer, failure);
}

// The code to close with.
std::uint16_t server::impl::handle_until_end(socket& ws, const address& peer) {
  conversation here(*this, ws);
  if (tasks.stopping()) here.say_goodbye();
  std::exception_ptr failure;
  try {
    handle(ws);
    return close_code::normal;
  } catch (const cancelled&) {
    const shield last_words(accept_pause);
    here.say_goodbye();
    throw;
  } catch (...) {
    failure = std::current_exception();
  }
  report(peer, failure);
  return close_code::internal_error;
}

void server::impl::report(const address& peer, std::exception_ptr failure) const noexcept {
  if (options.on_error) options.on_error(peer, std::move(failure));
}

result<server> server::try_start(std::string_view where, handler h, serve_options options) try {
  if (!options.handshake.is_valid()) return fail(EINVAL);
  const auto at = address_of(where);
  if (!at) return fail(at.error());
  auto listener = tcp::try_listen(*at);
  if (!listener) return fail(listener.error());
  auto made = std::make_unique<impl>(std::move(*listener), std::move(h), std::move(options));
  impl* const self = made.get();
  auto loop = made->tasks.try_go({.name = "websocket server"}, [self] { self->accept_all(); });
  if (!loop) return fail(loop.error());
  return server(std::move(made));
} catch (const std::bad_alloc&) {
  return fail(ENOMEM);
}

server::server(std::string_view where, handler h, serve_options options)
    : server(value_or_raise(try_start(where, std::move(h), std::move(options)), "serve")) {}
server::server(std::unique_ptr<impl> i) noexcept : impl_(std::move(i)) {}
server::server(server&&) noexcept = default;
server& server::operator=(server&&) noexcept = default;
server::~server() = default;

address server::local_address() const noexcept {
  return impl_ ? impl_->at : address();
}

std::string server::url() const {
  const bool secure = impl_ && impl_->options.tls;
  return (secure ? "wss://" : "ws://") + local_address().to_string() + "/";
}

std::size_t server::connections() const noexcept {
  return impl_ ? impl_->live : 0;
}

ws::totals server::totals() const noexcept {
  return impl_ ? impl_->options.meter->read() : ws::totals();
}

result<stop_counts> server::try_stop(deadline grace) {
  if (!impl_) return fail(EINVAL);
  if (auto stopped = impl_->tasks.try_stop(grace); !stopped) return fail(stopped.error());
  return impl_->while_stopping;
}

result<void> server::try_wait(deadline dl) {
  if (!impl_) return fail(EINVAL);
  return impl_->tasks.try_wait(dl);
}

address peer_address(byte_stream& of) noexcept {
  byte_stream* s = &of;
  while (auto* const secured = dynamic_cast<tls::stream*>(s)) s = secured->below();
  const auto* const plain = dynamic_cast<const tcp::stream*>(s);
  return plain == nullptr ? address() : plain->peer_address();
}

address peer_address(const socket& of) noexcept {
  return of.stream() == nullptr ? address() : peer_address(*of.stream());
}

void serve(std::string_view where, handler h, serve_options options) {
  server(where, std::move(h), std::move(options)).wait();
}

}  // namespace caraway::ws
