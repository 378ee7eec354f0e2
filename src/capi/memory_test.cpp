// memory_test.cpp - what the _mem functions allocate, and what they leave of the caller's memory.
//
// Coroutines, bundles and channels in memory of the caller allocate nothing at all. Of a socket everything
// is there that the C interface adds; the connection behind it, which the poller and those blocked on it
// share, is allocated by the core, as it is for a program in C++.
#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <new>
#include <string>

#include "capi/allocations.hpp"
#include "caraway/http.hpp"
#include "caraway/prefix.hpp"
#include "caraway/suffix.hpp"
#include "caraway/tcp.hpp"
#include "caraway/term.hpp"
#include "caraway/udp.hpp"
#include "caraway/unix.hpp"
#include "caraway/ws_socket.hpp"
#include "net/with_kernel.hpp"

thread_local long caraway::capi::allocations = 0;

// All of them, for a sanitizer's own would not match those that are missing; and not inlined, for
// half a pair would look like a mismatch to the compiler.
[[gnu::noinline]] void* operator new(std::size_t n, const std::nothrow_t&) noexcept {
  ++caraway::capi::allocations;
  return std::malloc(n);
}
[[gnu::noinline]] void* operator new(std::size_t n) {
  if (void* memory = operator new(n, std::nothrow)) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void* operator new[](std::size_t n, const std::nothrow_t&) noexcept {
  return operator new(n, std::nothrow);
}
[[gnu::noinline]] void* operator new[](std::size_t n) {
  return operator new(n);
}
[[gnu::noinline]] void operator delete(void* memory) noexcept {
  std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, const std::nothrow_t&) noexcept {
  std::free(memory);
}
[[gnu::noinline]] void operator delete[](void* memory) noexcept {
  std::free(memory);
}
[[gnu::noinline]] void operator delete[](void* memory, std::size_t) noexcept {
  std::free(memory);
}
[[gnu::noinline]] void operator delete[](void* memory, const std::nothrow_t&) noexcept {
  std::free(memory);
}

namespace caraway::capi {
namespace {

// The simulator's network allocates as it likes, so sockets are counted on a kernel.

dill_ipaddr here() {
  dill_ipaddr a;
  EXPECT_EQ(dill_ipaddr_local(&a, "127.0.0.1", 0, 0), 0);
  return a;
}

TEST(memory, a_bundle_and_its_coroutines_allocate_nothing) {
  odd_storage<dill_bundle_storage> storage;
  alignas(16) static char stack[64 * 1024 + 1];
  for (const int offset : offsets) {
    const long made = count([&] {
      const int b = dill_bundle_mem(storage.at(offset));
      ASSERT_GT(b, 0);
      int ran = 0;
      EXPECT_EQ(dill_bundle_go_mem(b, ++ran, stack + offset % 2, 64 * 1024), 0);
      EXPECT_EQ(dill_bundle_wait(b, -1), 0);
      EXPECT_EQ(ran, 1);
      close(b);
    });
    EXPECT_EQ(made, 0) << "at offset " << offset;
  }
  EXPECT_EQ(count([] { close(dill_go_mem(dill_yield(), stack, sizeof stack)); }), 0);
  EXPECT_EQ(count([] { close(dill_bundle()); }), 1);
}

TEST(memory, a_channel_allocates_nothing) {
  odd_storage<dill_chstorage> storage;
  for (const int offset : offsets) {
    const long made = count([&] {
      int ch[2];
      ASSERT_EQ(dill_chmake_mem(storage.at(offset), ch), 0);
      close(ch[0]);
      close(ch[1]);
    });
    EXPECT_EQ(made, 0) << "at offset " << offset;
  }
}

TEST(memory, a_tcp_socket_has_its_object_where_the_caller_says) {
  net::with_kernel([] {
    dill_ipaddr at = here();
    expect_one_less<dill_tcp_listener_storage>(
        [] {
          dill_ipaddr a = here();
          close(dill_tcp_listen(&a, 1));
        },
        [](auto* mem) {
          dill_ipaddr a = here();
          close(dill_tcp_listen_mem(&a, 1, mem));
        });
    const int listener = dill_tcp_listen(&at, 10);
    ASSERT_GT(listener, 0);
    expect_one_less<dill_tcp_storage>(
        [&] {
          const int s = dill_tcp_connect(&at, -1);
          close(dill_tcp_accept(listener, nullptr, -1));
          close(s);
        },
        [&](auto* mem) {
          const int s = dill_tcp_connect_mem(&at, mem, -1);
          close(dill_tcp_accept(listener, nullptr, -1));
          close(s);
        });
    expect_one_less<dill_tcp_storage>(
        [&] {
          const int s = dill_tcp_connect(&at, -1);
          close(dill_tcp_accept(listener, nullptr, -1));
          close(s);
        },
        [&](auto* mem) {
          const int s = dill_tcp_connect(&at, -1);
          close(dill_tcp_accept_mem(listener, nullptr, mem, -1));
          close(s);
        });
    close(listener);
  });
}

TEST(memory, a_unix_socket_has_its_object_where_the_caller_says) {
  net::with_kernel([] {
    const std::string name = "/tmp/libdill-memory-" + std::to_string(::getpid());
    const char* const path = name.c_str();
    expect_one_less<dill_ipc_listener_storage>(
        [&] {
          close(dill_ipc_listen(path, 1));
          ::unlink(path);
        },
        [&](auto* mem) {
          close(dill_ipc_listen_mem(path, 1, mem));
          ::unlink(path);
        });
    const int listener = dill_ipc_listen(path, 10);
    ASSERT_GT(listener, 0);
    expect_one_less<dill_ipc_storage>(
        [&] {
          const int s = dill_ipc_connect(path, -1);
          close(dill_ipc_accept(listener, -1));
          close(s);
        },
        [&](auto* mem) {
          const int s = dill_ipc_connect_mem(path, mem, -1);
          close(dill_ipc_accept(listener, -1));
          close(s);
        });
    expect_one_less<dill_ipc_storage>(
        [&] {
          const int s = dill_ipc_connect(path, -1);
          close(dill_ipc_accept(listener, -1));
          close(s);
        },
        [&](auto* mem) {
          const int s = dill_ipc_connect(path, -1);
          close(dill_ipc_accept_mem(listener, mem, -1));
          close(s);
        });
    close(listener);
    ::unlink(path);
  });
}

TEST(memory, a_pair_has_both_its_objects_where_the_caller_says) {
  net::with_kernel([] {
    const auto close_both = [](const int(&s)[2]) {
      close(s[0]);
      close(s[1]);
    };
    const long usually = count([&] {
      int s[2];
      ASSERT_EQ(dill_ipc_pair(s), 0);
      close_both(s);
    });
    odd_storage<dill_ipc_pair_storage> storage;
    for (const int offset : offsets) {
      const long made = count([&] {
        int s[2];
        ASSERT_EQ(dill_ipc_pair_mem(storage.at(offset), s), 0);
        close_both(s);
      });
      EXPECT_EQ(made, usually - 2) << "at offset " << offset;
    }
  });
}

TEST(memory, a_udp_socket_has_its_object_where_the_caller_says) {
  net::with_kernel([] {
    expect_one_less<dill_udp_storage>(
        [] { close(dill_udp_open(nullptr, nullptr)); },
        [](auto* mem) { close(dill_udp_open_mem(nullptr, nullptr, mem)); });
  });
}

TEST(memory, a_descriptor_taken_over_has_its_object_where_the_caller_says) {
  net::with_kernel([] {
    const auto connected = [] {
      int fds[2];
      EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
      ::close(fds[1]);
      return fds[0];
    };
    const auto listening = [](int family) {
      sockaddr_storage any{};
      any.ss_family = static_cast<sa_family_t>(family);
      const int fd = ::socket(family, SOCK_STREAM, 0);
      EXPECT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&any),
                       family == AF_UNIX ? sizeof(sa_family_t) : sizeof(sockaddr_in)),
                0);
      EXPECT_EQ(::listen(fd, 1), 0);
      return fd;
    };
    expect_one_less<dill_ipc_storage>(
        [&] { close(dill_ipc_fromfd(connected())); },
        [&](auto* mem) { close(dill_ipc_fromfd_mem(connected(), mem)); });
    expect_one_less<dill_ipc_listener_storage>(
        [&] { close(dill_ipc_listener_fromfd(listening(AF_UNIX))); },
        [&](auto* mem) { close(dill_ipc_listener_fromfd_mem(listening(AF_UNIX), mem)); });
    expect_one_less<dill_tcp_listener_storage>(
        [&] { close(dill_tcp_listener_fromfd(listening(AF_INET))); },
        [&](auto* mem) { close(dill_tcp_listener_fromfd_mem(listening(AF_INET), mem)); });
  });
}

// --- layers ---

// A pair, of which f() gets one end.
template <class F>
void with_pair(F f) {
  dill_ipc_pair_storage storage;
  int s[2];
  ASSERT_EQ(dill_ipc_pair_mem(&storage, s), 0);
  close(f(s[0]));
  close(s[1]);
}

TEST(memory, a_layer_has_its_object_where_the_caller_says) {
  net::with_kernel([] {
    expect_one_less<dill_prefix_storage>(
        [] { with_pair([](int s) { return dill_prefix_attach(s, 2, 0); }); },
        [](auto* mem) { with_pair([=](int s) { return dill_prefix_attach_mem(s, 2, 0, mem); }); });
    expect_one_less<dill_suffix_storage>(
        [] { with_pair([](int s) { return dill_suffix_attach(s, "x", 1); }); },
        [](auto* mem) {
          with_pair([=](int s) { return dill_suffix_attach_mem(s, "x", 1, mem); });
        });
    const auto suffix = [](int s) { return dill_suffix_attach(s, "x", 1); };
    expect_one_less<dill_term_storage>(
        [&] { with_pair([&](int s) { return dill_term_attach(suffix(s), "e", 1); }); },
        [&](auto* mem) {
          with_pair([&](int s) { return dill_term_attach_mem(suffix(s), "e", 1, mem); });
        });
    expect_one_less<dill_http_storage>(
        [] { with_pair([](int s) { return dill_http_attach(s); }); },
        [](auto* mem) { with_pair([=](int s) { return dill_http_attach_mem(s, mem); }); });
    expect_one_less<dill_ws_storage>(
        [] {
          with_pair([](int s) { return dill_ws_attach_client(s, DILL_WS_NOHTTP, "", "", 0); });
        },
        [](auto* mem) {
          with_pair(
              [=](int s) { return dill_ws_attach_client_mem(s, DILL_WS_NOHTTP, "", "", mem, 0); });
        });
  });
}

// --- what the core does ---

TEST(memory, a_socket_allocates_what_the_core_does) {
  net::with_kernel([] {
    dill_tcp_listener_storage listener_memory;
    dill_tcp_storage memory[2];
    const long core = count([] {
      auto l = tcp::listen(address::loopback(0));
      auto s = tcp::connect(l.local_address());
      l.accept()->abort();
      s->abort();
    });
    const long made = count([&] {
      dill_ipaddr at = here();
      const int l = dill_tcp_listen_mem(&at, 10, &listener_memory);
      const int s = dill_tcp_connect_mem(&at, &memory[0], -1);
      close(dill_tcp_accept_mem(l, nullptr, &memory[1], -1));
      close(s);
      close(l);
    });
    EXPECT_EQ(made, core);
    dill_udp_storage udp_memory;
    EXPECT_EQ(count([&] { close(dill_udp_open_mem(nullptr, nullptr, &udp_memory)); }),
              count([] { udp::bind(address::any_ipv4(0)); }));
  });
}

// What f() allocates for a stream that it gets.
template <class F>
long count_on_stream(F f) {
  return count([&] {
    auto both = local::pair();
    f(std::move(both.first));
  });
}

template <class F>
long count_on_handle(F f) {
  return count([&] { with_pair(f); });
}

TEST(memory, a_layer_allocates_what_the_core_does) {
  net::with_kernel([] {
    dill_prefix_storage p;
    dill_suffix_storage x;
    dill_term_storage t;
    EXPECT_EQ(count_on_handle([](int s) { return s; }), count_on_stream([](stream_ptr) {}));
    EXPECT_EQ(count_on_handle([&](int s) { return dill_prefix_attach_mem(s, 2, 0, &p); }),
              count_on_stream([](stream_ptr s) { prefix::attach(std::move(s), {.width = 2}); }));
    const suffix::options line{.delimiter = as_bytes("x")};
    EXPECT_EQ(count_on_handle([&](int s) { return dill_suffix_attach_mem(s, "x", 1, &x); }),
              count_on_stream([&](stream_ptr s) { suffix::attach(std::move(s), line); }));
    EXPECT_EQ(count_on_handle([&](int s) {
                return dill_term_attach_mem(dill_suffix_attach_mem(s, "x", 1, &x), "e", 1, &t);
              }),
              count_on_stream([&](stream_ptr s) {
                term::attach(suffix::attach(std::move(s), line), as_bytes("e"));
              }));
  });
}

// The sockets of these two have to stay where they are, so they are allocated.
TEST(memory, http_and_websocket_allocate_their_socket_besides) {
  net::with_kernel([] {
    dill_http_storage h;
    dill_ws_storage w;
    EXPECT_EQ(count_on_handle([&](int s) { return dill_http_attach_mem(s, &h); }),
              count_on_stream([](stream_ptr s) { http::socket socket(std::move(s)); }) + 1);
    EXPECT_EQ(count_on_handle([&](int s) {
                return dill_ws_attach_client_mem(s, DILL_WS_NOHTTP, "", "", &w, 0);
              }),
              count_on_stream([](stream_ptr s) {
                ws::attach_without_handshake(std::move(s), ws::role::client).abort();
              }) + 1);
  });
}

}  // namespace
}  // namespace caraway::capi
