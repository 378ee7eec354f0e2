// ws.cpp - WebSocket.
//
// A send is with the operating system when it returns, as far as that took it within the deadline:
// before anything is sent, what an earlier call left behind must have gone out. So ETIMEDOUT always
// means that nothing of this message was sent, and at most one message is left behind. A received
// message that did not fit is kept for the next receive.
#include <algorithm>
#include <array>
#include <optional>
#include <string>

#include "base/random.hpp"
#include "capi/foreign.hpp"
#include "capi/guest.hpp"
#include "capi/iolist.hpp"
#include "capi/last_words.hpp"
#include "capi/lower.hpp"
#include "caraway/ws_handshake.hpp"
#include "caraway/ws_socket.hpp"

namespace caraway::capi {
namespace {

const char ws_type_id = 0;
const void* const ws_type = &ws_type_id;

constexpr std::uint64_t message_limit = std::uint64_t{64} << 20;

ws::limits message_limits() noexcept {
  ws::limits l;
  l.message = message_limit;
  // Programs written for libdill, and their peers, do not expect pings that nobody asked for.
  l.keepalive = ws::keepalive_off;
  return l;
}

// The socket stays where it is while somebody is inside, so it has memory of its own.
using socket_ptr = std::unique_ptr<ws::socket>;

struct ws_state {
  socket_ptr socket;
  lower below;
  ws::message_type type = ws::message_type::binary;  // of msend and mrecv
  bool sending = false;
  bool receiving = false;
  bool done = false;  // ws_done was called
  std::optional<ws::message> kept;
  list<guest<socket_ptr>> inside;

  ~ws_state() { guest<socket_ptr>::leave_to(inside, std::move(socket)); }
};

// A coroutine inside a call, in one direction.
class ws_use {
 public:
  ws_use(ws_state& s, bool ws_state::* which) noexcept
      : state_(s), which_(which), socket_(*s.socket), entered_(!(s.*which)) {
    if (!entered_) return;
    state_.*which_ = true;
    here_.enter(s.inside);
  }
  ws_use(const ws_use&) = delete;
  ws_use& operator=(const ws_use&) = delete;
  ~ws_use() {
    if (entered_ && !gone()) state_.*which_ = false;
  }
  bool busy() const noexcept { return !entered_; }
  // The handle was closed meanwhile.
  bool gone() const noexcept { return here_.gone(); }
  ws::socket& socket() const noexcept { return socket_; }

 private:
  ws_state& state_;
  bool ws_state::* which_;
  ws::socket& socket_;
  bool entered_;
  guest<socket_ptr> here_;
};

struct ws_object;

struct ws_vfs : dill_msock_vfs {
  ws_object* owner;
};

struct ws_object final : object {
  ws_vfs vfs;
  ws_state state;

  ws_object() noexcept;
  ws_object(const ws_object&) = delete;
  ws_object& operator=(const ws_object&) = delete;
};

ws::message_type type_of(int flags) noexcept {
  return (flags & DILL_WS_TEXT) != 0 ? ws::message_type::text : ws::message_type::binary;
}

std::string_view reason_of(const void* buf, std::size_t len) noexcept {
  return {static_cast<const char*>(buf), len};
}

// Waits until what was sent is with the kernel. Giving up on that is no failure: it will go out.
int push_out(const ws_use& use, deadline dl) noexcept {
  const int code = code_of(use.socket().try_flush(dl));
  if (use.gone()) return ECANCELED;
  return code == ETIMEDOUT || code == ECANCELED ? 0 : code;
}

int send(ws_state& s, ws::message_type type, const dill_iolist* first, deadline dl) noexcept {
  list_parts list;
  if (const int code = list.set(first); code != 0) return code;
  const ws_use use(s, &ws_state::sending);
  if (use.busy()) return EBUSY;
  const last_words may_be;
  if (const int code = code_of(use.socket().try_flush(dl)); code != 0) return code;
  if (const int code = code_of(use.socket().try_send(type, list.get(), dl)); code != 0) return code;
  return push_out(use, dl);
}

struct received {
  ws::message_type type = ws::message_type::binary;
  std::size_t size = 0;
};

// Into one piece of memory, where a large message goes straight from the transport.
int receive_into(ws::socket& s, const dill_iolist& into, received& got, deadline dl) {
  const std::size_t room = std::min<std::size_t>(into.iol_len, message_limit);
  const auto r = s.try_receive_into({static_cast<std::byte*>(into.iol_base), room}, dl);
  if (!r) return to_errno(r.error());
  if (!*r) return EPIPE;
  got = {(*r)->type, (*r)->size};
  return 0;
}

// Into a checked list, or to nowhere if `first` is nullptr.
int receive(ws_state& s, const dill_iolist* first, received& got, deadline dl) {
  const ws_use use(s, &ws_state::receiving);
  if (use.busy()) return EBUSY;
  const bool one_piece =
      first != nullptr && first->iol_next == nullptr && first->iol_base != nullptr;
  if (!s.kept && one_piece) return receive_into(use.socket(), *first, got, dl);
  std::optional<ws::message> message = s.kept;
  if (!message) {
    const auto r = use.socket().try_receive(dl);
    if (!r) return to_errno(r.error());
    if (!*r) return EPIPE;
    message = **r;
  }
  const bool fits = first == nullptr || list_size(first) >= message->size();
  if (fits) scatter(message->data, first);
  got = {message->type, message->size()};
  if (fits) message.reset();
  if (!use.gone()) s.kept = message;
  return fits ? 0 : EMSGSIZE;
}

int check_receive_list(const dill_iolist* first, const dill_iolist* last) noexcept {
  return first == nullptr && last == nullptr ? 0 : check_list(first, last);
}

int msendl(dill_msock_vfs* vfs, dill_iolist* first, dill_iolist* last, std::int64_t deadline) {
  ws_state& s = static_cast<ws_vfs*>(vfs)->owner->state;
  if (const int code = check_list(first, last); code != 0) return outcome(code);
  return outcome(send(s, s.type, first, to_deadline(deadline)));
}

ssize_t mrecvl(dill_msock_vfs* vfs, dill_iolist* first, dill_iolist* last, std::int64_t deadline) {
  ws_state& s = static_cast<ws_vfs*>(vfs)->owner->state;
  const ws::message_type wanted = s.type;
  if (const int code = check_receive_list(first, last); code != 0) return outcome(code);
  received got;
  int code = without_exceptions([&] { return receive(s, first, got, to_deadline(deadline)); });
  if (code == 0 && got.type != wanted) code = EPROTO;
  return outcome(code, static_cast<int>(got.size));
}

void* answer(dill_hvfs* vfs, const void* type) {
  auto* o = static_cast<ws_object*>(vfs);
  if (type == dill_msock_type || type == keeping_type) return &o->vfs;
  if (type == ws_type) return o;
  errno = ENOTSUP;
  return nullptr;
}

void close_object(dill_hvfs* vfs) {
  auto& o = *static_cast<ws_object*>(vfs);
  o.state.socket->abort();
  o.state.below.close();
  destroy(o);
}

ws_object::ws_object() noexcept : vfs{{msendl, mrecvl}, this} {
  query = answer;
  close = close_object;
}

// The handle of a socket whose lower handle is `below`, which is closed if there is no memory.
int make(result<ws::socket> made, lower below, int flags, dill_ws_storage* mem) noexcept {
  int code = code_of(made);
  ws_object* o = code == 0 ? create<ws_object>(mem) : nullptr;
  if (o != nullptr) {
    o->state.socket.reset(new (std::nothrow) ws::socket(std::move(*made)));
    o->state.below = below;
    o->state.type = type_of(flags);
  }
  if (code == 0 && (o == nullptr || o->state.socket == nullptr)) code = ENOMEM;
  const int h = code == 0 ? make_handle(*o) : outcome(code);
  if (h >= 0) return h;
  code = errno;
  if (o != nullptr) destroy(*o);
  made = fail(code);
  below.close();
  return outcome(code);
}

// --- attach ---

result<ws::socket> attach_bare(stream_ptr stream, ws::role as) {
  return ws::try_attach_without_handshake(std::move(stream), as, message_limits());
}

result<ws::socket> shake_client(stream_ptr stream, const char* resource, const char* host,
                                deadline dl) {
  ws::client_options options;
  options.host = host;
  options.target = resource;
  options.limits = message_limits();
  return ws::try_attach_client(std::move(stream), options, dl);
}

int attach_client(int s, int flags, const char* resource, const char* host, dill_ws_storage* mem,
                  std::int64_t deadline) noexcept {
  const bool shake = (flags & DILL_WS_NOHTTP) == 0;
  if (shake && (resource == nullptr || host == nullptr)) return refuse(s, EINVAL);
  lower below;
  stream_ptr stream;
  if (const int code = below.take(s, stream); code != 0) return outcome(code);
  result<ws::socket> made = fail(ENOMEM);
  without_exceptions([&] {
    made = shake ? shake_client(std::move(stream), resource, host, to_deadline(deadline))
                 : attach_bare(std::move(stream), ws::role::client);
    return 0;
  });
  return make(std::move(made), below, flags, mem);
}

// A buffer of the program for a string; nullptr is for one that is not wanted.
struct text_buffer {
  char* at;
  std::size_t size;

  bool fits(std::string_view text) const noexcept { return at == nullptr || text.size() < size; }
  void set(std::string_view text) const noexcept {
    if (at == nullptr) return;
    std::copy(text.begin(), text.end(), at);
    at[text.size()] = '\0';
  }
};

std::string_view host_of(const http::request_head& head) noexcept {
  return http::find(head.fields, "Host").value_or(std::string_view{});
}

result<ws::socket> shake_server(stream_ptr stream, text_buffer resource, text_buffer host,
                                deadline dl) {
  bool too_long = false;
  ws::server_options options;
  options.origins = {"*"};
  options.limits = message_limits();
  options.decide = [&](const http::request_head& head) -> std::optional<http::response> {
    too_long = !resource.fits(head.target) || !host.fits(host_of(head));
    if (too_long) return ws::refusal(414, "The target or the host is too long here.\n");
    return std::nullopt;
  };
  auto made = ws::try_attach_server(std::move(stream), options, dl);
  if (!made) return too_long ? fail(EMSGSIZE) : fail(made.error());
  resource.set(made->request().target);
  host.set(host_of(made->request()));
  return made;
}

int attach_server(int s, int flags, text_buffer resource, text_buffer host, dill_ws_storage* mem,
                  std::int64_t deadline) noexcept {
  lower below;
  stream_ptr stream;
  if (const int code = below.take(s, stream); code != 0) return outcome(code);
  result<ws::socket> made = fail(ENOMEM);
  without_exceptions([&] {
    const bool shake = (flags & DILL_WS_NOHTTP) == 0;
    made = shake ? shake_server(std::move(stream), resource, host, to_deadline(deadline))
                 : attach_bare(std::move(stream), ws::role::server);
    return 0;
  });
  return make(std::move(made), below, flags, mem);
}

// --- the end ---

// The code of a close frame; 0 if it cannot be one.
std::uint16_t close_code(int status, std::size_t reason) noexcept {
  if (status == 0) return reason == 0 ? ws::close_code::no_status : 0;
  const bool possible = status >= 1000 && status <= 4999 && status != ws::close_code::no_status;
  return possible ? static_cast<std::uint16_t>(status) : 0;
}

int done(ws_state& s, int status, const void* buf, std::size_t len, deadline dl) {
  const std::uint16_t code = close_code(status, len);
  if (code == 0 || (buf == nullptr && len > 0)) return EINVAL;
  const ws_use use(s, &ws_state::sending);
  if (use.busy()) return EBUSY;
  if (s.done) return EPIPE;
  const last_words may_be;
  const auto r = use.socket().try_done(code, reason_of(buf, len), dl);
  if (use.gone()) return ECANCELED;
  // The peer was faster, and its close frame has been answered already.
  const bool answered = !r && r.error() == errc::closed && use.socket().peer_has_closed();
  if (!r && !answered) return to_errno(r.error());
  s.done = true;
  return push_out(use, dl);
}

// The stream below to `stream`. EINVAL and EBUSY leave all as it was. `gone`: the handle was closed
// meanwhile.
int detach(ws_state& s, int status, const void* buf, std::size_t len, deadline dl,
           stream_ptr& stream, bool& gone) {
  const std::uint16_t code = close_code(status, len);
  if (code == 0 || (buf == nullptr && len > 0)) return EINVAL;
  const ws_use sending(s, &ws_state::sending);
  const ws_use receiving(s, &ws_state::receiving);
  if (sending.busy() || receiving.busy()) return EBUSY;
  s.kept.reset();
  const last_words may_be;
  auto r = sending.socket().try_detach(code, reason_of(buf, len), dl);
  gone = sending.gone();
  if (gone) return ECANCELED;
  if (!r) return to_errno(r.error());
  stream = std::move(*r);
  return 0;
}

int detach_handle(int h, int status, const void* buf, std::size_t len, deadline dl) noexcept {
  auto* o = own<ws_object>(h, ws_type);
  if (o == nullptr) return -1;
  stream_ptr stream;
  bool gone = false;
  const int code =
      without_exceptions([&] { return detach(o->state, status, buf, len, dl, stream, gone); });
  int below = -1;
  if (!gone && code == 0) {
    below = o->state.below.give_back(std::move(stream));
    forget(h);
    destroy(*o);
  } else if (!gone && code != EINVAL && code != EBUSY) {
    dill_hclose(h);
  }
  return outcome(code, below);
}

ssize_t status_of(const ws_state& s, int* status, void* buf, std::size_t len) noexcept {
  if (!s.socket->peer_has_closed()) return outcome(EAGAIN);
  if (buf == nullptr && len > 0) return outcome(EINVAL);
  const std::string_view reason = s.socket->close_reason();
  if (buf != nullptr && reason.size() > len) return outcome(EMSGSIZE);
  if (buf != nullptr) std::copy(reason.begin(), reason.end(), static_cast<char*>(buf));
  const int code = s.socket->close_code();
  if (status != nullptr) *status = code == ws::close_code::no_status ? 0 : code;
  return outcome(0, static_cast<int>(reason.size()));
}

int copy_key(const std::string& key, char* to) noexcept {
  std::copy(key.begin(), key.end(), to);
  to[key.size()] = '\0';
  return 0;
}

}  // namespace
}  // namespace caraway::capi

using namespace caraway;
using namespace caraway::capi;

int dill_ws_attach_client(int s, int flags, const char* resource, const char* host,
                          std::int64_t deadline) {
  return attach_client(s, flags, resource, host, nullptr, deadline);
}

int dill_ws_attach_client_named_(int s, const char* resource, const char* host, int flags,
                                 std::int64_t deadline) {
  return attach_client(s, flags, resource, host, nullptr, deadline);
}

int dill_ws_attach_client_mem(int s, int flags, const char* resource, const char* host,
                              dill_ws_storage* mem, std::int64_t deadline) {
  if (mem == nullptr) return refuse(s, EINVAL);
  return attach_client(s, flags, resource, host, mem, deadline);
}

int dill_ws_attach_server(int s, int flags, char* resource, std::size_t resourcelen, char* host,
                          std::size_t hostlen, std::int64_t deadline) {
  return attach_server(s, flags, {resource, resourcelen}, {host, hostlen}, nullptr, deadline);
}

int dill_ws_attach_server_mem(int s, int flags, char* resource, std::size_t resourcelen, char* host,
                              std::size_t hostlen, dill_ws_storage* mem, std::int64_t deadline) {
  if (mem == nullptr) return refuse(s, EINVAL);
  return attach_server(s, flags, {resource, resourcelen}, {host, hostlen}, mem, deadline);
}

int dill_ws_send(int s, int flags, const void* buf, std::size_t len, std::int64_t deadline) {
  auto* o = own<ws_object>(s, ws_type);
  if (o == nullptr) return -1;
  const dill_iolist list = single(buf, len);
  return outcome(capi::send(o->state, type_of(flags), &list, to_deadline(deadline)));
}

int dill_ws_sendl(int s, int flags, dill_iolist* first, dill_iolist* last, std::int64_t deadline) {
  auto* o = own<ws_object>(s, ws_type);
  if (o == nullptr) return -1;
  if (const int code = check_receive_list(first, last); code != 0) return outcome(code);
  return outcome(capi::send(o->state, type_of(flags), first, to_deadline(deadline)));
}

ssize_t dill_ws_recv(int s, int* flags, void* buf, std::size_t len, std::int64_t deadline) {
  dill_iolist list = single(buf, len);
  return dill_ws_recvl(s, flags, &list, &list, deadline);
}

ssize_t dill_ws_recvl(int s, int* flags, dill_iolist* first, dill_iolist* last,
                      std::int64_t deadline) {
  auto* o = own<ws_object>(s, ws_type);
  if (o == nullptr) return -1;
  if (const int code = check_receive_list(first, last); code != 0) return outcome(code);
  received got;
  const int code =
      without_exceptions([&] { return receive(o->state, first, got, to_deadline(deadline)); });
  if (code == 0 && flags != nullptr)
    *flags = got.type == ws::message_type::text ? DILL_WS_TEXT : DILL_WS_BINARY;
  return outcome(code, static_cast<int>(got.size));
}

int dill_ws_done(int s, int status, const void* buf, std::size_t len, std::int64_t deadline) {
  auto* o = own<ws_object>(s, ws_type);
  if (o == nullptr) return -1;
  return outcome(without_exceptions(
      [&] { return capi::done(o->state, status, buf, len, to_deadline(deadline)); }));
}

int dill_ws_detach(int s, int status, const void* buf, std::size_t len, std::int64_t deadline) {
  return detach_handle(s, status, buf, len, to_deadline(deadline));
}

int dill_ws_detach_normally_(int s, std::int64_t deadline) {
  return detach_handle(s, ws::close_code::normal, nullptr, 0, to_deadline(deadline));
}

ssize_t dill_ws_status(int s, int* status, void* buf, std::size_t len) {
  auto* o = own<ws_object>(s, ws_type);
  return o == nullptr ? -1 : status_of(o->state, status, buf, len);
}

int dill_ws_request_key(char* request_key) {
  if (request_key == nullptr) return outcome(EINVAL);
  return outcome(without_exceptions([&] {
    std::array<std::byte, 16> random;
    base::random_bytes(random);
    return copy_key(ws::make_key(random), request_key);
  }));
}

int dill_ws_response_key(const char* request_key, char* response_key) {
  if (request_key == nullptr || response_key == nullptr) return outcome(EINVAL);
  if (!ws::is_key(request_key)) return outcome(EPROTO);
  return outcome(
      without_exceptions([&] { return copy_key(ws::accept_key(request_key), response_key); }));
}
