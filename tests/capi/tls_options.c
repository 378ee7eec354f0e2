/* tls_options.c - TLS with options: whom to trust, who one is, what was agreed. */
#include <sys/resource.h>

#include "tls_pair.h"

static struct tls_opts fresh(void) {
  struct tls_opts o;
  memset(&o, 0, sizeof o);
  o.size = sizeof o;
  return o;
}

static struct tls_opts client_opts(const char* host) {
  struct tls_opts o = fresh();
  o.flags = TLS_ONLY_THESE;
  o.host = host;
  o.ca_file = PEM("authority.pem");
  return o;
}

static struct tls_opts server_opts(const char* cert, const char* key) {
  struct tls_opts o = fresh();
  o.cert_file = cert;
  o.key_file = key;
  return o;
}

static coroutine void attach_server_opts(int* s, const struct tls_opts* o) {
  *s = tls_attach_server_opts(*s, o, now() + 20000);
}

/* s[0] is the client; -1 for each side that failed. */
static void shake(int s[2], const struct tls_opts* client, const struct tls_opts* server) {
  int b;
  GIVES(ipc_pair(s), 0);
  b = go(attach_server_opts(&s[1], server));
  s[0] = tls_attach_client_opts(s[0], client, now() + 20000);
  GIVES(bundle_wait(b, -1), 0);
  GIVES(hclose(b), 0);
}

static void succeeds(const struct tls_opts* client, const struct tls_opts* server) {
  int s[2];
  shake(s, client, server);
  CHECK(s[0] > 0 && s[1] > 0);
  discard(s);
}

static void the_host_is_verified_unless_there_is_none(void) {
  struct tls_opts server = server_opts(PEM("server.pem"), PEM("server.key"));
  struct tls_opts client = client_opts("localhost");
  int s[2], b;
  succeeds(&client, &server);
  client.host = "127.0.0.1";
  succeeds(&client, &server);
  client.host = NULL;
  succeeds(&client, &server);
  client.host = "wrong.example";
  client.flags |= TLS_VERIFY_CHAIN;
  succeeds(&client, &server);
  client.flags = TLS_ONLY_THESE;
  GIVES(ipc_pair(s), 0);
  b = go(attach_server_opts(&s[1], &server));
  FAILS(tls_attach_client_opts(s[0], &client, now() + 20000), EFAULT);
  CHECK(strcmp(tls_error(), "hostname mismatch") == 0);
  GIVES(bundle_wait(b, -1), 0);
  GIVES(hclose(b), 0);
  CHECK(s[1] == -1);
}

static void nothing_is_verified_only_if_that_is_said(void) {
  struct tls_opts server = server_opts(PEM("stranger.pem"), PEM("stranger.key"));
  struct tls_opts client = client_opts("localhost");
  int s[2];
  shake(s, &client, &server);
  CHECK(s[0] == -1 && s[1] == -1);
  client.flags = TLS_VERIFY_NOTHING;
  succeeds(&client, &server);
}

static char* text_of(const char* name) {
  static char text[2][20000];
  static int next;
  char* at = text[next ^= 1];
  FILE* f = fopen(name, "r");
  CHECK(f != NULL);
  at[fread(at, 1, 19999, f)] = 0;
  fclose(f);
  return at;
}

static void text_is_as_good_as_files(void) {
  struct tls_opts server = fresh();
  struct tls_opts client = client_opts("localhost");
  char authority[4000];
  strcpy(authority, text_of(PEM("authority.pem")));
  client.ca_file = NULL;
  client.ca_mem = authority;
  client.flags |= TLS_1_3;
  server.cert_mem = text_of(PEM("server.pem"));
  server.key_mem = text_of(PEM("server.key"));
  server.flags = TLS_1_3;
  succeeds(&client, &server);
}

static void what_was_agreed_can_be_asked(void) {
  struct tls_opts server = server_opts(PEM("server.pem"), PEM("server.key"));
  struct tls_opts client = client_opts("localhost");
  int s[2];
  char text[20];
  client.alpn = "x,http/1.1";
  server.alpn = "h2,http/1.1";
  shake(s, &client, &server);
  GIVES(tls_alpn(s[0], text, sizeof text), 8);
  CHECK(strcmp(text, "http/1.1") == 0);
  GIVES(tls_alpn(s[1], text, 9), 8);
  FAILS(tls_alpn(s[1], text, 8), EMSGSIZE);
  FAILS(tls_alpn(s[1], NULL, 8), EINVAL);
  GIVES(tls_peer(s[0], text, sizeof text), 12);
  CHECK(strcmp(text, "CN=localhost") == 0);
  GIVES(tls_peer(s[1], text, sizeof text), 0);
  FAILS(tls_peer(s[0], text, 12), EMSGSIZE);
  FAILS(tls_peer(s[0], NULL, 12), EINVAL);
  discard(s);
  server.alpn = "y";
  shake(s, &client, &server);
  CHECK(s[0] == -1 && s[1] == -1);
}

static void clients_may_have_to_say_who_they_are(void) {
  struct tls_opts server = server_opts(PEM("server.pem"), PEM("server.key"));
  struct tls_opts client = client_opts("localhost");
  int s[2];
  char text[20];
  server.flags = TLS_CLIENT_REQUIRED;
  server.ca_file = PEM("authority.pem");
  client.cert_file = PEM("client.pem");
  client.key_file = PEM("client.key");
  shake(s, &client, &server);
  GIVES(tls_peer(s[1], text, sizeof text), 8);
  CHECK(strcmp(text, "CN=alice") == 0);
  discard(s);
  client.cert_file = client.key_file = NULL;
  shake(s, &client, &server);
  CHECK(s[1] == -1 && strcmp(tls_error(), "peer did not return a certificate") == 0);
  FAILS(brecv(s[0], text, 1, -1), EPROTO);
  FAILS(brecv(s[0], text, 1, -1), ECONNRESET);
  GIVES(hclose(s[0]), 0);
  server.flags = TLS_CLIENT_OPTIONAL;
  succeeds(&client, &server);
}

static void refused(int server, const struct tls_opts* o) {
  int s[2];
  GIVES(ipc_pair(s), 0);
  if (server)
    FAILS(tls_attach_server_opts(s[0], o, -1), EINVAL);
  else
    FAILS(tls_attach_client_opts(s[0], o, -1), EINVAL);
  FAILS(hclose(s[0]), EBADF);
  GIVES(hclose(s[1]), 0);
}

static void options_that_make_no_sense_are_refused(void) {
  struct tls_opts o = server_opts(PEM("server.pem"), PEM("server.key"));
  refused(1, NULL);
  refused(0, NULL);
  o.size = 8;
  refused(1, &o);
  refused(0, &o);
  o = fresh();
  refused(1, &o);
  o = server_opts(PEM("server.pem"), PEM("server.key"));
  o.cert_mem = "twice";
  refused(1, &o);
  o = server_opts(PEM("server.pem"), PEM("server.key"));
  o.alpn = "a,,b";
  refused(1, &o);
  o = server_opts(PEM("server.pem"), PEM("server.key"));
  o.flags = TLS_CLIENT_REQUIRED;
  refused(1, &o);
  o.flags = TLS_VERIFY_NOTHING;
  refused(1, &o);
  o = client_opts(".");
  refused(0, &o);
  o = client_opts("h");
  o.flags = TLS_CLIENT_REQUIRED;
  refused(0, &o);
  o.flags = 1 << 30;
  refused(0, &o);
  o = client_opts("h");
  o.ca_mem = "twice";
  refused(0, &o);
}

static void files_that_cannot_be_read_are_told(void) {
  struct tls_opts o = client_opts("localhost");
  int s[2];
  GIVES(ipc_pair(s), 0);
  o.ca_file = "/nonexistent";
  FAILS(tls_attach_client_opts(s[0], &o, -1), EFAULT);
  CHECK(strcmp(tls_error(), "No such file or directory") == 0);
  o = server_opts("/nonexistent", NULL);
  FAILS(tls_attach_server_opts(s[1], &o, -1), EFAULT);
  FAILS(tls_attach_client_opts(s[1], &o, -1), EBADF);
}

static void put(const char* file, const char* cert, const char* key) {
  char other[80];
  FILE* f;
  snprintf(other, sizeof other, "%s.new", file);
  f = fopen(other, "w");
  CHECK(f != NULL && fputs(text_of(cert), f) >= 0 && fputs(text_of(key), f) >= 0);
  CHECK(fclose(f) == 0 && rename(other, file) == 0);
}

static void shown_is(const char* file, const char* name) {
  struct tls_opts server = server_opts(file, NULL);
  struct tls_opts client = client_opts("localhost");
  int s[2];
  char text[20];
  shake(s, &client, &server);
  CHECK(s[0] > 0 && s[1] > 0);
  CHECK(tls_peer(s[0], text, sizeof text) > 0 && strcmp(text, name) == 0);
  discard(s);
}

static void files_that_change_are_read_again_and_bad_ones_change_nothing(void) {
  char file[64];
  snprintf(file, sizeof file, "/tmp/libdill-tls-%d", (int)getpid());
  put(file, PEM("server.pem"), PEM("server.key"));
  shown_is(file, "CN=localhost");
  shown_is(file, "CN=localhost");
  put(file, PEM("corrupt.pem"), PEM("server.key"));
  shown_is(file, "CN=localhost");
  put(file, PEM("renewed.pem"), PEM("renewed.key"));
  shown_is(file, "CN=renewed");
  unlink(file);
}

static coroutine void serve_files(int* s, const char* cert, const char* key) {
  *s = tls_attach_server(*s, cert, key, now() + 20000);
}

/* Whoever read them for each connection would find nothing. */
static void files_are_read_once(void) {
  struct tls_opts client = client_opts("localhost");
  char file[64];
  int i, s[2], b;
  snprintf(file, sizeof file, "/tmp/libdill-tls-once-%d", (int)getpid());
  put(file, PEM("server.pem"), PEM("server.key"));
  for (i = 0; i < 3; ++i) {
    GIVES(ipc_pair(s), 0);
    b = go(serve_files(&s[1], file, file));
    s[0] = tls_attach_client_opts(s[0], &client, now() + 20000);
    GIVES(bundle_wait(b, -1), 0);
    GIVES(hclose(b), 0);
    CHECK(s[0] > 0 && s[1] > 0);
    discard(s);
    if (i == 0) CHECK(unlink(file) == 0);
  }
}

/* Sets the limit; returns what it was. */
static rlim_t limit_descriptors(rlim_t n) {
  struct rlimit limit;
  rlim_t before;
  CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
  before = limit.rlim_cur;
  limit.rlim_cur = n;
  CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
  return before;
}

/* No descriptor can be opened until limit_descriptors() is given what this returns. */
static rlim_t use_up_descriptors(void) {
  const int next = dup(0);
  CHECK(next >= 0 && close(next) == 0);
  return limit_descriptors((rlim_t)next);
}

static void files_that_no_descriptor_is_left_for_are_read_at_the_next_attach(void) {
  char file[64];
  struct tls_opts server = server_opts(file, NULL);
  struct tls_opts client = client_opts("localhost");
  rlim_t before;
  int s[2], b;
  snprintf(file, sizeof file, "/tmp/libdill-tls-%d", (int)getpid());
  put(file, PEM("server.pem"), PEM("server.key"));
  shown_is(file, "CN=localhost");
  put(file, PEM("renewed.pem"), PEM("renewed.key"));
  GIVES(ipc_pair(s), 0);
  before = use_up_descriptors();
  b = go(attach_server_opts(&s[1], &server));
  s[0] = tls_attach_client_opts(s[0], &client, now() + 20000);
  limit_descriptors(before);
  GIVES(bundle_wait(b, -1), 0);
  GIVES(hclose(b), 0);
  CHECK(s[0] > 0 && s[1] > 0);
  discard(s);
  shown_is(file, "CN=renewed");
  unlink(file);
}

static void authorities_of_the_environment_that_change_are_read_again(void) {
  struct tls_opts server = server_opts(PEM("server.pem"), PEM("server.key"));
  struct tls_opts client = fresh();
  char file[64];
  int s[2];
  client.host = "localhost";
  snprintf(file, sizeof file, "/tmp/libdill-ca-%d", (int)getpid());
  put(file, PEM("stranger.pem"), PEM("server.key"));
  CHECK(setenv("CARAWAY_TLS_CA_FILE", file, 1) == 0);
  shake(s, &client, &server);
  CHECK(s[0] == -1 && s[1] == -1);
  put(file, PEM("authority.pem"), PEM("server.key"));
  succeeds(&client, &server);
  CHECK(unsetenv("CARAWAY_TLS_CA_FILE") == 0);
  unlink(file);
}

static coroutine void serve_stranger(int* s) {
  *s = tls_attach_server(*s, PEM("stranger.pem"), PEM("stranger.key"), -1);
}

/* Whether a client without options, or with those at `o`, talks to a server that nobody vouches for. */
static int talks_to_a_stranger(const struct tls_opts* o) {
  int s[2], b;
  GIVES(ipc_pair(s), 0);
  b = go(serve_stranger(&s[1]));
  s[0] = o == NULL ? tls_attach_client(s[0], -1) : tls_attach_client_opts(s[0], o, -1);
  GIVES(bundle_wait(b, -1), 0);
  GIVES(hclose(b), 0);
  CHECK((s[0] > 0) == (s[1] > 0));
  if (s[0] > 0) discard(s);
  return s[0] > 0;
}

/* How often `what` is in the file. */
static int occurrences(FILE* in, const char* what) {
  char line[400];
  int n = 0;
  rewind(in);
  while (fgets(line, sizeof line, in) != NULL) n += strstr(line, what) != NULL;
  return n;
}

static void the_environment_can_switch_verifying_off_for_old_programs(void) {
  struct tls_opts opts = client_opts("localhost");
  struct tls_opts no_opts = fresh();
  FILE* said = tmpfile();
  int before = dup(2);
  CHECK(said != NULL && before >= 0 && dup2(fileno(said), 2) == 2);
  CHECK(setenv("CARAWAY_TLS_INSECURE", "yes", 1) == 0);
  CHECK(!talks_to_a_stranger(NULL));
  CHECK(occurrences(said, "") == 0);
  CHECK(setenv("CARAWAY_TLS_INSECURE", "1", 1) == 0);
  CHECK(!talks_to_a_stranger(&opts));
  CHECK(!talks_to_a_stranger(&no_opts));
  CHECK(occurrences(said, "") == 0);
  CHECK(talks_to_a_stranger(NULL));
  CHECK(talks_to_a_stranger(NULL));
  CHECK(occurrences(said, "") == 1);
  CHECK(occurrences(said, "CARAWAY_TLS_INSECURE is set: TLS servers are not verified") == 1);
  CHECK(unsetenv("CARAWAY_TLS_INSECURE") == 0);
  CHECK(!talks_to_a_stranger(NULL));
  CHECK(dup2(before, 2) == 2 && close(before) == 0 && fclose(said) == 0);
}

int main(void) {
  the_host_is_verified_unless_there_is_none();
  nothing_is_verified_only_if_that_is_said();
  text_is_as_good_as_files();
  what_was_agreed_can_be_asked();
  clients_may_have_to_say_who_they_are();
  options_that_make_no_sense_are_refused();
  files_that_cannot_be_read_are_told();
  files_that_change_are_read_again_and_bad_ones_change_nothing();
  files_are_read_once();
  files_that_no_descriptor_is_left_for_are_read_at_the_next_attach();
  authorities_of_the_environment_that_change_are_read_again();
  the_environment_can_switch_verifying_off_for_old_programs();
  return 0;
}
