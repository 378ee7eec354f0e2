// ws_socket_into_test.cpp - messages received into memory of the caller's.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include "caraway/memory_pair.hpp"
#include "caraway/task_group.hpp"
#include "caraway/this_task.hpp"
#include "caraway/ws_socket.hpp"
#include "proto/ws_wire.hpp"

namespace caraway::ws {
namespace {

using namespace std::chrono_literals;

constexpr auto soon = 20s;
constexpr role both[] = {role::client, role::server};

std::string letters(std::size_t n) {
  std::string text(n, ' ');
  for (std::size_t i = 0; i < n; ++i) text[i] = static_cast<char>('a' + i % 23);
  return text;
}

// A socket, a message for it, and who is to send it.
struct addressed {
  addressed(role as, std::size_t size) : text(letters(size)) {
    auto [a, b] = memory_pair({.capacity = size + 100});
    ws = attach_without_handshake(std::move(a), as, {.message = size});
    peer = std::move(b);
    frame = wire::frame(as == role::client ? role::server : role::client, opcode::text, text);
  }

  // All of the frame but its last `n` bytes arrives.
  void all_but(std::size_t n) { peer->write(std::string_view(frame).substr(0, frame.size() - n)); }
  void last(std::size_t n) { peer->write(std::string_view(frame).substr(frame.size() - n)); }

  std::string text, frame;
  socket ws;
  stream_ptr peer;
};

// Whoever reads it now reads something else.
void spoil(std::vector<std::byte>& memory) {
  std::ranges::fill(memory, std::byte{'?'});
}

std::string_view text_in(const std::vector<std::byte>& memory, std::size_t size) {
  return as_text(bytes(memory).first(size));
}

TEST(ws_socket_into, a_large_message_is_in_the_callers_memory_as_it_arrives) {
  for (const role as : both) {
    addressed a(as, 100'000);
    std::vector<std::byte> memory(a.text.size());
    task_group group;
    std::size_t got = 0;
    group.go([&] { got = a.ws.recv_into(memory, soon)->size; });
    a.all_but(40'000);
    for (int i = 0; i < 10; ++i) yield();
    EXPECT_EQ(got, 0u);
    EXPECT_TRUE(text_in(memory, 60'000) == a.text.substr(0, 60'000));
    a.last(40'000);
    group.wait();
    EXPECT_EQ(got, a.text.size());
    EXPECT_TRUE(text_in(memory, got) == a.text);
  }
}

TEST(ws_socket_into, what_came_before_the_deadline_goes_on_in_other_memory) {
  for (const role as : both)
    for (const bool into : {true, false}) {
      addressed a(as, 100'000);
      std::vector<std::byte> first(a.text.size()), second(a.text.size());
      a.all_but(40'000);
      EXPECT_EQ(a.ws.try_receive_into(first, immediately).error(), os_error(ETIMEDOUT));
      spoil(first);
      a.last(40'000);
      if (into) {
        EXPECT_EQ(a.ws.recv_into(second, soon)->size, a.text.size());
        EXPECT_TRUE(text_in(second, a.text.size()) == a.text);
      } else {
        EXPECT_TRUE(a.ws.recv(soon)->text() == a.text);
      }
    }
}

TEST(ws_socket_into, a_large_message_that_does_not_fit_stays) {
  for (const role as : both) {
    addressed a(as, 100'000);
    std::vector<std::byte> memory(a.text.size());
    a.all_but(0);
    EXPECT_EQ(a.ws.try_receive_into(std::span(memory).first(99'999), soon).error(),
              os_error(EMSGSIZE));
    EXPECT_EQ(a.ws.next_size(), a.text.size());
    EXPECT_EQ(a.ws.recv_into(memory, soon)->size, a.text.size());
    EXPECT_TRUE(text_in(memory, a.text.size()) == a.text);
  }
}

TEST(ws_socket_into, a_message_is_not_lost_wherever_the_cancellation_comes) {
  for (const role as : both)
    for (int turns = 0; turns < 3; ++turns) {
      addressed a(as, std::size_t{5} << 19);
      std::vector<std::byte> memory(a.text.size());
      a.all_but(0);
      bool received = false;
      task_group group;
      group.go([&] { received = a.ws.try_receive_into(memory, soon).has_value(); });
      for (int i = 0; i < turns; ++i) yield();
      group.cancel();
      while (group.size() > 0) yield();
      if (received) {
        EXPECT_TRUE(text_in(memory, a.text.size()) == a.text);
        continue;
      }
      spoil(memory);
      EXPECT_TRUE(a.ws.recv(soon)->text() == a.text);
    }
}

TEST(ws_socket_into, the_socket_has_done_with_the_memory_when_the_call_returns) {
  addressed a(role::server, 100'000);
  {
    std::vector<std::byte> memory(a.text.size());
    a.all_but(0);
    EXPECT_EQ(a.ws.recv_into(memory, soon)->size, a.text.size());
  }
  a.all_but(0);
  EXPECT_TRUE(a.ws.recv(soon)->text() == a.text);
}

}  // namespace
}  // namespace caraway::ws
