// offload.cpp - the worker threads.
//
// One pool for the process, made when first needed and never destroyed, since a function that hangs
// must not hang the end of the process too. A request is in the queue, or a worker runs it; the
// pool's mutex decides which. `waiting` belongs to the thread of the caller alone: the worker
// reports by a function that runs there, and the caller clears it when it gives up.
#include "caraway/offload.hpp"

#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <new>
#include <thread>

#include "runtime/scheduler.hpp"
#include "sync/queue.hpp"

namespace caraway {
namespace {

// Room for name service plug-ins and the like; only what is touched costs memory.
constexpr std::size_t worker_stack_size = 1024 * 1024;

struct request {
  request(lowlevel::offload_job* j, std::shared_ptr<runtime::inbox> h) noexcept
      : job(j), home(std::move(h)) {}

  lowlevel::offload_job* job;
  std::shared_ptr<runtime::inbox> home;
  lowlevel::wait_queue waiting;  // of the caller's thread alone
};

using request_ptr = std::shared_ptr<request>;

class worker_pool {
 public:
  void set_limit(std::size_t n) noexcept {
    const std::lock_guard lock(mutex_);
    limit_ = std::max<std::size_t>(n, 1);
  }

  // 0, or the errno that says why no worker could be started.
  int submit(request_ptr r);
  // True if `r` had not begun: it is out of the queue and never will.
  bool take_back(const request_ptr& r);
  [[noreturn]] void work();

 private:
  int start_worker() noexcept;
  request_ptr next();

  std::mutex mutex_;
  std::condition_variable work_;
  std::deque<request_ptr> queue_;
  std::size_t limit_ = 4;
  std::size_t workers_ = 0;
  std::size_t idle_ = 0;
};

worker_pool& pool() {
  static auto* const the_pool = new worker_pool;
  return *the_pool;
}

void* worker_main(void* p) {
  static_cast<worker_pool*>(p)->work();
}

// Signals are for the threads of the program.
int worker_pool::start_worker() noexcept {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, worker_stack_size);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pthread_t thread{};
  const int code = pthread_create(&thread, &attributes, &worker_main, this);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  pthread_attr_destroy(&attributes);
  if (code == 0) ++workers_;
  return code;
}

int worker_pool::submit(request_ptr r) {
  const std::lock_guard lock(mutex_);
  if (idle_ <= queue_.size() && workers_ < limit_) {
    if (const int code = start_worker(); code != 0 && workers_ == 0) return code;
  }
  queue_.push_back(std::move(r));
  work_.notify_one();
  return 0;
}

bool worker_pool::take_back(const request_ptr& r) {
  const std::lock_guard lock(mutex_);
  return std::erase(queue_, r) != 0;
}

request_ptr worker_pool::next() {
  std::unique_lock lock(mutex_);
  ++idle_;
  work_.wait(lock, [this] { return !queue_.empty(); });
  --idle_;
  request_ptr r = std::move(queue_.front());
  queue_.pop_front();
  return r;
}

// Tells the caller's thread. The answer must arrive: short of memory, tries again.
void report(const request_ptr& r) noexcept {
  const auto wake_caller = [r] { sync::wake_all(r->waiting); };
  for (;;) {
    try {
      r->home->post(wake_caller);
      return;
    } catch (const std::bad_alloc&) {
      std::this_thread::yield();
    }
  }
}

void worker_pool::work() {
  pthread_setname_np(pthread_self(), "caraway-offload");
  for (;;) {
    const request_ptr r = next();
    try {
      r->job->call();
    } catch (...) {
      r->job->failure = std::current_exception();
    }
    r->job->release();
    report(r);
  }
}

// While a function runs elsewhere, simulated time must not jump.
class wake_expected {
 public:
  explicit wake_expected(runtime::poller& p) noexcept : poller_(p) { p.expect_wake(+1); }
  wake_expected(const wake_expected&) = delete;
  wake_expected& operator=(const wake_expected&) = delete;
  ~wake_expected() { poller_.expect_wake(-1); }

 private:
  runtime::poller& poller_;
};

}  // namespace

void set_offload_threads(std::size_t n) noexcept {
  pool().set_limit(n);
}

namespace lowlevel {

result<void> offload(offload_job& j, deadline dl) {
  struct release_on_failure {
    offload_job* job;
    ~release_on_failure() {
      if (job != nullptr) job->release();
    }
  } mine{&j};
  if (const int code = ready(); code != 0) return fail(code);
  if (cancel_pending()) return fail(ECANCELED);
  runtime::scheduler& s = runtime::scheduler::current();
  const auto r = std::make_shared<request>(&j, s.inbox());
  if (const int code = pool().submit(r); code != 0) return fail(code);
  mine.job = nullptr;
  const wake_expected pending(s.poller());
  const int code = sync::wait_in(r->waiting, "offload", dl);
  if (code == 0) return {};
  if (pool().take_back(r)) j.release();
  return fail(code);
}

}  // namespace lowlevel
}  // namespace caraway
