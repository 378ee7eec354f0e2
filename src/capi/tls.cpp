// tls.cpp - TLS, and the calls for TLS on datagrams that there is none of.
#include "caraway/tls.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <string>

#include "capi/last_words.hpp"
#include "capi/lower.hpp"
#include "capi/tls_settings.hpp"

namespace caraway::capi {
namespace {

const char tls_type_id = 0;
const void* const tls_type = &tls_type_id;

// Why the last attach of the thread failed.
thread_local std::string last_reason;

// As libdill has it, whatever is wrong with TLS itself or with its files is EFAULT.
int note(std::error_code why) {
  last_reason = why.message();
  if (why == tls::errc::truncated) return EPIPE;
  return why.category() == tls::category() ? EFAULT : to_errno(why);
}

// The same where TLS has not begun: the text is that of `code`.
int note(int code) noexcept {
  without_exceptions([&] { return last_reason = os_error(code).message(), 0; });
  return code;
}

// Consumes the socket of an attach whose arguments are refused.
int refuse_attach(int s, int code) noexcept {
  refuse(s, code);
  return outcome(note(errno));
}

int note_settings(std::error_code why) {
  if (last_reason.empty()) last_reason = why.message();
  for (int own : {EINVAL, ENOMEM, EPROTONOSUPPORT})
    if (why == os_error(own)) return own;
  return EFAULT;
}

using attached = result<tls::stream_ptr>;

// Takes `s` and shakes hands over it as attach(stream) does.
template <class Attach>
int attach_to(int s, dill_tls_storage* mem, Attach attach) noexcept {
  lower below;
  stream_ptr stream;
  if (const int code = below.take(s, stream); code != 0)
    return outcome(note(code == ENOTSUP ? EPROTO : code));
  attached made = fail(ENOMEM);
  int code = without_exceptions([&] {
    last_reason.clear();
    made = attach(std::move(stream));
    return made ? 0 : note(made.error());
  });
  int h = -1;
  if (code == 0) {
    h = make_stream(std::move(*made), tls_type, mem);
    code = h < 0 ? note(errno) : 0;
  }
  if (h < 0) below.close();
  if (h >= 0) own<stream_object>(h, tls_type)->below = below.handle();
  return outcome(h >= 0 ? 0 : code, h);
}

// --- clients ---

bool insecure() noexcept {
  const char* const value = ::secure_getenv("CARAWAY_TLS_INSECURE");
  return value != nullptr && std::string_view(value) == "1";
}

void warn_once() noexcept {
  static std::once_flag once;
  std::call_once(once, [] {
    std::fputs("caraway: CARAWAY_TLS_INSECURE is set: TLS servers are not verified\n", stderr);
  });
}

int attach_client(int s, const dill_tls_opts& opts, dill_tls_storage* mem,
                  std::int64_t deadline) noexcept {
  tls::client_options options;
  const int code = without_exceptions([&] {
    last_reason.clear();
    auto context = client_context_for(opts, last_reason);
    if (!context) return note_settings(context.error());
    options.context = std::move(*context);
    if (opts.host != nullptr) options.host = opts.host;
    options.alpn = split_protocols(opts.alpn);
    return 0;
  });
  if (code != 0) return refuse(s, code);
  return attach_to(s, mem, [&](stream_ptr under) {
    return tls::try_attach_client(std::move(under), options, to_deadline(deadline));
  });
}

// The call that libdill has, for programs that know nothing of verifying. The host is whom the program
// has connected to by name, if it has.
int attach_plain_client(int s, dill_tls_storage* mem, std::int64_t deadline) noexcept {
  dill_tls_opts opts{};
  const auto* o = own<stream_object>(s, stream_type);
  if (o != nullptr && o->host != nullptr) opts.host = o->host->c_str();
  if (insecure()) {
    warn_once();
    opts.flags = DILL_TLS_VERIFY_NOTHING;
  }
  return attach_client(s, opts, mem, deadline);
}

// --- servers ---

int attach_server(int s, const dill_tls_opts& opts, dill_tls_storage* mem,
                  std::int64_t deadline) noexcept {
  tls::server_context context;
  const int code = without_exceptions([&] {
    last_reason.clear();
    auto found = server_context_for(opts, last_reason);
    if (!found) return note_settings(found.error());
    context = std::move(*found);
    return 0;
  });
  if (code != 0) return refuse(s, code);
  return attach_to(s, mem, [&](stream_ptr under) {
    return tls::try_attach_server(std::move(under), context, to_deadline(deadline));
  });
}

int attach_server_of_files(int s, const char* cert, const char* pkey, dill_tls_storage* mem,
                           std::int64_t deadline) noexcept {
  if (cert == nullptr || pkey == nullptr) return refuse_attach(s, EINVAL);
  dill_tls_opts opts{};
  opts.cert_file = cert;
  opts.key_file = pkey;
  return attach_server(s, opts, mem, deadline);
}

constexpr int flags_of_clients =
    DILL_TLS_VERIFY_NOTHING | DILL_TLS_VERIFY_CHAIN | DILL_TLS_ONLY_THESE | DILL_TLS_1_3;
constexpr int flags_of_servers =
    DILL_TLS_ONLY_THESE | DILL_TLS_1_3 | DILL_TLS_CLIENT_REQUIRED | DILL_TLS_CLIENT_OPTIONAL;

// A flag that has no effect may be one that its caller relies on.
bool is_known(const dill_tls_opts* opts, int flags) noexcept {
  return opts != nullptr && opts->size == sizeof(dill_tls_opts) && (opts->flags & ~flags) == 0;
}

// --- the end ---

// The stream below to `stream`. `gone`: the handle was closed meanwhile.
int detach(stream_state& s, deadline dl, stream_ptr& stream, bool& gone) {
  if (s.in.busy || s.out.busy) return EBUSY;
  if (s.in.code == ECONNRESET || s.out.code == ECONNRESET) return ECONNRESET;
  guest<stream_ptr> here;
  here.enter(s.inside);
  s.in.busy = s.out.busy = true;
  const last_words may_be;
  auto r = static_cast<tls::stream&>(*s.stream).try_detach(dl);
  gone = here.gone();
  if (gone) return ECANCELED;
  s.in.busy = s.out.busy = false;
  if (!r) return to_errno(r.error());
  stream = std::move(*r);
  return 0;
}

int detach_handle(int h, deadline dl) noexcept {
  auto* o = own<stream_object>(h, tls_type);
  if (o == nullptr) return -1;
  stream_ptr stream;
  bool gone = false;
  const int code = without_exceptions([&] { return detach(o->state, dl, stream, gone); });
  int below = -1;
  if (!gone && code == 0) {
    below = lower::of(std::exchange(o->below, -1)).give_back(std::move(stream));
    forget(h);
    destroy(*o);
  } else if (!gone && code != EBUSY) {
    dill_hclose(h);
  }
  return outcome(code, below);
}

// --- what was agreed ---

// Text of a connection as a string in `buf`.
template <class Text>
ssize_t text_of(int s, char* buf, std::size_t len, Text text) noexcept {
  auto* o = own<stream_object>(s, tls_type);
  if (o == nullptr) return -1;
  if (buf == nullptr) return outcome(EINVAL);
  std::size_t size = 0;
  const int code = without_exceptions([&] {
    const std::string all(text(static_cast<tls::stream&>(*o->state.stream)));
    if (all.size() >= len) return EMSGSIZE;
    std::copy(all.begin(), all.end(), buf);
    buf[all.size()] = '\0';
    size = all.size();
    return 0;
  });
  return outcome(code, static_cast<int>(size));
}

}  // namespace
}  // namespace caraway::capi

using namespace caraway::capi;

int dill_tls_attach_server(int s, const char* cert, const char* pkey, std::int64_t deadline) {
  return attach_server_of_files(s, cert, pkey, nullptr, deadline);
}

int dill_tls_attach_server_mem(int s, const char* cert, const char* pkey, dill_tls_storage* mem,
                               std::int64_t deadline) {
  if (mem == nullptr) return refuse_attach(s, EINVAL);
  return attach_server_of_files(s, cert, pkey, mem, deadline);
}

int dill_tls_attach_server_opts(int s, const dill_tls_opts* opts, std::int64_t deadline) {
  if (!is_known(opts, flags_of_servers)) return refuse_attach(s, EINVAL);
  return attach_server(s, *opts, nullptr, deadline);
}

int dill_tls_attach_client(int s, std::int64_t deadline) {
  return attach_plain_client(s, nullptr, deadline);
}

int dill_tls_attach_client_mem(int s, dill_tls_storage* mem, std::int64_t deadline) {
  if (mem == nullptr) return refuse_attach(s, EINVAL);
  return attach_plain_client(s, mem, deadline);
}

int dill_tls_attach_client_opts(int s, const dill_tls_opts* opts, std::int64_t deadline) {
  if (!is_known(opts, flags_of_clients)) return refuse_attach(s, EINVAL);
  return attach_client(s, *opts, nullptr, deadline);
}

int dill_tls_done(int s, std::int64_t deadline) {
  return stream_done(s, tls_type, deadline);
}

int dill_tls_detach(int s, std::int64_t deadline) {
  return detach_handle(s, to_deadline(deadline));
}

const char* dill_tls_error(void) {
  return last_reason.c_str();
}

ssize_t dill_tls_alpn(int s, char* buf, std::size_t len) {
  return text_of(s, buf, len, [](caraway::tls::stream& t) { return t.alpn(); });
}

ssize_t dill_tls_peer(int s, char* buf, std::size_t len) {
  return text_of(s, buf, len, [](caraway::tls::stream& t) { return t.peer_subject(); });
}

int dill_dtls_attach_server(int s, const char*, const char*, std::int64_t) {
  return refuse(s, ENOTSUP);
}

int dill_dtls_attach_server_mem(int s, const char*, const char*, dill_dtls_storage*, std::int64_t) {
  return refuse(s, ENOTSUP);
}

int dill_dtls_attach_client(int s, std::int64_t) {
  return refuse(s, ENOTSUP);
}

int dill_dtls_attach_client_mem(int s, dill_dtls_storage*, std::int64_t) {
  return refuse(s, ENOTSUP);
}

int dill_dtls_done(int s, std::int64_t) {
  return find(s) == nullptr ? -1 : outcome(ENOTSUP);
}

int dill_dtls_detach(int s, std::int64_t) {
  return find(s) == nullptr ? -1 : outcome(ENOTSUP);
}
