// poll_poller.cpp - waits with poll(2): the portable fallback.
//
// The kernel forgets the interest after each call, so we keep it: a dense array of pollfd for what
// is armed at this moment, in the form the call wants. It is level-triggered: what was announced is
// disarmed at once, since nobody waits for it any more, and is armed again by the next wait. An
// event is never lost, as the next call looks at levels again; a descriptor in the array costs time
// in every call, ready or not, which is why idle ones are not in it.
//
// poll(2) calls a regular file always ready. That is no waiting; like on the other pollers, it is
// refused with ENOTSUP when it is armed first.
#include <poll.h>
#include <sys/stat.h>

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

class poll_handle;

class poll_poller final : public poller {
 public:
  poll_poller();
  ~poll_poller() override;

  const char* name() const noexcept override { return "poll"; }
  result<std::unique_ptr<io_handle>> open(int fd) override;
  void wait(time_point until) noexcept override;
  void wake() noexcept override { waker_.wake(); }

  int watch(poll_handle& h, short events) noexcept;
  void unwatch(poll_handle& h, short events) noexcept;
  void unwatch(poll_handle& h) noexcept;

 private:
  struct ready {
    ready(poll_handle& h, short events) noexcept
        : handle(&h),
          broken((events & (POLLHUP | POLLERR | POLLNVAL)) != 0),
          ended(broken || (events & POLLRDHUP) != 0),
          in(ended || (events & POLLIN) != 0),
          out(broken || (events & POLLOUT) != 0) {}

    poll_handle* handle;
    bool broken, ended, in, out;
  };

  int look(int timeout) noexcept;
  int sleep(time_point until) noexcept;
  void collect() noexcept;

  waker waker_;
  list<poll_handle> all_;
  // Side by side; the first entry is the waker's. `ready_` has room for all.
  std::vector<pollfd> watched_;
  std::vector<poll_handle*> handles_;
  std::vector<ready> ready_;
};

class poll_handle final : public io_handle, public list_node {
 public:
  static constexpr std::size_t nowhere = 0;

  poll_handle(poll_poller& p, int fd) noexcept : io_handle(real_kernel(), fd), poller_(&p) {}
  ~poll_handle() override {
    if (position != nowhere) poller_->unwatch(*this);
  }

  void poller_gone() noexcept {
    poller_ = nullptr;
    position = nowhere;
  }
  using io_handle::on_ready;

  static constexpr short event(direction d) noexcept {
    return d == direction::in ? POLLIN | POLLRDHUP : POLLOUT;
  }

  // Where it is in the poller's array.
  std::size_t position = nowhere;

 private:
  int arm(direction d) noexcept override {
    if (poller_ == nullptr) return EBADF;
    if (const int code = look_at_file(); code != 0) return code;
    return poller_->watch(*this, event(d));
  }

  void disarm(direction d) noexcept override {
    if (position != nowhere) poller_->unwatch(*this, event(d));
  }

  // 0 if it can be waited for.
  int look_at_file() noexcept {
    if (looked_) return 0;
    struct stat s;
    if (::fstat(fd(), &s) != 0) return errno;
    if (S_ISREG(s.st_mode) || S_ISDIR(s.st_mode)) return ENOTSUP;
    looked_ = true;
    return 0;
  }

  poll_poller* poller_;
  bool looked_ = false;
};

poll_poller::poll_poller() {
  watched_.push_back({waker_.fd(), POLLIN, 0});
  handles_.push_back(nullptr);
}

poll_poller::~poll_poller() {
  all_.for_each([](poll_handle& h) {
    h.poller_gone();
    h.unlink();
  });
}

result<std::unique_ptr<io_handle>> poll_poller::open(int fd) {
  poll_handle* h = new (std::nothrow) poll_handle(*this, fd);
  if (h == nullptr) return fail(ENOMEM);
  all_.push_back(*h);
  return std::unique_ptr<io_handle>(h);
}

int poll_poller::watch(poll_handle& h, short events) noexcept try {
  if (h.position != poll_handle::nowhere) {
    watched_[h.position].events |= events;
    return 0;
  }
  ready_.reserve(watched_.size() + 1);
  handles_.reserve(watched_.size() + 1);
  watched_.push_back({h.fd(), events, 0});
  handles_.push_back(&h);
  h.position = handles_.size() - 1;
  return 0;
} catch (const std::bad_alloc&) {
  return ENOMEM;
}

void poll_poller::unwatch(poll_handle& h, short events) noexcept {
  short& watched = watched_[h.position].events;
  watched &= static_cast<short>(~events);
  if (watched == 0) unwatch(h);
}

// The last entry moves to where `h` was.
void poll_poller::unwatch(poll_handle& h) noexcept {
  const std::size_t at = std::exchange(h.position, poll_handle::nowhere);
  if (at + 1 != handles_.size()) {
    watched_[at] = watched_.back();
    handles_[at] = handles_.back();
    handles_[at]->position = at;
  }
  watched_.pop_back();
  handles_.pop_back();
}

int poll_poller::look(int timeout) noexcept {
  return ::poll(watched_.data(), watched_.size(), timeout);
}

// As long as it takes, in spite of signals; in milliseconds rounded up.
int poll_poller::sleep(time_point until) noexcept {
  int n;
  do {
    int timeout = -1;
    if (until != time_point::max()) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - clock::now()).count();
      timeout = static_cast<int>(std::clamp<long long>(left, 0, INT_MAX));
    }
    n = look(timeout);
  } while (n < 0 && errno == EINTR);
  return n;
}

void poll_poller::wait(time_point until) noexcept {
  const bool sleeps = until != time_point::min() && waker_.fall_asleep();
  const int n = sleeps ? sleep(until) : look(0);
  waker_.rise();
  if (n < 0 && errno != EINTR) {
    std::perror("poll");
    std::abort();
  }
  if (n <= 0) return;
  if (watched_[0].revents != 0) waker_.drain();
  collect();
  for (std::size_t i = 0; i < ready_.size(); ++i) {
    const ready r = ready_[i];
    r.handle->on_ready(r.in, r.out, r.ended);
  }
}

// Takes what is ready out of the array first: dispatching changes it.
void poll_poller::collect() noexcept {
  ready_.clear();
  for (std::size_t i = 1; i < watched_.size(); ++i)
    if (watched_[i].revents != 0) ready_.push_back(ready(*handles_[i], watched_[i].revents));
  for (const ready& r : ready_) {
    if (r.in) unwatch(*r.handle, poll_handle::event(direction::in));
    if (r.out && r.handle->position != poll_handle::nowhere)
      unwatch(*r.handle, poll_handle::event(direction::out));
  }
}

bool usable() noexcept {
  return true;
}

std::unique_ptr<poller> make() {
  return std::make_unique<poll_poller>();
}

}  // namespace

extern const poller_kind poll_kind;
constinit const poller_kind poll_kind{"poll", 1, usable, make};

}  // namespace caraway::runtime
