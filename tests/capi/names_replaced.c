/* names_replaced.c - a program that puts functions of its own in the place of some of the library's, by
   macros in front of the header. Functions must be plain ones for that. */
#define dill_ipaddr_remotes own_ipaddr_remotes
#define dill_tcp_connect own_tcp_connect
#define dill_happyeyeballs_connect own_happyeyeballs_connect
#define dill_msleep own_msleep
#define dill_ws_attach_client own_ws_attach_client
#define dill_ws_detach own_ws_detach
#include <libdill.h>

#include "check.h"

static int calls;

int own_ipaddr_remotes(struct ipaddr* addrs, int naddrs, const char* name, int port, int mode,
                       int64_t deadline) {
  ++calls;
  (void)deadline;
  return naddrs < 1 ? 0 : ipaddr_local(&addrs[0], name, port, mode) == 0;
}

int own_tcp_connect(const struct ipaddr* addr, int64_t deadline) {
  ++calls;
  (void)deadline;
  return ipaddr_port(addr);
}

int own_happyeyeballs_connect(const char* name, int port, int64_t deadline) {
  struct ipaddr addr;
  ++calls;
  if (ipaddr_remotes(&addr, 1, name, port, 0, deadline) != 1) return -1;
  return tcp_connect(&addr, deadline);
}

int own_msleep(int64_t deadline) {
  ++calls;
  return (int)deadline;
}

int own_ws_attach_client(int s, int flags, const char* resource, const char* host,
                         int64_t deadline) {
  ++calls;
  return flags == WS_TEXT && resource[0] == '/' && host != NULL && deadline < 0 ? s : -1;
}

int own_ws_detach(int s, int status, const void* buf, size_t len, int64_t deadline) {
  ++calls;
  return status == 1000 && buf == NULL && len == 0 && deadline < 0 ? s : -1;
}

int main(void) {
  int (*connect_by_name)(const char*, int, int64_t) = happyeyeballs_connect;
  int64_t (*clock_of)(void) = now;
  int (*close_handle)(int) = hclose;
  CHECK(connect_by_name("127.0.0.1", 8080, -1) == 8080);
  CHECK(msleep(7) == 7 && calls == 4);
  CHECK(clock_of() > 0);
  CHECK(ws_attach_client(5, WS_TEXT, "/", "example.org", -1) == 5);
  CHECK(ws_detach(6, 1000, NULL, 0, -1) == 6 && calls == 6);
  FAILS(close_handle(-1), EBADF);
  return 0;
}
