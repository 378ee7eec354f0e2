// process.hpp - a server in a process of its own: its processor time, its memory, and its system calls
// one by one.
#pragma once

#include <dirent.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>

namespace bench {

inline void pin_to(int processor) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(processor, &set);
  ::sched_setaffinity(0, sizeof set, &set);
}

// Nanoseconds of user and system time of all threads of a process.
inline double cpu_time(pid_t pid) {
  const std::string tasks = "/proc/" + std::to_string(pid) + "/task";
  double sum = 0;
  DIR* d = ::opendir(tasks.c_str());
  while (const dirent* e = d == nullptr ? nullptr : ::readdir(d)) {
    std::FILE* f = std::fopen((tasks + "/" + e->d_name + "/schedstat").c_str(), "r");
    if (f == nullptr) continue;
    double running = 0;
    if (std::fscanf(f, "%lf", &running) == 1) sum += running;
    std::fclose(f);
  }
  if (d != nullptr) ::closedir(d);
  return sum;
}

class process {
 public:
  // Runs `serve` in a child on processor 0. It gets a descriptor to write its port to as text.
  explicit process(const std::function<void(int tell)>& serve) {
    int ends[2];
    if (::pipe(ends) != 0) std::abort();
    pid_ = ::fork();
    if (pid_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      ::close(ends[0]);
      pin_to(0);
      serve(ends[1]);
      ::_exit(0);
    }
    ::close(ends[1]);
    char text[16] = {};
    for (std::size_t n = 0; n < sizeof text - 1 && ::read(ends[0], text + n, 1) == 1; ++n)
      if (text[n] == '\n') break;
    ::close(ends[0]);
    port_ = static_cast<std::uint16_t>(std::atoi(text));
  }
  ~process() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  process(const process&) = delete;
  process& operator=(const process&) = delete;

  // 0 if the server could not start.
  std::uint16_t port() const { return port_; }

  double cpu_time() const { return bench::cpu_time(pid_); }

  // Its memory that is there: all of it, and how much of that is the heap.
  struct memory {
    double all = 0;
    double heap = 0;
  };
  memory resident_bytes() const {
    memory m;
    std::FILE* f = std::fopen(("/proc/" + std::to_string(pid_) + "/smaps").c_str(), "r");
    if (f == nullptr) return m;
    char line[512];
    for (bool in_heap = false; std::fgets(line, sizeof line, f) != nullptr;) {
      double kib = 0;
      if (std::strchr(line, '-') != nullptr && std::strchr(line, ':') != nullptr)
        in_heap = std::strstr(line, "[heap]") != nullptr;
      if (std::sscanf(line, "Rss: %lf kB", &kib) != 1) continue;
      m.all += kib * 1024;
      if (in_heap) m.heap += kib * 1024;
    }
    std::fclose(f);
    return m;
  }

  // How many system calls it makes while `work` runs (in a process of its own).
  long system_calls_during(const std::function<void()>& work) const {
    if (::ptrace(PTRACE_SEIZE, pid_, nullptr, PTRACE_O_TRACESYSGOOD) != 0) return -1;
    ::ptrace(PTRACE_INTERRUPT, pid_, nullptr, nullptr);
    ::waitpid(pid_, nullptr, 0);
    ::ptrace(PTRACE_SYSCALL, pid_, nullptr, nullptr);
    const pid_t worker = ::fork();
    if (worker == 0) {
      work();
      ::_exit(0);
    }
    long stops = 0;
    for (;;) {
      int status = 0;
      const pid_t who = ::waitpid(-1, &status, 0);
      if (who == worker || who < 0) break;
      if (!WIFSTOPPED(status)) continue;
      const int why = WSTOPSIG(status);
      stops += why == (SIGTRAP | 0x80);
      const bool own = why == (SIGTRAP | 0x80) || why == SIGTRAP;
      ::ptrace(PTRACE_SYSCALL, pid_, nullptr, own ? 0 : why);
    }
    ::ptrace(PTRACE_INTERRUPT, pid_, nullptr, nullptr);
    ::waitpid(pid_, nullptr, 0);
    ::ptrace(PTRACE_DETACH, pid_, nullptr, nullptr);
    return stops / 2;
  }

 private:
  pid_t pid_ = -1;
  std::uint16_t port_ = 0;
};

}  // namespace bench
