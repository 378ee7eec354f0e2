// guest_test.cpp - those who were blocked in something whose handle was closed, and its memory.
#include "capi/guest.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <optional>

#include "capi/capi.hpp"

namespace caraway::capi {
namespace {

using numbers = guest<std::shared_ptr<int>>;

TEST(guest, without_any_what_is_left_goes_at_once) {
  auto whole = std::make_shared<int>(1);
  const std::weak_ptr<int> still = whole;
  list<numbers> nobody;
  numbers::leave_to(nobody, std::move(whole));
  EXPECT_TRUE(still.expired());
}

TEST(guest, whatever_the_order_the_last_to_go_takes_it_along) {
  for (int order = 0; order < 6; ++order) {
    auto whole = std::make_shared<int>(1);
    const std::weak_ptr<int> still = whole;
    std::optional<numbers> guests[3];
    {
      list<numbers> inside;
      for (auto& g : guests) g.emplace().enter(inside);
      numbers::leave_to(inside, std::move(whole));
    }
    const int first = order / 2;
    const int second = (first + 1 + order % 2) % 3;
    for (const int leaving : {first, second, 3 - first - second}) {
      EXPECT_FALSE(still.expired());
      EXPECT_TRUE(guests[leaving]->gone());
      guests[leaving].reset();
    }
    EXPECT_TRUE(still.expired());
  }
}

TEST(guest, who_goes_before_the_end_is_not_missed) {
  list<numbers> inside;
  {
    numbers here;
    here.enter(inside);
    EXPECT_FALSE(here.gone());
  }
  EXPECT_TRUE(inside.empty());
}

// --- handles in memory of the program ---

void call(int (*f)(int h), int h, int* code) {
  *code = f(h) < 0 ? errno : 0;
}

// Coroutines are blocked in the calls when the handle is closed, and run on when its memory may be
// anything: they must have been told that it is closed, and must not write there.
template <class Storage, class Open, class... Calls>
void expect_no_trace(Open open, Calls... calls) {
  auto storage = std::make_unique<Storage>();
  const int h = open(storage.get());
  ASSERT_GT(h, 0);
  int codes[] = {(static_cast<void>(calls), -1)...};
  const int b = dill_bundle();
  int n = 0;
  (static_cast<void>(dill_bundle_go(b, call(+calls, h, &codes[n++]))), ...);
  ASSERT_EQ(dill_bundle_wait(b, 0), -1);
  EXPECT_EQ(dill_hclose(h), 0);
  std::memset(storage.get(), 0xa5, sizeof(Storage));
  EXPECT_EQ(dill_bundle_wait(b, -1), 0);
  for (const int code : codes) EXPECT_EQ(code, ECANCELED);
  for (const char c : storage->_) EXPECT_EQ(c, static_cast<char>(0xa5));
  EXPECT_EQ(dill_hclose(b), 0);
}

char much[1 << 22];

int receive_byte(int h) {
  char c;
  return dill_brecv(h, &c, 1, -1);
}
int send_much(int h) {
  while (dill_bsend(h, much, sizeof much, -1) == 0) continue;
  return -1;
}
int receive_message(int h) {
  char c;
  return static_cast<int>(dill_mrecv(h, &c, 1, -1));
}
int send_messages(int h) {
  while (dill_msend(h, much, sizeof much, -1) == 0) continue;
  return -1;
}

dill_ipaddr here() {
  dill_ipaddr a;
  EXPECT_EQ(dill_ipaddr_local(&a, "127.0.0.1", 0, 0), 0);
  return a;
}

// Behind what open() makes of one end of a pair, whose other end stays open meanwhile.
template <class Storage, class Open, class... Calls>
void expect_no_trace_of_layer(Open open, Calls... calls) {
  int s[2];
  ASSERT_EQ(dill_ipc_pair(s), 0);
  expect_no_trace<Storage>([&](Storage* mem) { return open(s[0], mem); }, calls...);
  EXPECT_EQ(dill_hclose(s[1]), 0);
}

TEST(guest, a_bytestream_is_not_touched_after_its_end) {
  dill_ipaddr at = here();
  const int listener = dill_tcp_listen(&at, 1);
  ASSERT_GT(listener, 0);
  expect_no_trace<dill_tcp_storage>([&](auto* mem) { return dill_tcp_connect_mem(&at, mem, -1); },
                                    receive_byte, send_much);
  EXPECT_EQ(dill_hclose(listener), 0);
}

TEST(guest, a_message_socket_is_not_touched_after_its_end) {
  expect_no_trace_of_layer<dill_prefix_storage>(
      [](int s, auto* mem) { return dill_prefix_attach_mem(s, 4, 0, mem); }, receive_message,
      send_messages);
  expect_no_trace_of_layer<dill_suffix_storage>(
      [](int s, auto* mem) { return dill_suffix_attach_mem(s, "x", 1, mem); }, receive_message);
  const auto term = [](int s, auto* mem) {
    return dill_term_attach_mem(dill_suffix_attach(s, "x", 1), "e", 1, mem);
  };
  expect_no_trace_of_layer<dill_term_storage>(term, receive_message);
  expect_no_trace_of_layer<dill_term_storage>(term, [](int h) { return dill_term_detach(h, -1); });
}

TEST(guest, http_is_not_touched_after_its_end) {
  const auto attach = [](int s, auto* mem) { return dill_http_attach_mem(s, mem); };
  expect_no_trace_of_layer<dill_http_storage>(attach, [](int h) {
    char text[10];
    return dill_http_recvstatus(h, text, sizeof text, -1);
  });
  expect_no_trace_of_layer<dill_http_storage>(attach,
                                              [](int h) { return dill_http_detach(h, -1); });
}

TEST(guest, a_websocket_is_not_touched_after_its_end) {
  const auto attach = [](int s, auto* mem) {
    return dill_ws_attach_client_mem(s, DILL_WS_NOHTTP, nullptr, nullptr, mem, -1);
  };
  expect_no_trace_of_layer<dill_ws_storage>(attach, receive_message, send_messages);
  expect_no_trace_of_layer<dill_ws_storage>(
      attach, [](int h) { return static_cast<int>(dill_mrecvl(h, nullptr, nullptr, -1)); });
  expect_no_trace_of_layer<dill_ws_storage>(
      attach, [](int h) { return dill_ws_detach(h, 1000, nullptr, 0, -1); });
}

TEST(guest, listeners_and_datagrams_are_not_touched_after_their_end) {
  expect_no_trace<dill_tcp_listener_storage>(
      [](auto* mem) {
        dill_ipaddr at = here();
        return dill_tcp_listen_mem(&at, 1, mem);
      },
      [](int h) { return dill_tcp_accept(h, nullptr, -1); });
  expect_no_trace<dill_udp_storage>(
      [](auto* mem) {
        dill_ipaddr at = here();
        return dill_udp_open_mem(&at, nullptr, mem);
      },
      receive_message);
}

}  // namespace
}  // namespace caraway::capi
