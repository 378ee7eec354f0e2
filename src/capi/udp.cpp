// udp.cpp - UDP.
//
// As libdill has it, what the network answers to a datagram is not told: that nobody is at the other end,
// or no way there. One to nobody is a datagram lost. Sending never waits, and one for which the system
// has no room is lost too.
#include "caraway/udp.hpp"

#include <algorithm>
#include <iterator>

#include "capi/guest.hpp"
#include "capi/handle.hpp"
#include "capi/iolist.hpp"
#include "capi/ipaddr.hpp"
#include "capi/last_words.hpp"
namespace caraway::capi {
namespace {

const char udp_type_id = 0;
const void* const udp_type = &udp_type_id;

struct udp_object;

struct udp_vfs : dill_msock_vfs {
  udp_object* owner;
};

using udp_guest = guest<udp::socket_ptr>;

struct udp_object final : object {
  udp_object() noexcept;
  udp_object(const udp_object&) = delete;
  udp_object& operator=(const udp_object&) = delete;
  ~udp_object() { udp_guest::leave_to(inside, std::move(socket)); }

  udp_vfs vfs;
  udp::socket_ptr socket;
  list<udp_guest> inside;
};

// What the ICMP messages that a connected socket hears of become.
bool is_answer(int code) noexcept {
  constexpr int codes[] = {ECONNREFUSED, EHOSTUNREACH, ENETUNREACH, EHOSTDOWN,
                           ENONET,       ENOPROTOOPT,  EPROTO,      EACCES};
  return std::ranges::find(codes, code) != std::end(codes);
}

// --- sending ---

int send_once(udp::socket& s, parts ps, const address* to) noexcept {
  const int code =
      code_of(to == nullptr ? s.try_send(ps, immediately) : s.try_send_to(ps, *to, immediately));
  if (code == ETIMEDOUT) return 0;
  return code == EDESTADDRREQ ? EINVAL : code;
}

// The answer to an earlier datagram is told once, instead of sending, to a socket with a remote. What stays
// is about this one: there is no way from here.
int send(udp::socket& s, parts ps, const address* to) noexcept {
  const int most_answers = s.peer_address() ? 16 : 0;
  const last_words may_be;
  int code = send_once(s, ps, to);
  for (int i = 0; i < most_answers && is_answer(code); ++i) code = send_once(s, ps, to);
  return code == ECONNREFUSED ? 0 : code;
}

int send_list(udp::socket& s, const dill_ipaddr* addr, const dill_iolist* first,
              const dill_iolist* last) noexcept {
  if (const int code = check_list(first, last); code != 0) return code;
  list_parts list;
  if (const int code = list.set(first); code != 0) return code;
  if (addr == nullptr) return send(s, list.get(), nullptr);
  const auto to = from_ipaddr(addr);
  return to ? send(s, list.get(), &*to) : to_errno(to.error());
}

// --- receiving ---

// Into a checked list, or to nowhere if `first` is nullptr. What does not fit is lost.
int receive(udp::socket& s, dill_ipaddr* addr, const dill_iolist* first, std::size_t& size,
            deadline dl) {
  const last_words may_be;
  auto got = s.try_recv_from(dl);
  while (!got && is_answer(to_errno(got.error()))) got = s.try_recv_from(dl);
  if (!got) return to_errno(got.error());
  size = got->data.size();
  const bool fits = first == nullptr || size <= list_size(first);
  if (fits) scatter(got->data, first);
  if (fits && addr != nullptr) to_ipaddr(got->from, *addr);
  s.release();
  return fits ? 0 : EMSGSIZE;
}

ssize_t receive_list(udp_object& o, dill_ipaddr* addr, const dill_iolist* first,
                     const dill_iolist* last, std::int64_t deadline) noexcept {
  const bool drop = first == nullptr && last == nullptr;
  if (const int code = drop ? 0 : check_list(first, last); code != 0) return outcome(code);
  udp::socket& s = *o.socket;
  udp_guest here;
  here.enter(o.inside);
  std::size_t size = 0;
  const int code =
      without_exceptions([&] { return receive(s, addr, first, size, to_deadline(deadline)); });
  return outcome(code, static_cast<int>(size));
}

// --- the handle ---

udp_object& object_of(dill_msock_vfs* vfs) noexcept {
  return *static_cast<udp_vfs*>(vfs)->owner;
}

int msendl(dill_msock_vfs* vfs, dill_iolist* first, dill_iolist* last, std::int64_t) {
  return outcome(send_list(*object_of(vfs).socket, nullptr, first, last));
}

ssize_t mrecvl(dill_msock_vfs* vfs, dill_iolist* first, dill_iolist* last, std::int64_t deadline) {
  return receive_list(object_of(vfs), nullptr, first, last, deadline);
}

void* answer(dill_hvfs* vfs, const void* type) {
  auto* o = static_cast<udp_object*>(vfs);
  if (type == dill_msock_type) return &o->vfs;
  if (type == udp_type) return o;
  errno = ENOTSUP;
  return nullptr;
}

void close_object(dill_hvfs* vfs) {
  auto& o = *static_cast<udp_object*>(vfs);
  o.socket->abort();
  destroy(o);
}

udp_object::udp_object() noexcept : vfs{{msendl, mrecvl}, this} {
  query = answer;
  close = close_object;
}

// --- opening ---

result<udp::socket_ptr> open_socket(const dill_ipaddr* local, const dill_ipaddr* remote) {
  result<address> here;
  result<address> there;
  if (local != nullptr && !(here = from_ipaddr(local))) return fail(here.error());
  if (remote != nullptr && !(there = from_ipaddr(remote))) return fail(there.error());
  if (remote != nullptr) return udp::try_connect(*there, *here);
  return udp::try_bind(local != nullptr ? *here : address::any_ipv4(0));
}

int open(dill_ipaddr* local, const dill_ipaddr* remote, dill_udp_storage* mem) noexcept {
  if (const int code = cannot_begin(); code != 0) return outcome(code);
  udp_object* made = create<udp_object>(mem);
  if (made == nullptr) return outcome(ENOMEM);
  const int code = without_exceptions([&] {
    auto s = open_socket(local, remote);
    if (!s) return to_errno(s.error());
    made->socket = std::move(*s);
    return 0;
  });
  const int h = code == 0 ? make_handle(*made) : outcome(code);
  if (h < 0) {
    const int why = errno;
    destroy(*made);
    return outcome(why);
  }
  if (local != nullptr) dill_ipaddr_setport(local, made->socket->local_address().port());
  return h;
}

}  // namespace
}  // namespace caraway::capi

using namespace caraway;
using namespace caraway::capi;

int dill_udp_open(dill_ipaddr* local, const dill_ipaddr* remote) {
  return open(local, remote, nullptr);
}

int dill_udp_open_mem(dill_ipaddr* local, const dill_ipaddr* remote, dill_udp_storage* mem) {
  return mem == nullptr ? outcome(EINVAL) : open(local, remote, mem);
}

int dill_udp_send(int s, const dill_ipaddr* addr, const void* buf, std::size_t len) {
  dill_iolist list = single(buf, len);
  return dill_udp_sendl(s, addr, &list, &list);
}

ssize_t dill_udp_recv(int s, dill_ipaddr* addr, void* buf, std::size_t len, std::int64_t deadline) {
  dill_iolist list = single(buf, len);
  return dill_udp_recvl(s, addr, &list, &list, deadline);
}

int dill_udp_sendl(int s, const dill_ipaddr* addr, dill_iolist* first, dill_iolist* last) {
  const auto* o = own<udp_object>(s, udp_type);
  return o == nullptr ? -1 : outcome(send_list(*o->socket, addr, first, last));
}

ssize_t dill_udp_recvl(int s, dill_ipaddr* addr, dill_iolist* first, dill_iolist* last,
                       std::int64_t deadline) {
  auto* o = own<udp_object>(s, udp_type);
  return o == nullptr ? -1 : receive_list(*o, addr, first, last, deadline);
}
