// ipc.cpp - Unix sockets, and descriptors passed through them.
//
// The streams do not read ahead, so that descriptors stay with the bytes they came with; only while
// a layer above owns a stream it does.
#include "caraway/unix.hpp"

#include "capi/adopted_fd.hpp"
#include "capi/listener.hpp"
#include "capi/stream.hpp"

namespace caraway::capi {
namespace {

using listener = listener_object<local::listener>;

const char ipc_type_id = 0;
const void* const ipc_type = &ipc_type_id;
const char ipc_listener_type_id = 0;
const void* const ipc_listener_type = &ipc_listener_type_id;

int fail_with(std::error_code why) noexcept {
  return outcome(to_errno(why));
}

void lend(byte_stream& s, bool lent) {
  static_cast<local::stream&>(s).set_read_ahead(lent);
}

template <class Storage>
int make(local::stream_ptr s, Storage* mem) noexcept {
  s->set_read_ahead(false);
  return make_stream(std::move(s), ipc_type, mem, lend);
}

int listen_at(const char* addr, int backlog, dill_ipc_listener_storage* mem) noexcept {
  if (const int code = cannot_begin(); code != 0) return outcome(code);
  if (addr == nullptr) return outcome(EINVAL);
  auto l = local::try_listen(addr, backlog);
  if (!l) return fail_with(l.error());
  const int h = make_listener(std::move(*l), ipc_listener_type, mem);
  if (h >= 0) return h;
  const int code = errno;
  ::unlink(addr);
  return outcome(code);
}

int accept_from(int s, dill_ipc_storage* mem, std::int64_t deadline) noexcept {
  if (const int code = cannot_begin(); code != 0) return outcome(code);
  auto* l = own<listener>(s, ipc_listener_type);
  if (l == nullptr) return -1;
  auto accepted = l->accept(to_deadline(deadline));
  return accepted ? make(std::move(*accepted), mem) : fail_with(accepted.error());
}

int connect_to(const char* addr, dill_ipc_storage* mem, std::int64_t deadline) noexcept {
  if (const int code = cannot_begin(); code != 0) return outcome(code);
  if (addr == nullptr) return outcome(EINVAL);
  auto connected = local::try_connect(addr, to_deadline(deadline));
  return connected ? make(std::move(*connected), mem) : fail_with(connected.error());
}

int listener_from_fd(int fd, dill_ipc_listener_storage* mem) noexcept {
  return adopt_fd(fd, [mem](unique_fd copy) {
    auto l = local::try_listener_from_fd(std::move(copy));
    return l ? make_listener(std::move(*l), ipc_listener_type, mem) : fail_with(l.error());
  });
}

int stream_from_fd(int fd, dill_ipc_storage* mem) noexcept {
  return adopt_fd(fd, [mem](unique_fd copy) {
    auto made = local::try_from_fd(std::move(copy));
    return made ? make(std::move(*made), mem) : fail_with(made.error());
  });
}

// The two halves of the storage of a pair.
struct half {
  char _[sizeof(dill_ipc_pair_storage) / 2];
};

int make_pair(half* mem, int s[2]) noexcept {
  if (s == nullptr) return outcome(EINVAL);
  if (const int code = cannot_begin(); code != 0) return outcome(code);
  auto both = local::try_pair();
  if (!both) return fail_with(both.error());
  const int first = make(std::move(both->first), mem);
  if (first < 0) {
    const int code = errno;
    both = fail(code);
    return outcome(code);
  }
  const int second = make(std::move(both->second), mem == nullptr ? nullptr : mem + 1);
  if (second < 0) {
    const int code = errno;
    dill_hclose(first);
    return outcome(code);
  }
  s[0] = first;
  s[1] = second;
  return outcome(0);
}

local::stream& unix_stream(const lane_use& use) noexcept {
  return static_cast<local::stream&>(use.stream());
}

// Giving up on a descriptor breaks nothing; every other failure does.
int end(lane_use& use, int code) noexcept {
  if (code == 0 || code == ETIMEDOUT || code == ECANCELED || code == EBADF) return code;
  return use.end(code, code == EPIPE ? EPIPE : ECONNRESET);
}

int send_fd(int s, int fd, deadline dl) noexcept {
  auto* o = own<stream_object>(s, ipc_type);
  if (o == nullptr) return errno;
  if (fd < 0) return EINVAL;
  lane_use use(o->state, &stream_state::out);
  if (use.code() != 0) return use.code();
  return end(use, code_of(unix_stream(use).try_send_fd(fd, dl)));
}

int receive_fd(int s, deadline dl, int& fd) noexcept {
  auto* o = own<stream_object>(s, ipc_type);
  if (o == nullptr) return errno;
  lane_use use(o->state, &stream_state::in);
  if (use.code() != 0) return use.code();
  auto received = unix_stream(use).try_recv_fd(dl);
  if (received) fd = received->release();
  return end(use, code_of(received));
}

}  // namespace
}  // namespace caraway::capi

using namespace caraway;
using namespace caraway::capi;

int dill_ipc_listen(const char* addr, int backlog) {
  return listen_at(addr, backlog, nullptr);
}

int dill_ipc_listen_mem(const char* addr, int backlog, dill_ipc_listener_storage* mem) {
  return mem == nullptr ? outcome(EINVAL) : listen_at(addr, backlog, mem);
}

int dill_ipc_accept(int s, std::int64_t deadline) {
  return accept_from(s, nullptr, deadline);
}

int dill_ipc_accept_mem(int s, dill_ipc_storage* mem, std::int64_t deadline) {
  return mem == nullptr ? outcome(EINVAL) : accept_from(s, mem, deadline);
}

int dill_ipc_connect(const char* addr, std::int64_t deadline) {
  return connect_to(addr, nullptr, deadline);
}

int dill_ipc_connect_mem(const char* addr, dill_ipc_storage* mem, std::int64_t deadline) {
  return mem == nullptr ? outcome(EINVAL) : connect_to(addr, mem, deadline);
}

int dill_ipc_sendfd(int s, int fd, std::int64_t deadline) {
  return outcome(send_fd(s, fd, to_deadline(deadline)));
}

int dill_ipc_recvfd(int s, std::int64_t deadline) {
  int fd = -1;
  const int code = receive_fd(s, to_deadline(deadline), fd);
  return outcome(code, fd);
}

int dill_ipc_done(int s, std::int64_t deadline) {
  return stream_done(s, ipc_type, deadline);
}

int dill_ipc_close(int s, std::int64_t deadline) {
  if (own<listener>(s, ipc_listener_type) != nullptr) return dill_hclose(s);
  return stream_close(s, ipc_type, deadline);
}

int dill_ipc_listener_fromfd(int fd) {
  return listener_from_fd(fd, nullptr);
}

int dill_ipc_listener_fromfd_mem(int fd, dill_ipc_listener_storage* mem) {
  return mem == nullptr ? outcome(EINVAL) : listener_from_fd(fd, mem);
}

int dill_ipc_fromfd(int fd) {
  return stream_from_fd(fd, nullptr);
}

int dill_ipc_fromfd_mem(int fd, dill_ipc_storage* mem) {
  return mem == nullptr ? outcome(EINVAL) : stream_from_fd(fd, mem);
}

int dill_ipc_pair(int s[2]) {
  return make_pair(nullptr, s);
}

int dill_ipc_pair_mem(dill_ipc_pair_storage* mem, int s[2]) {
  return mem == nullptr ? outcome(EINVAL) : make_pair(reinterpret_cast<half*>(mem), s);
}
