/* libdill.h - structured concurrency and network sockets for C, source-compatible with libdill 2.14.

   Coroutines are started with go(), held together by bundles, and talk through channels and sockets,
   all of which are handles: small integers that hclose() closes. Every call that may block takes a
   deadline last: milliseconds on the clock of now(), -1 for never, 0 for at once.

       coroutine void greet(const char *name, int ch) {
           msleep(now() + 100);
           chsend(ch, name, strlen(name) + 1, -1);
       }

       int ch[2];
       chmake(ch);
       int b = go(greet("world", ch[0]));

   Failure is -1 (or NULL) and errno. Common to all: EBADF for a number that is no handle, ENOTSUP for
   a handle of another kind, ECANCELED once the calling coroutine is cancelled, ETIMEDOUT when the
   deadline came first; EMFILE, ENFILE and ENOMEM of a thread's first call, which makes what coroutines
   need. Success of a call that may block leaves errno 0.

   Every name x is really dill_x; the short ones are macros, which DILL_DISABLE_RAW_NAMES switches off.
   DILL_DISABLE_SOCKETS leaves out everything from iolist on, DILL_DISABLE_TLS what is about TLS. In this file comments are in the old
   form, since it must be read by compilers in any mode. */
#ifndef LIBDILL_H_INCLUDED
#define LIBDILL_H_INCLUDED

#include <errno.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>
#if defined(__linux__)
#include <alloca.h>
#endif

#if !defined(__GNUC__)
#error "libdill.h needs GCC or Clang"
#endif

#define DILL_VERSION_CURRENT 25
#define DILL_VERSION_REVISION 0
#define DILL_VERSION_AGE 5

#if defined(DILL_NO_EXPORTS) && DILL_NO_EXPORTS
#define DILL_EXPORT
#else
#define DILL_EXPORT __attribute__((visibility("default")))
#endif

/* As in libdill: the alignment that ARM wants of storage. */
#if defined(__arm__) || defined(__aarch64__)
#define DILL_ALIGN __attribute__((aligned(sizeof(void*))))
#else
#define DILL_ALIGN
#endif

#if defined(__cplusplus)
extern "C" {
#endif

/* --- helpers ------------------------------------------------------------------------------------ */

/* Milliseconds on a clock that only goes forward. Never 0 or less. */
DILL_EXPORT int64_t dill_now(void);
/* Blocks until `deadline`; 0 then, also if it has passed (others run first). ECANCELED. */
DILL_EXPORT int dill_msleep(int64_t deadline);
/* Block until `fd` is readable (writable), in error or hung up, as poll(2) has it: a regular file always
   is. ETIMEDOUT, ECANCELED, ENOMEM; EBADF if it is not open, EBUSY if another coroutine waits for the
   same. */
DILL_EXPORT int dill_fdin(int fd, int64_t deadline);
DILL_EXPORT int dill_fdout(int fd, int64_t deadline);
/* To be called before a descriptor that was waited for is closed. EBUSY while somebody waits. */
DILL_EXPORT int dill_fdclean(int fd);

#if !defined(DILL_DISABLE_RAW_NAMES)
#define now dill_now
#define msleep dill_msleep
#define fdin dill_fdin
#define fdout dill_fdout
#define fdclean dill_fdclean
#endif

/* --- handles ------------------------------------------------------------------------------------ */

/* A new number for the same object; the old one is EBADF from then on. On failure `h` is closed.
   EBADF, ECANCELED, ENOMEM. */
DILL_EXPORT int dill_hown(int h);
/* Closes: a bundle cancels its coroutines and waits for their ends, a socket is reset. Whoever is
   blocked on the handle gets ECANCELED (EPIPE on a channel). EBADF; EDEADLK for the bundle of the
   calling coroutine itself, or one whose coroutines wait for its end: it stays open. */
DILL_EXPORT int dill_hclose(int h);

#if !defined(DILL_DISABLE_RAW_NAMES)
#define hown dill_hown
#define hclose dill_hclose
#endif

/* --- coroutines --------------------------------------------------------------------------------- */

/* Goes before the functions that go() starts: the compiler must not look into them from where they
   are started, since they go on after go() has returned. Clang has no milder way to say so. */
#if defined(__clang__)
#define dill_coroutine __attribute__((noinline, optnone))
#elif __GNUC__ >= 8
#define dill_coroutine __attribute__((noinline, noipa))
#else
#define dill_coroutine __attribute__((noinline, noclone))
#endif

struct dill_bundle_storage {
  char _[128];
};

/* A bundle: a set of coroutines that ends as a whole. ENOMEM, ECANCELED; EINVAL if mem is NULL. The
   memory must stay until the bundle is closed. */
DILL_EXPORT int dill_bundle(void);
DILL_EXPORT int dill_bundle_mem(struct dill_bundle_storage* mem);
/* Blocks until the last coroutine in the bundle has ended. It stays open and can take more.
   ETIMEDOUT, ECANCELED (also if it is closed meanwhile), EBADF (also if it is being closed), ENOTSUP. */
DILL_EXPORT int dill_bundle_wait(int h, int64_t deadline);
/* Lets everything that is ready run first. ECANCELED. */
DILL_EXPORT int dill_yield(void);

/* go(fn) evaluates the expression `fn`, normally a call, in a new coroutine, which runs until it
   first blocks; then go() returns a bundle that holds it. bundle_go(b, fn) adds it to a bundle and
   returns 0. The _mem forms use `len` bytes at `ptr` instead of a stack of the pool; the memory must
   stay until the coroutine has ended (bundle_go_mem) or the bundle is closed (go_mem). -1 and errno
   on failure, then `fn` is not evaluated: ENOMEM (also for too little memory), ECANCELED; EBADF,
   ENOTSUP for what is not a bundle; EINVAL if `ptr` is NULL. The value of `fn` is dropped. Built by
   Clang for ARM, a struct of more than 16 bytes passed by value must not be needed after the coroutine
   first blocks. */
#define dill_go(fn) dill_start_(1, -1, NULL, DILL_POOL_, fn)
#define dill_go_mem(fn, ptr, len) dill_start_(1, -1, (ptr), (len), fn)
#define dill_bundle_go(bndl, fn) dill_start_(0, (bndl), NULL, DILL_POOL_, fn)
#define dill_bundle_go_mem(bndl, fn, ptr, len) dill_start_(0, (bndl), (ptr), (len), fn)

/* For programs that name it, as macros copied from libdill do. Nothing here reads or writes it. */
DILL_EXPORT extern volatile void* dill_unoptimisable;

/* What is behind the macros. `fresh`: in a bundle of its own. DILL_POOL_ for a length: a stack of the
   pool. DILL_HERE_ names the coroutine in dumps. */
#define DILL_POOL_ ((size_t)-1)
#define DILL_TEXT_(x) #x
#define DILL_LINE_(x) DILL_TEXT_(x)
#define DILL_HERE_ __FILE__ ":" DILL_LINE_(__LINE__)

#if defined(__cplusplus)
DILL_EXPORT int dill_start_call_(int fresh, int bndl, void* mem, size_t len, const char* where,
                                 void (*call)(void*), void* closure);
#else
/* The registers of the coroutine that starts another one, where the scheduler finds them. */
struct dill_registers_ {
  void* sp;
  void* fp;
  void* pc;
  void* saved[12];
  void* top; /* of the new stack */
};
DILL_EXPORT struct dill_registers_* dill_prologue(int fresh, int bndl, void* mem, size_t len,
                                                  const char* where, int* result);
DILL_EXPORT void dill_arrived(void);
DILL_EXPORT void dill_epilogue(void);

/* How go() works. dill_prologue() makes the new coroutine the running one. DILL_LEAVE_ saves where
   the caller is to go on, at `resumed`; every other register is declared lost, so that what the
   caller needs is in its frame. DILL_MOVE_ moves the stack pointer to the new stack; the alloca
   before it makes the compiler reach the frame through another register, and shows how much room it
   keeps below for arguments. Then `fn` is evaluated by the child, in the frame of the caller, which
   waits. dill_epilogue() never returns, but the compiler must not know: so it keeps intact, while it
   evaluates `fn`, all that the code after `resumed` needs. */
#if defined(__x86_64__)
#if defined(__AVX512F__)
#define DILL_WIDE_REGISTERS_                                                                    \
  , "xmm16", "xmm17", "xmm18", "xmm19", "xmm20", "xmm21", "xmm22", "xmm23", "xmm24", "xmm25",   \
      "xmm26", "xmm27", "xmm28", "xmm29", "xmm30", "xmm31", "k1", "k2", "k3", "k4", "k5", "k6", \
      "k7"
#else
#define DILL_WIDE_REGISTERS_
#endif
#define DILL_LEAVE_(registers, resumed)                                                           \
  __asm__ __volatile__ goto(                                                                      \
      "leaq 1f(%%rip), %%rax\n\t"                                                                 \
      "movq %%rsp, 0(%%rsi)\n\t"                                                                  \
      "movq %%rbp, 8(%%rsi)\n\t"                                                                  \
      "movq %%rax, 16(%%rsi)\n\t"                                                                 \
      "movq %%rbx, 24(%%rsi)\n\t"                                                                 \
      "jmp 2f\n"                                                                                  \
      "1:\n\t"                                                                                    \
      "endbr64\n\t"                                                                               \
      "movq 24(%%rsi), %%rbx\n\t"                                                                 \
      "jmp %l[" #resumed                                                                          \
      "]\n"                                                                                       \
      "2:"                                                                                        \
      :                                                                                           \
      : "S"(registers)                                                                            \
      : "rax", "rcx", "rdx", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "xmm0", \
        "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", \
        "xmm12", "xmm13", "xmm14", "xmm15", "st", "st(1)", "st(2)", "st(3)", "st(4)", "st(5)",    \
        "st(6)", "st(7)", "memory", "cc" DILL_WIDE_REGISTERS_                                     \
      : resumed)
#define DILL_MOVE_(top, below) \
  __asm__ __volatile__(        \
      "subq %%rsp, %1\n\t"     \
      "subq %1, %0\n\t"        \
      "andq $-64, %0\n\t"      \
      "movq %0, %%rsp"         \
      : "+r"(top), "+r"(below) \
      :                        \
      : "memory", "cc")
#elif defined(__aarch64__)
#define DILL_LEAVE_(registers, resumed)                                                            \
  do {                                                                                             \
    register void* dill_x1_ __asm__("x1") = (registers);                                           \
    __asm__ __volatile__ goto(                                                                     \
        "adr x2, 1f\n\t"                                                                           \
        "mov x3, sp\n\t"                                                                           \
        "stp x3, x29, [x1]\n\t"                                                                    \
        "stp x2, x19, [x1, #16]\n\t"                                                               \
        "b 2f\n"                                                                                   \
        "1:\n\t"                                                                                   \
        "hint #36\n\t"                                                                             \
        "b %l[" #resumed                                                                           \
        "]\n"                                                                                      \
        "2:"                                                                                       \
        :                                                                                          \
        : "r"(dill_x1_)                                                                            \
        : "x0", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14", \
          "x15", "x16", "x17", "x20", "x21", "x22", "x23", "x24", "x25", "x26", "x27", "x28",      \
          "x30", "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10", "v11", "v12",  \
          "v13", "v14", "v15", "v16", "v17", "v18", "v19", "v20", "v21", "v22", "v23", "v24",      \
          "v25", "v26", "v27", "v28", "v29", "v30", "v31", "memory", "cc"                          \
        : resumed);                                                                                \
  } while (0)
#define DILL_MOVE_(top, below) \
  __asm__ __volatile__(        \
      "mov x9, sp\n\t"         \
      "sub %1, %1, x9\n\t"     \
      "sub %0, %0, %1\n\t"     \
      "and %0, %0, #-64\n\t"   \
      "mov sp, %0"             \
      : "+r"(top), "+r"(below) \
      :                        \
      : "x9", "memory", "cc")
#else
#error "in C, go() needs x86-64 or 64-bit ARM"
#endif

/* The child's part: `fn` in a function of its own where there are nested ones, else not inlined.
   (AddressSanitizer of GCC takes variables that a nested function uses for being out of scope.) */
#if defined(__clang__) && __clang_major__ >= 15
#define DILL_EVALUATE_(fn) [[clang::noinline]] (void)(dill_arrived(), (fn))
#elif defined(__clang__) || defined(__SANITIZE_ADDRESS__)
#define DILL_EVALUATE_(fn) \
  dill_arrived();          \
  fn
#else
#define DILL_EVALUATE_(fn)                   \
  dill_coroutine void dill_evaluate_(void) { \
    fn;                                      \
  }                                          \
  dill_arrived();                            \
  dill_evaluate_()
#endif

#define dill_start_(fresh, bndl, ptr, len, fn)                                   \
  __extension__({                                                                \
    __label__ dill_resumed_;                                                     \
    int dill_result_;                                                            \
    struct dill_registers_* dill_registers_ =                                    \
        dill_prologue((fresh), (bndl), (ptr), (len), DILL_HERE_, &dill_result_); \
    if (dill_registers_ != NULL) {                                               \
      size_t dill_room_ = 16;                                                    \
      char* dill_top_ = (char*)dill_registers_->top;                             \
      char* dill_below_;                                                         \
      DILL_LEAVE_(dill_registers_, dill_resumed_);                               \
      __asm__ __volatile__("" : "+r"(dill_room_));                               \
      dill_below_ = (char*)__builtin_alloca(dill_room_);                         \
      DILL_MOVE_(dill_top_, dill_below_);                                        \
      DILL_EVALUATE_(fn);                                                        \
      __asm__ __volatile__ goto("" : : : "memory" : dill_resumed_);              \
      dill_epilogue();                                                           \
    dill_resumed_:                                                               \
      dill_arrived();                                                            \
    }                                                                            \
    dill_result_;                                                                \
  })
#endif

#if !defined(DILL_DISABLE_RAW_NAMES)
#define coroutine dill_coroutine
#define go dill_go
#define go_mem dill_go_mem
#define bundle_go dill_bundle_go
#define bundle_go_mem dill_bundle_go_mem
#define bundle_storage dill_bundle_storage
#define bundle dill_bundle
#define bundle_mem dill_bundle_mem
#define bundle_wait dill_bundle_wait
#define yield dill_yield
#endif

/* --- channels ----------------------------------------------------------------------------------- */

#define DILL_CHSEND 1
#define DILL_CHRECV 2

struct dill_chclause {
  int op;
  int ch;
  void* val;
  size_t len;
};

struct dill_chstorage {
  char _[256];
};

/* A channel: what is sent at one end is received at the other, both ways, each message handed from
   one coroutine to the other. ENOMEM, ECANCELED; EINVAL if mem is NULL. */
DILL_EXPORT int dill_chmake(int chv[2]);
DILL_EXPORT int dill_chmake_mem(struct dill_chstorage* mem, int chv[2]);
/* Block until the other side takes (gives) a message. EPIPE after chdone() or hclose(); EMSGSIZE, on
   both sides, if the sizes differ; EINVAL if val is NULL and len is not 0; ETIMEDOUT, ECANCELED: no
   message was moved. */
DILL_EXPORT int dill_chsend(int ch, const void* val, size_t len, int64_t deadline);
DILL_EXPORT int dill_chrecv(int ch, void* val, size_t len, int64_t deadline);
/* Nothing more will be sent at this end: EPIPE to whoever sends here or receives at the other one.
   EPIPE the second time. */
DILL_EXPORT int dill_chdone(int ch);
/* Blocks until one of the clauses, the first in the array if several, can be done, or fails. Its
   index; errno is 0, or says how it failed: EBADF, ENOTSUP, EINVAL, EPIPE, EMSGSIZE. -1 with
   ETIMEDOUT, ECANCELED, ENOMEM, or EINVAL for nclauses < 0 or clauses NULL. */
DILL_EXPORT int dill_choose(struct dill_chclause* clauses, int nclauses, int64_t deadline);

#if !defined(DILL_DISABLE_RAW_NAMES)
#define CHSEND DILL_CHSEND
#define CHRECV DILL_CHRECV
#define chclause dill_chclause
#define chstorage dill_chstorage
#define chmake dill_chmake
#define chmake_mem dill_chmake_mem
#define chsend dill_chsend
#define chrecv dill_chrecv
#define chdone dill_chdone
#define choose dill_choose
#endif

#if !defined(DILL_DISABLE_SOCKETS)

struct sockaddr;

/* --- pieces of memory ---------------------------------------------------------------------------- */

/* iol_rsvd is 0. */
struct dill_iolist {
  void* iol_base;
  size_t iol_len;
  struct dill_iolist* iol_next;
  int iol_rsvd;
};

#if !defined(DILL_DISABLE_RAW_NAMES)
#define iolist dill_iolist
#endif

/* --- bytestreams: tcp, ipc, your own --------------------------------------------------------------- */

/* All or nothing: 0 when every byte was moved. A failed send or receive leaves that direction broken:
   ECONNRESET from then on; the other one goes on. EPIPE: sending after *_done, receiving after the
   peer's end. EBUSY: another coroutine sends (receives) on it. EINVAL: a NULL buffer to send, a list
   that is broken, cyclic or has iol_rsvd set. A NULL buffer to receive into skips bytes. What was sent
   is with the operating system when the call returns. */
DILL_EXPORT int dill_bsend(int s, const void* buf, size_t len, int64_t deadline);
DILL_EXPORT int dill_brecv(int s, void* buf, size_t len, int64_t deadline);
DILL_EXPORT int dill_bsendl(int s, struct dill_iolist* first, struct dill_iolist* last,
                            int64_t deadline);
DILL_EXPORT int dill_brecvl(int s, struct dill_iolist* first, struct dill_iolist* last,
                            int64_t deadline);

#if !defined(DILL_DISABLE_RAW_NAMES)
#define bsend dill_bsend
#define brecv dill_brecv
#define bsendl dill_bsendl
#define brecvl dill_brecvl
#endif

/* --- message sockets: udp, ws, your own ----------------------------------------------------------------- */

/* mrecv() returns the size of the message. EMSGSIZE: it does not fit; what becomes of it is said where
   the socket is made. mrecvl(s, NULL, NULL, deadline) drops one message. Others as above. */
DILL_EXPORT int dill_msend(int s, const void* buf, size_t len, int64_t deadline);
DILL_EXPORT ssize_t dill_mrecv(int s, void* buf, size_t len, int64_t deadline);
DILL_EXPORT int dill_msendl(int s, struct dill_iolist* first, struct dill_iolist* last,
                            int64_t deadline);
DILL_EXPORT ssize_t dill_mrecvl(int s, struct dill_iolist* first, struct dill_iolist* last,
                                int64_t deadline);

#if !defined(DILL_DISABLE_RAW_NAMES)
#define msend dill_msend
#define mrecv dill_mrecv
#define msendl dill_msendl
#define mrecvl dill_mrecvl
#endif

/* --- addresses ------------------------------------------------------------------------------------ */

#define DILL_IPADDR_IPV4 1
#define DILL_IPADDR_IPV6 2
#define DILL_IPADDR_PREF_IPV4 3
#define DILL_IPADDR_PREF_IPV6 4
#define DILL_IPADDR_MAXSTRLEN 46

/* A sockaddr_in or sockaddr_in6. */
struct dill_ipaddr {
  char _[32];
};

/* An address of this machine: `name` is a literal, an interface, or NULL for all of them. EINVAL: bad
   port or mode; ENODEV: there is no such interface, or it has no such address. */
DILL_EXPORT int dill_ipaddr_local(struct dill_ipaddr* addr, const char* name, int port, int mode);
/* The address of a literal or, blocking, of a name; 0 as mode prefers IPv4. EADDRNOTAVAIL: there is
   none; EINVAL, ETIMEDOUT, ECANCELED. ipaddr_remotes() returns how many there are, none included. */
DILL_EXPORT int dill_ipaddr_remote(struct dill_ipaddr* addr, const char* name, int port, int mode,
                                   int64_t deadline);
DILL_EXPORT int dill_ipaddr_remotes(struct dill_ipaddr* addrs, int naddrs, const char* name,
                                    int port, int mode, int64_t deadline);
/* Writes the address without port to at least IPADDR_MAXSTRLEN bytes and returns them. */
DILL_EXPORT const char* dill_ipaddr_str(const struct dill_ipaddr* addr, char* ipstr);
DILL_EXPORT int dill_ipaddr_family(const struct dill_ipaddr* addr);
DILL_EXPORT const struct sockaddr* dill_ipaddr_sockaddr(const struct dill_ipaddr* addr);
DILL_EXPORT int dill_ipaddr_len(const struct dill_ipaddr* addr);
DILL_EXPORT int dill_ipaddr_port(const struct dill_ipaddr* addr);
DILL_EXPORT void dill_ipaddr_setport(struct dill_ipaddr* addr, int port);
DILL_EXPORT int dill_ipaddr_equal(const struct dill_ipaddr* addr1, const struct dill_ipaddr* addr2,
                                  int ignore_port);

#if !defined(DILL_DISABLE_RAW_NAMES)
#define IPADDR_IPV4 DILL_IPADDR_IPV4
#define IPADDR_IPV6 DILL_IPADDR_IPV6
#define IPADDR_PREF_IPV4 DILL_IPADDR_PREF_IPV4
#define IPADDR_PREF_IPV6 DILL_IPADDR_PREF_IPV6
#define IPADDR_MAXSTRLEN DILL_IPADDR_MAXSTRLEN
#define ipaddr dill_ipaddr
#define ipaddr_local dill_ipaddr_local
#define ipaddr_remote dill_ipaddr_remote
#define ipaddr_remotes dill_ipaddr_remotes
#define ipaddr_str dill_ipaddr_str
#define ipaddr_family dill_ipaddr_family
#define ipaddr_sockaddr dill_ipaddr_sockaddr
#define ipaddr_len dill_ipaddr_len
#define ipaddr_port dill_ipaddr_port
#define ipaddr_setport dill_ipaddr_setport
#define ipaddr_equal dill_ipaddr_equal
#endif

/* --- TCP ------------------------------------------------------------------------------------------ */

struct dill_tcp_listener_storage {
  char _[96];
};
struct dill_tcp_storage {
  char _[160];
};

/* Port 0 is replaced in `addr` by the one the system chose. EADDRINUSE, EADDRNOTAVAIL, EACCES and the
   like; EINVAL if addr or mem is NULL, ENOMEM, ECANCELED. */
DILL_EXPORT int dill_tcp_listen(struct dill_ipaddr* addr, int backlog);
DILL_EXPORT int dill_tcp_listen_mem(struct dill_ipaddr* addr, int backlog,
                                    struct dill_tcp_listener_storage* mem);
/* Blocks for a connection; where it comes from goes to `addr` unless that is NULL. EBUSY if another
   coroutine accepts; EMFILE, ENFILE; ETIMEDOUT and ECANCELED: nothing is lost. */
DILL_EXPORT int dill_tcp_accept(int s, struct dill_ipaddr* addr, int64_t deadline);
DILL_EXPORT int dill_tcp_accept_mem(int s, struct dill_ipaddr* addr, struct dill_tcp_storage* mem,
                                    int64_t deadline);
/* Blocks until connected. ECONNREFUSED, EHOSTUNREACH and other errors of connect(2). */
DILL_EXPORT int dill_tcp_connect(const struct dill_ipaddr* addr, int64_t deadline);
DILL_EXPORT int dill_tcp_connect_mem(const struct dill_ipaddr* addr, struct dill_tcp_storage* mem,
                                     int64_t deadline);
/* Tells the peer that nothing more comes. EPIPE the second time, ECONNRESET. */
DILL_EXPORT int dill_tcp_done(int s, int64_t deadline);
/* The orderly end: done, drops what the peer still sends until its end, closes, in every case but
   EBADF and ENOTSUP. Blocks. ETIMEDOUT, ECANCELED, ECONNRESET: the connection was reset. */
DILL_EXPORT int dill_tcp_close(int s, int64_t deadline);
/* Take over a listening (connected) socket; on success the number `fd` is not the caller's any more,
   on failure it stays. EBADF, ENOTSOCK, EINVAL, ENOMEM, ECANCELED. */
DILL_EXPORT int dill_tcp_listener_fromfd(int fd);
DILL_EXPORT int dill_tcp_listener_fromfd_mem(int fd, struct dill_tcp_listener_storage* mem);
DILL_EXPORT int dill_tcp_fromfd(int fd);
DILL_EXPORT int dill_tcp_fromfd_mem(int fd, struct dill_tcp_storage* mem);

#if !defined(DILL_DISABLE_RAW_NAMES)
#define tcp_listener_storage dill_tcp_listener_storage
#define tcp_storage dill_tcp_storage
#define tcp_listen dill_tcp_listen
#define tcp_listen_mem dill_tcp_listen_mem
#define tcp_accept dill_tcp_accept
#define tcp_accept_mem dill_tcp_accept_mem
#define tcp_connect dill_tcp_connect
#define tcp_connect_mem dill_tcp_connect_mem
#define tcp_done dill_tcp_done
#define tcp_close dill_tcp_close
#define tcp_listener_fromfd dill_tcp_listener_fromfd
#define tcp_listener_fromfd_mem dill_tcp_listener_fromfd_mem
#define tcp_fromfd dill_tcp_fromfd
#define tcp_fromfd_mem dill_tcp_fromfd_mem
#endif

/* --- Unix sockets ----------------------------------------------------------------------------------- */

struct dill_ipc_listener_storage {
  char _[96];
};
struct dill_ipc_storage {
  char _[160];
};
struct dill_ipc_pair_storage {
  char _[320];
};

/* As the functions of TCP, on the path `addr`. The file is not removed. ENAMETOOLONG, ENOENT,
   EADDRINUSE if the file exists. */
DILL_EXPORT int dill_ipc_listen(const char* addr, int backlog);
DILL_EXPORT int dill_ipc_listen_mem(const char* addr, int backlog,
                                    struct dill_ipc_listener_storage* mem);
DILL_EXPORT int dill_ipc_accept(int s, int64_t deadline);
DILL_EXPORT int dill_ipc_accept_mem(int s, struct dill_ipc_storage* mem, int64_t deadline);
DILL_EXPORT int dill_ipc_connect(const char* addr, int64_t deadline);
DILL_EXPORT int dill_ipc_connect_mem(const char* addr, struct dill_ipc_storage* mem,
                                     int64_t deadline);
/* Passes a descriptor together with one byte, 0xCC, in order with what is sent otherwise. EINVAL if fd
   is negative; ETIMEDOUT and ECANCELED break nothing. */
DILL_EXPORT int dill_ipc_sendfd(int s, int fd, int64_t deadline);
/* The descriptor received. EPROTO if the next byte comes without one; the direction is broken then. */
DILL_EXPORT int dill_ipc_recvfd(int s, int64_t deadline);
DILL_EXPORT int dill_ipc_done(int s, int64_t deadline);
DILL_EXPORT int dill_ipc_close(int s, int64_t deadline);
DILL_EXPORT int dill_ipc_listener_fromfd(int fd);
DILL_EXPORT int dill_ipc_listener_fromfd_mem(int fd, struct dill_ipc_listener_storage* mem);
DILL_EXPORT int dill_ipc_fromfd(int fd);
DILL_EXPORT int dill_ipc_fromfd_mem(int fd, struct dill_ipc_storage* mem);
DILL_EXPORT int dill_ipc_pair(int s[2]);
DILL_EXPORT int dill_ipc_pair_mem(struct dill_ipc_pair_storage* mem, int s[2]);

#if !defined(DILL_DISABLE_RAW_NAMES)
#define ipc_listener_storage dill_ipc_listener_storage
#define ipc_storage dill_ipc_storage
#define ipc_pair_storage dill_ipc_pair_storage
#define ipc_listen dill_ipc_listen
#define ipc_listen_mem dill_ipc_listen_mem
#define ipc_accept dill_ipc_accept
#define ipc_accept_mem dill_ipc_accept_mem
#define ipc_connect dill_ipc_connect
#define ipc_connect_mem dill_ipc_connect_mem
#define ipc_sendfd dill_ipc_sendfd
#define ipc_recvfd dill_ipc_recvfd
#define ipc_done dill_ipc_done
#define ipc_close dill_ipc_close
#define ipc_listener_fromfd dill_ipc_listener_fromfd
#define ipc_listener_fromfd_mem dill_ipc_listener_fromfd_mem
#define ipc_fromfd dill_ipc_fromfd
#define ipc_fromfd_mem dill_ipc_fromfd_mem
#define ipc_pair dill_ipc_pair
#define ipc_pair_mem dill_ipc_pair_mem
#endif

/* --- TCP by name ------------------------------------------------------------------------------------ */

/* A TCP connection to the first address of `name` that answers (RFC 8305); a literal will do. IPv6 and
   IPv4 take turns, the next address 250 ms after the last or as soon as that has failed. Blocks. EINVAL:
   name is NULL, empty or too long, or the port is not one of 1 to 65535; EADDRNOTAVAIL: the name has no
   address; EAGAIN: no answer about the name could be had; what the first address failed with if all did:
   ECONNREFUSED, ENETUNREACH and the like; ETIMEDOUT, ECANCELED, ENOMEM. */
DILL_EXPORT int dill_happyeyeballs_connect(const char* name, int port, int64_t deadline);

#if !defined(DILL_DISABLE_RAW_NAMES)
#define happyeyeballs_connect dill_happyeyeballs_connect
#endif

/* --- Messages behind their length --------------------------------------------------------------------- */

#define DILL_PREFIX_BIG_ENDIAN 0
#define DILL_PREFIX_LITTLE_ENDIAN 1

struct dill_prefix_storage {
  char _[160];
};

/* A message socket on top of a bytestream `s`, which goes under a number of its own, and is closed on
   failure. Each message goes behind its length in `hdrlen` bytes, 1 to 4096. Does not block. EBADF, EPROTO
   (not a bytestream), EINVAL (hdrlen, or mem is NULL), EBUSY, ECONNRESET, ECANCELED, ENOMEM.
   msend() refuses a message whose length does not fit into hdrlen bytes. For mrecv() a message that does
   not fit stays: it can be received with more room, or dropped. After a deadline or a cancellation of
   either nothing is lost or sent: call again. */
DILL_EXPORT int dill_prefix_attach(int s, size_t hdrlen, int flags);
DILL_EXPORT int dill_prefix_attach_mem(int s, size_t hdrlen, int flags,
                                       struct dill_prefix_storage* mem);
/* The bytestream below, behind the last message received. Nothing is exchanged with the peer. EBUSY:
   somebody is blocked on it, or a message is half received; all stays as it was. ECONNRESET: it is
   broken, and closed now. EBADF, ENOTSUP. */
DILL_EXPORT int dill_prefix_detach(int s);

#if !defined(DILL_DISABLE_RAW_NAMES)
#define PREFIX_BIG_ENDIAN DILL_PREFIX_BIG_ENDIAN
#define PREFIX_LITTLE_ENDIAN DILL_PREFIX_LITTLE_ENDIAN
#define prefix_storage dill_prefix_storage
#define prefix_attach dill_prefix_attach
#define prefix_attach_mem dill_prefix_attach_mem
#define prefix_detach dill_prefix_detach
#endif

/* --- Messages before a delimiter ---------------------------------------------------------------------- */

struct dill_suffix_storage {
  char _[160];
};

/* As prefix_attach(), but each message goes before a delimiter of 1 to 32 bytes, which are copied: lines,
   for example. msend(): EINVAL: the delimiter is inside the message, or would be found before its end. */
DILL_EXPORT int dill_suffix_attach(int s, const void* suffix, size_t suffixlen);
DILL_EXPORT int dill_suffix_attach_mem(int s, const void* suffix, size_t suffixlen,
                                       struct dill_suffix_storage* mem);
/* As prefix_detach(); does not block, whatever the deadline. */
DILL_EXPORT int dill_suffix_detach(int s, int64_t deadline);

#if !defined(DILL_DISABLE_RAW_NAMES)
#define suffix_storage dill_suffix_storage
#define suffix_attach dill_suffix_attach
#define suffix_attach_mem dill_suffix_attach_mem
#define suffix_detach dill_suffix_detach
#endif

/* --- Messages up to a terminator ---------------------------------------------------------------------- */

struct dill_term_storage {
  char _[160];
};

/* A message socket on top of another one, `s`, which goes under a number of its own, and is closed on
   failure: a message that says that no more come, `buf`, which is copied; it may be empty. Does not
   block. EBADF, EPROTO (not a message socket), EINVAL (buf or mem is NULL), EBUSY, ECONNRESET, ECANCELED,
   ENOMEM. mrecv(): EPIPE once the peer's terminator has come; ECONNRESET: the socket below ended without.
   msend(): EPIPE after term_done(); EINVAL: the message is the terminator. */
DILL_EXPORT int dill_term_attach(int s, const void* buf, size_t len);
DILL_EXPORT int dill_term_attach_mem(int s, const void* buf, size_t len,
                                     struct dill_term_storage* mem);
/* Sends the terminator; receiving goes on. Blocks. EPIPE the second time, EBUSY, ECONNRESET; ETIMEDOUT and
   ECANCELED: it was not sent, call again. */
DILL_EXPORT int dill_term_done(int s, int64_t deadline);
/* term_done() unless that has happened, then drops messages until the peer's terminator has come: the
   message socket below, behind it. Blocks. On failure all of it is closed, but for EBADF, ENOTSUP and
   EBUSY. ECONNRESET, ETIMEDOUT, ECANCELED. */
DILL_EXPORT int dill_term_detach(int s, int64_t deadline);

#if !defined(DILL_DISABLE_RAW_NAMES)
#define term_storage dill_term_storage
#define term_attach dill_term_attach
#define term_attach_mem dill_term_attach_mem
#define term_done dill_term_done
#define term_detach dill_term_detach
#endif

/* --- UDP ---------------------------------------------------------------------------------------------- */

struct dill_udp_storage {
  char _[96];
};

/* A message socket for datagrams. It is at `local`, or anywhere if that is NULL; port 0 is replaced in
   `local` by the one the system chose. With a `remote` it hears nobody else, and that is where msend()
   sends to. EINVAL: the families differ, or mem is NULL; EAFNOSUPPORT, EADDRINUSE, EADDRNOTAVAIL, EACCES,
   EMFILE, ENFILE, ENOMEM, ECANCELED; ENETUNREACH and the like for the remote. */
DILL_EXPORT int dill_udp_open(struct dill_ipaddr* local, const struct dill_ipaddr* remote);
DILL_EXPORT int dill_udp_open_mem(struct dill_ipaddr* local, const struct dill_ipaddr* remote,
                                  struct dill_udp_storage* mem);
/* Sends one datagram to `addr`, or to the remote if that is NULL. Does not block: what cannot leave at
   once is lost, as on the way. EINVAL: there is no address, a NULL buffer, a bad list; EMSGSIZE: more
   than a datagram can carry (65507 bytes over IPv4); EAFNOSUPPORT, ENETUNREACH, EACCES and the like. */
DILL_EXPORT int dill_udp_send(int s, const struct dill_ipaddr* addr, const void* buf, size_t len);
DILL_EXPORT int dill_udp_sendl(int s, const struct dill_ipaddr* addr, struct dill_iolist* first,
                               struct dill_iolist* last);
/* Receives one datagram: its size, and who sent it in `addr` unless that is NULL. Blocks. EMSGSIZE: it
   does not fit, and is gone. EBUSY: another coroutine receives; one may send meanwhile. ETIMEDOUT and
   ECANCELED: nothing is lost, call again. A NULL list drops a datagram. */
DILL_EXPORT ssize_t dill_udp_recv(int s, struct dill_ipaddr* addr, void* buf, size_t len,
                                  int64_t deadline);
DILL_EXPORT ssize_t dill_udp_recvl(int s, struct dill_ipaddr* addr, struct dill_iolist* first,
                                   struct dill_iolist* last, int64_t deadline);

#if !defined(DILL_DISABLE_RAW_NAMES)
#define udp_storage dill_udp_storage
#define udp_open dill_udp_open
#define udp_open_mem dill_udp_open_mem
#define udp_send dill_udp_send
#define udp_recv dill_udp_recv
#define udp_sendl dill_udp_sendl
#define udp_recvl dill_udp_recvl
#endif

/* --- HTTP ------------------------------------------------------------------------------------------- */

struct dill_http_storage {
  char _[128];
};

/* The heads of HTTP/1.1 messages (RFC 9112), line by line, on top of a bytestream `s`, which goes under a
   number of its own, and is closed on failure. Bodies stay in the bytestream, which http_detach() gives
   back. After one head comes the next. EBADF, ENOTSUP (not a bytestream), ENOMEM, ECANCELED, EBUSY;
   ECONNRESET: a direction of it is broken; EINVAL if mem is NULL. */
DILL_EXPORT int dill_http_attach(int s);
DILL_EXPORT int dill_http_attach_mem(int s, struct dill_http_storage* mem);
/* Sends the empty line that ends a head. EPIPE if it was sent; others as http_sendfield(). */
DILL_EXPORT int dill_http_done(int s, int64_t deadline);
/* http_done() unless that has happened, then drops lines up to the end of the peer's head, unless that
   has come. The bytestream below, exactly behind that head; on failure all of it is closed, but for
   EBADF, ENOTSUP and EBUSY. ETIMEDOUT, ECANCELED, ECONNRESET, EPIPE, EPROTO, EMSGSIZE. */
DILL_EXPORT int dill_http_detach(int s, int64_t deadline);
/* Send a line each: first the request or the status (100 to 599), then fields. Blanks around a value are
   left out. EINVAL: NULL, line breaks or other characters that HTTP does not allow there, or a first line
   when the head was begun; EPROTO: a field without a value; EPIPE: a field after http_done();
   EBUSY, ECONNRESET; ETIMEDOUT and ECANCELED: nothing of it was sent, send it again. */
DILL_EXPORT int dill_http_sendrequest(int s, const char* command, const char* resource,
                                      int64_t deadline);
DILL_EXPORT int dill_http_sendstatus(int s, int status, const char* reason, int64_t deadline);
DILL_EXPORT int dill_http_sendfield(int s, const char* name, const char* value, int64_t deadline);
/* Receive a line each. http_recvstatus() returns the status. EPIPE: the head is over (http_recvfield()),
   or the peer has finished before one began. EMSGSIZE: the line does not fit into the buffers and
   was dropped, or the head is longer than 16 KiB or 100 fields; EPROTO: this is not HTTP/1.x, or the peer
   finished inside the head. A head that is too long or not HTTP cannot be gone on with: ECONNRESET from
   then on. EINVAL: NULL for a buffer that has a size, or a first line when the head was begun;
   EBUSY, ECONNRESET; ETIMEDOUT and ECANCELED: nothing is lost, call again. */
DILL_EXPORT int dill_http_recvrequest(int s, char* command, size_t commandlen, char* resource,
                                      size_t resourcelen, int64_t deadline);
DILL_EXPORT int dill_http_recvstatus(int s, char* reason, size_t reasonlen, int64_t deadline);
DILL_EXPORT int dill_http_recvfield(int s, char* name, size_t namelen, char* value, size_t valuelen,
                                    int64_t deadline);

#if !defined(DILL_DISABLE_RAW_NAMES)
#define http_storage dill_http_storage
#define http_attach dill_http_attach
#define http_attach_mem dill_http_attach_mem
#define http_done dill_http_done
#define http_detach dill_http_detach
#define http_sendrequest dill_http_sendrequest
#define http_recvrequest dill_http_recvrequest
#define http_sendstatus dill_http_sendstatus
#define http_recvstatus dill_http_recvstatus
#define http_sendfield dill_http_sendfield
#define http_recvfield dill_http_recvfield
#endif

/* --- TLS -------------------------------------------------------------------------------------------- */

#if !defined(DILL_DISABLE_TLS)

struct dill_tls_storage {
  char _[160];
};

/* TLS 1.2 or 1.3 on top of a bytestream `s`, which goes under a number of its own, and is closed on
   failure. The result is a bytestream. The server's certificates, its own first, are in the file `cert`,
   the key in the file `pkey`, both in PEM; they are read once, and again when the files change.
   tls_attach_client() verifies that the server's certificate comes from an authority of the system, or of the
   file in CARAWAY_TLS_CA_FILE; for whom it is only where that is known: directly behind
   happyeyeballs_connect() or socks5_client_connectbyname(), the certificate must be for their name, or for
   that address. CARAWAY_TLS_INSECURE=1 makes it verify nothing. EBADF, EPROTO (not a bytestream), EINVAL (NULL), ENOMEM,
   ETIMEDOUT, ECANCELED, EBUSY, ECONNRESET; EPIPE: the peer has finished before TLS was there; EFAULT: TLS
   has failed, or a file is of no use: tls_error() says why. EPROTONOSUPPORT: TLS is not in this build. */
DILL_EXPORT int dill_tls_attach_server(int s, const char* cert, const char* pkey, int64_t deadline);
DILL_EXPORT int dill_tls_attach_server_mem(int s, const char* cert, const char* pkey,
                                           struct dill_tls_storage* mem, int64_t deadline);
DILL_EXPORT int dill_tls_attach_client(int s, int64_t deadline);
DILL_EXPORT int dill_tls_attach_client_mem(int s, struct dill_tls_storage* mem, int64_t deadline);
/* Says that nothing more comes (close_notify); receiving goes on. EBADF, ENOTSUP, EBUSY, EPIPE the second
   time, ECONNRESET, ETIMEDOUT, ECANCELED. */
DILL_EXPORT int dill_tls_done(int s, int64_t deadline);
/* tls_done() unless that has happened, then drops what comes until the peer has said so too. The bytestream
   below, exactly behind TLS; on failure all of it is closed, but for EBADF, ENOTSUP and EBUSY.
   ETIMEDOUT, ECANCELED, ECONNRESET; EPIPE: the connection ended before; EPROTO: the peer broke TLS. */
DILL_EXPORT int dill_tls_detach(int s, int64_t deadline);

/* Beyond libdill: the same with options, and what came of it. Zero or NULL is the default of each option. */

/* Verify nothing: whoever is in between can read and change everything. */
#define DILL_TLS_VERIFY_NOTHING 1
/* Verify the chain of certificates, but not for which host they are. The default where `host` is NULL. */
#define DILL_TLS_VERIFY_CHAIN 2
/* Trust ca_file and ca_mem only, not the authorities of the system. */
#define DILL_TLS_ONLY_THESE 4
/* Nothing older than TLS 1.3. */
#define DILL_TLS_1_3 8
/* A server: clients have to show a certificate of ca_file or ca_mem, or may. */
#define DILL_TLS_CLIENT_REQUIRED 16
#define DILL_TLS_CLIENT_OPTIONAL 32

struct dill_tls_opts {
  size_t size;      /* sizeof(struct dill_tls_opts) */
  int flags;        /* of the above */
  const char* host; /* a client: the name or address to find in the certificate, and to ask for */
  const char* alpn; /* protocols, the best first, with commas in between: "h2,http/1.1" */
  const char* ca_file;   /* authorities to trust, PEM, in a file */
  const char* ca_mem;    /* or as text */
  const char* cert_file; /* this side's certificates, its own first, PEM, in a file */
  const char* cert_mem;  /* or as text */
  const char* key_file;  /* its key, PEM, in a file; without one it is where the certificates are */
  const char* key_mem;   /* or as text */
};

/* As tls_attach_client() and tls_attach_server(). EINVAL also for a size or a flag that is not known here, a
   flag of the other side, an option in both forms, a host or a protocol that cannot be one, or a server without certificates. */
DILL_EXPORT int dill_tls_attach_client_opts(int s, const struct dill_tls_opts* opts,
                                            int64_t deadline);
DILL_EXPORT int dill_tls_attach_server_opts(int s, const struct dill_tls_opts* opts,
                                            int64_t deadline);
/* Why the last attach of this thread failed: "certificate has expired". Never NULL. */
DILL_EXPORT const char* dill_tls_error(void);
/* The protocol that was agreed to (ALPN), as a string in `buf`; its length, 0 if there is none. EBADF,
   ENOTSUP, EINVAL (NULL), EMSGSIZE: it does not fit. */
DILL_EXPORT ssize_t dill_tls_alpn(int s, char* buf, size_t len);
/* The subject of the peer's certificate, "CN=alice" (RFC 2253), likewise; 0 if it has shown none. EBADF,
   ENOTSUP, EINVAL, EMSGSIZE, ENOMEM. */
DILL_EXPORT ssize_t dill_tls_peer(int s, char* buf, size_t len);

/* libdill declares TLS for datagrams and does not have it. It is not here either: the calls that attach
   close `s`, and each fails with ENOTSUP. */
struct dill_dtls_storage {
  char _[96];
};
DILL_EXPORT int dill_dtls_attach_server(int s, const char* cert, const char* pkey,
                                        int64_t deadline);
DILL_EXPORT int dill_dtls_attach_server_mem(int s, const char* cert, const char* pkey,
                                            struct dill_dtls_storage* mem, int64_t deadline);
DILL_EXPORT int dill_dtls_attach_client(int s, int64_t deadline);
DILL_EXPORT int dill_dtls_attach_client_mem(int s, struct dill_dtls_storage* mem, int64_t deadline);
DILL_EXPORT int dill_dtls_done(int s, int64_t deadline);
DILL_EXPORT int dill_dtls_detach(int s, int64_t deadline);

#if !defined(DILL_DISABLE_RAW_NAMES)
#define TLS_VERIFY_NOTHING DILL_TLS_VERIFY_NOTHING
#define TLS_VERIFY_CHAIN DILL_TLS_VERIFY_CHAIN
#define TLS_ONLY_THESE DILL_TLS_ONLY_THESE
#define TLS_1_3 DILL_TLS_1_3
#define TLS_CLIENT_REQUIRED DILL_TLS_CLIENT_REQUIRED
#define TLS_CLIENT_OPTIONAL DILL_TLS_CLIENT_OPTIONAL
#define tls_storage dill_tls_storage
#define tls_opts dill_tls_opts
#define tls_attach_server dill_tls_attach_server
#define tls_attach_server_mem dill_tls_attach_server_mem
#define tls_attach_server_opts dill_tls_attach_server_opts
#define tls_attach_client dill_tls_attach_client
#define tls_attach_client_mem dill_tls_attach_client_mem
#define tls_attach_client_opts dill_tls_attach_client_opts
#define tls_done dill_tls_done
#define tls_detach dill_tls_detach
#define tls_error dill_tls_error
#define tls_alpn dill_tls_alpn
#define tls_peer dill_tls_peer
#define dtls_storage dill_dtls_storage
#define dtls_attach_server dill_dtls_attach_server
#define dtls_attach_server_mem dill_dtls_attach_server_mem
#define dtls_attach_client dill_dtls_attach_client
#define dtls_attach_client_mem dill_dtls_attach_client_mem
#define dtls_done dill_dtls_done
#define dtls_detach dill_dtls_detach
#endif

#endif /* DILL_DISABLE_TLS */

/* --- SOCKS5 ----------------------------------------------------------------------------------------- */

#define DILL_SOCKS5_CONNECT 1
#define DILL_SOCKS5_BIND 2
#define DILL_SOCKS5_UDP_ASSOCIATE 3

#define DILL_SOCKS5_SUCCESS 0
#define DILL_SOCKS5_GENERAL_FAILURE 1
#define DILL_SOCKS5_CONNECTION_NOT_ALLOWED 2
#define DILL_SOCKS5_NETWORK_UNREACHABLE 3
#define DILL_SOCKS5_HOST_UNREACHABLE 4
#define DILL_SOCKS5_CONNECTION_REFUSED 5
#define DILL_SOCKS5_TTL_EXPIRED 6
#define DILL_SOCKS5_COMMAND_NOT_SUPPORTED 7
#define DILL_SOCKS5_ADDRESS_TYPE_NOT_SUPPORTED 8

/* Whether to let somebody in: not 0 for yes. */
typedef int dill_socks5_auth_function(const char* username, const char* password);

/* SOCKS version 5 (RFC 1928, 1929) on a bytestream `s`, which stays what it is. After a failure other
   than EINVAL it should be closed. EBADF (also if it was closed meanwhile), ENOTSUP (not a bytestream),
   EPROTO (the peer broke the rules), ENOMEM, and the errors of bsend() and brecv(). */

/* Ask a proxy to connect to `addr`, or `hostname` and `port`; then `s` leads there. username and password,
   unless one is NULL, are sent if the proxy wants them. EINVAL: text of more than 255 bytes, a host that
   is empty, has blanks or is NULL, port 0; EAFNOSUPPORT: addr is no address. The proxy refuses: EACCES
   (also: its rules do not allow it), EIO, ENETUNREACH, EHOSTUNREACH, ECONNREFUSED, ETIMEDOUT,
   EOPNOTSUPP, EAFNOSUPPORT. */
DILL_EXPORT int dill_socks5_client_connect(int s, const char* username, const char* password,
                                           struct dill_ipaddr* addr, int64_t deadline);
DILL_EXPORT int dill_socks5_client_connectbyname(int s, const char* username, const char* password,
                                                 const char* hostname, int port, int64_t deadline);
/* Lets a client in: anybody if auth_fn is NULL, else whom auth_fn() returns non-zero for. EACCES: nobody,
   and the client knows. */
DILL_EXPORT int dill_socks5_proxy_auth(int s, dill_socks5_auth_function* auth_fn, int64_t deadline);
/* Receive what a client wants: SOCKS5_CONNECT, SOCKS5_BIND or SOCKS5_UDP_ASSOCIATE, and the address;
   the first resolves names, EADDRNOTAVAIL if there is no such, and the client still waits for a reply. The
   second wants at least 256 bytes at `host`. EPROTO: another command or kind of address, which the
   client has been told; EINVAL for NULL. */
DILL_EXPORT int dill_socks5_proxy_recvcommand(int s, struct dill_ipaddr* ipaddr, int64_t deadline);
DILL_EXPORT int dill_socks5_proxy_recvcommandbyname(int s, char* host, int* port, int64_t deadline);
/* Sends a reply with the address of this side. EINVAL: another reply than those above, or NULL;
   EAFNOSUPPORT: ipaddr is no address. */
DILL_EXPORT int dill_socks5_proxy_sendreply(int s, int reply, struct dill_ipaddr* ipaddr,
                                            int64_t deadline);

#if !defined(DILL_DISABLE_RAW_NAMES)
#define SOCKS5_CONNECT DILL_SOCKS5_CONNECT
#define SOCKS5_BIND DILL_SOCKS5_BIND
#define SOCKS5_UDP_ASSOCIATE DILL_SOCKS5_UDP_ASSOCIATE
#define SOCKS5_SUCCESS DILL_SOCKS5_SUCCESS
#define SOCKS5_GENERAL_FAILURE DILL_SOCKS5_GENERAL_FAILURE
#define SOCKS5_CONNECTION_NOT_ALLOWED DILL_SOCKS5_CONNECTION_NOT_ALLOWED
#define SOCKS5_NETWORK_UNREACHABLE DILL_SOCKS5_NETWORK_UNREACHABLE
#define SOCKS5_HOST_UNREACHABLE DILL_SOCKS5_HOST_UNREACHABLE
#define SOCKS5_CONNECTION_REFUSED DILL_SOCKS5_CONNECTION_REFUSED
#define SOCKS5_TTL_EXPIRED DILL_SOCKS5_TTL_EXPIRED
#define SOCKS5_COMMAND_NOT_SUPPORTED DILL_SOCKS5_COMMAND_NOT_SUPPORTED
#define SOCKS5_ADDRESS_TYPE_NOT_SUPPORTED DILL_SOCKS5_ADDRESS_TYPE_NOT_SUPPORTED
#define socks5_client_connect dill_socks5_client_connect
#define socks5_client_connectbyname dill_socks5_client_connectbyname
#define socks5_proxy_auth dill_socks5_proxy_auth
#define socks5_proxy_recvcommand dill_socks5_proxy_recvcommand
#define socks5_proxy_recvcommandbyname dill_socks5_proxy_recvcommandbyname
#define socks5_proxy_sendreply dill_socks5_proxy_sendreply
#endif

/* --- WebSocket -------------------------------------------------------------------------------------- */

#define DILL_WS_BINARY 0
#define DILL_WS_TEXT 1
#define DILL_WS_NOHTTP 2
#define WS_KEY_SIZE 32

struct dill_ws_storage {
  char _[192];
};

/* WebSocket (RFC 6455) on top of a bytestream `s`, which goes under a number of its own, and is closed
   on failure. flags: WS_TEXT or WS_BINARY is the type that msend() sends and mrecv() demands;
   WS_NOHTTP leaves out the handshake, then the other arguments may be NULL. Blocks. EBADF, ENOTSUP (not
   a bytestream), EINVAL, EPROTO (the peer broke the rules or refused), EPIPE, ECONNRESET, ETIMEDOUT,
   ECANCELED, ENOMEM; EMSGSIZE: resource or host do not fit. A message received has 64 MiB at most. */
DILL_EXPORT int dill_ws_attach_client(int s, int flags, const char* resource, const char* host,
                                      int64_t deadline);
DILL_EXPORT int dill_ws_attach_client_mem(int s, int flags, const char* resource, const char* host,
                                          struct dill_ws_storage* mem, int64_t deadline);
DILL_EXPORT int dill_ws_attach_server(int s, int flags, char* resource, size_t resourcelen,
                                      char* host, size_t hostlen, int64_t deadline);
DILL_EXPORT int dill_ws_attach_server_mem(int s, int flags, char* resource, size_t resourcelen,
                                          char* host, size_t hostlen, struct dill_ws_storage* mem,
                                          int64_t deadline);
/* Sends one message, of the type in `flags`. EPIPE after ws_done(); EPROTO: the peer broke the rules;
   EBUSY, EINVAL, ECONNRESET; ETIMEDOUT and ECANCELED: nothing of it was sent, send it again. */
DILL_EXPORT int dill_ws_send(int s, int flags, const void* buf, size_t len, int64_t deadline);
DILL_EXPORT int dill_ws_sendl(int s, int flags, struct dill_iolist* first, struct dill_iolist* last,
                              int64_t deadline);
/* Receives one message; its size, and its type in `flags` unless that is NULL. EMSGSIZE: it does not
   fit; it stays and can be received with more room, or dropped. EPIPE: the peer closed, see
   ws_status(); EPROTO, ECONNRESET, EBUSY; ETIMEDOUT and ECANCELED: nothing is lost, call again. A NULL
   list drops the message. mrecv() fails with EPROTO, and drops it, if the type is the other one. */
DILL_EXPORT ssize_t dill_ws_recv(int s, int* flags, void* buf, size_t len, int64_t deadline);
DILL_EXPORT ssize_t dill_ws_recvl(int s, int* flags, struct dill_iolist* first,
                                  struct dill_iolist* last, int64_t deadline);
/* Sends the close frame: status 0 is none, else 1000 to 4999 that may be sent, with a reason of at most
   123 bytes. EPIPE the second time, EINVAL. Receiving goes on. */
DILL_EXPORT int dill_ws_done(int s, int status, const void* buf, size_t len, int64_t deadline);
/* ws_done() unless that has happened, then drops messages until the peer's close frame has come. The
   bytestream below, exactly behind that frame; on failure all of it is closed, but for EBADF,
   ENOTSUP, EINVAL and EBUSY. */
DILL_EXPORT int dill_ws_detach(int s, int status, const void* buf, size_t len, int64_t deadline);
/* What the peer closed with: the size of the reason, the reason in `buf` unless that is NULL, the
   status (0 if there was none) in `status` unless that is NULL. EAGAIN: there was no close frame yet;
   EMSGSIZE: the reason does not fit; EINVAL: buf is NULL and len is not 0. */
DILL_EXPORT ssize_t dill_ws_status(int s, int* status, void* buf, size_t len);
/* A random key for a request, and the answer to it, into at least WS_KEY_SIZE bytes. EINVAL for NULL;
   EPROTO if request_key is not 16 bytes in base64. */
DILL_EXPORT int dill_ws_request_key(char* request_key);
DILL_EXPORT int dill_ws_response_key(const char* request_key, char* response_key);

/* The forms of these two that the examples of the manual have: ws_attach_client(s, resource, host,
   flags, deadline), and ws_detach(s, deadline), which closes with status 1000. Not for a program that
   puts a function of its own in the place of one, by a macro before this header. */
DILL_EXPORT int dill_ws_attach_client_named_(int s, const char* resource, const char* host,
                                             int flags, int64_t deadline);
DILL_EXPORT int dill_ws_detach_normally_(int s, int64_t deadline);

#if !defined(__cplusplus) && !defined(dill_ws_attach_client)
#define DILL_SECOND_(first, second, ...) second
#define dill_ws_attach_client(...)                          \
  __extension__ _Generic((DILL_SECOND_(__VA_ARGS__, 0, 0)), \
      char*: dill_ws_attach_client_named_,                  \
      const char*: dill_ws_attach_client_named_,            \
      void*: dill_ws_attach_client_named_,                  \
      default: dill_ws_attach_client)(__VA_ARGS__)
#endif
#if !defined(__cplusplus) && !defined(dill_ws_detach)
#define DILL_TENTH_(a, b, c, d, e, f, g, h, i, j, ...) j
#define dill_ws_detach(...)                                                                \
  DILL_TENTH_(__VA_ARGS__, dill_ws_detach, dill_ws_detach, dill_ws_detach, dill_ws_detach, \
              dill_ws_detach, dill_ws_detach, dill_ws_detach, dill_ws_detach_normally_,    \
              dill_ws_detach, 0)(__VA_ARGS__)
#endif

#if !defined(DILL_DISABLE_RAW_NAMES)
#define WS_BINARY DILL_WS_BINARY
#define WS_TEXT DILL_WS_TEXT
#define WS_NOHTTP DILL_WS_NOHTTP
#define ws_storage dill_ws_storage
#define ws_attach_server dill_ws_attach_server
#define ws_attach_server_mem dill_ws_attach_server_mem
#define ws_attach_client dill_ws_attach_client
#define ws_attach_client_mem dill_ws_attach_client_mem
#define ws_send dill_ws_send
#define ws_recv dill_ws_recv
#define ws_sendl dill_ws_sendl
#define ws_recvl dill_ws_recvl
#define ws_done dill_ws_done
#define ws_detach dill_ws_detach
#define ws_status dill_ws_status
#define ws_request_key dill_ws_request_key
#define ws_response_key dill_ws_response_key
#endif

#endif /* DILL_DISABLE_SOCKETS */

#if defined(__cplusplus)
} /* extern "C" */

extern "C++" {

/* In C++ `fn` becomes a lambda expression. An exception that leaves it ends the program. */
template <class F>
int dill_start_lambda_(int fresh, int bndl, void* mem, size_t len, const char* where, F fn) {
  return dill_start_call_(
      fresh, bndl, mem, len, where, [](void* closure) { (*static_cast<F*>(closure))(); }, &fn);
}
#define dill_start_(fresh, bndl, ptr, len, fn) \
  dill_start_lambda_((fresh), (bndl), (ptr), (len), DILL_HERE_, [&] { fn; })

#if !defined(DILL_DISABLE_SOCKETS)
inline int dill_ws_attach_client(int s, const char* resource, const char* host, int flags,
                                 int64_t deadline) {
  return dill_ws_attach_client_named_(s, resource, host, flags, deadline);
}
inline int dill_ws_detach(int s, int64_t deadline) {
  return dill_ws_detach_normally_(s, deadline);
}
#endif

} /* extern "C++" */
#endif

#endif /* LIBDILL_H_INCLUDED */
