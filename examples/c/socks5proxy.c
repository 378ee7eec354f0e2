/* socks5proxy.c - a SOCKS5 proxy on this machine, for everybody or for one user.

       socks5proxy PORT [USER PASSWORD]
       curl --socks5-hostname USER:PASSWORD@127.0.0.1:PORT http://www.example.org/

   Nothing that a client or a server sends may stop it: every failure ends one connection. */
#include <libdill.h>

#include <stdio.h>
#include <string.h>

enum { handshake = 10000, idle = 300000, farewell = 5000 };

static const char* user;
static const char* password;

static int check(const char* name, const char* word) {
  return strcmp(name, user) == 0 && strcmp(word, password) == 0;
}

/* Passes bytes on until one side ends; then says why on `ended`. An interface that receives whole
   buffers or nothing leaves no choice but to take them one by one. */
static coroutine void forward(int from, int to, int ended) {
  char c;
  int why = 0;
  while (why == 0)
    if (brecv(from, &c, 1, now() + idle) < 0 || bsend(to, &c, 1, now() + idle) < 0) why = errno;
  if (why == EPIPE && tcp_done(to, -1) < 0) why = errno;
  chsend(ended, &why, sizeof why, -1);
}

/* Until both directions have ended in order, or one has broken. */
static void forward_both(int client, int server) {
  int ended[2];
  if (chmake(ended) < 0) return;
  int b = go(forward(client, server, ended[1]));
  if (b >= 0 && bundle_go(b, forward(server, client, ended[1])) == 0) {
    int why = EPIPE;
    for (int i = 0; i < 2 && why == EPIPE; ++i)
      if (chrecv(ended[0], &why, sizeof why, -1) < 0) break;
  }
  if (b >= 0) hclose(b);
  hclose(ended[0]);
  hclose(ended[1]);
}

/* What the client is told when its server cannot be reached. */
static int reply_for(int code) {
  switch (code) {
    case ENETUNREACH:
      return SOCKS5_NETWORK_UNREACHABLE;
    case ECONNREFUSED:
      return SOCKS5_CONNECTION_REFUSED;
    case EHOSTUNREACH:
    case EADDRNOTAVAIL:
    case ETIMEDOUT:
      return SOCKS5_HOST_UNREACHABLE;
    default:
      return SOCKS5_GENERAL_FAILURE;
  }
}

/* A connection to what the client wants; -1 if there is none, which the client was told. */
static int open_server(int client, int64_t deadline) {
  char host[256];
  int port;
  struct ipaddr none;
  ipaddr_local(&none, NULL, 0, IPADDR_IPV4);
  if (socks5_proxy_auth(client, user != NULL ? check : NULL, deadline) < 0) return -1;
  int command = socks5_proxy_recvcommandbyname(client, host, &port, deadline);
  if (command < 0) return -1;
  int server = -1;
  int reply = SOCKS5_COMMAND_NOT_SUPPORTED;
  if (command == SOCKS5_CONNECT) {
    server = happyeyeballs_connect(host, port, deadline);
    reply = server >= 0 ? SOCKS5_SUCCESS : reply_for(errno);
  }
  if (socks5_proxy_sendreply(client, reply, &none, deadline) == 0) return server;
  if (server >= 0) hclose(server);
  return -1;
}

static coroutine void serve(int client) {
  int server = open_server(client, now() + handshake);
  if (server >= 0) {
    forward_both(client, server);
    tcp_close(server, now() + farewell);
  }
  tcp_close(client, now() + farewell);
}

static int fail(const char* doing) {
  perror(doing);
  return 1;
}

int main(int argc, char** argv) {
  if (argc != 2 && argc != 4) {
    fprintf(stderr, "usage: socks5proxy PORT [USER PASSWORD]\n");
    return 2;
  }
  if (argc == 4) {
    user = argv[2];
    password = argv[3];
  }
  struct ipaddr addr;
  if (ipaddr_local(&addr, "127.0.0.1", atoi(argv[1]), 0) < 0) return fail("port");
  int listener = tcp_listen(&addr, 128);
  if (listener < 0) return fail("listen");
  int clients = bundle();
  if (clients < 0) return fail("bundle");
  printf("listening on 127.0.0.1:%d\n", ipaddr_port(&addr));
  fflush(stdout);

  for (;;) {
    int client = tcp_accept(listener, NULL, -1);
    if (client < 0) {
      perror("accept");
      msleep(now() + 100); /* out of descriptors, perhaps: some will be closed */
    } else if (bundle_go(clients, serve(client)) < 0) {
      perror("serve");
      hclose(client);
    }
  }
}
