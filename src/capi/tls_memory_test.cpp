// tls_memory_test.cpp - TLS in memory of the program: where its object is, and what is left of it.
#include <cstdlib>
#include <cstring>

#include "capi/allocations.hpp"
#include "codec/tls_certificates.hpp"
#include "net/with_kernel.hpp"

namespace caraway::capi {
namespace {

void attach_server(int* s) {
  *s = dill_tls_attach_server(*s, tls::certificate_file("server.pem").c_str(),
                              tls::certificate_file("server.key").c_str(), -1);
}

// Shakes hands over a pair: attach(one end) on this side. s[1] is the server.
template <class Attach>
void shake(int s[2], Attach attach) {
  ::setenv("CARAWAY_TLS_CA_FILE", tls::certificate_file("authority.pem").c_str(), 1);
  ASSERT_EQ(dill_ipc_pair(s), 0);
  const int b = dill_go(attach_server(&s[1]));
  s[0] = attach(s[0]);
  EXPECT_EQ(dill_bundle_wait(b, -1), 0);
  close(b);
  ASSERT_GT(s[0], 0);
  ASSERT_GT(s[1], 0);
}

template <class Attach>
void shake_and_close(Attach attach) {
  int s[2];
  shake(s, attach);
  close(s[0]);
  close(s[1]);
}

TEST(tls_memory, tls_has_its_object_where_the_caller_says) {
  net::with_kernel([] {
    expect_one_less<dill_tls_storage>(
        [] { shake_and_close([](int s) { return dill_tls_attach_client(s, -1); }); },
        [](auto* mem) {
          shake_and_close([=](int s) { return dill_tls_attach_client_mem(s, mem, -1); });
        });
  });
}

void receive(int s, int* code) {
  char c;
  *code = dill_brecv(s, &c, 1, -1) < 0 ? errno : 0;
}

void detach(int s, int* code) {
  *code = dill_tls_detach(s, -1) < 0 ? errno : 0;
}

void expect_no_trace(void (*f)(int s, int* code)) {
  dill_tls_storage storage;
  int s[2];
  int code = 0;
  shake(s, [&](int below) { return dill_tls_attach_client_mem(below, &storage, -1); });
  const int b = dill_go(f(s[0], &code));
  close(s[0]);
  std::memset(&storage, 0xa5, sizeof storage);
  EXPECT_EQ(dill_bundle_wait(b, -1), 0);
  EXPECT_EQ(code, ECANCELED);
  for (const char c : storage._) EXPECT_EQ(c, static_cast<char>(0xa5));
  close(b);
  close(s[1]);
}

TEST(tls_memory, after_the_close_it_is_the_callers_again_whoever_was_blocked) {
  expect_no_trace(receive);
  expect_no_trace(detach);
}

}  // namespace
}  // namespace caraway::capi
