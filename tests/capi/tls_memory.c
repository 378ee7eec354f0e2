/* tls_memory.c - what TLS does when there is no memory. OpenSSL does not always say that this was why; then it is
   a failure of TLS like others. The peer is in a thread of its own. */
#include "scarce.h"

#include <limits.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "tls_pair.h"

static struct tls_opts fresh(void) {
  struct tls_opts o;
  memset(&o, 0, sizeof o);
  o.size = sizeof o;
  return o;
}

/* Whom the peer is to be, over which descriptor. */
struct peer {
  pthread_t thread;
  int fd;
  int is_server;
};

enum { much = 100000 };

static void* be_peer(void* argument) {
  struct peer* p = (struct peer*)argument;
  struct tls_opts o = fresh();
  int s = ipc_fromfd(p->fd);
  static __thread char data[much];
  CHECK(s > 0);
  if (p->is_server) {
    s = tls_attach_server(s, PEM("server.pem"), PEM("server.key"), -1);
  } else {
    o.ca_file = PEM("authority.pem");
    o.host = "localhost";
    s = tls_attach_client_opts(s, &o, -1);
  }
  if (s < 0) return NULL;
  if (p->is_server)
    bsend(s, data, much, -1);
  else
    brecv(s, data, much, -1);
  hclose(s);
  return NULL;
}

static int begin(struct peer* p, int is_server) {
  int fds[2];
  int s;
  CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
  s = ipc_fromfd(fds[0]);
  CHECK(s > 0);
  p->fd = fds[1];
  p->is_server = is_server;
  CHECK(tls_error() != NULL); /* The thread has a place for it from now on. */
  CHECK(pthread_create(&p->thread, NULL, be_peer, p) == 0);
  return s;
}

static void end(const struct peer* p, int s) {
  if (s >= 0) GIVES(hclose(s), 0);
  CHECK(pthread_join(p->thread, NULL) == 0);
}

static struct tls_opts trust(const char* host) {
  struct tls_opts o = fresh();
  o.flags = TLS_ONLY_THESE;
  o.ca_file = PEM("authority.pem");
  o.host = host;
  return o;
}

static void clients(void) {
  static char data[much];
  struct tls_opts o = trust("localhost");
  struct peer p;
  int s = begin(&p, 1);
  int rc;
  SCARCE(s, tls_attach_client_opts(s, &o, -1));
  if (s >= 0) SCARCE(rc, brecv(s, data, much, -1));
  end(&p, s);
}

static void servers(void) {
  static char data[much];
  struct peer p;
  int s = begin(&p, 0);
  int rc;
  SCARCE(s, tls_attach_server(s, PEM("server.pem"), PEM("server.key"), -1));
  if (s >= 0) SCARCE(rc, bsend(s, data, much, -1));
  end(&p, s);
}

/* Options that nobody has used yet; what is made of them is kept. */
static const char* new_protocol(void) {
  static char name[20];
  static int n;
  snprintf(name, sizeof name, "p%d", ++n);
  return name;
}

static void new_options_of_clients(void) {
  struct tls_opts o = trust("localhost");
  int round;
  o.cert_file = PEM("server.pem");
  o.key_file = PEM("server.key");
  o.alpn = new_protocol();
  for (round = 0; round < 2; ++round) {
    struct peer p;
    int s = begin(&p, 1);
    if (round == 0)
      SCARCE(s, tls_attach_client_opts(s, &o, -1));
    else
      s = tls_attach_client_opts(s, &o, -1);
    CHECK(round == 0 || s > 0);
    end(&p, s);
  }
}

static void new_options_of_servers(void) {
  struct tls_opts o = fresh();
  int round;
  o.cert_file = PEM("server.pem");
  o.key_file = PEM("server.key");
  o.ca_file = PEM("authority.pem");
  o.flags = TLS_CLIENT_OPTIONAL;
  o.alpn = new_protocol();
  for (round = 0; round < 2; ++round) {
    struct peer p;
    int s = begin(&p, 0);
    if (round == 0)
      SCARCE(s, tls_attach_server_opts(s, &o, -1));
    else
      s = tls_attach_server_opts(s, &o, -1);
    CHECK(round == 0 || s > 0);
    end(&p, s);
  }
}

static void names_of_peers(void) {
  struct tls_opts o = trust("localhost");
  struct peer p;
  char text[200];
  int s = begin(&p, 1);
  ssize_t n;
  s = tls_attach_client_opts(s, &o, -1);
  CHECK(s > 0);
  SCARCE(n, tls_peer(s, text, sizeof text));
  CHECK(n != 0);
  end(&p, s);
}

/* Whatever was not to be had: who is not whom he should be does not get through. */
static void wrong_addresses(void) {
  struct tls_opts o = trust("127.0.0.2");
  struct peer p;
  int s = begin(&p, 1);
  SCARCE(s, tls_attach_client_opts(s, &o, -1));
  CHECK(s == -1);
  end(&p, s);
}
static void wrong_names(void) {
  struct tls_opts o = trust("wrong.example");
  struct peer p;
  int s = begin(&p, 1);
  SCARCE(s, tls_attach_client_opts(s, &o, -1));
  CHECK(s == -1);
  end(&p, s);
}

/* A first handshake that came to nothing does not spoil those after it. Each is the first of a process. */
static void first_handshake(long n) {
  struct tls_opts o = trust("localhost");
  struct peer p;
  int s, i;
  FAILS(tls_attach_client_opts(-1, &o, -1), EBADF);
  scarce_left = n;
  for (i = 0; i < 2; ++i) {
    s = begin(&p, 1);
    if (i == 0)
      SCARCE(s, tls_attach_client_opts(s, &o, -1));
    else
      s = tls_attach_client_opts(s, &o, -1);
    CHECK(i == 0 || s > 0);
    end(&p, s);
  }
}

static void first_handshakes(void) {
  long n;
  for (n = 1; n < 40; ++n) {
    int status;
    const pid_t child = fork();
    if (child == 0) {
      first_handshake(n);
      _exit(0);
    }
    CHECK(waitpid(child, &status, 0) == child && status == 0);
  }
}

int main(void) {
  scarce_also = EFAULT;
  first_handshakes();
  scarce_also = 0;
  scarce_spare("libcrypto");
  scarce_spare("libssl");
  SWEEP(clients);
  SWEEP(servers);
  scarce_tolerated = LONG_MAX;
  SWEEP(new_options_of_clients);
  SWEEP(new_options_of_servers);
  scarce_tolerated = 0;
  scarce_spared_count = 0;
  SWEEP(names_of_peers);

  every_call_failed();
  scarce_also = EFAULT;
  sweep("wrong_addresses", wrong_addresses, 60);
  sweep("wrong_names", wrong_names, 60);
  return 0;
}
