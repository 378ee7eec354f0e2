// http.cpp - the heads of HTTP/1.1 messages, line by line.
//
// As with WebSocket, what was sent is with the operating system when a call returns, as far as that
// took it within the deadline, and ETIMEDOUT means that nothing of it was sent. As libdill has it, a
// line whose parts do not fit into the caller's memory is gone.
#include "caraway/http.hpp"

#include <algorithm>
#include <string_view>

#include "capi/guest.hpp"
#include "capi/last_words.hpp"
#include "capi/lower.hpp"

namespace caraway::capi {
namespace {

const char http_type_id = 0;
const void* const http_type = &http_type_id;

// The socket stays where it is while somebody is inside, so it has memory of its own.
using socket_ptr = std::unique_ptr<http::socket>;

struct http_state {
  socket_ptr socket;
  lower below;
  bool sending = false;
  bool receiving = false;
  bool broken = false;  // the program knows that no more can be received
  list<guest<socket_ptr>> inside;

  ~http_state() { guest<socket_ptr>::leave_to(inside, std::move(socket)); }
};

// A coroutine inside a call, in one direction.
class http_use {
 public:
  http_use(http_state& s, bool http_state::* which) noexcept
      : state_(s), which_(which), socket_(*s.socket), entered_(!(s.*which)) {
    if (!entered_) return;
    state_.*which_ = true;
    here_.enter(s.inside);
  }
  http_use(const http_use&) = delete;
  http_use& operator=(const http_use&) = delete;
  ~http_use() {
    if (entered_ && !gone()) state_.*which_ = false;
  }
  bool busy() const noexcept { return !entered_; }
  // The handle was closed meanwhile.
  bool gone() const noexcept { return here_.gone(); }
  http::socket& socket() const noexcept { return socket_; }

 private:
  http_state& state_;
  bool http_state::* which_;
  http::socket& socket_;
  bool entered_;
  guest<socket_ptr> here_;
};

struct http_object final : object {
  http_object() noexcept;
  http_object(const http_object&) = delete;
  http_object& operator=(const http_object&) = delete;

  http_state state;
};

void* answer(dill_hvfs* vfs, const void* type) {
  if (type == http_type) return static_cast<http_object*>(vfs);
  errno = ENOTSUP;
  return nullptr;
}

void close_object(dill_hvfs* vfs) {
  auto& o = *static_cast<http_object*>(vfs);
  http_state& s = o.state;
  const bool said_all = s.below.said_all() && !s.sending && !s.receiving;
  if (!said_all) s.socket->abort();
  s.below.close();
  destroy(o);
}

http_object::http_object() noexcept {
  query = answer;
  close = close_object;
}

// --- attach and detach ---

int attach(int s, dill_http_storage* mem) noexcept {
  lower below;
  stream_ptr stream;
  if (const int code = below.take(s, stream); code != 0) return outcome(code);
  http_object* o = create<http_object>(mem);
  if (o != nullptr) {
    o->state.socket.reset(new (std::nothrow) http::socket(std::move(stream)));
    o->state.below = below;
  }
  const bool made = o != nullptr && o->state.socket != nullptr;
  const int h = made ? make_handle(*o) : outcome(ENOMEM);
  if (h >= 0) return h;
  const int code = errno;
  if (o != nullptr) destroy(*o);
  stream.reset();
  below.close();
  return outcome(code);
}

// Ends both heads, also those that were never begun.
int end_heads(http::socket& s, deadline dl) {
  if (!s.head_sent())
    if (const int code = code_of(s.try_done(dl)); code != 0) return code;
  if (!s.head_received())
    if (const int code = code_of(s.try_skip(dl)); code != 0) return code;
  return code_of(s.try_flush(dl));
}

// EBUSY leaves all as it was. `gone`: the handle was
// closed meanwhile.
int detach(http_state& s, deadline dl, stream_ptr& stream, bool& gone) {
  const http_use sending(s, &http_state::sending);
  const http_use receiving(s, &http_state::receiving);
  if (sending.busy() || receiving.busy()) return EBUSY;
  const last_words may_be;
  const int code = end_heads(sending.socket(), dl);
  gone = sending.gone();
  if (gone) return ECANCELED;
  if (code != 0) return code;
  auto below = sending.socket().try_detach(dl);
  gone = sending.gone();
  if (gone) return ECANCELED;
  if (!below) return to_errno(below.error());
  stream = std::move(*below);
  return 0;
}

int detach_handle(int h, deadline dl) noexcept {
  auto* o = own<http_object>(h, http_type);
  if (o == nullptr) return -1;
  stream_ptr stream;
  bool gone = false;
  const int code = without_exceptions([&] { return detach(o->state, dl, stream, gone); });
  int below = -1;
  if (!gone && code == 0) {
    below = o->state.below.give_back(std::move(stream));
    forget(h);
    destroy(*o);
  } else if (!gone && code != EBUSY) {
    dill_hclose(h);
  }
  return outcome(code, below);
}

// --- sending ---

// Waits until what was sent is with the kernel. Giving up on that is no failure: it will go out.
int push_out(const http_use& use, deadline dl) noexcept {
  if (use.gone()) return ECANCELED;
  const int code = code_of(use.socket().try_flush(dl));
  if (use.gone()) return ECANCELED;
  return code == ETIMEDOUT || code == ECANCELED ? 0 : code;
}

// Calls `line` on the socket, which sends one.
template <class F>
int send_line(int h, std::int64_t ms, F line) noexcept {
  auto* o = own<http_object>(h, http_type);
  if (o == nullptr) return -1;
  const http_use use(o->state, &http_state::sending);
  if (use.busy()) return outcome(EBUSY);
  const deadline dl = to_deadline(ms);
  const last_words may_be;
  // At most one line is left behind when a call returns.
  int code = code_of(use.socket().try_flush(dl));
  if (code == 0) code = use.gone() ? ECANCELED : code_of(line(use.socket(), dl));
  return outcome(code == 0 ? push_out(use, dl) : code);
}

bool is_blank(const char* text) noexcept {
  return std::string_view(text).find_first_not_of(" \t") == std::string_view::npos;
}

// --- receiving ---

// A buffer of the program for a string.
struct text_buffer {
  char* at;
  std::size_t size;

  bool valid() const noexcept { return at != nullptr || size == 0; }
  bool fits(std::string_view text) const noexcept { return text.size() < size; }
  void set(std::string_view text) const noexcept {
    std::copy(text.begin(), text.end(), at);
    at[text.size()] = '\0';
  }
};

// Both texts, or neither.
int put(text_buffer to, std::string_view text, text_buffer to2, std::string_view text2) noexcept {
  if (!to.fits(text) || !to2.fits(text2)) return EMSGSIZE;
  to.set(text);
  to2.set(text2);
  return 0;
}

// What the program is told of a failure: ECONNRESET once it knows that the head cannot be understood.
// The end of the stream inside a head is none that the peer can mean.
int code_of_receive(http_state& s, std::error_code why) noexcept {
  const bool inside = s.socket->receiving_head() || !s.socket->below().buffered().empty();
  if (why == errc::end_of_stream) return inside ? EPROTO : EPIPE;
  if (why != errc::protocol && why != errc::message_too_big) return to_errno(why);
  return std::exchange(s.broken, true) ? ECONNRESET : to_errno(why);
}

// Calls `line` on the socket, which receives one, and `use` with what came. `use` returns an errno.
template <class Line, class Use>
int receive_line(int h, std::int64_t ms, Line line, Use use) noexcept {
  auto* o = own<http_object>(h, http_type);
  if (o == nullptr) return -1;
  http_state& s = o->state;
  const http_use inside(s, &http_state::receiving);
  if (inside.busy()) return outcome(EBUSY);
  const int code = without_exceptions([&] {
    auto got = line(inside.socket(), to_deadline(ms));
    if (inside.gone()) return ECANCELED;
    return got ? use(*got) : code_of_receive(s, got.error());
  });
  return outcome(code);
}

}  // namespace
}  // namespace caraway::capi

using namespace caraway;
using namespace caraway::capi;

int dill_http_attach(int s) {
  return attach(s, nullptr);
}

int dill_http_attach_mem(int s, dill_http_storage* mem) {
  return mem == nullptr ? refuse(s, EINVAL) : attach(s, mem);
}

int dill_http_done(int s, std::int64_t deadline) {
  return send_line(s, deadline,
                   [](http::socket& h, caraway::deadline dl) { return h.try_done(dl); });
}

int dill_http_detach(int s, std::int64_t deadline) {
  return detach_handle(s, to_deadline(deadline));
}

int dill_http_sendrequest(int s, const char* command, const char* resource, std::int64_t deadline) {
  return send_line(s, deadline, [&](http::socket& h, caraway::deadline dl) -> result<void> {
    if (command == nullptr || resource == nullptr) return fail(EINVAL);
    return h.try_send_request_line(command, resource, dl);
  });
}

int dill_http_sendstatus(int s, int status, const char* reason, std::int64_t deadline) {
  return send_line(s, deadline, [&](http::socket& h, caraway::deadline dl) -> result<void> {
    if (status < 100 || status > 599 || reason == nullptr) return fail(EINVAL);
    return h.try_send_status_line(status, reason, dl);
  });
}

int dill_http_sendfield(int s, const char* name, const char* value, std::int64_t deadline) {
  return send_line(s, deadline, [&](http::socket& h, caraway::deadline dl) -> result<void> {
    if (name == nullptr || value == nullptr || !http::is_token(name)) return fail(EINVAL);
    if (is_blank(value)) return fail(EPROTO);
    return h.try_send_field(name, value, dl);
  });
}

int dill_http_recvrequest(int s, char* command, std::size_t commandlen, char* resource,
                          std::size_t resourcelen, std::int64_t deadline) {
  const text_buffer method{command, commandlen}, target{resource, resourcelen};
  return receive_line(
      s, deadline,
      [&](http::socket& h, caraway::deadline dl) -> result<http::request_head> {
        if (!method.valid() || !target.valid()) return fail(EINVAL);
        return h.try_receive_request_line(dl);
      },
      [&](const http::request_head& head) {
        return put(method, head.method, target, head.target);
      });
}

int dill_http_recvstatus(int s, char* reason, std::size_t reasonlen, std::int64_t deadline) {
  const text_buffer words{reason, reasonlen};
  int status = -1;
  const int rc = receive_line(
      s, deadline,
      [&](http::socket& h, caraway::deadline dl) -> result<http::response_head> {
        if (!words.valid()) return fail(EINVAL);
        return h.try_receive_status_line(dl);
      },
      [&](const http::response_head& head) {
        if (!words.fits(head.reason)) return EMSGSIZE;
        words.set(head.reason);
        status = head.status;
        return 0;
      });
  return rc == 0 ? status : rc;
}

int dill_http_recvfield(int s, char* name, std::size_t namelen, char* value, std::size_t valuelen,
                        std::int64_t deadline) {
  const text_buffer key{name, namelen}, content{value, valuelen};
  return receive_line(
      s, deadline,
      [&](http::socket& h, caraway::deadline dl) -> result<std::optional<http::field>> {
        if (!key.valid() || !content.valid()) return fail(EINVAL);
        return h.try_receive_field(dl);
      },
      [&](const std::optional<http::field>& field) {
        return field ? put(key, field->name, content, field->value) : EPIPE;
      });
}
