// sim_directory.cpp - binding and finding.
#include "poller/sim_directory.hpp"

#include <sys/stat.h>

#include <cerrno>

namespace caraway::sim {
namespace {

// What a Unix socket is found by: its abstract name, or the file that its path leads to.
int key_of(const std::string& name, std::string& key) {
  if (name[0] == '\0') {
    key = name;
    return 0;
  }
  struct stat s;
  if (::stat(name.c_str(), &s) != 0) return errno;
  if (!S_ISSOCK(s.st_mode)) return ECONNREFUSED;
  key = std::to_string(s.st_dev) + ":" + std::to_string(s.st_ino);
  return 0;
}

bool serves(const endpoint& e) noexcept {
  return !e.is_stream() || e.state() == endpoint::phase::listening;
}

// How well the address `e` is bound to fits `target`: 0 not at all, then any, then exactly.
int fit(const endpoint& e, const address& target) noexcept {
  const address& at = e.local;
  if (at.unmapped().same_host(target)) return 3;
  if (!at.is_any()) return 0;
  if (at.family() == target.family()) return 2;
  return at.family() == AF_INET6 && !e.only_v6 ? 1 : 0;
}

}  // namespace

int directory::bind(endpoint& e, address at) {
  if (e.bound) return EINVAL;
  if (e.family == AF_UNIX) return bind_name(e, at);
  if (!at.is_any() && !at.is_loopback()) return EADDRNOTAVAIL;
  if (at.port() == 0) {
    at.set_port(free_port(e, at));
    if (at.port() == 0) return EADDRINUSE;
  } else if (taken(e, at)) {
    return EADDRINUSE;
  }
  e.local = at;
  e.bound = true;
  ports_.emplace(at.port(), &e);
  return 0;
}

int directory::bind_name(endpoint& e, const address& at) {
  const std::string name = at.name();
  if (name.empty()) return EINVAL;
  if (name[0] != '\0' && ::mknod(name.c_str(), S_IFSOCK | 0777, 0) != 0)
    return errno == EEXIST ? EADDRINUSE : errno;
  std::string key;
  if (const int code = key_of(name, key); code != 0) return code;
  if (name[0] == '\0' && names_.contains(key)) return EADDRINUSE;
  names_[key] = &e;
  e.local = at;
  e.bound = true;
  return 0;
}

void directory::remove(endpoint& e) noexcept {
  if (!e.bound) return;
  if (e.family == AF_UNIX) {
    std::erase_if(names_, [&](const auto& entry) { return entry.second == &e; });
    return;
  }
  const auto [first, last] = ports_.equal_range(e.local.port());
  for (auto i = first; i != last; ++i) {
    if (i->second != &e) continue;
    ports_.erase(i);
    return;
  }
}

// Two may share a port if both say so and neither listens, or if their hosts differ.
bool directory::taken(const endpoint& e, const address& at) const noexcept {
  const auto [first, last] = ports_.equal_range(at.port());
  for (auto i = first; i != last; ++i) {
    const endpoint& other = *i->second;
    if (other.type != e.type) continue;
    const bool apart = other.family != e.family && (e.only_v6 || other.only_v6);
    const bool clash = at.is_any() || other.local.is_any() || at.same_host(other.local);
    const bool shared =
        e.reuse_address && other.reuse_address && other.state() != endpoint::phase::listening;
    if (clash && !apart && !shared) return true;
  }
  return false;
}

// One after the other, so that a port is not in use again too soon. 0 if all are taken.
std::uint16_t directory::free_port(const endpoint& e, address at) noexcept {
  for (int tries = 0; tries < 65536 - first_port; ++tries) {
    at.set_port(next_port_);
    next_port_ = next_port_ == 65535 ? first_port : next_port_ + 1;
    if (!ports_.contains(at.port()) || !taken(e, at)) return at.port();
  }
  return 0;
}

endpoint* directory::find(const address& target, int type, int& code) const {
  if (target.family() == AF_UNIX) return find_name(target, code);
  const address wanted = target.any_to_loopback().unmapped();
  const auto [first, last] = ports_.equal_range(wanted.port());
  endpoint* best = nullptr;
  int best_fit = 0;
  for (auto i = first; i != last; ++i) {
    endpoint& e = *i->second;
    if (e.type != type || !serves(e) || fit(e, wanted) <= best_fit) continue;
    best = &e;
    best_fit = fit(e, wanted);
  }
  code = ECONNREFUSED;
  return best;
}

endpoint* directory::find_name(const address& target, int& code) const {
  const std::string name = target.name();
  std::string key;
  code = name.empty() ? EINVAL : key_of(name, key);
  if (code != 0) return nullptr;
  code = ECONNREFUSED;
  const auto found = names_.find(key);
  return found != names_.end() && serves(*found->second) ? found->second : nullptr;
}

}  // namespace caraway::sim
