// epoll_poller.cpp - waits with epoll: edge-triggered, each descriptor registered once.
//
// Some facts about epoll, and what follows from them.
//
// 1. An edge is an event of the socket, not a change of its level. A TCP or Unix socket that is
//    readable already reports EPOLLIN again when more bytes arrive, and a registration reports what
//    holds at its moment. So there is no gap between "the try failed with EAGAIN" and "wait for the
//    next edge": whatever happened in between is in the queue. What is lost is only the level:
//    nobody tells again about bytes that were announced and not read. io_handle remembers that for
//    us.
//
// 2. epoll_ctl costs more than twice the epoll_wait that it prepares (234 ns against 108 ns).
//    One-shot registrations need it for every wait, level-triggered ones whenever the interest
//    changes, and the interest in EPOLLOUT changes all the time. Edge-triggered, both directions
//    can be registered once: an idle socket that could be written to reports that a single time. A
//    TCP socket reports EPOLLOUT afterwards only if a send came up short before.
//
// 3. The last bytes and the end of the stream may come with one edge. A reader that gets fewer
//    bytes than it asked for may conclude that the buffer is empty, but not that it would hear of
//    the end again. EPOLLRDHUP is therefore part of the registration and sticks in io_handle.
//
// 4. The key of a registration is the pair of descriptor number and open file, and the registration
//    lives as long as the open file, not as long as the number. After dup(2) or fork(2) somewhere
//    in the process, closing the number removes nothing: events keep coming, and EPOLL_CTL_DEL
//    cannot name them any more, since the number is gone. We delete before the number is closed (an
//    io_handle goes before its descriptor). And since a program may break that rule, an event
//    carries not a pointer but the number of a slot and a generation; what comes from a
//    registration that we have forgotten finds another generation and is dropped.
//
// 5. An io_handle cannot go while a batch of events is being dispatched: on_ready() makes
//    coroutines ready, it does not run them, and send_request::finished() may not destroy one.
//
// 6. Files without a poll function (regular files, directories) are refused with EPERM. poll(2)
//    calls them always ready, which is of no use to somebody who wants not to block: ENOTSUP.
//
// 7. epoll_wait counts in milliseconds. Rounded down it would spin for the last of them, rounded up
//    it is late by up to one. epoll_pwait2 (Linux 5.11) takes nanoseconds; where it is missing or
//    forbidden we round up.
//
// 8. An eventfd that is watched edge by edge never needs to be read: each write is an edge.
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <vector>

#include "poller/waker.hpp"
#include "runtime/poller.hpp"

namespace caraway::runtime {
namespace {

class epoll_handle;

class epoll_poller final : public poller {
 public:
  epoll_poller();
  ~epoll_poller() override;

  const char* name() const noexcept override { return "epoll"; }
  result<std::unique_ptr<io_handle>> open(int fd) override;
  void wait(time_point until) noexcept override;
  void wake() noexcept override { waker_.wake(); }

  int add(const epoll_handle& h) noexcept;
  void remove(const epoll_handle& h) noexcept;

 private:
  // Whom the events of a registration are for.
  struct slot {
    epoll_handle* handle;
    std::uint32_t generation;
  };
  static constexpr std::uint64_t waker_key = ~std::uint64_t{0};
  static constexpr int batch_size = 256;

  std::uint32_t take_slot();
  std::uint64_t key(std::uint32_t slot) const noexcept;
  int sleep(time_point until) noexcept;
  int sleep_for(nanoseconds time) noexcept;
  void dispatch(const epoll_event& event) noexcept;

  unique_fd epoll_;
  waker waker_;
  std::vector<slot> slots_;
  std::vector<std::uint32_t> free_slots_;
  bool counts_nanoseconds_ = true;
  epoll_event events_[batch_size];
};

class epoll_handle final : public io_handle {
 public:
  epoll_handle(epoll_poller& p, int fd, std::uint32_t slot) noexcept
      : io_handle(real_kernel(), fd), poller_(&p), slot_(slot) {}
  ~epoll_handle() override {
    if (poller_ != nullptr) poller_->remove(*this);
  }

  std::uint32_t slot() const noexcept { return slot_; }
  bool registered() const noexcept { return registered_; }
  void poller_gone() noexcept { poller_ = nullptr; }
  using io_handle::on_ready;

 private:
  int arm(direction) noexcept override {
    if (registered_) return 0;
    if (poller_ == nullptr) return EBADF;
    const int code = poller_->add(*this);
    registered_ = code == 0;
    return code;
  }

  epoll_poller* poller_;
  std::uint32_t slot_;
  bool registered_ = false;
};

[[noreturn]] void give_up(const char* what) noexcept {
  std::perror(what);
  std::abort();
}

epoll_poller::epoll_poller() : epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
  if (!epoll_) raise(os_error(errno), "epoll_create1");
  epoll_event event{EPOLLIN | EPOLLET, {.u64 = waker_key}};
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, waker_.fd(), &event) != 0)
    raise(os_error(errno), "epoll_ctl");
}

epoll_poller::~epoll_poller() {
  for (slot& s : slots_)
    if (s.handle != nullptr) s.handle->poller_gone();
}

// The list of free slots has room for all of them, so that giving one back needs no memory.
std::uint32_t epoll_poller::take_slot() {
  if (free_slots_.empty()) {
    if (slots_.size() == slots_.capacity())
      slots_.reserve(std::max<std::size_t>(64, 2 * slots_.size()));
    free_slots_.reserve(slots_.capacity());
    slots_.push_back({nullptr, 0});
    free_slots_.push_back(static_cast<std::uint32_t>(slots_.size() - 1));
  }
  const std::uint32_t n = free_slots_.back();
  free_slots_.pop_back();
  return n;
}

std::uint64_t epoll_poller::key(std::uint32_t slot) const noexcept {
  return std::uint64_t{slots_[slot].generation} << 32 | slot;
}

result<std::unique_ptr<io_handle>> epoll_poller::open(int fd) try {
  const std::uint32_t n = take_slot();
  epoll_handle* h = new (std::nothrow) epoll_handle(*this, fd, n);
  if (h == nullptr) {
    free_slots_.push_back(n);
    return fail(ENOMEM);
  }
  slots_[n].handle = h;
  return std::unique_ptr<io_handle>(h);
} catch (const std::bad_alloc&) {
  return fail(ENOMEM);
}

int epoll_poller::add(const epoll_handle& h) noexcept {
  epoll_event event{EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, {.u64 = key(h.slot())}};
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, h.fd(), &event) == 0) return 0;
  return errno == EPERM ? ENOTSUP : errno;
}

void epoll_poller::remove(const epoll_handle& h) noexcept {
  if (h.registered()) {
    const int saved = errno;
    epoll_event unused{};
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, h.fd(), &unused);
    errno = saved;
  }
  slots_[h.slot()].handle = nullptr;
  ++slots_[h.slot()].generation;
  free_slots_.push_back(h.slot());
}

void epoll_poller::wait(time_point until) noexcept {
  const bool sleeps = until != time_point::min() && waker_.fall_asleep();
  const int n = sleeps ? sleep(until) : ::epoll_wait(epoll_.get(), events_, batch_size, 0);
  waker_.rise();
  if (n < 0 && errno != EINTR) give_up("epoll_wait");
  for (int i = 0; i < n; ++i) dispatch(events_[i]);
}

// As long as it takes, in spite of signals.
int epoll_poller::sleep(time_point until) noexcept {
  int n;
  do {
    n = until == time_point::max() ? ::epoll_wait(epoll_.get(), events_, batch_size, -1)
                                   : sleep_for(std::max(until - clock::now(), nanoseconds(0)));
  } while (n < 0 && errno == EINTR);
  return n;
}

int epoll_poller::sleep_for(nanoseconds time) noexcept {
  if (counts_nanoseconds_) {
    const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
    const timespec timeout{seconds.count(), (time - seconds).count()};
    const int n = ::epoll_pwait2(epoll_.get(), events_, batch_size, &timeout, nullptr);
    if (n >= 0 || (errno != ENOSYS && errno != EPERM)) return n;
    counts_nanoseconds_ = false;
  }
  const auto ms = std::chrono::ceil<std::chrono::milliseconds>(time).count();
  return ::epoll_wait(epoll_.get(), events_, batch_size,
                      static_cast<int>(std::min<long long>(ms, INT_MAX)));
}

void epoll_poller::dispatch(const epoll_event& event) noexcept {
  if (event.data.u64 == waker_key) return;
  const auto n = static_cast<std::uint32_t>(event.data.u64);
  if (slots_[n].handle == nullptr || key(n) != event.data.u64) return;
  const bool ended = (event.events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
  const bool broken = (event.events & (EPOLLHUP | EPOLLERR)) != 0;
  slots_[n].handle->on_ready((event.events & EPOLLIN) != 0 || ended,
                             (event.events & EPOLLOUT) != 0 || broken, ended);
}

bool usable() noexcept {
  return true;
}

std::unique_ptr<poller> make() {
  return std::make_unique<epoll_poller>();
}

}  // namespace

extern const poller_kind epoll_kind;
constinit const poller_kind epoll_kind{"epoll", 10, usable, make};

}  // namespace caraway::runtime
