// io_uring_poller_test.cpp - what is peculiar to io_uring: operations that the kernel completes,
// and what becomes of them when nobody waits any more. What every poller must do is in the contract
// tests.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "runtime/poller.hpp"
#include "runtime/scheduler.hpp"

namespace caraway::runtime {
namespace {

using namespace std::chrono_literals;

const poller_kind& kind() {
  for (const poller_kind* k : poller_kinds())
    if (std::string_view(k->name) == "io_uring") return *k;
  std::abort();
}

// Runs `f` on a thread of its own, on io_uring if this kernel has it, else on what takes its place:
// what must hold is the same.
template <class F>
void on_io_uring(F f) {
  std::thread([&] {
    scheduler s(make_poller("io_uring"));
    f(s);
  }).join();
}

// Starts a coroutine that runs `f`.
template <class F>
coroutine& go(F f) {
  scheduler& s = scheduler::current();
  auto c = s.create(
      [](coroutine& self) {
        F& body = *static_cast<F*>(self.extra);
        body();
        body.~F();
      },
      sizeof(F), {});
  new ((*c)->extra) F(std::move(f));
  s.start(**c);
  return **c;
}

// Lets the others run until `done` holds.
template <class P>
void until(P done) {
  while (!done()) scheduler::current().yield();
}

void turns(int n) {
  while (n-- > 0) scheduler::current().yield();
}

struct socket_pair {
  explicit socket_pair(int type = SOCK_STREAM) {
    int fds[2];
    EXPECT_EQ(0, real_kernel().socketpair(AF_UNIX, type, 0, fds));
    ours.reset(fds[0]);
    theirs.reset(fds[1]);
    handle = *scheduler::current().poller().open(ours.get());
  }
  void put(std::string_view text) {
    EXPECT_EQ(static_cast<ssize_t>(text.size()), ::write(theirs.get(), text.data(), text.size()));
  }
  std::string peek_peer() {
    char text[65536];
    const ssize_t n = ::read(theirs.get(), text, sizeof text);
    return n < 0 ? "" : std::string(text, static_cast<std::size_t>(n));
  }
  unique_fd ours, theirs;
  std::unique_ptr<io_handle> handle;
};

std::string text_of(const result<lent_buffer>& b) {
  if (!b) return b.error().message();
  return std::string(as_text(bytes(b->memory(), b->size())));
}

std::string receive_text(io_handle& h, std::size_t at_most) {
  std::string text(at_most, '\0');
  auto n = h.recv(std::as_writable_bytes(std::span(text)), 5s);
  text.resize(n ? *n : 0);
  return text;
}

std::string pattern(std::size_t n) {
  std::string text(n, '\0');
  for (std::size_t i = 0; i < n; ++i) text[i] = static_cast<char>('a' + (i * 7 + i / 251) % 26);
  return text;
}

struct request final : send_request {
  int code = -1;
  int calls = 0;
  void finished(int c) noexcept override {
    code = c;
    ++calls;
  }
  void set(std::string_view text) { remaining = as_bytes(text); }
};

TEST(io_uring_poller,
     is_chosen_by_name_where_the_kernel_allows_it_and_replaced_silently_elsewhere) {
  auto p = make_poller("io_uring");
  ASSERT_NE(nullptr, p);
  EXPECT_EQ(kind().usable(), std::string_view(p->name()) == "io_uring");
}

TEST(io_uring_poller, bytes_are_received_in_the_order_in_which_they_came) {
  on_io_uring([](scheduler&) {
    socket_pair p;
    for (const char* word : {"one", "two", "three"}) {
      p.put(word);
      EXPECT_EQ(word, text_of(p.handle->recv_lent(5s)));
    }
  });
}

TEST(io_uring_poller, a_receive_that_timed_out_loses_nothing) {
  on_io_uring([](scheduler&) {
    socket_pair p;
    for (int i = 0; i < 5; ++i) {
      EXPECT_EQ(std::errc::timed_out, p.handle->recv_lent(immediately).error());
      p.put("late");
      EXPECT_EQ("late", text_of(p.handle->recv_lent(5s)));
    }
  });
}

TEST(io_uring_poller, what_comes_between_two_receives_is_kept) {
  on_io_uring([](scheduler&) {
    socket_pair p;
    EXPECT_EQ(std::errc::timed_out, p.handle->recv_lent(immediately).error());
    p.put("a");
    turns(3);
    p.put("b");
    turns(3);
    ::shutdown(p.theirs.get(), SHUT_WR);
    turns(3);
    std::string all;
    for (;;) {
      auto b = p.handle->recv_lent(5s);
      ASSERT_TRUE(b);
      if (!*b) break;
      all += text_of(b);
    }
    EXPECT_EQ("ab", all);
    EXPECT_FALSE(*p.handle->recv_lent(5s));
    EXPECT_EQ("", receive_text(*p.handle, 10));
  });
}

TEST(io_uring_poller, a_receive_into_memory_takes_first_what_the_kernel_delivered_before) {
  on_io_uring([](scheduler&) {
    socket_pair p;
    EXPECT_EQ(std::errc::timed_out, p.handle->recv_lent(immediately).error());
    p.put("abcdef");
    turns(3);
    EXPECT_EQ("abcd", receive_text(*p.handle, 4));
    EXPECT_EQ("ef", text_of(p.handle->recv_lent(5s)));
    p.put("ghi");
    EXPECT_EQ("ghi", receive_text(*p.handle, 4));
  });
}

TEST(io_uring_poller, bytes_that_were_delivered_already_end_a_wait_for_readiness) {
  on_io_uring([](scheduler&) {
    socket_pair p;
    EXPECT_EQ(std::errc::timed_out, p.handle->recv_lent(immediately).error());
    p.put("x");
    turns(3);
    EXPECT_EQ(0, p.handle->wait(direction::in, 5s, "test"));
    EXPECT_EQ("x", receive_text(*p.handle, 4));
    EXPECT_EQ(ETIMEDOUT, p.handle->wait(direction::in, immediately, "test"));
  });
}

// Crosses from small messages to bulk and back several times.
TEST(io_uring_poller, order_survives_every_change_between_small_messages_and_bulk) {
  on_io_uring([](scheduler&) {
    socket_pair p;
    const std::string sent = pattern(3'000'000);
    bool written = false;
    go([&] {
      std::size_t done = 0;
      for (int step = 0; done < sent.size(); ++step) {
        const std::size_t size = step % 60 < 40 ? 100 : 60'000;
        const std::string_view piece = std::string_view(sent).substr(done, size);
        const ssize_t n = ::send(p.theirs.get(), piece.data(), piece.size(), MSG_DONTWAIT);
        if (n > 0) done += static_cast<std::size_t>(n);
        scheduler::current().yield();
      }
      ::shutdown(p.theirs.get(), SHUT_WR);
      written = true;
    });
    std::string got;
    for (int step = 0;; ++step) {
      const std::size_t before = got.size();
      if (step % 3 == 0)
        got += receive_text(*p.handle, step % 2 == 0 ? 37 : 100'000);
      else
        got += text_of(p.handle->recv_lent(5s));
      if (got.size() == before) break;
    }
    until([&] { return written; });
    EXPECT_EQ(sent.size(), got.size());
    EXPECT_TRUE(sent == got);
  });
}

TEST(io_uring_poller, a_consumer_that_does_not_ask_makes_the_peer_wait) {
  on_io_uring([](scheduler&) {
    socket_pair p;
    EXPECT_EQ(std::errc::timed_out, p.handle->recv_lent(immediately).error());
    const std::string block = pattern(10'000);
    std::size_t sent = 0;
    for (int quiet = 0; quiet < 20;) {
      const ssize_t n = ::send(p.theirs.get(), block.data(), block.size(), MSG_DONTWAIT);
      quiet = n > 0 ? 0 : quiet + 1;
      if (n > 0) sent += static_cast<std::size_t>(n);
      scheduler::current().yield();
      ASSERT_LT(sent, 8'000'000u);
    }
    ::shutdown(p.theirs.get(), SHUT_WR);
    std::size_t got = 0;
    for (;;) {
      auto b = p.handle->recv_lent(5s);
      ASSERT_TRUE(b);
      if (!*b) break;
      got += b->size();
    }
    EXPECT_EQ(sent, got);
  });
}

TEST(io_uring_poller, receiving_goes_on_when_all_buffers_of_the_kernel_are_held) {
  on_io_uring([](scheduler&) {
    socket_pair p;
    std::vector<lent_buffer> held;
    for (int i = 0; i < 6000; ++i) {
      p.put("message");
      auto b = p.handle->recv_lent(5s);
      ASSERT_EQ("message", text_of(b));
      held.push_back(std::move(*b));
    }
    held.clear();
    p.put("more");
    EXPECT_EQ("more", text_of(p.handle->recv_lent(5s)));
  });
}

TEST(io_uring_poller, filled_buffers_of_a_handle_that_goes_are_used_again) {
  on_io_uring([](scheduler&) {
    socket_pair first;
    first.put("x");
    const std::size_t capacity = first.handle->recv_lent(5s)->capacity();
    for (int i = 0; i < 5000; ++i) {
      socket_pair p;
      EXPECT_EQ(std::errc::timed_out, p.handle->recv_lent(immediately).error());
      p.put("nobody wants it");
      turns(1);
    }
    socket_pair last;
    last.put("y");
    EXPECT_EQ(capacity, last.handle->recv_lent(5s)->capacity());
  });
}

TEST(io_uring_poller, datagrams_keep_their_borders_and_their_size) {
  on_io_uring([](scheduler&) {
    socket_pair p(SOCK_DGRAM);
    const std::string large = pattern(9'000);
    p.put("small");
    p.put(large);
    EXPECT_EQ("small", text_of(p.handle->recv_lent(5s)));
    EXPECT_EQ(large, text_of(p.handle->recv_lent(5s)));
  });
}

TEST(io_uring_poller, a_broken_connection_is_an_error_behind_the_bytes_before_it) {
  on_io_uring([](scheduler&) {
    socket_pair p;
    EXPECT_EQ(std::errc::timed_out, p.handle->recv_lent(immediately).error());
    EXPECT_EQ(1, ::write(p.ours.get(), "?", 1));  // unread at its close: a reset
    p.put("last words");
    p.theirs.reset();
    EXPECT_EQ("last words", text_of(p.handle->recv_lent(5s)));
    EXPECT_EQ(std::errc::connection_reset, p.handle->recv_lent(5s).error());
  });
}

TEST(io_uring_poller, a_request_is_sent_at_the_next_look_at_the_poller) {
  on_io_uring([](scheduler& s) {
    socket_pair p;
    request r;
    r.set("hello");
    p.handle->start_send(r);
    s.poller().submit();
    until([&] { return r.calls > 0; });
    EXPECT_EQ(0, r.code);
    EXPECT_TRUE(r.remaining.empty());
    EXPECT_EQ("hello", p.peek_peer());
  });
}

TEST(io_uring_poller, a_request_larger_than_the_socket_takes_is_sent_piece_by_piece) {
  for (const std::size_t size : {16'000u, 1'000'000u}) {
    on_io_uring([size](scheduler&) {
      socket_pair p;
      const int small = 4096;
      ::setsockopt(p.ours.get(), SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
      const std::string text = pattern(size);
      request r;
      r.set(text);
      p.handle->start_send(r);
      std::string got;
      until([&] {
        got += p.peek_peer();
        return r.calls > 0;
      });
      got += p.peek_peer();
      EXPECT_EQ(0, r.code);
      EXPECT_TRUE(text == got);
    });
  }
}

TEST(io_uring_poller, a_request_that_was_taken_back_says_what_was_not_sent) {
  on_io_uring([](scheduler&) {
    socket_pair p;
    const int small = 4096;
    ::setsockopt(p.ours.get(), SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
    std::string got;
    std::string all;
    for (int i = 0; i < 100; ++i) {
      std::string text = pattern(10'000);
      request r;
      r.set(text);
      p.handle->start_send(r);
      turns(i % 3);
      if (r.calls == 0) p.handle->cancel_send(r);
      all += text.substr(0, text.size() - r.remaining.size());
      std::fill(text.begin(), text.end(), '!');
      if (i % 10 == 0) got += p.peek_peer();
    }
    for (std::string more; !(more = p.peek_peer()).empty();) got += more;
    EXPECT_GT(all.size(), 0u);
    EXPECT_TRUE(all == got);
  });
}

TEST(io_uring_poller, a_request_on_a_broken_connection_fails) {
  on_io_uring([](scheduler&) {
    socket_pair p;
    p.theirs.reset();
    request r;
    r.set("hello");
    p.handle->start_send(r);
    until([&] { return r.calls > 0; });
    EXPECT_EQ(EPIPE, r.code);
    EXPECT_EQ(5u, r.remaining.size());
  });
}

// The peer sees the end as soon as the descriptor is closed: nothing in the kernel holds it open.
TEST(io_uring_poller, nothing_is_left_in_the_kernel_when_a_handle_is_gone) {
  on_io_uring([](scheduler&) {
    socket_pair p;
    EXPECT_EQ(std::errc::timed_out, p.handle->recv_lent(immediately).error());
    EXPECT_EQ(ETIMEDOUT, p.handle->wait(direction::in, immediately, "test"));
    p.handle.reset();
    p.ours.reset();
    char c;
    EXPECT_EQ(0, ::read(p.theirs.get(), &c, 1));
  });
}

TEST(io_uring_poller,
     operations_that_were_never_handed_over_do_not_reach_the_next_owner_of_a_number) {
  on_io_uring([](scheduler& s) {
    socket_pair p;
    bool ended = false;
    coroutine& c = go([&] {
      EXPECT_EQ(std::errc::operation_canceled, p.handle->recv_lent(5s).error());
      p.handle.reset();
      p.ours.reset();
      ended = true;
    });
    go([&] { s.cancel(c); });
    until([&] { return ended; });
    socket_pair next;
    next.put("for the next");
    turns(3);
    EXPECT_EQ("for the next", receive_text(*next.handle, 100));
  });
}

TEST(io_uring_poller, who_waits_on_a_handle_that_goes_is_cancelled) {
  on_io_uring([](scheduler&) {
    socket_pair p;
    bool ended = false;
    go([&] {
      EXPECT_EQ(std::errc::operation_canceled, p.handle->recv_lent(5s).error());
      ended = true;
    });
    turns(3);
    p.put("too late");
    p.handle.reset();
    until([&] { return ended; });
  });
}

unique_fd listen_on(sockaddr_in& address) {
  unique_fd fd(real_kernel().socket(AF_INET, SOCK_STREAM, 0));
  socklen_t n = sizeof address;
  auto* const a = reinterpret_cast<sockaddr*>(&address);
  EXPECT_EQ(0, ::bind(fd.get(), a, n));
  EXPECT_EQ(0, ::listen(fd.get(), 128));
  EXPECT_EQ(0, ::getsockname(fd.get(), a, &n));
  return fd;
}

unique_fd connect_to(const sockaddr_in& address) {
  unique_fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  EXPECT_EQ(0, ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address));
  return fd;
}

sockaddr_in loopback() {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

TEST(io_uring_poller, connections_are_accepted_in_order_and_with_their_addresses) {
  on_io_uring([](scheduler& s) {
    sockaddr_in address = loopback();
    unique_fd fd = listen_on(address);
    auto listener = *s.poller().open(fd.get());
    EXPECT_EQ(std::errc::timed_out, listener->accept(nullptr, nullptr, immediately).error());
    std::vector<unique_fd> clients;
    for (int i = 0; i < 100; ++i) {
      clients.push_back(connect_to(address));
      if (i % 2 == 0) turns(2);
    }
    for (unique_fd& client : clients) {
      sockaddr_in from{};
      sockaddr_in own{};
      socklen_t n = sizeof own;
      ::getsockname(client.get(), reinterpret_cast<sockaddr*>(&own), &n);
      sockaddr_storage peer;
      auto c = listener->accept(&peer, &n, 5s);
      ASSERT_TRUE(c);
      std::memcpy(&from, &peer, sizeof from);
      EXPECT_EQ(sizeof from, n);
      EXPECT_EQ(own.sin_port, from.sin_port);
      EXPECT_NE(0, ::fcntl(c->get(), F_GETFL) & O_NONBLOCK);
    }
  });
}

TEST(io_uring_poller, the_port_of_a_listener_is_free_as_soon_as_it_is_closed) {
  on_io_uring([](scheduler& s) {
    sockaddr_in address = loopback();
    for (int i = 0; i < 20; ++i) {
      unique_fd fd = listen_on(address);
      auto listener = *s.poller().open(fd.get());
      EXPECT_EQ(std::errc::timed_out, listener->accept(nullptr, nullptr, immediately).error());
    }
  });
}

TEST(io_uring_poller, a_connection_that_nobody_accepted_is_closed_with_its_listener) {
  on_io_uring([](scheduler& s) {
    sockaddr_in address = loopback();
    unique_fd fd = listen_on(address);
    auto listener = *s.poller().open(fd.get());
    EXPECT_EQ(std::errc::timed_out, listener->accept(nullptr, nullptr, immediately).error());
    unique_fd client = connect_to(address);
    turns(3);
    listener.reset();
    fd.reset();
    char c;
    EXPECT_LE(::read(client.get(), &c, 1), 0);
  });
}

TEST(io_uring_poller, a_socket_that_does_not_listen_cannot_accept) {
  on_io_uring([](scheduler& s) {
    unique_fd fd(real_kernel().socket(AF_INET, SOCK_STREAM, 0));
    auto h = *s.poller().open(fd.get());
    EXPECT_EQ(std::errc::invalid_argument, h->accept(nullptr, nullptr, 5s).error());
  });
}

TEST(io_uring_poller, a_thread_that_ends_with_operations_under_way_leaves_no_port_behind) {
  sockaddr_in address = loopback();
  for (int i = 0; i < 5; ++i) {
    unique_fd fd;
    std::unique_ptr<io_handle> listener;
    on_io_uring([&](scheduler& s) {
      fd = listen_on(address);
      listener = *s.poller().open(fd.get());
      EXPECT_EQ(std::errc::timed_out, listener->accept(nullptr, nullptr, immediately).error());
    });
  }
}

// The operations are the parent's: the child can end them no more than the parent's threads.
TEST(io_uring_poller, a_forked_child_may_drop_what_it_inherited_and_the_parent_goes_on) {
  on_io_uring([](scheduler&) {
    socket_pair p;
    EXPECT_EQ(std::errc::timed_out, p.handle->recv_lent(immediately).error());
    request r;
    r.set("to the peer");
    p.handle->start_send(r);
    const pid_t child = ::fork();
    if (child == 0) {
      p.handle.reset();
      ::_exit(0);
    }
    int status = -1;
    EXPECT_EQ(child, ::waitpid(child, &status, 0));
    EXPECT_EQ(0, status);
    until([&] { return r.calls > 0; });
    EXPECT_EQ(0, r.code);
    EXPECT_EQ("to the peer", p.peek_peer());
    p.put("hello");
    EXPECT_EQ("hello", text_of(p.handle->recv_lent(5s)));
  });
}

TEST(io_uring_poller, a_pipe_and_an_eventfd_can_be_waited_for) {
  on_io_uring([](scheduler& s) {
    unique_fd fd(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
    auto h = *s.poller().open(fd.get());
    EXPECT_EQ(0, h->wait(direction::out, 5s, "test"));
    EXPECT_EQ(ETIMEDOUT, h->wait(direction::in, immediately, "test"));
    bool woken = false;
    go([&] {
      EXPECT_EQ(0, h->wait(direction::in, 5s, "test"));
      woken = true;
    });
    turns(3);
    EXPECT_FALSE(woken);
    EXPECT_EQ(0, ::eventfd_write(fd.get(), 1));
    until([&] { return woken; });
  });
}

TEST(io_uring_poller, more_operations_than_the_queue_has_room_for_are_handed_over_in_turns) {
  on_io_uring([](scheduler&) {
    std::vector<std::unique_ptr<socket_pair>> pairs;
    for (int i = 0; i < 400; ++i) pairs.push_back(std::make_unique<socket_pair>());
    std::vector<request> requests(pairs.size());
    int received = 0;
    for (auto& p : pairs)
      go([&] {
        EXPECT_EQ("ping", receive_text(*p->handle, 16));
        ++received;
      });
    turns(1);
    for (std::size_t i = 0; i < pairs.size(); ++i) {
      requests[i].set("pong");
      pairs[i]->handle->start_send(requests[i]);
      pairs[i]->put("ping");
    }
    until([&] { return received == 400; });
    for (std::size_t i = 0; i < pairs.size(); ++i) {
      until([&] { return requests[i].calls > 0; });
      EXPECT_EQ("pong", pairs[i]->peek_peer());
    }
  });
}

}  // namespace
}  // namespace caraway::runtime
