// sim_poller.cpp - waits in virtual time, for a network in memory.
//
// wait() is where time passes. If nothing is ready it moves the clock to whatever comes first, the
// end of the wait or the next event of the network, and looks again. Five things make it more than
// that:
//
// 1. Real descriptors. Not everything a program waits for is simulated: a pipe from another
//    process, a terminal. Those are looked at with poll(2) before time moves, and if nothing is due
//    at all, they are really waited for. What has to arrive from the real world while a timer runs
//    may come too late by the virtual clock; that cannot be otherwise.
//
// 2. Other threads. If it is known that another thread will call wake() (expect_wake), or if
//    nothing is due, the thread really sleeps. So an offloaded computation takes no virtual time.
//
// 3. Spinning. A program that yields in a loop until some time has come is never idle, nor is one
//    that always has something to send or receive, so that time would stand still for ever. After
//    `patience` looks without a rest each further one takes a little time.
//
// 4. Deadlines made before the first wait. A thread has no scheduler until it needs one, and a
// deadline reckoned on the steady clock means nothing here. So where CARAWAY_POLLER chooses the
// simulator, a thread's first look at the clock makes its scheduler.
//
// 5. Order. What is ready at the same moment is reported in the order in which it was armed, or in
//    a random one if the weather says so. No decision depends on an address in memory or on the
//    real clock: the same seed gives the same run.
#include <poll.h>
#include <sys/stat.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <string_view>
#include <utility>
#include <vector>

#include "poller/sim_network.hpp"
#include "poller/sim_world.hpp"
#include "poller/waker.hpp"
#include "runtime/poller.hpp"
#include "runtime/scheduler.hpp"

namespace caraway::sim {
namespace {

using runtime::direction;
using runtime::io_handle;

class sim_handle;

class sim_poller final : public runtime::poller {
 public:
  sim_poller();
  ~sim_poller() override;

  const char* name() const noexcept override { return "sim"; }
  time_point now() const noexcept override { return network_.time().now(); }
  runtime::kernel& system() noexcept override { return network_; }
  result<std::unique_ptr<io_handle>> open(int fd) override;
  void wait(time_point until) noexcept override;
  void wake() noexcept override { waker_.wake(); }
  void expect_wake(int change) noexcept override { expected_ += change; }

  void watch(sim_handle& h) noexcept { armed_.push_back(h); }

 private:
  struct ready {
    sim_handle* handle;
    bool in, out, ended;
  };
  static constexpr int patience = 100;
  static constexpr nanoseconds look_takes{100'000};

  bool report();
  void collect();
  void look_at_real_ones(int timeout);
  void shuffle() noexcept;
  void sleep();
  void rest(time_point until) noexcept;

  network network_;
  enrolment enrolled_;
  runtime::waker waker_;
  std::atomic<int> expected_ = 0;
  int looks_ = 0;
  list<sim_handle> idle_;
  list<sim_handle> armed_;
  std::vector<pollfd> real_;
  std::vector<ready> ready_;
};

class sim_handle final : public io_handle, public list_node {
 public:
  sim_handle(sim_poller& p, runtime::kernel& k, int fd) noexcept : io_handle(k, fd), poller_(&p) {}

  bool is_real() const noexcept { return !network::is_mine(fd()); }
  void poller_gone() noexcept { poller_ = nullptr; }
  using io_handle::on_ready;

  // What somebody waits for: POLLIN | POLLRDHUP and POLLOUT.
  short interest = 0;
  // What poll(2) said, if it is a real descriptor.
  short said = 0;

  static constexpr short event(direction d) noexcept {
    return d == direction::in ? POLLIN | POLLRDHUP : POLLOUT;
  }

 private:
  int arm(direction d) noexcept override {
    if (poller_ == nullptr) return EBADF;
    if (const int code = look_at_file(); code != 0) return code;
    if (interest == 0) {
      unlink();
      poller_->watch(*this);
    }
    interest |= event(d);
    return 0;
  }

  void disarm(direction d) noexcept override { interest &= static_cast<short>(~event(d)); }

  // 0 if it can be waited for.
  int look_at_file() noexcept {
    if (looked_) return 0;
    if (is_real()) {
      struct stat s;
      if (::fstat(fd(), &s) != 0) return errno;
      if (S_ISREG(s.st_mode) || S_ISDIR(s.st_mode)) return ENOTSUP;
    } else if ((system().poll(fd(), 0) & POLLNVAL) != 0) {
      return EBADF;
    }
    looked_ = true;
    return 0;
  }

  sim_poller* poller_;
  bool looked_ = false;
};

sim_poller::sim_poller() : network_(current()), enrolled_(network_) {}

sim_poller::~sim_poller() {
  for (list<sim_handle>* handles : {&idle_, &armed_})
    handles->for_each([](sim_handle& h) {
      h.poller_gone();
      h.unlink();
    });
}

result<std::unique_ptr<io_handle>> sim_poller::open(int fd) {
  sim_handle* h = new (std::nothrow) sim_handle(*this, network_, fd);
  if (h == nullptr) return fail(ENOMEM);
  idle_.push_back(*h);
  return std::unique_ptr<io_handle>(h);
}

void sim_poller::wait(time_point until) noexcept {
  const bool called = !waker_.fall_asleep();
  if (report() || called || until <= now()) {
    if (++looks_ > patience) network_.time().advance(now() + look_takes);
  } else {
    looks_ = 0;
    rest(until);
  }
  waker_.rise();
}

// Moves time, or sleeps where only the real world can go on, until something is ready.
void sim_poller::rest(time_point until) noexcept {
  do {
    const time_point next = std::min(until, network_.time().next());
    if (expected_ > 0 || next == time_point::max()) {
      sleep();
      report();
      return;
    }
    network_.time().advance(next);
  } while (!report() && now() < until);
}

// Until wake() or until a real descriptor is ready.
void sim_poller::sleep() {
  look_at_real_ones(-1);
  if (real_.back().revents != 0) waker_.drain();
}

// Tells everything that is ready, and says whether there was something. What was told is disarmed
// first: telling arms anew.
bool sim_poller::report() {
  collect();
  if (ready_.empty()) return false;
  if (network_.sky().current().shuffle) shuffle();
  for (std::size_t i = 0; i < ready_.size(); ++i) {
    const ready r = ready_[i];
    r.handle->on_ready(r.in, r.out, r.ended);
  }
  return true;
}

void sim_poller::collect() {
  look_at_real_ones(0);
  ready_.clear();
  armed_.for_each([this](sim_handle& h) {
    const short holds = h.is_real() ? h.said : network_.poll(h.fd(), h.interest);
    const bool broken = (holds & (POLLHUP | POLLERR | POLLNVAL)) != 0;
    const bool ended = broken || (holds & POLLRDHUP) != 0;
    const ready r{&h, (holds & POLLIN) != 0 || ended, (holds & POLLOUT) != 0 || broken, ended};
    if (r.in) h.interest &= static_cast<short>(~sim_handle::event(direction::in));
    if (r.out) h.interest &= static_cast<short>(~sim_handle::event(direction::out));
    if (r.in || r.out) ready_.push_back(r);
    if (h.interest != 0) return;
    h.unlink();
    idle_.push_back(h);
  });
}

// The waker's entry is the last.
void sim_poller::look_at_real_ones(int timeout) {
  real_.clear();
  armed_.for_each([this](sim_handle& h) {
    if (h.is_real()) real_.push_back({h.fd(), h.interest, 0});
  });
  if (real_.empty() && timeout == 0) return;
  real_.push_back({waker_.fd(), POLLIN, 0});
  while (::poll(real_.data(), real_.size(), timeout) < 0) {
    if (errno == EINTR) continue;
    std::perror("poll");
    std::abort();
  }
  std::size_t i = 0;
  armed_.for_each([&](sim_handle& h) {
    if (h.is_real()) h.said = real_[i++].revents;
  });
}

// Fisher and Yates.
void sim_poller::shuffle() noexcept {
  for (std::size_t n = ready_.size(); n > 1; --n)
    std::swap(ready_[n - 1], ready_[network_.sky().below(n)]);
}

bool usable() noexcept {
  return true;
}

std::unique_ptr<runtime::poller> make() {
  return std::make_unique<sim_poller>();
}

void start_scheduler() noexcept {
  static_cast<void>(runtime::scheduler::ensure());
}

[[maybe_unused]] const bool early = [] {
  const char* wanted = std::getenv("CARAWAY_POLLER");
  const bool chosen = wanted != nullptr && std::string_view(wanted) == "sim";
  if (chosen) base::set_clock_starter(start_scheduler);
  return chosen;
}();

}  // namespace
}  // namespace caraway::sim

namespace caraway::runtime {

extern const poller_kind sim_kind;
constinit const poller_kind sim_kind{"sim", 0, sim::usable, sim::make};

}  // namespace caraway::runtime
