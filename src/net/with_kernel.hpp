// with_kernel.hpp - for tests of what only an operating system can do.
#pragma once

#include <string_view>
#include <thread>

#include "runtime/scheduler.hpp"

namespace caraway::net {

// Calls f() where sockets are real: here, or on a thread of its own if this one simulates them.
template <class F>
void with_kernel(F f) {
  if (std::string_view(runtime::scheduler::current().poller().name()) != "sim") return f();
  std::thread([&f] {
    runtime::scheduler real(runtime::make_poller("epoll"));
    f();
  }).join();
}

}  // namespace caraway::net
