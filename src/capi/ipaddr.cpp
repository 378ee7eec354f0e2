// ipaddr.cpp - addresses: literals, interfaces, names.
#include "capi/ipaddr.hpp"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "caraway/resolver.hpp"

namespace caraway::capi {

result<address> from_ipaddr(const dill_ipaddr* a) noexcept {
  if (a == nullptr) return fail(EINVAL);
  sockaddr_storage native{};
  std::memcpy(&native, a, sizeof *a);
  return address::from_native(reinterpret_cast<const sockaddr*>(&native), sizeof native);
}

void to_ipaddr(const address& a, dill_ipaddr& into) noexcept {
  std::memset(&into, 0, sizeof into);
  std::memcpy(&into, a.native(), a.native_size());
}

namespace {

static_assert(sizeof(sockaddr_in6) <= sizeof(dill_ipaddr));

bool is_port(int port) noexcept {
  return port >= 0 && port <= 65535;
}
bool is_mode(int mode) noexcept {
  return mode >= 0 && mode <= DILL_IPADDR_PREF_IPV6;
}

// Which families a mode allows, the better one first; 0 for none.
struct families {
  int first;
  int second;

  explicit families(int mode) noexcept {
    const bool v6 = mode == DILL_IPADDR_IPV6 || mode == DILL_IPADDR_PREF_IPV6;
    const bool only = mode == DILL_IPADDR_IPV4 || mode == DILL_IPADDR_IPV6;
    first = v6 ? AF_INET6 : AF_INET;
    second = only ? 0 : v6 ? AF_INET : AF_INET6;
  }
  bool allow(int family) const noexcept { return family == first || family == second; }
};

// The two families have the port at the same place.
sockaddr_in native_head(const dill_ipaddr& a) noexcept {
  sockaddr_in head;
  std::memcpy(&head, &a, sizeof head);
  return head;
}

int family_of(const dill_ipaddr& a) noexcept {
  return native_head(a).sin_family;
}

// The first address of family `family` on the interface `name`.
bool find_on_interface(const ifaddrs* list, const char* name, int family, address& found) noexcept {
  for (const ifaddrs* at = list; at != nullptr; at = at->ifa_next) {
    if (at->ifa_addr == nullptr || at->ifa_addr->sa_family != family) continue;
    if (std::strcmp(at->ifa_name, name) != 0) continue;
    const auto a = address::from_native(
        at->ifa_addr, family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6));
    if (!a) continue;
    found = *a;
    return true;
  }
  return false;
}

int interface_address(const char* name, families wanted, address& found) noexcept {
  ifaddrs* list = nullptr;
  if (getifaddrs(&list) != 0) return errno;
  const std::unique_ptr<ifaddrs, decltype(&freeifaddrs)> owner(list, freeifaddrs);
  for (int family : {wanted.first, wanted.second})
    if (family != 0 && find_on_interface(list, name, family, found)) return 0;
  return ENODEV;
}

int local(dill_ipaddr* addr, const char* name, int port, int mode) {
  if (addr == nullptr || !is_port(port) || !is_mode(mode)) return EINVAL;
  const families wanted(mode);
  const auto p = static_cast<std::uint16_t>(port);
  address a;
  if (name == nullptr) {
    a = wanted.first == AF_INET ? address::any_ipv4(p) : address::any(p);
  } else if (const auto literal = address::from_literal(name, p); literal) {
    if (!wanted.allow(literal->family())) return ENODEV;
    a = *literal;
  } else if (const int code = interface_address(name, wanted, a); code != 0) {
    return code;
  }
  a.set_port(p);
  to_ipaddr(a, *addr);
  return 0;
}

// The addresses of a name, in the order of preference, into `addrs`; how many to `found`.
int remotes(dill_ipaddr* addrs, int naddrs, const char* name, int port, int mode, deadline dl,
            int& found) {
  found = 0;
  if (addrs == nullptr || naddrs <= 0 || name == nullptr || !is_port(port) || !is_mode(mode))
    return EINVAL;
  const auto all = try_resolve(name, static_cast<std::uint16_t>(port), dl);
  if (!all) return all.error() == errc::name_not_found ? 0 : to_errno(all.error());
  const families wanted(mode);
  for (int family : {wanted.first, wanted.second})
    for (const address& a : *all)
      if (a.family() == family && found < naddrs) to_ipaddr(a, addrs[found++]);
  return 0;
}

}  // namespace
}  // namespace caraway::capi

using namespace caraway;
using namespace caraway::capi;

int dill_ipaddr_local(dill_ipaddr* addr, const char* name, int port, int mode) {
  return outcome(without_exceptions([&] { return capi::local(addr, name, port, mode); }));
}

int dill_ipaddr_remote(dill_ipaddr* addr, const char* name, int port, int mode,
                       std::int64_t deadline) {
  const int found = dill_ipaddr_remotes(addr, 1, name, port, mode, deadline);
  return found == 0 ? outcome(EADDRNOTAVAIL) : std::min(found, 0);
}

int dill_ipaddr_remotes(dill_ipaddr* addrs, int naddrs, const char* name, int port, int mode,
                        std::int64_t deadline) {
  int found = 0;
  const int code = without_exceptions(
      [&] { return remotes(addrs, naddrs, name, port, mode, to_deadline(deadline), found); });
  return outcome(code, found);
}

const char* dill_ipaddr_str(const dill_ipaddr* addr, char* ipstr) {
  const char* in = reinterpret_cast<const char*>(addr);
  const bool v4 = family_of(*addr) == AF_INET;
  const void* number =
      v4 ? in + offsetof(sockaddr_in, sin_addr) : in + offsetof(sockaddr_in6, sin6_addr);
  return inet_ntop(v4 ? AF_INET : AF_INET6, number, ipstr, DILL_IPADDR_MAXSTRLEN);
}

int dill_ipaddr_family(const dill_ipaddr* addr) {
  return family_of(*addr);
}

const sockaddr* dill_ipaddr_sockaddr(const dill_ipaddr* addr) {
  return reinterpret_cast<const sockaddr*>(addr);
}

int dill_ipaddr_len(const dill_ipaddr* addr) {
  return family_of(*addr) == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
}

int dill_ipaddr_port(const dill_ipaddr* addr) {
  return ntohs(native_head(*addr).sin_port);
}

void dill_ipaddr_setport(dill_ipaddr* addr, int port) {
  sockaddr_in head = native_head(*addr);
  head.sin_port = htons(static_cast<std::uint16_t>(port));
  std::memcpy(addr, &head, sizeof head);
}

int dill_ipaddr_equal(const dill_ipaddr* addr1, const dill_ipaddr* addr2, int ignore_port) {
  auto a = from_ipaddr(addr1);
  auto b = from_ipaddr(addr2);
  if (!a || !b) return 0;
  if (ignore_port != 0) a->set_port(b->port());
  return *a == *b ? 1 : 0;
}
