/* ipaddr.c - addresses. */
#include "check.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <libdill.h>

static void literals_need_no_resolver(void) {
  struct ipaddr a;
  char text[IPADDR_MAXSTRLEN];
  const struct sockaddr_in* v4 = (const struct sockaddr_in*)(const void*)&a;
  GIVES(ipaddr_remote(&a, "127.0.0.1", 5555, 0, 0), 0);
  CHECK(ipaddr_family(&a) == AF_INET);
  CHECK(ipaddr_len(&a) == (int)sizeof(struct sockaddr_in));
  CHECK(ipaddr_port(&a) == 5555);
  CHECK(strcmp(ipaddr_str(&a, text), "127.0.0.1") == 0);
  CHECK(ipaddr_sockaddr(&a) == (const struct sockaddr*)(const void*)&a);
  CHECK(v4->sin_port == htons(5555) && v4->sin_addr.s_addr == htonl(0x7f000001));
  GIVES(ipaddr_remote(&a, "2001:db8::7", 80, IPADDR_IPV6, 0), 0);
  CHECK(ipaddr_family(&a) == AF_INET6);
  CHECK(ipaddr_len(&a) == (int)sizeof(struct sockaddr_in6));
  CHECK(strcmp(ipaddr_str(&a, text), "2001:db8::7") == 0);
  ipaddr_setport(&a, 81);
  CHECK(ipaddr_port(&a) == 81);
}

static void local_addresses_are_literals_interfaces_or_all(void) {
  struct ipaddr a;
  char text[IPADDR_MAXSTRLEN];
  GIVES(ipaddr_local(&a, NULL, 0, 0), 0);
  CHECK(ipaddr_family(&a) == AF_INET && ipaddr_port(&a) == 0);
  GIVES(ipaddr_local(&a, NULL, 7, IPADDR_PREF_IPV6), 0);
  CHECK(ipaddr_family(&a) == AF_INET6 && ipaddr_port(&a) == 7);
  GIVES(ipaddr_local(&a, "127.0.0.1", 80, 0), 0);
  CHECK(strcmp(ipaddr_str(&a, text), "127.0.0.1") == 0);
  GIVES(ipaddr_local(&a, "lo", 80, IPADDR_IPV4), 0);
  CHECK(strcmp(ipaddr_str(&a, text), "127.0.0.1") == 0 && ipaddr_port(&a) == 80);
  FAILS(ipaddr_local(&a, "no-such-interface", 80, 0), ENODEV);
  FAILS(ipaddr_local(&a, "127.0.0.1", 80, IPADDR_IPV6), ENODEV);
}

static void bad_ports_and_modes_are_refused(void) {
  struct ipaddr a;
  FAILS(ipaddr_local(&a, NULL, -1, 0), EINVAL);
  FAILS(ipaddr_local(&a, NULL, 65536, 0), EINVAL);
  FAILS(ipaddr_local(&a, "127.0.0.1", 65536, 0), EINVAL);
  FAILS(ipaddr_local(&a, NULL, 80, 5), EINVAL);
  FAILS(ipaddr_remote(&a, "127.0.0.1", -1, 0, 0), EINVAL);
  FAILS(ipaddr_remote(&a, "127.0.0.1", 80, -1, 0), EINVAL);
  FAILS(ipaddr_remote(&a, NULL, 80, 0, 0), EINVAL);
  FAILS(ipaddr_remotes(&a, 0, "127.0.0.1", 80, 0, 0), EINVAL);
  FAILS(ipaddr_remotes(NULL, 1, "127.0.0.1", 80, 0, 0), EINVAL);
}

static void modes_choose_families(void) {
  struct ipaddr a[2];
  GIVES(ipaddr_remotes(a, 2, "127.0.0.1", 80, IPADDR_PREF_IPV6, 0), 1);
  GIVES(ipaddr_remotes(a, 2, "127.0.0.1", 80, IPADDR_IPV6, 0), 0);
  FAILS(ipaddr_remote(a, "::1", 80, IPADDR_IPV4, 0), EADDRNOTAVAIL);
}

static void addresses_compare_with_and_without_port(void) {
  struct ipaddr a, b;
  GIVES(ipaddr_remote(&a, "127.0.0.1", 1, 0, 0), 0);
  GIVES(ipaddr_remote(&b, "127.0.0.1", 2, 0, 0), 0);
  CHECK(!ipaddr_equal(&a, &b, 0) && ipaddr_equal(&a, &b, 1));
  ipaddr_setport(&b, 1);
  CHECK(ipaddr_equal(&a, &b, 0));
  GIVES(ipaddr_remote(&b, "::1", 1, 0, 0), 0);
  CHECK(!ipaddr_equal(&a, &b, 1));
}

static void names_are_resolved(void) {
  struct ipaddr a;
  char text[IPADDR_MAXSTRLEN];
  if (simulated()) return;
  GIVES(ipaddr_remote(&a, "localhost", 80, IPADDR_IPV4, -1), 0);
  CHECK(strcmp(ipaddr_str(&a, text), "127.0.0.1") == 0);
}

int main(void) {
  literals_need_no_resolver();
  local_addresses_are_literals_interfaces_or_all();
  bad_ports_and_modes_are_refused();
  modes_choose_families();
  addresses_compare_with_and_without_port();
  names_are_resolved();
  return 0;
}
