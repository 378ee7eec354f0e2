// memory_test.cpp - what the _mem functions allocate, and what they leave of the caller's memory.
//
// Coroutines, bundles and channels in memory of the caller allocate nothing at all. A socket has its
// handle's object there; the connection behind it, which the poller and those blocked on it share, is
// allocated as it always is.
#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <new>
#include <string>

#include "capi/capi.hpp"
#include "net/with_kernel.hpp"

namespace {
thread_local long allocations = 0;
}

// All of them, for a sanitizer's own would not match those that are missing; and not inlined, for
// half a pair would look like a mismatch to the compiler.
[[gnu::noinline]] void* operator new(std::size_t n, const std::nothrow_t&) noexcept {
  ++allocations;
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

namespace {

using namespace caraway;

// The simulator's network allocates as it likes, so sockets are counted on a kernel.

// How often f() allocates. What the library keeps for later has been allocated before.
template <class F>
long count(F f) {
  f();
  const long before = allocations;
  f();
  return allocations - before;
}

// Storage of every alignment, as C programs may pass it.
template <class Storage>
struct odd_storage {
  alignas(64) char bytes[sizeof(Storage) + 64];
  Storage* at(int offset) { return reinterpret_cast<Storage*>(bytes + offset); }
};

constexpr int offsets[] = {0, 1, 2, 3, 4, 7, 8, 15, 33};

dill_ipaddr here() {
  dill_ipaddr a;
  EXPECT_EQ(dill_ipaddr_local(&a, "127.0.0.1", 0, 0), 0);
  return a;
}

void close(int h) {
  EXPECT_EQ(dill_hclose(h), 0);
}

// The function with `_mem` allocates one object less than the one without, wherever the memory is.
template <class Storage, class Plain, class Mem>
void expect_one_less(Plain plain, Mem mem) {
  const long usually = count([&] { plain(); });
  odd_storage<Storage> storage;
  for (const int offset : offsets)
    EXPECT_EQ(count([&] { mem(storage.at(offset)); }), usually - 1) << "at offset " << offset;
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

void receive_and_be_cancelled(int s, int* code) {
  char c;
  *code = dill_brecv(s, &c, 1, -1) == 0 ? 0 : errno;
}

// The coroutine that was blocked runs on after the close, when the memory may be anything.
TEST(memory, after_the_close_it_is_the_callers_again_whoever_was_blocked) {
  dill_ipc_pair_storage storage;
  int s[2];
  int code = -1;
  ASSERT_EQ(dill_ipc_pair_mem(&storage, s), 0);
  const int b = dill_go(receive_and_be_cancelled(s[0], &code));
  close(s[0]);
  close(s[1]);
  std::memset(&storage, 0xa5, sizeof storage);
  EXPECT_EQ(dill_bundle_wait(b, -1), 0);
  EXPECT_EQ(code, ECANCELED);
  close(b);
  for (const char c : storage._) EXPECT_EQ(c, static_cast<char>(0xa5));
}

}  // namespace
