// tls_session.hpp - one side of a TLS conversation, without input or output.
//
// What the transport has received is shown to shake() and read(), which take of it what the record
// at hand needs and not a byte more; so what the peer says behind its close_notify stays with the
// transport. What is to be sent goes to a sink, at once and always, so no call ever has to be
// repeated because the transport was busy.
//
//     session s(out);
//     s.open(*setup, {.as = side::client, .host = "example.org"});
//     while (!*s.shake(in)) in = more();
//     s.write(as_bytes("hello"));
//
// OpenSSL verifies certificates by the clock of the system; otherwise nothing here looks at one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "caraway/bytes.hpp"
#include "caraway/error.hpp"
#include "codec/tls_setup.hpp"

struct ssl_st;
struct ssl_session_st;

namespace caraway::tls {

// Takes what is to be sent.
class sink {
 public:
  // All of `b`; false if there is no memory for it.
  virtual bool put(bytes b) noexcept = 0;

 protected:
  ~sink() = default;
};

struct session_options {
  side as = side::client;
  // Of a client: whom it wants to talk to, as SNI (RFC 6066, 3; not for addresses) and, if
  // `check_host`, to be found in the peer's certificate, as an alternative name (RFC 9525). A
  // trailing dot does not count, a leading one is no host.
  std::string_view host = {};
  bool check_host = true;
  // Of a client: its protocols as alpn_list() made them.
  std::string_view alpn = {};
  // Of a client: it shows no certificate, though `setup` may have one.
  bool anonymous = false;
};

class session {
 public:
  // `out` stays the caller's.
  explicit session(sink& out) noexcept : out_(out) {}
  session(const session&) = delete;
  session& operator=(const session&) = delete;
  ~session();

  // Before anything else, once. ENOMEM; EINVAL: a host that cannot be one.
  result<void> open(ssl_ctx_st& setup, const session_options& options);

  // The handshake; takes its input from the front of `in`. True: it is over. False: it wants more
  // than there was in `in`, which is empty now. Codes of category(), ENOMEM: it failed for good,
  // and an alert for the peer may be in the sink.
  result<bool> shake(bytes& in);

  // What the peer has sent, as much as one record has and `into` (not empty) has room for; takes its
  // input from the front of `in`. 0: it wants more than there was in `in`, which is empty now.
  // errc::end_of_stream: the peer has said that nothing more comes. Codes of category(), ENOMEM: it
  // failed for good. Any of these may have put something into the sink.
  result<std::size_t> read(bytes& in, mutable_bytes into);

  // How much input the next call needs at least; never more than the peer has to send.
  std::size_t wanted() const noexcept { return wanted_; }

  // Bytes of the last record that read() had no room for.
  std::size_t waiting() const noexcept;

  // Encrypts all of `plain`. Codes of category(), ENOMEM: it failed for good.
  result<void> write(bytes plain);

  // Says that nothing more comes (close_notify). Reading goes on.
  result<void> finish();

  // Fresh keys for what this side sends (RFC 8446, 4.6.3), and if `both` a request that the peer
  // does the same. They go with what is written next. ENOTSUP before TLS 1.3.
  result<void> update_keys(bool both);
  // write() asks for them by itself after so many records.
  static constexpr std::uint64_t records_per_key = std::uint64_t{1} << 22;

  // What was agreed, once shake() is over. The views hold as long as the session.
  std::string_view version() const noexcept;  // "TLSv1.3"
  std::string_view cipher() const noexcept;   // "TLS_AES_256_GCM_SHA384"
  std::string_view alpn() const noexcept;     // empty if nothing was
  std::string_view host() const noexcept;     // whom the client asked for, at both sides
  bool resumed() const noexcept;
  // The peer's certificate: its subject (RFC 2253), and itself as PEM; empty if there is none.
  std::string peer_subject() const;
  std::string peer_certificate() const;

 private:
  friend struct session_wire;

  result<void> open_client(const session_options& options);
  result<void> set_host(std::string_view host, bool check);
  std::error_code why(int returned) noexcept;
  result<void> attach_wire();

  sink& out_;
  ssl_st* ssl_ = nullptr;
  bytes in_;
  std::size_t wanted_ = 1;
  std::uint64_t records_left_ = records_per_key;
  bool starved_ = false;  // the sink had no memory
};

}  // namespace caraway::tls
