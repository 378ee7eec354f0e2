// udp_test.cpp - what the network answers to datagrams, where it can be made to: in the simulator.
#include <gtest/gtest.h>

#include <iterator>

#include "capi/capi.hpp"
#include "caraway/sim.hpp"

namespace caraway::capi {
namespace {

constexpr int answers[] = {ECONNREFUSED, EHOSTUNREACH, ENETUNREACH, EHOSTDOWN,
                           ENONET,       ENOPROTOOPT,  EPROTO,      EACCES};

dill_ipaddr here() {
  dill_ipaddr a;
  EXPECT_EQ(dill_ipaddr_local(&a, "127.0.0.1", 0, 0), 0);
  return a;
}

// Two sockets, each the other's remote.
struct udp_pair {
  udp_pair() {
    dill_ipaddr a = here(), b = here();
    const int probe = dill_udp_open(&a, nullptr);
    dill_hclose(probe);
    right = dill_udp_open(&b, &a);
    left = dill_udp_open(&a, &b);
    EXPECT_GT(left, 0);
    EXPECT_GT(right, 0);
  }
  udp_pair(const udp_pair&) = delete;
  udp_pair& operator=(const udp_pair&) = delete;
  ~udp_pair() {
    dill_hclose(left);
    dill_hclose(right);
  }
  int left, right;
};

TEST(udp, what_the_network_answers_to_an_earlier_datagram_is_not_told) {
  for (const int code : answers) {
    sim::run({}, [code] {
      const udp_pair u;
      char got[8];
      sim::configure({.fail_call = 1, .fail_code = code});
      EXPECT_EQ(dill_udp_send(u.left, nullptr, "sent", 4), 0) << code;
      sim::configure({.fail_call = 1, .fail_code = code});
      EXPECT_EQ(dill_udp_recv(u.right, nullptr, got, sizeof got, -1), 4) << code;
      sim::configure({});
    });
  }
}

TEST(udp, what_the_system_says_of_this_one_is) {
  sim::run({}, [] {
    const udp_pair u;
    char got[8];
    sim::configure({.fail_call = 1, .fail_code = ENOBUFS});
    EXPECT_EQ(dill_udp_send(u.left, nullptr, "sent", 4), -1);
    EXPECT_EQ(errno, ENOBUFS);
    sim::configure({.fail_call = 1, .fail_code = ENOBUFS});
    EXPECT_EQ(dill_udp_recv(u.right, nullptr, got, sizeof got, -1), -1);
    EXPECT_EQ(errno, ENOBUFS);
    sim::configure({});
  });
}

}  // namespace
}  // namespace caraway::capi
