#include "runtime/overflow.hpp"

#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <mutex>

#include "runtime/scheduler.hpp"

namespace caraway::runtime {
namespace {

constexpr std::size_t signal_stack_size = 64 * 1024;
struct sigaction earlier_segv;
struct sigaction earlier_bus;

// Text put together without the help of anything that may not run in a signal handler.
class line {
 public:
  void add(const char* text) noexcept {
    while (*text != '\0' && size_ < sizeof text_) text_[size_++] = *text++;
  }
  void add(std::uint64_t number) noexcept {
    char digits[21];
    char* at = digits + sizeof digits - 1;
    *at = '\0';
    do *--at = static_cast<char>('0' + number % 10);
    while ((number /= 10) != 0);
    add(at);
  }
  void write() const noexcept {
    [[maybe_unused]] const ssize_t n = ::write(STDERR_FILENO, text_, size_);
  }

 private:
  char text_[256];
  std::size_t size_ = 0;
};

// True if `address` is in the guard page below the stack of `c`, or in what is left above it of the
// page that could not be touched.
bool in_guard_of(const coroutine& c, const void* address) noexcept {
  if (c.memory.guard == guard_mode::none || c.memory.guard == guard_mode::canary) return false;
  const auto at = reinterpret_cast<std::uintptr_t>(address);
  const auto limit = reinterpret_cast<std::uintptr_t>(c.memory.limit);
  return at < limit && limit - at <= static_cast<std::uintptr_t>(::getpagesize());
}

void handle(int number, siginfo_t* info, void* context) {
  if (scheduler* s = scheduler::existing();
      s != nullptr && in_guard_of(s->running(), info->si_addr))
    report_overflow(s->running());
  const struct sigaction& earlier = number == SIGSEGV ? earlier_segv : earlier_bus;
  if ((earlier.sa_flags & SA_SIGINFO) != 0) {
    earlier.sa_sigaction(number, info, context);
    return;
  }
  if (earlier.sa_handler != SIG_DFL && earlier.sa_handler != SIG_IGN) {
    earlier.sa_handler(number);
    return;
  }
  ::signal(number, SIG_DFL);  // the instruction is tried again and ends the process
}

void install() noexcept {
  struct sigaction action{};
  action.sa_sigaction = handle;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  ::sigemptyset(&action.sa_mask);
  ::sigaction(SIGSEGV, &action, &earlier_segv);
  ::sigaction(SIGBUS, &action, &earlier_bus);
}

}  // namespace

overflow_watch::overflow_watch() noexcept {
  static std::once_flag once;
  std::call_once(once, install);
  stack_t now{};
  if (::sigaltstack(nullptr, &now) != 0 || (now.ss_flags & SS_DISABLE) == 0) return;
  void* at = ::mmap(nullptr, signal_stack_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
                    -1, 0);
  if (at == MAP_FAILED) return;
  stack_t own{};
  own.ss_sp = at;
  own.ss_size = signal_stack_size;
  if (::sigaltstack(&own, nullptr) == 0)
    memory_ = at;
  else
    ::munmap(at, signal_stack_size);
}

overflow_watch::~overflow_watch() {
  if (memory_ == nullptr) return;
  stack_t now{};
  if (::sigaltstack(nullptr, &now) == 0 && now.ss_sp == memory_) {
    stack_t none{};
    none.ss_flags = SS_DISABLE;
    ::sigaltstack(&none, nullptr);
  }
  ::munmap(memory_, signal_stack_size);
}

void report_overflow(const coroutine& c) noexcept {
  line text;
  text.add("caraway: stack overflow in coroutine #");
  text.add(c.id);
  text.add(" \"");
  text.add(c.name);
  text.add("\" (stack of ");
  text.add(c.memory.size());
  text.add(" bytes)\n");
  text.write();
}

}  // namespace caraway::runtime
