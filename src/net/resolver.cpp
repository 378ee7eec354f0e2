// resolver.cpp - from a host name to addresses.
//
// The first coroutine that asks for a name leads: it has getaddrinfo called on a worker thread.
// Those that ask meanwhile on the same thread follow: they wait for the leader's answer, each until
// its own deadline. A leader that has to give up leaves its look-up to end by itself; one of the
// followers leads then.
#include "caraway/resolver.hpp"

#include <netdb.h>

#include <cerrno>
#include <memory>
#include <new>
#include <string>
#include <unordered_map>

#include "caraway/event.hpp"
#include "caraway/offload.hpp"

namespace caraway {

namespace {

constexpr std::size_t longest_name = 253;

using answer = result<std::vector<address>>;

struct look_up {
  event over;
  bool answered = false;
  answer addresses;
};

// Looked up at the moment, by name.
thread_local std::unordered_map<std::string, std::shared_ptr<look_up>> look_ups;

std::error_code resolver_failure(int code) noexcept {
  switch (code) {
    case EAI_NONAME:
    case EAI_NODATA:
    case EAI_ADDRFAMILY:
      return make_error_code(errc::name_not_found);
    case EAI_MEMORY:
      return os_error(ENOMEM);
    default:
      return make_error_code(errc::resolver_failed);
  }
}

// On a worker thread. Blocks it.
answer ask_system(const std::string& host) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int code = ::getaddrinfo(host.c_str(), nullptr, &hints, &found); code != 0)
    return fail(resolver_failure(code));
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> all(found, ::freeaddrinfo);
  std::vector<address> addresses;
  for (const addrinfo* i = found; i != nullptr; i = i->ai_next)
    if (const auto a = address::from_native(i->ai_addr, i->ai_addrlen)) addresses.push_back(*a);
  if (addresses.empty()) return fail(errc::name_not_found);
  return addresses;
}

// Leads the look-up of a name until it goes, however it goes.
class leader {
 public:
  leader(const std::string& host, look_up& l) : host_(host), look_up_(l) {}
  ~leader() {
    look_ups.erase(host_);
    look_up_.over.set();
  }
  leader(const leader&) = delete;
  leader& operator=(const leader&) = delete;

 private:
  const std::string& host_;
  look_up& look_up_;
};

// Asks for itself and for those who wait in `l`.
answer lead(const std::string& host, const std::shared_ptr<look_up>& l, deadline dl) {
  look_ups.emplace(host, l);
  const leader leading(host, *l);
  auto asked = try_offload([host] { return ask_system(host); }, dl);
  if (!asked) return fail(asked.error());
  l->addresses = *asked;
  l->answered = true;
  return std::move(*asked);
}

answer look_up_name(const std::string& host, deadline dl) {
  for (;;) {
    const auto running = look_ups.find(host);
    if (running == look_ups.end()) return lead(host, std::make_shared<look_up>(), dl);
    const std::shared_ptr<look_up> l = running->second;
    if (auto waited = l->over.try_wait(dl); !waited) return fail(waited.error());
    if (l->answered) return l->addresses;
  }
}

}  // namespace

result<std::vector<address>> try_resolve(std::string_view host, std::uint16_t port,
                                         deadline dl) try {
  if (host.empty() || host.size() > longest_name || host.find('\0') != host.npos)
    return fail(EINVAL);
  if (const auto literal = address::from_literal(host, port)) return std::vector{*literal};
  auto found = look_up_name(std::string(host), dl);
  if (found)
    for (address& a : *found) a.set_port(port);
  return found;
} catch (const std::bad_alloc&) {
  return fail(ENOMEM);
}

}  // namespace caraway
