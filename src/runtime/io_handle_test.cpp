// io_handle_test.cpp - whole operations, on whatever poller the environment chooses.
#include "runtime/io_handle.hpp"

#include <gtest/gtest.h>
#include <netinet/in.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <string>
#include <vector>

#include "runtime/scheduler.hpp"
#include "runtime/test_task.hpp"

namespace caraway::runtime {
namespace {

using namespace std::chrono_literals;

kernel& system() {
  return scheduler::current().system();
}

std::unique_ptr<io_handle> open(int fd) {
  return value_or_raise(scheduler::current().poller().open(fd), "open");
}

// One end of a connection.
struct end {
  explicit end(int number) : fd(number), handle(open(number)) {}

  unique_fd fd;
  std::unique_ptr<io_handle> handle;

  std::string recv(deadline dl = never, std::size_t most = 65536) {
    std::vector<std::byte> into(most);
    const auto n = handle->recv(into, dl);
    return n ? std::string(as_text(bytes(into).first(*n))) : "E" + std::to_string(code_of(n));
  }
  // 0 or an errno.
  int send(std::string_view text, deadline dl = never) {
    for (bytes rest = as_bytes(text); !rest.empty();) {
      const bytes one[] = {rest};
      const auto n = handle->send(one, dl);
      if (!n) return code_of(n);
      rest = rest.subspan(*n);
    }
    return 0;
  }
  void put(std::string_view text) {
    EXPECT_EQ(system().send(fd.get(), text.data(), text.size(), 0),
              static_cast<ssize_t>(text.size()));
  }
  // Everything up to the end.
  std::string recv_all() {
    std::string all;
    std::vector<std::byte> into(65536);
    for (;;) {
      const auto n = handle->recv(into, never);
      EXPECT_TRUE(n.has_value());
      if (!n || *n == 0) return all;
      all += as_text(bytes(into).first(*n));
    }
  }
  void finish() { EXPECT_EQ(system().shutdown(fd.get(), SHUT_WR), 0); }
  void close() {
    handle.reset();
    fd.reset();
  }

  template <class T>
  static int code_of(const result<T>& r) {
    return r ? 0 : r.error().value();
  }
};

std::string error(int code) {
  return "E" + std::to_string(code);
}

struct pair {
  pair() : pair(make()) {}
  end left, right;

 private:
  struct numbers {
    int fds[2];
  };
  static numbers make() {
    numbers n;
    EXPECT_EQ(system().socketpair(AF_UNIX, SOCK_STREAM, 0, n.fds), 0);
    return n;
  }
  explicit pair(numbers n) : left(n.fds[0]), right(n.fds[1]) {}
};

struct listener : end {
  listener() : end(system().socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t n = sizeof at;
    EXPECT_EQ(system().bind(fd.get(), reinterpret_cast<sockaddr*>(&at), n), 0);
    EXPECT_EQ(system().listen(fd.get(), 16), 0);
    EXPECT_EQ(system().getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &n), 0);
  }
  sockaddr_in address{};
};

end tcp_socket() {
  return end(system().socket(AF_INET, SOCK_STREAM, 0));
}

int connect(end& e, const sockaddr_in& to, deadline dl = never) {
  return end::code_of(e.handle->connect(reinterpret_cast<const sockaddr*>(&to), sizeof to, dl));
}

// A text in which every place is different from its neighbours.
std::string long_text(std::size_t n) {
  std::string text;
  for (std::size_t i = 0; text.size() < n; ++i) text += std::to_string(i) + ",";
  text.resize(n);
  return text;
}

TEST(io_handle, receives_what_is_there_already) {
  pair p;
  p.right.put("hello");
  EXPECT_EQ(p.left.recv(immediately), "hello");
}

TEST(io_handle, a_receive_waits_for_the_first_byte_and_not_for_more) {
  pair p;
  std::string got;
  test_task reader([&] { got = p.left.recv(); });
  lowlevel::yield();
  EXPECT_EQ(got, "");
  p.right.put("x");
  reader.join();
  EXPECT_EQ(got, "x");
}

TEST(io_handle, a_receive_that_timed_out_or_was_cancelled_loses_nothing) {
  pair p;
  for (int round = 0; round < 3; ++round) {
    EXPECT_EQ(p.left.recv(1ms), error(ETIMEDOUT));
    EXPECT_EQ(p.left.recv(immediately), error(ETIMEDOUT));
    std::string got;
    test_task reader([&] { got = p.left.recv(); });
    lowlevel::yield();
    reader.cancel();
    reader.join();
    EXPECT_EQ(got, error(ECANCELED));
    p.right.put("abc");
    EXPECT_EQ(p.left.recv(never, 2), "ab");
    EXPECT_EQ(p.left.recv(never, 2), "c");
  }
}

TEST(io_handle, bytes_that_come_together_with_a_cancellation_are_not_lost) {
  for (int round = 0; round < 20; ++round) {
    pair p;
    std::string got;
    test_task reader([&] { got = p.left.recv(); });
    lowlevel::yield();
    if (round % 2 == 0) reader.cancel();
    p.right.put("abc");
    reader.cancel();
    reader.join();
    if (got == error(ECANCELED)) got = p.left.recv();
    EXPECT_EQ(got, "abc");
  }
}

TEST(io_handle, a_cancelled_coroutine_neither_receives_nor_sends_nor_accepts) {
  pair p;
  listener l;
  p.right.put("abc");
  std::string got;
  int sent = 0, accepted = 0;
  test_task task([&] {
    got = p.left.recv();
    EXPECT_EQ(end::code_of(p.left.handle->recv_lent(never)), ECANCELED);
    sent = p.left.send("x");
    accepted = end::code_of(l.handle->accept(nullptr, nullptr, never));
  });
  task.cancel();
  task.join();
  EXPECT_EQ(got, error(ECANCELED));
  EXPECT_EQ(sent, ECANCELED);
  EXPECT_EQ(accepted, ECANCELED);
  EXPECT_EQ(p.left.recv(), "abc");
  EXPECT_EQ(p.right.recv(immediately), error(ETIMEDOUT));
}

TEST(io_handle, two_receivers_at_once_are_one_too_many) {
  pair p;
  std::string got;
  test_task reader([&] { got = p.left.recv(); });
  lowlevel::yield();
  EXPECT_EQ(p.left.recv(), error(EBUSY));
  p.right.put("x");
  reader.join();
  EXPECT_EQ(got, "x");
}

TEST(io_handle, the_end_of_the_stream_is_zero_bytes_for_ever) {
  pair p;
  p.right.put("last");
  p.right.finish();
  EXPECT_EQ(p.left.recv(), "last");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(p.left.recv(), "");
  EXPECT_EQ(p.left.send("still"), 0);
  EXPECT_EQ(p.right.recv(), "still");
}

TEST(io_handle, a_reset_is_reported) {
  listener l;
  end client = tcp_socket();
  ASSERT_EQ(connect(client, l.address), 0);
  end server(value_or_raise(l.handle->accept(nullptr, nullptr, never), "accept").release());
  std::string got;
  test_task reader([&] { got = client.recv(); });
  lowlevel::yield();
  const linger none{1, 0};
  EXPECT_EQ(system().setsockopt(server.fd.get(), SOL_SOCKET, SO_LINGER, &none, sizeof none), 0);
  server.close();
  reader.join();
  EXPECT_EQ(got, error(ECONNRESET));
}

TEST(io_handle, a_lent_buffer_holds_what_came_and_nobody_owns_one_while_waiting) {
  pair p;
  buffer_pool& pool = scheduler::current().buffers();
  std::string got;
  std::size_t lent_meanwhile = 1;
  test_task reader([&] {
    const auto b = p.left.handle->recv_lent(never);
    ASSERT_TRUE(b.has_value());
    got = as_text(bytes(b->memory(), b->size()));
  });
  lowlevel::yield();
  lent_meanwhile = pool.lent();
  p.right.put("hello");
  reader.join();
  EXPECT_EQ(lent_meanwhile, 0u);
  EXPECT_EQ(got, "hello");
  p.right.finish();
  EXPECT_FALSE(*p.left.handle->recv_lent(never));
  EXPECT_EQ(pool.lent(), 0u);
}

TEST(io_handle, a_lent_receive_that_timed_out_loses_nothing) {
  pair p;
  EXPECT_EQ(end::code_of(p.left.handle->recv_lent(1ms)), ETIMEDOUT);
  p.right.put("abc");
  const auto b = p.left.handle->recv_lent(never);
  ASSERT_TRUE(b.has_value());
  EXPECT_EQ(as_text(bytes(b->memory(), b->size())), "abc");
}

TEST(io_handle, both_kinds_of_receive_can_be_mixed) {
  pair p;
  const std::string text = long_text(300'000);
  test_task writer([&] {
    EXPECT_EQ(p.right.send(text), 0);
    p.right.finish();
  });
  std::string got;
  for (int i = 0;; ++i) {
    const std::size_t before = got.size();
    if (i % 3 == 0) {
      const auto b = p.left.handle->recv_lent(never);
      ASSERT_TRUE(b.has_value());
      got += as_text(bytes(b->memory(), b->size()));
    } else {
      got += p.left.recv(never, i % 3 == 1 ? 100 : 20'000);
    }
    if (got.size() == before) break;
  }
  EXPECT_TRUE(got == text);
}

TEST(io_handle, parts_leave_as_one) {
  pair p;
  std::vector<std::string> texts(100, "ab");
  texts[3] = "";
  std::vector<bytes> parts;
  for (const std::string& t : texts) parts.push_back(as_bytes(t));
  EXPECT_EQ(p.left.handle->send(std::span(parts).first(5), never), 8u);
  EXPECT_EQ(p.right.recv(), "abababab");
  EXPECT_GE(p.left.handle->send(parts, never).value_or(0), 100u);
  EXPECT_EQ(p.left.handle->send({}, never), 0u);
  EXPECT_EQ(p.left.handle->send(std::span(parts).subspan(3, 1), never), 0u);
}

TEST(io_handle, a_send_waits_for_room) {
  pair p;
  const std::string text = long_text(3'000'000);
  std::string got;
  test_task reader([&] { got = p.right.recv_all(); });
  EXPECT_EQ(p.left.send(text), 0);
  p.left.finish();
  reader.join();
  EXPECT_TRUE(got == text);
}

TEST(io_handle, a_send_that_timed_out_sent_nothing) {
  pair p;
  const std::string block(10'000, 'x');
  const bytes one[] = {as_bytes(block)};
  std::size_t sent = 0;
  for (;;) {
    const auto n = p.left.handle->send(one, 1ms);
    if (!n) {
      EXPECT_EQ(n.error(), std::errc::timed_out);
      break;
    }
    sent += *n;
  }
  p.left.finish();
  EXPECT_EQ(p.right.recv_all().size(), sent);
}

TEST(io_handle, one_may_receive_while_another_sends) {
  pair p;
  const std::string text = long_text(500'000);
  std::string left, right;
  const auto send = [&text](end& e) {
    EXPECT_EQ(e.send(text), 0);
    e.finish();
  };
  test_task tasks[] = {
      test_task([&] { left = p.left.recv_all(); }),
      test_task([&] { right = p.right.recv_all(); }),
      test_task([&] { send(p.left); }),
      test_task([&] { send(p.right); }),
  };
  for (test_task& t : tasks) t.join();
  EXPECT_TRUE(left == text);
  EXPECT_TRUE(right == text);
}

TEST(io_handle, many_connections_can_talk_at_once) {
  std::vector<std::unique_ptr<pair>> pairs;
  std::vector<std::unique_ptr<test_task>> tasks;
  int rounds = 0;
  for (int i = 0; i < 50; ++i) {
    pairs.push_back(std::make_unique<pair>());
    pair& p = *pairs.back();
    const auto talk = [&rounds](end& e, bool first) {
      if (first) e.put("x");
      for (int n = 0; n < 20; ++n) {
        if (e.recv() != "x") return;
        ++rounds;
        e.send("x");
      }
    };
    tasks.push_back(std::make_unique<test_task>([&, talk] { talk(p.left, true); }));
    tasks.push_back(std::make_unique<test_task>([&, talk] { talk(p.right, false); }));
  }
  for (auto& t : tasks) t->join();
  EXPECT_EQ(rounds, 50 * 2 * 20);
}

// A request that counts how often it was finished.
struct counted_send final : send_request {
  explicit counted_send(std::string t) : text(std::move(t)) { remaining = as_bytes(text); }
  void finished(int result) noexcept override {
    ++calls;
    code = result;
    if (next != nullptr) sender->start_send(*next);
  }
  std::string text;
  int calls = 0;
  int code = -1;
  send_request* next = nullptr;
  io_handle* sender = nullptr;
};

TEST(io_handle, a_started_send_leaves_without_anybody_waiting) {
  pair p;
  counted_send small("hello");
  p.left.handle->start_send(small);
  EXPECT_EQ(p.right.recv(), "hello");
  while (small.calls == 0) lowlevel::yield();
  EXPECT_EQ(small.code, 0);
  counted_send large(long_text(2'000'000));
  p.left.handle->start_send(large);
  std::string got;
  while (got.size() < large.text.size()) got += p.right.recv();
  while (large.calls == 0) lowlevel::yield();
  EXPECT_EQ(large.code, 0);
  EXPECT_TRUE(large.remaining.empty());
  EXPECT_TRUE(got == large.text);
  EXPECT_EQ(small.calls + large.calls, 2);
}

TEST(io_handle, a_finished_send_may_start_the_next) {
  pair p;
  counted_send first(long_text(700'000)), second(long_text(500'000));
  first.next = &second;
  first.sender = p.left.handle.get();
  p.left.handle->start_send(first);
  std::string got;
  while (got.size() < 1'200'000) got += p.right.recv();
  while (second.calls == 0) lowlevel::yield();
  EXPECT_TRUE(got == first.text + second.text);
}

TEST(io_handle, a_send_taken_back_knows_what_was_not_sent) {
  pair p;
  counted_send large(long_text(5'000'000));
  p.left.handle->start_send(large);
  lowlevel::yield();
  p.left.handle->cancel_send(large);
  EXPECT_EQ(large.calls, 0);
  EXPECT_FALSE(large.remaining.empty());
  const std::size_t sent = large.text.size() - large.remaining.size();
  counted_send rest("rest");
  test_task reader([&] {
    const std::string got = p.right.recv_all();
    EXPECT_TRUE(got == large.text.substr(0, sent) + "rest") << got.size() << " of " << sent;
  });
  p.left.handle->start_send(rest);
  while (rest.calls == 0) lowlevel::yield();
  p.left.finish();
  reader.join();
  EXPECT_EQ(large.calls, 0);
}

TEST(io_handle, a_started_send_to_nobody_fails) {
  pair p;
  p.right.close();
  counted_send r("x");
  p.left.handle->start_send(r);
  while (r.calls == 0) lowlevel::yield();
  EXPECT_EQ(r.code, EPIPE);
  EXPECT_EQ(r.calls, 1);
}

TEST(io_handle, accepts_those_who_come_with_their_addresses) {
  listener l;
  sockaddr_storage from{};
  socklen_t n = 0;
  result<unique_fd> accepted;
  test_task server([&] { accepted = l.handle->accept(&from, &n, never); });
  lowlevel::yield();
  end client = tcp_socket();
  EXPECT_EQ(connect(client, l.address), 0);
  server.join();
  ASSERT_TRUE(accepted.has_value());
  sockaddr_in own{};
  socklen_t length = sizeof own;
  EXPECT_EQ(system().getsockname(client.fd.get(), reinterpret_cast<sockaddr*>(&own), &length), 0);
  EXPECT_EQ(n, sizeof own);
  EXPECT_EQ(reinterpret_cast<sockaddr_in&>(from).sin_port, own.sin_port);
  end peer(accepted->release());
  EXPECT_EQ(client.send("hello"), 0);
  EXPECT_EQ(peer.recv(), "hello");
}

TEST(io_handle, an_accept_that_timed_out_or_was_cancelled_loses_no_connection) {
  listener l;
  EXPECT_EQ(end::code_of(l.handle->accept(nullptr, nullptr, 1ms)), ETIMEDOUT);
  {
    int code = 0;
    test_task server([&] { code = end::code_of(l.handle->accept(nullptr, nullptr, never)); });
    lowlevel::yield();
    server.cancel();
    server.join();
    EXPECT_EQ(code, ECANCELED);
  }
  end first = tcp_socket(), second = tcp_socket();
  EXPECT_EQ(connect(first, l.address), 0);
  EXPECT_EQ(connect(second, l.address), 0);
  for (end* client : {&first, &second}) {
    end server(value_or_raise(l.handle->accept(nullptr, nullptr, never), "accept").release());
    EXPECT_EQ(client->send("x"), 0);
    EXPECT_EQ(server.recv(), "x");
  }
}

TEST(io_handle, closing_a_listener_wakes_who_accepts) {
  listener l;
  int code = 0;
  test_task server([&] { code = end::code_of(l.handle->accept(nullptr, nullptr, never)); });
  lowlevel::yield();
  l.close();
  server.join();
  EXPECT_EQ(code, ECANCELED);
}

TEST(io_handle, a_connection_to_nobody_is_refused) {
  listener l;
  const sockaddr_in to = l.address;
  l.close();
  end client = tcp_socket();
  EXPECT_EQ(connect(client, to), ECONNREFUSED);
}

TEST(io_handle, closing_wakes_who_receives_and_who_sends) {
  pair p;
  int received = 0, sent = 0;
  test_task reader([&] { received = end::code_of(p.left.handle->recv_lent(never)); });
  test_task writer([&] { sent = p.left.send(std::string(10'000'000, 'x')); });
  lowlevel::yield();
  p.left.handle.reset();
  reader.join();
  writer.join();
  EXPECT_EQ(received, ECANCELED);
  EXPECT_EQ(sent, ECANCELED);
}

TEST(io_handle, remembers_that_nothing_is_to_be_had) {
  pair p;
  EXPECT_TRUE(p.left.handle->may_be_ready(direction::out));
  EXPECT_EQ(p.left.recv(1ms), error(ETIMEDOUT));
  EXPECT_FALSE(p.left.handle->may_be_ready(direction::in));
  p.right.put("x");
  EXPECT_EQ(p.left.recv(), "x");
}

TEST(io_handle, an_operation_can_wait_for_two_descriptors) {
  pair a, b;
  for (int round = 0; round < 4; ++round) {
    lowlevel::waiter from_a, from_b;
    lowlevel::operation op("test");
    op.add(from_a);
    op.add(from_b);
    EXPECT_EQ(a.left.handle->enlist(direction::in, from_a), 0);
    EXPECT_EQ(b.left.handle->enlist(direction::in, from_b), 0);
    pair& chosen = round % 2 == 0 ? a : b;
    chosen.right.put("x");
    EXPECT_EQ(op.park(never), 0);
    EXPECT_EQ(op.winner(), round % 2 == 0 ? &from_a : &from_b);
    a.left.handle->delist(direction::in);
    b.left.handle->delist(direction::in);
    EXPECT_EQ(chosen.left.recv(), "x");
  }
}

}  // namespace
}  // namespace caraway::runtime
